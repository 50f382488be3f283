"""pyramid.py: a picture split by size of detail, and put together again."""

import numpy as np
import pytest

from cin_style.images import pyramid

RNG = np.random.default_rng(3)


def test_smooth_is_a_convolution():
    image = RNG.random((7, 9, 2))
    kernel = np.float64([1, 4, 6, 4, 1]) / 16
    wide = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="symmetric")
    expected = np.zeros_like(image)
    for row in range(5):
        for column in range(5):
            part = wide[row : row + 7, column : column + 9]
            expected += kernel[row] * kernel[column] * part
    np.testing.assert_allclose(pyramid.smooth(image), expected)


def test_enlarge_is_linear_in_between():
    row = np.float64([0, 1, 3])[None, :, None]
    expected = [0, 0.25, 0.75, 1.5, 2.5]  # of 0 0 1 1 3, by 1 2 1
    np.testing.assert_allclose(pyramid.enlarge(row, 1, 5)[0, :, 0], expected)


@pytest.mark.parametrize("height,width", [(1, 1), (2, 5), (16, 16), (33, 47)])
def test_what_is_split_can_be_joined(height, width):
    image = RNG.random((height, width, 3)).astype("float32")
    levels = pyramid.split(image, 4)
    assert len(levels) == 5 and {level.dtype for level in levels} == {np.dtype("float32")}
    np.testing.assert_allclose(pyramid.join(levels), image, atol=1e-6)


def test_detail_lies_in_the_level_of_its_size():
    _, x = np.mgrid[:64, :64]
    fine, coarse = (np.cos(2 * np.pi * x / wave)[..., None] for wave in (2.5, 20))
    for image, level in ((fine, 0), (coarse, 2)):
        energies = [np.square(one).mean() for one in pyramid.split(image, 5)[:-1]]
        assert np.argmax(energies) == level
