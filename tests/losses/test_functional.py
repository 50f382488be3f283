"""Each loss against plain NumPy in float64."""

import numpy as np
import pytest
from keras import ops

from cin_style.losses import functional

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
    result = ops.convert_to_numpy(functional.gram_matrix(features.astype("float32")))
    expected = np.stack([gram(example) for example in features])
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-2)


def test_gram_matrix_of_a_hand_computed_array():
    features = np.float32([[[[1, 2], [3, 4]]]])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(functional.gram_matrix(features)), [[[5, 7], [7, 10]]]
    )


def test_gram_matrix_of_half_precision_features_does_not_overflow():
    features = np.full((1, 4, 4, 2), 3000, "float16")
    np.testing.assert_allclose(
        ops.convert_to_numpy(functional.gram_matrix(features)), 9e6, rtol=1e-3
    )


def test_content_loss():
    a, b = RNG.normal(size=(2, 3, 4, 5, 6))
    result = ops.convert_to_numpy(functional.content_loss(a.astype("float32"), b.astype("float32")))
    expected = [sum(((x - y) ** 2).ravel()) / (4 * 5 * 6) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_style_loss():
    a, b = RNG.normal(size=(2, 3, 6, 6))
    result = ops.convert_to_numpy(functional.style_loss(a.astype("float32"), b.astype("float32")))
    expected = [sum(((x - y) ** 2).ravel()) / 36 for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_total_variation():
    # One pixel has both a neighbour below and one to the right: 3 down and 4 across.
    image = np.float32([[[0], [4]], [[3], [9]]])[None]
    for exponent, expected in ((1, 5.0), (2, 25.0)):
        result = ops.convert_to_numpy(functional.total_variation(image, exponent))
        np.testing.assert_allclose(result, [expected], rtol=1e-4)


def test_a_faint_ripple_counts_for_as_much_as_an_edge_with_exponent_1_only():
    edge, ripple = np.zeros((2, 1, 8, 65, 1), "float32")
    edge[:, :, 32:] = 1.0
    ripple[:, :, ::2] = 1 / 16  # sixty-four steps of a sixteenth
    for exponent, expected in ((1, 4.0), (2, 1 / 4)):
        flat, one, other = (
            float(functional.total_variation(image, exponent)[0])
            for image in (np.zeros_like(edge), ripple, edge)
        )
        assert (one - flat) / (other - flat) == pytest.approx(expected, rel=0.2)


def test_checkerboard_sees_a_grid_and_not_texture():
    tile = RNG.uniform(size=(4, 4, 3))
    grid = np.tile(tile, (17, 24, 1))[None]  # 68 x 96 px: a strip of 4 px is left over
    found = ops.convert_to_numpy(functional.checkerboard(grid.astype("float32")))
    np.testing.assert_allclose(found, [tile.var(axis=(0, 1)).mean()], rtol=1e-4)
    # The mean of the 64 cells of a window leaves a 64th of the energy of what is random.
    noise = RNG.uniform(size=(1, 128, 128, 3))
    found = float(functional.checkerboard(noise.astype("float32"))[0])
    assert found == pytest.approx(noise.var() / 64, rel=0.2)
    assert float(functional.checkerboard(np.full((1, 40, 40, 3), 0.3, "float32"))[0]) < 1e-9


def test_blockiness():
    pictures = RNG.uniform(size=(2, 41, 54, 3))
    pictures[1] = np.repeat(np.repeat(pictures[1, :11, :14], 4, axis=0), 4, axis=1)[:41, :54]
    found = ops.convert_to_numpy(functional.blockiness(pictures.astype("float32")))
    for picture, value in zip(pictures, found, strict=True):
        expected = 0.0
        for axis in (0, 1):
            squares = np.diff(picture, axis=axis) ** 2
            energy = np.array(
                [squares.swapaxes(0, axis)[p : (40, 52)[axis] : 4].mean() for p in range(4)]
            )
            expected += energy.var() / energy.mean()
        assert value == pytest.approx(expected, rel=1e-3)
    assert found[1] > 100 * found[0]
    assert float(functional.blockiness(np.full((1, 40, 40, 3), 0.3, "float32"))[0]) == 0


def test_checkerboard_of_a_small_image():
    tile = RNG.uniform(size=(4, 4, 3))
    small = np.tile(tile, (5, 4, 1))[None, :18]  # 18 x 16 px
    found = ops.convert_to_numpy(functional.checkerboard(small.astype("float32")))
    np.testing.assert_allclose(found, [tile.var(axis=(0, 1)).mean()], rtol=1e-4)


def test_extreme_activations():
    features = RNG.normal(size=(2, 20, 20, 3)) * (1, 10, 100) + (5, 0, -50)
    features[0, 3, 4] = (20, 200, -2000)  # a droplet
    found = ops.convert_to_numpy(functional.extreme_activations(features.astype("float32")))
    z = (features - features.mean((1, 2), keepdims=True)) / features.std((1, 2), keepdims=True)
    expected = (np.maximum(np.abs(z) - 4, 0) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    assert found[0] > 0.1 and found[1] < 1e-3
