"""Rewrites of layers and losses that make them quicker compute the same."""

import keras
import numpy as np
import pytest
from keras import ops

from cin_style.losses import functional
from cin_style.networks.convolutions import (
    Conv2D,
    Enlarge,
    convolve_enlarged,
    convolve_four_pixels,
)
from cin_style.networks.layers import ReflectionPadding2D, exact_moments, modulate, normalize


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


@pytest.fixture(params=["traced", "as it is"])
def gradients(request):
    """A function of a function and arrays: what it gives for them, and its gradients."""
    traced = request.param == "traced"

    def weighted(result):
        weights = np.random.default_rng(1).normal(size=result.shape).astype("float32")
        return ops.sum(ops.cast(result, "float32") * weights)

    def compute(function, *arrays):
        """The result, and the gradients of a weighted sum of it, as NumPy's arrays."""
        if keras.backend.backend() == "jax":
            import jax

            def both(*arrays):
                places = range(len(arrays))
                found = jax.grad(lambda *a: weighted(function(*a)), places)(*arrays)
                return function(*arrays), *found

            compiled = jax.jit(both)
        else:
            import tensorflow as tf

            def both(*arrays):
                with tf.GradientTape() as tape:
                    tape.watch(arrays)
                    result = function(*arrays)
                    total = weighted(result)
                return result, *tape.gradient(total, arrays)

            compiled = tf.function(both)
        found = (compiled if traced else both)(*map(ops.convert_to_tensor, arrays))
        return [ops.convert_to_numpy(ops.cast(array, "float32")) for array in found]

    return compute


def assert_same(found, expected, precision=1e-5):
    for one, other in zip(found, expected, strict=True):
        assert other.std() > 0
        np.testing.assert_allclose(one, other, atol=precision * np.abs(other).max())


@pytest.mark.parametrize("height, width", [(8, 8), (5, 12), (2, 3)])
def test_enlarging_within_a_convolution_is_the_same_with_its_gradients(height, width, gradients):
    def plain(x, kernel):
        return ops.conv(ReflectionPadding2D(1)(Enlarge()(x)), kernel, 1, "valid")

    x, kernel = random(2, height, width, 6), random(3, 3, 6, 4)
    found, expected = gradients(convolve_enlarged, x, kernel), gradients(plain, x, kernel)
    assert found[0].shape == (2, 2 * height, 2 * width, 4)
    assert_same(found, expected)


def test_the_layer_enlarges_any_size():
    layer = Conv2D(4, 3, enlarged=True)
    again = Conv2D.from_config(layer.get_config())
    assert layer.compute_output_shape((None, None, 5, 6)) == (None, None, 10, 4)
    graph = keras.Sequential([keras.Input((None, None, 6)), again])
    for shape in ((1, 8, 6, 6), (2, 3, 5, 6)):
        x = random(*shape)
        expected = convolve_enlarged(x, ops.convert_to_tensor(again.kernel))
        np.testing.assert_allclose(
            graph.predict(x, verbose=0), ops.convert_to_numpy(expected), atol=1e-6
        )
        # However it is computed while training.
        np.testing.assert_allclose(
            ops.convert_to_numpy(again(x, training=True)),
            ops.convert_to_numpy(expected),
            atol=1e-5,
        )
    with pytest.raises(ValueError, match="3 x 3 without strides. Received: kernel_size=5"):
        Conv2D(4, 5, enlarged=True)


@pytest.mark.parametrize("exact", [False, True])
def test_normalization_with_its_own_gradient_is_the_same(exact, gradients):
    def plain(x, gamma, beta):
        return modulate(x, gamma, beta, moments=exact_moments(x))

    def ours(x, gamma, beta):
        return normalize(x, gamma, beta, exact=exact)

    arrays = 5 * random(3, 9, 14, 6) + 7, random(3, 1, 1, 6), random(3, 1, 1, 6)
    assert_same(gradients(ours, *arrays), gradients(plain, *arrays))


def test_normalization_of_bfloat16_sums_in_float32(gradients):
    x = ops.cast(3 + random(1, 64, 64, 4), "bfloat16")
    ones = np.ones((1, 1, 1, 4), "float32")
    result = normalize(x, ones, 0 * ones)
    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    result, gradient, *_ = gradients(lambda x: normalize(x, ones, 0 * ones), x)
    exact, expected, *_ = gradients(
        lambda x: normalize(x, ones, 0 * ones), ops.convert_to_numpy(ops.cast(x, "float32"))
    )
    # Rounded once, where they are stored.
    np.testing.assert_allclose(result, exact, rtol=2**-8, atol=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=2**-8 * np.abs(expected).max())


@pytest.mark.parametrize(
    "dtype, precision", [("float32", 1e-5), ("bfloat16", 1e-2), ("float16", 1e-3)]
)
def test_gram_matrices_with_their_own_gradient_are_the_same(dtype, precision, gradients):
    def plain(features):
        flat = ops.reshape(ops.cast(features, "float32"), (2, 48, 5))
        return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / 48

    features = ops.cast(random(2, 6, 8, 5), dtype)
    # Of sums of entries with random weights: not a symmetric gradient, as that of a loss is.
    found, expected = gradients(functional.gram_matrix, features), gradients(plain, features)
    assert_same(found, expected, precision)
