"""Small copies of photos, whose statistics do for those of the photos (Chen et al. 2022)."""

import numpy as np
from PIL import Image

from cin_style.images.files import to_uint8
from cin_style.painting.sources import Look
from cin_style.recipes import SMALLEST_SIDE

# Their long side in px, as in "Towards Ultra-Resolution Neural Style Transfer via Thumbnail
# Instance Normalization".
LONG_SIDE = 1024

# How many rows of a map are looked at together.
_ROWS = 256


def make(photo: np.ndarray, look: Look) -> tuple[np.ndarray, Look]:
    """A photo, uint8 or floats in [0, 1], of 1,024 px, and what it is painted in."""
    height, width = photo.shape[:2]
    scale = min(1.0, max(LONG_SIDE / max(height, width), SMALLEST_SIDE / min(height, width)))
    size = round(width * scale), round(height * scale)
    picture = Image.fromarray(photo if photo.dtype == np.uint8 else to_uint8(photo))
    small = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    if look.maps is None:
        return small, look
    return small, Look(look.embeddings, _nearest(look.maps, size))


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
