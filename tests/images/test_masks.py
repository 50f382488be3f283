"""masks.py: which share of each style a mask gives a pixel."""

import math

import numpy as np
import pytest
from PIL import Image

from cin_style.errors import UserError
from cin_style.images import masks


@pytest.fixture
def indexed():
    """An indexed image of 2 x 2 px, its indices up to 2."""
    image = Image.fromarray(np.uint8([[2, 0], [1, 1]]))
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    assert image.mode == "P"
    return image


def test_grey_goes_from_the_first_to_the_second(tmp_path):
    grey = Image.fromarray(np.uint8([[0, 51, 255], [204, 0, 0]]))
    expected = [[[1, 0], [0.8, 0.2], [0, 1]], [[0.2, 0.8], [1, 0], [1, 0]]]
    for name in ("mask.png", "mask.tif"):
        grey.save(tmp_path / name)
        found = masks.shares(tmp_path / name, 2, (2, 3))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-7)
    for mode in ("L", "RGB", "RGBA", "LA"):
        np.testing.assert_allclose(masks.shares(grey.convert(mode), 2, (2, 3)), expected, atol=1e-7)


def test_16_bits_are_read_whole():
    grey = Image.fromarray(np.uint16([[0, 51 * 257, 65535]]))
    np.testing.assert_allclose(masks.shares(grey, 2, (1, 3))[0, :, 1], [0, 0.2, 1], atol=1e-7)


def test_indexed_images_choose_by_index(indexed, tmp_path):
    indexed.save(tmp_path / "mask.png")
    for mask in (indexed, tmp_path / "mask.png", str(tmp_path / "mask.png")):
        found = masks.shares(mask, 4, (2, 2))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.eye(4)[[[2, 0], [1, 1]]])


def test_soft_edges():
    grey = Image.fromarray(np.uint8([[0] * 8 + [255] * 8] * 4))
    soft = masks.shares(grey, 2, (4, 16), soften=2)
    # The normal distribution around the edge, which lies between the pixels 7 and 8.
    at = (np.arange(16) - 7.5) / 2
    normal = np.array([0.5 * (1 + math.erf(x / np.sqrt(2))) for x in at])
    np.testing.assert_allclose(soft[0, :, 1], normal, atol=0.01)
    np.testing.assert_allclose(soft.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(soft, np.repeat(soft[:1], 4, axis=0), atol=1e-6)


def test_bad_masks(indexed, tmp_path):
    grey = Image.fromarray(np.uint8([[0, 51, 255]]))
    for mask, count, size, soften, message in [
        (grey, 2, (2, 3), 0, "the mask is 3 x 1 px, but the photo is 3 x 2 px. Scale the mask"),
        (grey, 3, (1, 3), 0, "a grey mask chooses between two styles, but 3 are given"),
        (indexed, 2, (2, 2), 0, "the mask has the index 2, but only 2 styles .* from 0 to 1"),
        (tmp_path / "none.png", 2, (1, 3), 0, "no such photo"),
        (grey, 2, (1, 3), -1, "`soften` must be at least 0 px. Received: -1"),
        (grey, 2, (1, 3), np.nan, "`soften` must be at least 0 px"),
    ]:
        with pytest.raises(UserError, match=message):
            masks.shares(mask, count, size, soften)


@pytest.mark.parametrize("soften", [0.0, 2.3])
def test_parts_of_shares_are_those_of_the_whole(soften):
    rng = np.random.default_rng(0)
    mask = Image.fromarray(rng.integers(0, 256, (40, 33)).astype("uint8"))
    whole = masks.shares(mask, 2, (40, 33), soften)
    shares = masks.Shares(mask, 2, (40, 33), soften)
    for part in (np.s_[0:7, 3:33], np.s_[12:13, 20:25], np.s_[30:, :9], np.s_[5:5, :]):
        np.testing.assert_array_equal(shares[part], whole[part])
