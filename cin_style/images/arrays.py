"""What people hand in as a photo, as an array (height, width, 3)."""

import os
from typing import Any

import numpy as np
from PIL import Image

from cin_style.errors import UserError
from cin_style.images import files, limits
from cin_style.recipes import SMALLEST_SIDE


def as_pixels(value: Any) -> np.ndarray:
    """A photo as `as_photo` gives it; but one of uint8 RGB values stays what it is.

    So a large one takes three bytes a pixel, or none where it is a `np.memmap`.

    Raises:
        UserError: see `as_photo`.
    """
    value = _opened(value)
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != 3:
        return as_photo(value)
    _check_sides(*array.shape[:2])
    return array


def as_photo(value: Any) -> np.ndarray:
    """A photo as a float32 array (height, width, 3), RGB in [0, 1].

    Args:
        value: the path of a file, or a `PIL.Image`, brought upright and laid on white as by
            `files.open_rgb`; or an array, uint8 or float in [0, 1], (height, width, 3), grey
            (height, width) or (height, width, 1), or with transparency (height, width, 4), which
            is laid on white.

    Raises:
        UserError: a file that can't be read (`files.open_rgb`), values of another type or range,
            another shape, or a side under 16 px.
    """
    value = _opened(value)
    array = np.asarray(value)
    if array.dtype == np.uint8:
        array = files.from_uint8(array)
    elif array.dtype.kind != "f":
        raise UserError(
            "a photo must be a path, a PIL image or an array, uint8 or floats in [0, 1]. Received: "
            f"{type(value).__name__} of {array.dtype}"
        )
    array = array.astype("float32", copy=False)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise UserError(
            f"a photo must be an array (height, width, 3). Received: shape {array.shape}"
        )
    height, width, channels = array.shape
    _check_sides(height, width)
    least, most = float(array.min()), float(array.max())
    # What resampling leaves beyond the range does no harm; 0 to 255 does, and so does NaN.
    if not (least >= -0.5 and most <= 1.5):
        raise UserError(
            f"a photo's floats must be in [0, 1]. Received: values from {least:g} to {most:g}; "
            "divide by 255, or give uint8."
        )
    if channels == 4:
        opacity = array[..., 3:]
        return array[..., :3] * opacity + (1 - opacity)
    return np.repeat(array, 3, axis=-1) if channels == 1 else array


def _opened(value: Any) -> Any:
    """What is no array yet as one, uint8 (height, width, 3)."""
    if isinstance(value, str | os.PathLike):
        value = files.open_rgb(value, most_pixels=limits.most_pixels())
    return np.asarray(files.to_rgb(value)) if isinstance(value, Image.Image) else value


def _check_sides(height: int, width: int) -> None:
    if min(height, width) < SMALLEST_SIDE:
        raise UserError(
            f"the photo is {width} x {height} px, but the network needs at least "
            f"{SMALLEST_SIDE} px each way. Take a larger photo."
        )
