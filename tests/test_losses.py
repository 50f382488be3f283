"""Each loss against plain NumPy in float64."""

import numpy as np
from keras import ops

from cin_style import losses

RNG = np.random.default_rng(1)


def gram(features):
    """The definition, position by position."""
    height, width, channels = features.shape
    total = np.zeros((channels, channels))
    for y in range(height):
        for x in range(width):
            total += np.outer(features[y, x], features[y, x])
    return total / (height * width)


def test_gram_matrix():
    features = RNG.normal(size=(2, 3, 5, 4)) * 100
    result = ops.convert_to_numpy(losses.gram_matrix(features.astype("float32")))
    expected = np.stack([gram(example) for example in features])
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-2)


def test_gram_matrix_of_a_hand_computed_array():
    features = np.float32([[[[1, 2], [3, 4]]]])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(losses.gram_matrix(features)), [[[5, 7], [7, 10]]]
    )


def test_gram_matrix_of_half_precision_features_does_not_overflow():
    features = np.full((1, 4, 4, 2), 3000, "float16")
    np.testing.assert_allclose(ops.convert_to_numpy(losses.gram_matrix(features)), 9e6, rtol=1e-3)


def test_content_loss():
    a, b = RNG.normal(size=(2, 3, 4, 5, 6))
    result = ops.convert_to_numpy(losses.content_loss(a.astype("float32"), b.astype("float32")))
    expected = [sum(((x - y) ** 2).ravel()) / (4 * 5 * 6) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_style_loss():
    a, b = RNG.normal(size=(2, 3, 6, 6))
    result = ops.convert_to_numpy(losses.style_loss(a.astype("float32"), b.astype("float32")))
    expected = [sum(((x - y) ** 2).ravel()) / 36 for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_total_variation():
    image = np.float32([[[0], [1]], [[3], [3]]])[None]
    # Down: (9 + 4) / 2; across: (1 + 0) / 2.
    np.testing.assert_allclose(ops.convert_to_numpy(losses.total_variation(image)), [7.0])
