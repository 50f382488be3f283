"""The rules of TPUs: the whole training step, compiled for one as far as that goes without one."""

import re

import keras
import numpy as np
import pytest

from cin_style.training.optimizer import StyleAdam, WarmupAndDecay

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="TPUs are JAX's")


@pytest.fixture(scope="module", params=[1, 2])
def step(request, make_trainer):
    """The step's operations, as XLA for TPUs gets them; whole and in parts."""
    import jax

    optimizer = StyleAdam(
        WarmupAndDecay(1e-3, 100, 10, 0.5), 3.0, global_clipnorm=1.0, use_ema=True
    )
    trainer = make_trainer(optimizer, "mixed_bfloat16")
    trainer.optimizer.build(trainer.trainable_variables)
    trainer.parts = request.param
    groups = ("trainable", "non_trainable", "optimizer", "metrics")
    state = trainer._get_jax_state(**{f"{group}_variables": True for group in groups})
    batch = ((np.zeros((4, 64, 64, 3), "float32"), np.zeros(4, "int32")),)
    exported = jax.export.export(jax.jit(trainer.train_step), platforms=["tpu"])(state, batch)
    assert exported.platforms == ("tpu",)
    return exported.mlir_module()


def types_of(step, operation):
    """The element types of what goes into each operation of a kind."""
    lines = [line for line in step.splitlines() if f"stablehlo.{operation}" in line]
    found = [line[line.rindex(": (") :].partition("->")[0] for line in lines]
    return [re.findall(r"tensor<(?:\d+x)*([a-z]+\d+)>", types) for types in found]


def test_every_shape_is_known(step):
    assert "tensor<?" not in step and "x?x" not in step


def test_nothing_goes_back_to_the_host(step):
    calls = set(re.findall(r"custom_call @(\w+)", step))
    assert not [call for call in calls if "callback" in call or "host" in call], calls
    for operation in ("infeed", "outfeed", "send", "recv"):
        assert f"stablehlo.{operation}" not in step


def test_nothing_is_in_float64(step):
    assert not re.search(r"tensor<[^>]*f64>", step)


def test_convolutions_are_in_bfloat16(step):
    """All of the network's and the loss network's, forwards and backwards."""
    types = types_of(step, "convolution")
    assert len(types) > 15 and {kind for pair in types for kind in pair} == {"bf16"}


def test_statistics_and_losses_are_in_float32(step):
    """What is summed up over a picture is not rounded to 8 bits on the way."""
    products = re.findall(r"dot_general.*: \(tensor<(\S+)>, tensor<(\S+)>\) -> tensor<(\S+)>", step)
    in_float32 = [three for three in products if "bf16" not in "".join(three)]
    assert in_float32
    for features, _, gradient in set(products) - set(in_float32):
        # The gradient of a Gram matrix, which sums over channels.
        assert features == gradient and features.count("x") == 3
    sums = re.findall(r"stablehlo\.reduce\(.*: \(tensor<(\S+)>, .* -> tensor<(\S+)>", step)
    assert len(sums) > 20
    for before, after in sums:
        if "bf16" in before:
            # Each of an upsampled map's pixels has a part in the gradient of one.
            assert size(before) == 4 * size(after)


def size(shape):
    """The number of elements of a tensor of a type such as 4x32x8xbf16."""
    return int(np.prod([int(side) for side in shape.split("x")[:-1]]))
