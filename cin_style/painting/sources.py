"""What is painted, and in what, as tiles read it: part by part."""

from typing import Any

import numpy as np

from cin_style.images.files import from_uint8
from cin_style.images.grain import Grain

# Where something begins along one axis, and how many pixels it has there. What begins before the
# picture or ends behind it holds anything there: nothing that counts is made of that.
Span = tuple[int, int]


class Look:
    """What a picture is painted in: embeddings, and which of them where.

    Args:
        embeddings: float32 (k, size); k is 1 without maps.
        maps: float32 (height, width, k) of the photo's size, or what gives parts of such when it
            is sliced; by default one embedding for the whole picture.
    """

    def __init__(self, embeddings: np.ndarray, maps: Any = None) -> None:
        self.embeddings = embeddings
        self.maps = maps

    @property
    def num_maps(self) -> int | None:
        """k, or `None` without maps."""
        return None if self.maps is None else len(self.embeddings)


class Source:
    """A photo as the network gets it: with grain and margin, of sides that it can halve.

    The photo itself is all that is held; what is laid over and around it is made part by part.

    Args:
        photo: (height, width, 3), uint8 or float32 in [0, 1]; anything that is sliced like an
            array will do, such as a `np.memmap`.
        margin: how many mirrored pixels are added on each side.
        multiple: of which the sides shall be multiples, by more mirrored pixels at the bottom and
            right (`PadToMultiple`).
        grain: standard deviation of the noise laid over it, see `images.grain`.

    Attributes:
        shape: (height, width) with all that is added.
        inside: (height, width) of the photo.
        margin: see above.
    """

    def __init__(self, photo: Any, margin: int, multiple: int, grain: float = 0.0) -> None:
        self._photo = photo
        self.margin = margin
        self.inside = height, width = photo.shape[:2]
        self._rows, self._columns = (_mirrored(side, margin, multiple) for side in self.inside)
        self.shape = len(self._rows), len(self._columns)
        # The same noise for all photos of a size, as `Stylizer` lays it.
        self._grain = Grain(height, width, grain, np.random.default_rng(0)) if grain else None

    def read(self, rows: Span, columns: Span) -> np.ndarray:
        """A part, float32 (height, width, 3)."""
        y, x = _places(self._rows, rows), _places(self._columns, columns)
        top, left = y.min(), x.min()
        part = np.asarray(self._photo[top : y.max() + 1, left : x.max() + 1])
        part = from_uint8(part) if part.dtype == np.uint8 else part.astype("float32", copy=False)
        if self._grain:
            part = self._grain.over(part, int(top), int(left))
        return part[np.ix_(y - top, x - left)]

    def read_maps(self, maps: Any, rows: Span, columns: Span, level: int) -> np.ndarray:
        """Maps of the photo's size at 1 / 2^level of it, a part: float32 (height, width, k)."""
        y, x = (
            _places(axis, (start << level, length << level))
            for axis, (start, length) in ((self._rows, rows), (self._columns, columns))
        )
        top, left = y.min(), x.min()
        part = maps[top : y.max() + 1, left : x.max() + 1][np.ix_(y - top, x - left)]
        for _ in range(level):  # as `HalveMap` does it
            part = 0.5 * (part[::2] + part[1::2])
            part = 0.5 * (part[:, ::2] + part[:, 1::2])
        return part


def _mirrored(side: int, margin: int, multiple: int) -> np.ndarray:
    """Which row of a photo each row of the picture is, which is mirrored around it."""
    wide = np.pad(np.arange(side), margin, mode="reflect")
    return np.pad(wide, (0, -len(wide) % multiple), mode="reflect")


def _places(axis: np.ndarray, span: Span) -> np.ndarray:
    """The entries of an axis in a span, which may lie beyond it, where anything will do."""
    start, length = span
    return axis[np.clip(np.arange(start, start + length), 0, len(axis) - 1)]
