"""Keeping the photo's colours, and mixing photo and pastiche."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from cin_style.errors import UserError
from cin_style.images import colour

RNG = np.random.default_rng(9)
PHOTO = RNG.uniform(0.3, 0.6, (12, 14, 3)).astype("float32")
PASTICHE = RNG.uniform(0.2, 0.9, (12, 14, 3)).astype("float32")


def test_style_colours_leave_the_pastiche():
    assert colour.keep_colours(PHOTO, PASTICHE, "style") is PASTICHE


def test_luminance_takes_only_the_lightness():
    grey = np.repeat(PASTICHE[..., :1], 3, axis=-1)
    result = colour.keep_colours(grey, PASTICHE, "luminance")
    lab = rgb2lab(result)
    np.testing.assert_allclose(lab[..., 0], rgb2lab(PASTICHE)[..., 0], atol=0.1)
    np.testing.assert_allclose(lab[..., 1:], 0, atol=0.1)


def test_histogram_takes_the_photos_values():
    result = colour.keep_colours(PHOTO, PASTICHE, "histogram")
    for channel in range(3):
        np.testing.assert_allclose(
            np.sort(result[..., channel].ravel()), np.sort(PHOTO[..., channel].ravel()), atol=1e-6
        )
        assert np.array_equal(
            np.argsort(result[..., channel].ravel()), np.argsort(PASTICHE[..., channel].ravel())
        )


def test_strength_ends_at_the_photo_and_the_pastiche():
    np.testing.assert_array_equal(colour.mix(PHOTO, PASTICHE, 0), PHOTO)
    np.testing.assert_array_equal(colour.mix(PHOTO, PASTICHE, 1), PASTICHE)
    for strength, near in ((1e-3, PHOTO), (1 - 1e-3, PASTICHE)):
        np.testing.assert_allclose(colour.mix(PHOTO, PASTICHE, strength), near, atol=3e-3)


def test_strength_leaves_what_both_have():
    for strength in (0.2, 0.5, 0.9):
        np.testing.assert_allclose(colour.mix(PHOTO, PHOTO, strength), PHOTO, atol=1e-6)
        np.testing.assert_array_equal(colour.mix(0 * PHOTO, 0 * PHOTO, strength), 0 * PHOTO)


def test_strength_averages_colours():
    ones = np.ones((40, 50, 3), "float32")
    mixed = colour.mix(0.2 * ones, 0.6 * ones, 0.25)
    np.testing.assert_allclose(mixed, 0.3 * ones, atol=1e-6)


def test_the_stronger_detail_wins_at_each_place():
    """No double exposure: half of each would leave half the contrast of both."""
    y, x = np.mgrid[:64, :128]
    stripes = np.where(x // 2 % 2, 0.3, -0.3)[..., None] * np.ones(3)
    edges = np.where(y // 2 % 2, 0.3, -0.3)[..., None] * np.ones(3)
    left = (x < 64)[..., None]
    photo, pastiche = 0.5 + stripes * left, 0.5 + edges * ~left
    mixed = colour.mix(photo, pastiche, 0.5)
    inner = np.s_[10:-10, 10:40], np.s_[10:-10, 80:-10]
    np.testing.assert_allclose(mixed[inner[0]], photo[inner[0]], atol=0.03)
    np.testing.assert_allclose(mixed[inner[1]], pastiche[inner[1]], atol=0.03)
    # At a fifth, strokes are there with two fifths of their contrast.
    mixed = colour.mix(photo, pastiche, 0.2)
    np.testing.assert_allclose(mixed[inner[0]], photo[inner[0]], atol=0.03)
    np.testing.assert_allclose(mixed[inner[1]] - 0.5, 0.4 * edges[inner[1]], atol=0.03)


def test_strength_of_tiles_is_that_of_the_whole():
    photo, pastiche = RNG.random((2, 416, 500, 3)).astype("float32")
    whole = colour.mix(photo, pastiche, 0.4)
    reach = colour.MIX_REACH
    tile = colour.mix(photo[16:, 32:], pastiche[16:, 32:], 0.4)
    np.testing.assert_allclose(tile[reach:, reach:], whole[16 + reach :, 32 + reach :], atol=1e-6)
    tile = colour.mix(photo[:333, :401], pastiche[:333, :401], 0.4)
    np.testing.assert_allclose(
        tile[:-reach, :-reach], whole[: 333 - reach, : 401 - reach], atol=1e-6
    )


def test_finish_keeps_colours_and_mixes():
    kept = colour.keep_colours(PHOTO, PASTICHE, "luminance")
    expected = colour.mix(PHOTO, kept, 0.4)
    np.testing.assert_array_equal(colour.finish(PHOTO, PASTICHE, 0.4, "luminance"), expected)
    assert colour.finish(PHOTO, PASTICHE) is PASTICHE


def test_errors():
    with pytest.raises(UserError, match="`strength` must be from 0 to 1. Received: 1.2"):
        colour.mix(PHOTO, PASTICHE, 1.2)
    with pytest.raises(UserError, match="`colours` must be one of style, luminance, histogram"):
        colour.keep_colours(PHOTO, PASTICHE, "sepia")
