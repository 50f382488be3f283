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


def test_strength():
    np.testing.assert_array_equal(colour.mix(PHOTO, PASTICHE, 0), PHOTO)
    np.testing.assert_array_equal(colour.mix(PHOTO, PASTICHE, 1), PASTICHE)
    np.testing.assert_allclose(colour.mix(PHOTO, PASTICHE, 0.25), 0.75 * PHOTO + 0.25 * PASTICHE)


def test_errors():
    with pytest.raises(UserError, match="`strength` must be from 0 to 1. Received: 1.2"):
        colour.mix(PHOTO, PASTICHE, 1.2)
    with pytest.raises(UserError, match="`colours` must be one of style, luminance, histogram"):
        colour.keep_colours(PHOTO, PASTICHE, "sepia")
