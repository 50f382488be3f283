"""One training step: what it changes, that it repeats to the bit, and in which precisions."""

import keras
import numpy as np
import pytest

from cin_style.training.optimizer import StyleAdam

TENSORFLOW = keras.backend.backend() == "tensorflow"


def test_one_step_changes_the_styles_in_the_batch_and_every_convolution(make_trainer, fit, values):
    trainer = make_trainer(keras.optimizers.SGD(1e-6))
    network = trainer.network
    tables = [t for layer in network.normalizations for t in (layer.gamma, layer.beta)]
    kernels = [layer.kernel for layer in network.convolutions]
    tables_before, kernels_before = values(tables), values(kernels)
    loss_network_before = values(trainer.objective.variables)
    fit(trainer, 1)
    for before, after in zip(tables_before, values(tables), strict=True):
        np.testing.assert_array_equal(before[1], after[1])
    moved = np.any([b != a for b, a in zip(tables_before[1], values(tables)[1], strict=True)], -1)
    np.testing.assert_array_equal(moved, [True, False, True])
    embeddings = network.get_style_embeddings()
    assert not np.array_equal(embeddings[0], embeddings[1])
    for before, after in zip(kernels_before, values(kernels), strict=True):
        assert np.any(before != after)
    for before, after in zip(loss_network_before, values(trainer.objective.variables), strict=True):
        np.testing.assert_array_equal(before, after)


def test_ten_steps_from_one_seed_are_equal_to_the_bit(make_trainer, fit, values):
    runs = []
    for _ in range(2):
        trainer = make_trainer(keras.optimizers.Adam(1e-3))
        fit(trainer, 10)
        runs.append(values(trainer.network.weights))
    for first, second in zip(*runs, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.skipif(not TENSORFLOW, reason="of TensorFlow's graphs")
def test_the_graph_of_a_step_is_kept_by_nobody(make_trainer, fit):
    from tensorflow.python.framework import ops as tf_ops

    registered = set(tf_ops.gradient_registry.list())
    fit(make_trainer(StyleAdam(1e-3)), 1)
    assert set(tf_ops.gradient_registry.list()) == registered


@pytest.mark.parametrize(
    "dtype", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_mixed_precision_is_finite_and_falls(dtype, make_trainer, fit, values):
    optimizer = keras.optimizers.Adam(1e-2)
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    trainer = make_trainer(optimizer, dtype)
    first = fit(trainer, 1).history["loss"][0]
    fit(trainer, 20)
    last = fit(trainer, 1).history["loss"][0]
    assert np.isfinite(last)
    assert last < first
    assert all(np.isfinite(value).all() for value in values(trainer.network.weights))


@pytest.mark.slow
@pytest.mark.skipif(not TENSORFLOW, reason="compares the two ways TensorFlow can run a step")
def test_xla_compiled_step_equals_the_plain_one(make_trainer, fit, values):
    results = []
    for xla in (False, True):
        trainer = make_trainer(keras.optimizers.SGD(1e-6), jit_compile=xla)
        before = values(trainer.network.weights)
        loss = fit(trainer, 1).history["loss"][0]
        steps = [a - b for a, b in zip(values(trainer.network.weights), before, strict=True)]
        results.append((loss, steps))
    (plain_loss, plain), (xla_loss, compiled) = results
    assert xla_loss == pytest.approx(plain_loss, rel=1e-4)
    for one, other in zip(plain, compiled, strict=True):
        assert np.linalg.norm(one - other) <= 1e-4 * np.linalg.norm(one) + 1e-7


def test_history_has_the_loss_and_its_terms(make_trainer, fit):
    trainer = make_trainer(keras.optimizers.SGD(0.0))
    history = fit(trainer, 2).history
    assert set(history) == {"loss", "content_loss", "style_loss"}
    total = history["content_loss"][0] + history["style_loss"][0]
    assert history["loss"][0] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("parts", [pytest.param(2, marks=pytest.mark.slow), 4])
def test_in_parts_a_step_is_the_same(parts, make_trainer, fit, values):
    """The weights after steps of SGD, and the mean losses."""
    trainers, logs = [], []
    for count in (1, parts):
        trainer = make_trainer(keras.optimizers.SGD(1e-7))
        trainer.parts = count
        logs.append(fit(trainer, 3).history)
        trainers.append(values(trainer.network.weights))
    for name, numbers in logs[0].items():
        np.testing.assert_allclose(logs[1][name], numbers, rtol=1e-5)
    for one, other in zip(*trainers, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
