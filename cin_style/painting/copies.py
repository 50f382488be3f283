"""Copies of photos at another size, and of what they are painted in.

Statistics of small ones do for those of the photos themselves (Chen et al. 2022).
"""

import numpy as np

from cin_style.images import scaling
from cin_style.painting import strokes
from cin_style.painting.sources import Look
from cin_style.recipes import SMALLEST_SIDE

# Their long side in px, as in "Towards Ultra-Resolution Neural Style Transfer via Thumbnail
# Instance Normalization".
LONG_SIDE = 1024

# How many rows of a map are looked at together.
_ROWS = 256


def size_of_thumbnail(whole: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the copy whose statistics do for those of a picture of this size."""
    height, width = whole
    scale = min(1.0, max(LONG_SIDE / max(height, width), SMALLEST_SIDE / min(height, width)))
    return round(height * scale), round(width * scale)


def scaled(photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A photo, uint8 or floats in [0, 1], at another size (height, width): float32 in [0, 1].

    Made smaller, it is read part by part, as a `np.memmap` should be.
    """
    picture = strokes.InMemory(photo)
    if strokes.is_larger(size, picture.size):
        whole = np.concatenate([band for _, band in picture.bands()])
        return scaling.scale(whole, size).clip(0, 1)
    return strokes.shrink(photo, size)


def scaled_look(look: Look, size: tuple[int, int]) -> Look:
    """What a photo is painted in, for a copy of it at another size (height, width)."""
    if look.maps is None:
        return look
    return Look(look.embeddings, _nearest(look.maps, size[::-1]))


def _nearest(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps (height, width, k), which are read from top to bottom, at another size."""
    height, width = maps.shape[:2]
    rows, columns = (
        ((np.arange(count) + 0.5) * side / count).astype(int)
        for count, side in ((size[1], height), (size[0], width))
    )
    found = []
    for top in range(0, height, _ROWS):
        here = rows[(top <= rows) & (rows < top + _ROWS)] - top
        found.append(maps[top : top + _ROWS, :][np.ix_(here, columns)])
    return np.concatenate(found)
