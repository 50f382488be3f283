"""What a pastiche keeps of its photo: the colours, or a share of the photo itself."""

import warnings

import numpy as np

from cin_style.errors import UserError

# The words that `keep_colours` takes.
COLOURS = ("style", "luminance", "histogram")


def keep_colours(photo: np.ndarray, pastiche: np.ndarray, colours: str) -> np.ndarray:
    """Gives a pastiche its photo's colours back (Gatys et al. 2017, "Controlling Perceptual
    Factors in Neural Style Transfer", section 5).

    Args:
        photo, pastiche: float arrays (height, width, 3) in [0, 1].
        colours: `luminance` takes only the lightness from the pastiche, hue and saturation
            from the photo (CIELAB); `histogram` shifts each channel of the pastiche to the
            photo's distribution of values; `style` leaves the pastiche as it is.

    Returns:
        float32 (height, width, 3) in [0, 1].

    Raises:
        UserError: another word.

    Example:

        pastiche = stylizer(photo, "starry_night")
        with_the_photos_colours = keep_colours(photo, pastiche, "luminance")
    """
    if colours not in COLOURS:
        raise UserError(f"`colours` must be one of {', '.join(COLOURS)}. Received: {colours}")
    if colours == "style":
        return pastiche
    # Slow to import, and not needed by most.
    if colours == "luminance":
        from skimage.color import lab2rgb, rgb2lab

        lab = rgb2lab(photo)
        lab[..., 0] = rgb2lab(pastiche)[..., 0]
        with warnings.catch_warnings():
            # A dark, saturated colour made light may lie outside sRGB; it is clipped.
            warnings.filterwarnings("ignore", message=".*negative Z values.*")
            return lab2rgb(lab).astype("float32").clip(0, 1)
    from skimage.exposure import match_histograms

    return match_histograms(pastiche, photo, channel_axis=-1).astype("float32").clip(0, 1)


def mix(photo: np.ndarray, pastiche: np.ndarray, strength: float) -> np.ndarray:
    """The photo and its pastiche mixed: 0 is the photo, 1 the pastiche, exactly.

    Raises:
        UserError: a strength outside [0, 1].

    Example:

        >>> mix(np.zeros((1, 1, 3)), np.ones((1, 1, 3)), 0.25).tolist()
        [[[0.25, 0.25, 0.25]]]
    """
    if not 0 <= strength <= 1:
        raise UserError(f"`strength` must be from 0 to 1. Received: {strength}")
    return (np.float32(1 - strength) * photo + np.float32(strength) * pastiche).astype("float32")
