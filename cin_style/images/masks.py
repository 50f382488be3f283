"""Mask images: which share of each of several styles a pixel gets."""

import math
import os

import numpy as np
from PIL import Image

from cin_style.errors import UserError
from cin_style.images import files, limits


def open_mask(mask: str | os.PathLike | Image.Image) -> Image.Image:
    """A mask (file or `PIL.Image`): an indexed image (palette mode) as it is, another as RGB.

    Raises:
        UserError: a file that can't be read.
    """
    if isinstance(mask, Image.Image):
        return mask if mask.mode == "P" else files.to_rgb(mask)
    picture = files.open_rgb(mask, most_pixels=limits.most_pixels())  # checks the file
    with limits.allowing(limits.most_pixels()), Image.open(mask) as image:
        return image.copy() if image.mode == "P" else picture


def check_size(mask: Image.Image, height: int, width: int) -> None:
    """Raises a `UserError` unless a mask has the size of its photo."""
    if mask.size != (width, height):
        raise UserError(
            f"the mask is {mask.width} x {mask.height} px, but the photo is {width} x {height} px. "
            "Scale the mask to the photo's size."
        )


def shares(
    mask: str | os.PathLike | Image.Image,
    count: int,
    size: tuple[int, int],
    soften: float = 0.0,
) -> np.ndarray:
    """What a mask gives each of several styles, pixel by pixel.

    Args:
        mask: a file, or a `PIL.Image`. An indexed image (palette mode) says by index which style
            a pixel gets; a grey one goes from the first (black) to the second (white), greys
            in between.
        count: how many styles there are to choose from.
        size: (height, width) that the mask must have.
        soften: standard deviation in px of a Gaussian that softens edges.

    Returns:
        float32 (height, width, count), of which each pixel's sum to 1.

    Raises:
        UserError: a mask that can't be read, has another size, or indexes more styles than
            there are; a grey mask for other than two; a bad `soften`.

    Example:

        >>> black_and_white = Image.fromarray(np.uint8([[0, 255]]))
        >>> shares(black_and_white, 2, (1, 2)).tolist()
        [[[1.0, 0.0], [0.0, 1.0]]]
    """
    return Shares(mask, count, size, soften)[:, :]


class Shares:
    """What `shares` returns, made part by part: slice its rows and columns.

    It holds a byte for each pixel of the mask.

    Args:
        mask, count, size, soften: see `shares`.

    Raises:
        UserError: see `shares`.
    """

    def __init__(
        self,
        mask: str | os.PathLike | Image.Image,
        count: int,
        size: tuple[int, int],
        soften: float = 0.0,
    ) -> None:
        if not 0 <= soften < math.inf:
            raise UserError(f"`soften` must be at least 0 px. Received: {soften}")
        image = open_mask(mask)
        check_size(image, *size)
        self._indexed, self._count, self._soften = image.mode == "P", count, soften
        self._values = np.asarray(image if self._indexed else image.convert("L"))
        if self._indexed and self._values.max() >= count:
            raise UserError(
                f"the mask has the index {self._values.max()}, but only {count} styles are given: "
                f"indices go from 0 to {count - 1}."
            )
        if not self._indexed and count != 2:
            raise UserError(
                f"a grey mask chooses between two styles, but {count} are given. Use an indexed "
                "image (palette mode) for more."
            )

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        # A Gaussian, as SciPy cuts it off, sees so far.
        around = int(4 * self._soften + 0.5)
        wide, inside = [], []
        for axis, side in zip(part, self._values.shape, strict=True):
            start, stop, _ = axis.indices(side)
            first = max(0, start - around)
            wide.append(slice(first, stop + around))
            inside.append(slice(start - first, stop - first))
        found = self._of(self._values[tuple(wide)])
        if self._soften:
            from scipy import ndimage  # a quarter of a second, which painting need not wait for

            soften = (self._soften, self._soften, 0)
            found = ndimage.gaussian_filter(found, soften, mode="nearest")
        return found[tuple(inside)]

    def _of(self, values: np.ndarray) -> np.ndarray:
        if self._indexed:
            return np.eye(self._count, dtype="float32")[values]
        white = files.from_uint8(values)
        return np.stack([1 - white, white], axis=-1)
