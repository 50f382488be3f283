"""What a layer makes of a whole picture, in memory or on disk, and its statistics."""

import mmap
import os
import tempfile
from typing import Any

import numpy as np

from cin_style.painting.sources import Span


class LayerMap:
    """What a layer made of the whole picture: float32 (height, width, channels).

    In memory, or in a file that nobody else sees and that is gone when the process ends, however
    it ends.

    Args:
        shape: see above.
        on_disk: in a file.
    """

    def __init__(self, shape: tuple[int, int, int], on_disk: bool) -> None:
        self.shape = shape
        self._file: mmap.mmap | None = None
        if not on_disk:
            self._array: Any = np.empty(shape, "float32")
            return
        size = 4 * int(np.prod(shape))
        with tempfile.TemporaryFile(prefix="cin_style_") as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is told now, not by a crash later
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            self._file = mmap.mmap(file.fileno(), size)
        self._array = np.frombuffer(self._file, "float32").reshape(shape)

    def read(self, rows: Span, columns: Span) -> np.ndarray:
        """A copy of a part; what lies beyond the map is 0."""
        part = np.zeros((rows[1], columns[1], self.shape[2]), "float32")
        (top, bottom), (left, right) = (
            (max(0, start), min(whole, start + length))
            for (start, length), whole in zip((rows, columns), self.shape[:2], strict=True)
        )
        inside = (
            slice(top - rows[0], bottom - rows[0]),
            slice(left - columns[0], right - columns[0]),
        )
        part[inside] = self._array[top:bottom, left:right]
        self._forget()
        return part

    def write(self, top: int, left: int, part: np.ndarray) -> None:
        """Writes a part to where it begins."""
        height, width = part.shape[:2]
        self._array[top : top + height, left : left + width] = part
        self._forget()

    def _forget(self) -> None:
        # Pages of the file that were touched would count as this process' memory.
        if self._file is not None and hasattr(self._file, "madvise"):
            self._file.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Frees memory and disk."""
        self._array = None
        if self._file is not None:
            self._file.close()
            self._file = None


class Moments:
    """Means and variances of channels, gathered part by part (Chan et al. 1979), in float64.

    Example:

        >>> moments = Moments()
        >>> moments.add(2, np.float32([3]), np.float32([2]))  # of 2 and 4
        >>> moments.add(1, np.float32([9]), np.float32([0]))  # of 9
        >>> moments.mean.tolist(), (3 * moments.variance).round(3).tolist()
        ([5.0], [26.0])
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: Any = np.float64(0)
        self._squares: Any = np.float64(0)

    def add(self, count: int, mean: np.ndarray, squares: np.ndarray) -> None:
        """Adds a part: how many values, their mean, the sum of squared differences from it."""
        difference = mean.astype("float64") - self._mean
        total = self._count + count
        self._mean = self._mean + difference * (count / total)
        self._squares = self._squares + squares + difference**2 * (self._count * count / total)
        self._count = total

    @property
    def mean(self) -> np.ndarray:
        """float32 (channels,)."""
        return np.asarray(self._mean, "float32")

    @property
    def variance(self) -> np.ndarray:
        """float32 (channels,), of all values: divided by their number."""
        return np.asarray(self._squares / self._count, "float32")
