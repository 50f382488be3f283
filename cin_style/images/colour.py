"""What a pastiche keeps of its photo: the colours, or a share of the photo itself."""

import importlib.util
import warnings

import numpy as np

from cin_style.errors import UserError
from cin_style.images import pyramid

# The words that `keep_colours` takes.
COLOURS = ("style", "luminance", "histogram")

# Of `mix`: sizes of detail, from single pixels to strokes some 16 px wide; and how far it looks.
_LEVELS = 4
MIX_REACH = 128


def check(strength: float = 1.0, colours: str = "style") -> None:
    """Raises a `UserError` for a strength outside [0, 1] or another word for `colours`.

    Or where what `colours` needs is not installed.
    """
    if not 0 <= strength <= 1:
        raise UserError(f"`strength` must be from 0 to 1. Received: {strength}")
    if colours not in COLOURS:
        raise UserError(f"`colours` must be one of {', '.join(COLOURS)}. Received: {colours}")
    if colours != "style" and not importlib.util.find_spec("skimage"):
        raise UserError(f"`colours` {colours} needs scikit-image: pip install scikit-image")


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
    check(colours=colours)
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

    Not one laid over the other, which looks like a double exposure, paler than either. Of the two
    pictures' detail, split by size (Laplacian pyramids), the stronger one wins at each place: an
    edge of the photo, or a stroke. Colours and large shapes are averaged. Up to a strength of one
    half strokes come in, above it the photo's edges go out.

    Args:
        photo, pastiche: float arrays (height, width, 3) in [0, 1].
        strength: from 0 to 1.

    Returns:
        float32 (height, width, 3) in [0, 1]. What it is at a place depends on both pictures up to
        `MIX_REACH` px from there: tiles that begin at multiples of 16 px and are cut out of larger
        ones are as cut out of the whole.

    Raises:
        UserError: a strength outside [0, 1].

    Example:

        half_painted = mix(photo, stylizer(photo, "starry_night"), 0.5)
    """
    check(strength)
    if strength in (0, 1):
        return np.asarray(pastiche if strength else photo, "float32")
    strength = float(np.float32(strength))
    # What of its share is given to the pastiche where it is the stronger one, and to the photo.
    rising, falling = min(1, 2 * strength), min(1, 2 - 2 * strength)
    ours, theirs = (
        pyramid.split(np.asarray(image, "float32"), _LEVELS) for image in (photo, pastiche)
    )
    mixed = []
    for mine, stroke in zip(ours[:-1], theirs[:-1], strict=True):
        wins = strength**2 * _energy(stroke)
        # What is added is too small to be seen, and keeps black on black from 0 / 0.
        wins = wins / (wins + (1 - strength) ** 2 * _energy(mine) + np.float32(1e-12))
        share = wins * rising + (1 - wins) * (1 - falling)
        mixed.append(mine + share * (stroke - mine))
    mixed.append(ours[-1] + strength * (theirs[-1] - ours[-1]))
    return pyramid.join(mixed).clip(0, 1)


def _energy(detail: np.ndarray) -> np.ndarray:
    """How strong detail is around each place: (height, width, 1)."""
    squares = np.square(detail).mean(axis=-1, keepdims=True)
    return pyramid.smooth(pyramid.smooth(squares))


def finish(
    photo: np.ndarray, pastiche: np.ndarray, strength: float = 1.0, colours: str = "style"
) -> np.ndarray:
    """A pastiche as it is wanted: `keep_colours`, then `mix`."""
    return mix(photo, keep_colours(photo, pastiche, colours), strength)
