"""A gradient that is written out is the one that is taken, however a function is called."""

import keras
import numpy as np
import pytest

from cin_style.gradients import with_gradient

TENSORFLOW = keras.backend.backend() == "tensorflow"


def tenfold(upstream, x, y, square):
    """No gradient of `product`: so that it can be told from that."""
    return 10 * upstream * square, 100 * upstream * x


@with_gradient(tenfold)
def product(x, y, factor):
    return factor * x * y, (x * x,)


WANTED = [20 * 9.0, 200 * 3.0]


@pytest.mark.skipif(not TENSORFLOW, reason="of TensorFlow's tapes")
@pytest.mark.parametrize("way", ["eager", "tape in the graph", "tape around the graph", "graph"])
def test_of_tensorflow(way):
    import tensorflow as tf

    def call(x, y):
        return 2 * product(x, y, factor=7)

    def with_tape(x, y, function=call):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            result = function(x, y)
        return result, tape.gradient(result, [x, y])

    def with_graph(x, y):
        result = call(x, y)
        return result, tf.gradients(result, [x, y])

    compute = {
        "eager": with_tape,
        "tape in the graph": tf.function(with_tape),
        "tape around the graph": lambda x, y: with_tape(x, y, tf.function(call)),
        "graph": tf.function(with_graph),
    }[way]
    result, found = compute(tf.constant(3.0), tf.constant(5.0))
    assert float(result) == 2 * 7 * 15
    np.testing.assert_allclose(np.array(found), WANTED)


@pytest.mark.skipif(TENSORFLOW, reason="of JAX")
def test_of_jax():
    import jax

    def call(x, y):
        return 2 * product(x, y, factor=7)

    assert float(jax.jit(call)(3.0, 5.0)) == 2 * 7 * 15
    for compute in (jax.grad(call, (0, 1)), jax.jit(jax.grad(call, (0, 1)))):
        np.testing.assert_allclose(np.array(compute(3.0, 5.0)), WANTED)
