"""Pictures too large to be floats as a whole: bytes in, bytes out, and tiles between."""

from typing import Any

import numpy as np

from cin_style.images import colour
from cin_style.images.files import from_uint8, to_uint8
from cin_style.painting.strokes import Picture
from cin_style.painting.stylizer import Stylizer


def paint(
    stylizer: Stylizer,
    photo: np.ndarray,
    style: Any,
    *,
    raw: bool = False,
    stroke_size: float = 1.0,
    tile: int,
    statistics: str = "exact",
    colours: str = "style",
    strength: float = 1.0,
) -> np.ndarray:
    """Paints one photo in one style in tiles.

    Args:
        stylizer: paints.
        photo: uint8 (height, width, 3).
        style, raw, stroke_size, tile, statistics: see `Stylizer.tiled`.
        colours: see `images.keep_colours`. For `histogram`, values of the pastiche are told apart
            in 65,536 steps.
        strength: see `images.mix`.

    Returns:
        uint8 (height, width, 3).
    """
    picture = np.empty(photo.shape, "uint8")
    options: dict[str, Any] = {"raw": raw, "stroke_size": stroke_size}
    options |= {"tile": tile, "statistics": statistics}
    with stylizer.tiled(photo, style, **options) as painted:
        curves = _curves(painted, photo) if colours == "histogram" else None
        for rows, band in painted.bands():
            below = from_uint8(photo[rows])
            if curves is None:
                band = colour.keep_colours(below, band, colours)
            else:
                steps = _steps(band)
                channels = [curves[index][steps[..., index]] for index in range(3)]
                band = np.stack(channels, axis=-1)
            picture[rows] = to_uint8(colour.mix(below, band, strength))
    return picture


_STEPS = 2**16


def _steps(band: np.ndarray) -> np.ndarray:
    return np.rint(band * (_STEPS - 1)).astype("int32")


def _curves(painted: Picture, photo: np.ndarray) -> np.ndarray:
    """Which value of a pastiche becomes which, so that it gets the photo's histogram.

    As `skimage.exposure.match_histograms` does it: what stands at a share of all values becomes
    what stands at that share of the photo's.

    Returns:
        float32 (3, 65536).
    """
    made = np.zeros((3, _STEPS), "int64")
    wanted = np.zeros((3, 256), "int64")
    for rows, band in painted.bands():
        steps = _steps(band)
        for index in range(3):
            made[index] += np.bincount(steps[..., index].ravel(), minlength=_STEPS)
            wanted[index] += np.bincount(photo[rows][..., index].ravel(), minlength=256)
    curves = []
    for mine, theirs in zip(made, wanted, strict=True):
        values = np.flatnonzero(theirs)
        shares = np.cumsum(theirs[values]) / theirs.sum()
        curves.append(np.interp(np.cumsum(mine) / mine.sum(), shares, values / 255))
    return np.asarray(curves, "float32")
