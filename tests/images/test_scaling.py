"""Pictures of floats at other sizes, as wholes and in bands."""

import numpy as np
import pytest
from PIL import Image

from cin_style.images import scaling


def in_bands(picture, *tops):
    edges = [0, *tops, len(picture)]
    return [(slice(a, b), picture[a:b]) for a, b in zip(edges, edges[1:], strict=False)]


@pytest.fixture(scope="module")
def smooth():
    """A picture of odd sides without anything that a small copy could not show."""
    y, x = np.mgrid[0:331, 0:517] / 100
    return np.stack([np.sin(y + x), np.cos(2 * y), np.sin(x) * y / 3], axis=-1).astype("float32")


def test_values_outside_of_bytes_stay():
    picture = np.full((8, 6, 3), [-0.5, 0.25, 1.5], "float32")
    np.testing.assert_allclose(scaling.scale(picture, (12, 4)), np.full((12, 4, 3), picture[0, 0]))


@pytest.mark.parametrize("tops", [(), (1,), (50, 100, 150, 330), (7, 8, 9, 200)])
def test_shrinking_in_bands_is_shrinking(smooth, tops):
    small = scaling.shrink(in_bands(smooth, *tops), (331, 517), (41, 64))
    np.testing.assert_allclose(small, scaling.scale(smooth, (41, 64)), atol=0.01)
    whole = scaling.shrink(in_bands(smooth), (331, 517), (41, 64))
    np.testing.assert_allclose(small, whole, atol=1e-6)


def test_enlarging_in_bands_is_enlarging(smooth):
    small = scaling.scale(smooth, (41, 64))
    whole = scaling.scale(small, (331, 517), Image.Resampling.BICUBIC)
    for rows in (slice(0, 331), slice(0, 40), slice(100, 177), slice(330, 331)):
        np.testing.assert_allclose(scaling.enlarge(small, (331, 517), rows), whole[rows], atol=1e-6)
    np.testing.assert_allclose(whole[16:-16, 16:-16], smooth[16:-16, 16:-16], atol=0.01)
    # Nowhere shifted: what is small is in the same places.
    assert abs((whole - smooth).mean()) < 1e-3


def test_no_bands_are_no_picture():
    with pytest.raises(ValueError, match="whole picture. Received: none"):
        scaling.shrink([], (8, 8), (4, 4))
