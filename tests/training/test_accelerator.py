"""On a GPU or TPU, where all other tests run on it too: one step agrees with the CPU's."""

import keras
import numpy as np
import pytest


def accelerators():
    """The names of GPUs and TPUs, as `keras.device` takes them."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        kinds = [kind for kind in ("GPU", "TPU") if tf.config.list_physical_devices(kind)]
        return [f"{kind.lower()}:0" for kind in kinds]
    return [name for name in keras.distribution.list_devices() if "cpu" not in name]


@pytest.mark.accelerator
@pytest.mark.skipif(not accelerators(), reason="this machine has no GPU or TPU")
def test_a_step_agrees_with_the_cpu(make_trainer, fit, values):
    losses, weights = [], []
    for device in ("cpu:0", accelerators()[0]):
        with keras.device(device):
            trainer = make_trainer(keras.optimizers.SGD(1e-7))
            losses.append(fit(trainer, 1).history["loss"][0])
            weights.append(values(trainer.network.weights))
    # Accelerators may multiply float32 in TF32, of 10 bits.
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
