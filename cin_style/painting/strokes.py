"""Strokes as large beside the picture as they are wanted, whatever its size in pixels.

A network's strokes are so many pixels wide. In the photo of a phone they would be confetti: from as
far as one looks at the whole picture, nothing of the style is to be seen. So a photo is painted
twice, small and at its own size. Shapes and colours come from the small one, and all that is finer
than its pixels from the large one: its brushwork.

    picture = large + enlarged(small - shrunk(large))
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from cin_style.errors import UserError
from cin_style.images import scaling
from cin_style.images.files import from_uint8
from cin_style.recipes import SMALLEST_SIDE

# The long side, in px, of pictures whose strokes all larger ones have.
USUAL_SIDE = 512
# Up to this long side, strokes as the network makes them are near enough.
_AS_IT_IS = 640

# Bounds on `stroke_size`, besides 0.
LEAST, MOST = 0.25, 8

# How many rows are worked on together.
_ROWS = 256


class Picture(Protocol):
    """A picture that is read in bands, as often as wanted.

    Attributes:
        shape: (height, width, 3).
    """

    shape: tuple[int, ...]

    def bands(self) -> Iterator[tuple[slice, np.ndarray]]:
        """From top to bottom: the rows, and float32 (rows, width, 3) in [0, 1]."""
        ...


class InMemory:
    """An array (height, width, 3), uint8 or floats in [0, 1], as a `Picture`."""

    def __init__(self, picture: np.ndarray) -> None:
        self.shape = picture.shape
        self.size = _size(picture.shape)
        self._picture = picture

    def bands(self) -> Iterator[tuple[slice, np.ndarray]]:
        for top in range(0, self.shape[0], _ROWS):
            rows = slice(top, min(top + _ROWS, self.shape[0]))
            band = self._picture[rows]
            yield rows, from_uint8(band) if band.dtype == np.uint8 else band


class Broadened:
    """A picture with the shapes and colours of a smaller one.

    Args:
        fine: a `Picture`.
        broad: float32 (height, width, 3) in [0, 1], the smaller one.
    """

    def __init__(self, fine: Picture, broad: np.ndarray) -> None:
        self.shape = fine.shape
        self._fine = fine
        size = broad.shape[0], broad.shape[1]
        self._change = broad - scaling.shrink(fine.bands(), _size(fine.shape), size)

    def bands(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows, band in self._fine.bands():
            change = scaling.enlarge(self._change, _size(self.shape), rows)
            yield rows, (band + change).clip(0, 1)


def check(stroke_size: float) -> None:
    """Raises a `UserError` for a size that is neither 0 nor within the bounds."""
    if stroke_size and not LEAST <= stroke_size <= MOST:
        raise UserError(
            f"`stroke_size` must be from {LEAST:g} to {MOST:g}, or 0: as large as the network "
            f"makes them. Received: {stroke_size}"
        )


def size_to_paint(size: tuple[int, int], stroke_size: float) -> tuple[int, int]:
    """The size at which a network's strokes are as large beside a picture as they are wanted.

    Args:
        size: (height, width) of the picture.
        stroke_size: 1 is what strokes are in a picture of 512 px (in one of up to 640 px, what they
            are in itself), 2 twice that. 0: as the network makes them.

    Returns:
        (height, width), the picture's own where that is it.

    Raises:
        UserError: see `check`.

    Example:
        >>> size_to_paint((3000, 4000), 1), size_to_paint((3000, 4000), 2)
        ((384, 512), (192, 256))
        >>> size_to_paint((480, 640), 1), size_to_paint((480, 640), 0.5)
        ((480, 640), (960, 1280))
    """
    check(stroke_size)
    if not stroke_size:
        return size
    longest = max(size)
    usual = longest if longest <= _AS_IT_IS else USUAL_SIDE
    scale = usual / stroke_size / longest
    scale = max(scale, min(1.0, SMALLEST_SIDE / min(size)))
    return round(size[0] * scale), round(size[1] * scale)


def is_larger(size: tuple[int, int], whole: tuple[int, int]) -> bool:
    """Whether one (height, width) is larger than another of about the same shape."""
    return size[0] > whole[0] or size[1] > whole[1]


def shrink(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture (height, width, 3), uint8 or floats, at a smaller size: float32 in [0, 1]."""
    small = scaling.shrink(InMemory(picture).bands(), _size(picture.shape), size)
    return small.clip(0, 1)


def broaden(picture: np.ndarray, broad: np.ndarray) -> None:
    """Gives a picture the shapes and colours of a smaller one, in place; see `Broadened`."""
    for rows, band in Broadened(InMemory(picture), broad).bands():
        picture[rows] = band


def _size(shape: Any) -> tuple[int, int]:
    return shape[0], shape[1]
