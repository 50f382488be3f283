"""Rewrites of layers that make them quicker compute the same."""

import keras
import numpy as np
import pytest
from keras import ops

from cin_style.networks.layers import Conv2D, Enlarge, convolve_four_pixels


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    "size, filters, height, width", [(9, 3, 24, 32), (3, 1, 8, 4), (4, 2, 9, 13)]
)
def test_four_pixels_at_a_time_are_the_same_sums(size, filters, height, width):
    x, kernel = random(2, height, width, 5), random(size, size, 5, filters)
    expected = ops.convert_to_numpy(ops.conv(x, kernel, 1, "valid"))
    found = ops.convert_to_numpy(convolve_four_pixels(x, kernel))
    assert expected.std() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * expected.std())


def test_the_layer_is_that_of_keras():
    ours, keras_own = Conv2D(3, 9, even=True), keras.layers.Conv2D(3, 9, use_bias=False)
    x = random(1, 20, 18, 4)
    assert tuple(ours(x).shape) == tuple(keras_own(x).shape) == (1, 12, 10, 3)
    keras_own.kernel.assign(ours.kernel)
    found, expected = (ops.convert_to_numpy(layer(x)) for layer in (ours, keras_own))
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.std())
    again = Conv2D.from_config(ours.get_config())
    assert again.even and again.kernel_size == (9, 9)
    # Files of weights name it as they always did.
    assert type(ours).__name__ == type(keras_own).__name__


def test_enlarging_is_upsampling():
    x = random(2, 3, 4, 5)
    expected = ops.convert_to_numpy(keras.layers.UpSampling2D(2)(x))
    np.testing.assert_array_equal(ops.convert_to_numpy(Enlarge()(x)), expected)
    assert Enlarge().compute_output_shape((None, None, 4, 5)) == (None, None, 8, 5)
