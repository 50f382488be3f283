"""Mask images: which share of each of several styles a pixel gets."""

import math
import os

import numpy as np
from PIL import Image
from scipy import ndimage

from cin_style.errors import UserError
from cin_style.images import files


def open_mask(mask: str | os.PathLike | Image.Image) -> Image.Image:
    """A mask (file or `PIL.Image`): an indexed image (palette mode) as it is, another as RGB.

    Raises:
        UserError: a file that can't be read.
    """
    if isinstance(mask, Image.Image):
        return mask if mask.mode == "P" else files.to_rgb(mask)
    picture = files.open_rgb(mask)  # checks the file
    with Image.open(mask) as image:
        return image.copy() if image.mode == "P" else picture


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
    if not 0 <= soften < math.inf:
        raise UserError(f"`soften` must be at least 0 px. Received: {soften}")
    image = open_mask(mask)
    if image.size != (size[1], size[0]):
        raise UserError(
            f"the mask is {image.width} x {image.height} px, but the photo is {size[1]} x "
            f"{size[0]} px. Scale the mask to the photo's size."
        )
    found = _indexed(image, count) if image.mode == "P" else _grey(image, count)
    if soften:
        found = ndimage.gaussian_filter(found, (soften, soften, 0), mode="nearest")
    return found


def _indexed(image: Image.Image, count: int) -> np.ndarray:
    values = np.asarray(image)
    if values.max() >= count:
        raise UserError(
            f"the mask has the index {values.max()}, but only {count} styles are given: "
            f"indices go from 0 to {count - 1}."
        )
    return np.eye(count, dtype="float32")[values]


def _grey(image: Image.Image, count: int) -> np.ndarray:
    if count != 2:
        raise UserError(
            f"a grey mask chooses between two styles, but {count} are given. Use an indexed "
            "image (palette mode) for more."
        )
    white = files.from_uint8(np.asarray(image.convert("L")))
    return np.stack([1 - white, white], axis=-1)
