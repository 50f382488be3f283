"""What visitors point at and draw, as numbers and masks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from cin_style.errors import UserError

# What the brush paints with, and what is said of it.
BRUSHES = {"red": (239, 68, 68), "green": (16, 185, 129), "blue": (59, 130, 246)}


def shares(chosen: Sequence[str], place: Any) -> dict[str, float]:
    """What a place on the pad stands for: shares by style, which are 1 together.

    Two styles stand at the ends of a strip, three or four in the corners of a square: linearly
    between them, of three with what the missing corner would have for all alike.

    Args:
        chosen: two to four names.
        place: a dict with `x` and `y` from 0 to 1.

    Raises:
        UserError: fewer styles or more.

    Example:

        >>> shares(["ash", "birch"], {"x": 0.25, "y": 0.5})
        {'ash': 0.75, 'birch': 0.25}
    """
    if not 2 <= len(chosen) <= 4:
        raise UserError("choose two to four styles.")
    x, y = (min(1.0, max(0.0, float(place[axis]))) for axis in "xy")
    if len(chosen) == 2:
        found = [1 - x, x]
    else:
        found = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y][: len(chosen)]
        missing = 1 - sum(found)
        found = [share + missing / len(found) for share in found]
    return {name: round(share, 3) for name, share in zip(chosen, found, strict=True)}


def mask_of_styles(
    drawn: Any, styles: Sequence[str], size: tuple[int, int]
) -> tuple[Image.Image, list[str]]:
    """The mask that a visitor drew, and the styles it stands for.

    Args:
        drawn: what an editor of Gradio's holds.
        styles: the one below, and those of the brushes.
        size: (width, height) of the photo.

    Returns:
        An indexed image of the photo's size: 0 for the first of the styles, and so on; and the
        styles that are used.

    Raises:
        UserError: nothing was drawn, or all of the photo painted over in one colour.
    """
    layer = _layer(drawn)
    colours = np.array(list(BRUSHES.values()))
    far = np.abs(layer[..., None, :3].astype(int) - colours).sum(axis=-1)
    index = np.where(layer[..., 3] > 127, 1 + far.argmin(axis=-1), 0)
    places = np.unique(index)
    if len(places) < 2:
        raise UserError("paint over a part of the photo, and leave some of it.")
    mask = Image.fromarray(np.searchsorted(places, index).astype("uint8"), "P")
    palette = [(255, 255, 255), *BRUSHES.values()]
    mask.putpalette([value for place in places for value in palette[place]])
    return mask.resize(size, Image.Resampling.NEAREST), [styles[place] for place in places]


def mask_of_object(drawn: Any, size: tuple[int, int]) -> Image.Image:
    """White where a visitor has painted, as large as the picture (width, height).

    Raises:
        UserError: nothing was painted.
    """
    inside = _layer(drawn)[..., 3] > 127
    if not inside.any():
        raise UserError("paint over the object first, so that it can be cut out.")
    mask = Image.fromarray(np.where(inside, 255, 0).astype("uint8"))
    blur = max(1.0, max(size) / max(mask.size))
    return mask.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(blur))


def _layer(drawn: Any) -> np.ndarray:
    """What was painted over a picture: uint8 (height, width, 4), RGBA."""
    layers = (drawn or {}).get("layers") or []
    return np.asarray(layers[0]) if layers else np.zeros((1, 1, 4), "uint8")
