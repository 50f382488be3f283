"""Blends of styles: weights from names, paths and grids between styles, maps over a picture."""

import math
import numbers
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from cin_style.errors import UserError
from cin_style.images import masks
from cin_style.styles.style import Style, find


def weights(
    styles: Sequence[Style], blend: str | int | Mapping[Any, float] | np.ndarray, raw: bool = False
) -> np.ndarray:
    """The row of style weights that a blend stands for.

    Args:
        styles: the network's styles, a sequence of `Style`.
        blend: a name or number (that style alone), a dict of names or numbers to weights, or
            an array (num_styles,).
        raw: keep the weights as they are. By default they must not be negative and are
            divided by their sum: a sum other than 1 changes contrast, not style. Raw weights
            may be negative, which extrapolates.

    Returns:
        float32 (num_styles,).

    Raises:
        UserError: an unknown style, one named twice, no weight, weights that are all zero,
            not finite, or negative without `raw`.

    Example:

        >>> styles = [Style("starry_night"), Style("the_scream"), Style("udnie")]
        >>> weights(styles, {"starry_night": 3, "udnie": 1}).tolist()
        [0.75, 0.0, 0.25]
    """
    row = np.zeros(len(styles), "float64")
    if isinstance(blend, str | numbers.Integral):
        row[find(styles, blend)] = 1
    elif isinstance(blend, Mapping):
        seen = set()
        for key, weight in blend.items():
            index = find(styles, key)
            if index in seen:
                raise UserError(f"the blend names the style {styles[index].name} twice.")
            seen.add(index)
            row[index] = weight
    else:
        row = np.asarray(blend, "float64")
        if row.shape != (len(styles),):
            raise UserError(
                f"blend weights must have the shape ({len(styles)},), one weight for each "
                f"style. Received: shape {row.shape}"
            )
    return normalize(row, raw).astype("float32")


def normalize(rows: np.ndarray, raw: bool = False) -> np.ndarray:
    """Checks weights (..., num_styles) and, unless `raw`, makes them sum to 1; see `weights`."""
    if not np.isfinite(rows).all():
        raise UserError("blend weights must be finite numbers, not NaN or infinity.")
    if raw:
        return rows
    if (rows < 0).any():
        raise UserError(
            "blend weights must not be negative. To extrapolate beyond a style, keep them as "
            "they are with `raw_weights`."
        )
    total = rows.sum(axis=-1, keepdims=True, dtype="float64").astype(rows.dtype)
    if (total == 0).any():
        raise UserError("blend weights must not all be zero: give at least one style some.")
    # Dividing one-hot weights by 1 leaves them as they are, to the bit.
    return rows / total


class Maps:
    """Maps of style weights, made ready part by part: sliced, they are what `normalize` returns.

    Args:
        maps: (height, width, num_styles), floats, or uint8 of which 255 is 1; an array, or what
            gives one where rows and columns are sliced.
        raw: see `weights`.

    Attributes:
        shape: (height, width, number of styles used).
        used: the numbers of the styles that have a weight anywhere, int (count,). Only these are
            in what slices give.

    Raises:
        UserError: bad weights.

    Example:

        >>> maps = Maps(np.uint8([[[255, 0, 0], [51, 0, 204]]]))
        >>> maps.used.tolist(), maps[:, 1:].round(6).tolist()
        ([0, 2], [[[0.20000000298023224, 0.800000011920929]]])
    """

    # How many rows are looked at together.
    _ROWS = 256

    def __init__(self, maps: Any, raw: bool = False) -> None:
        self._maps, self._raw = maps, raw
        self.used = np.arange(maps.shape[2])
        found = np.zeros(len(self.used), bool)
        for top in range(0, maps.shape[0], self._ROWS):
            found |= self[top : top + self._ROWS, :].any(axis=(0, 1))
        self.used = np.flatnonzero(found)
        self.shape = (*maps.shape[:2], len(self.used))

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        values = np.asarray(self._maps[part])
        if values.dtype == np.uint8:
            values = values / np.float32(255)
        return normalize(values.astype("float32", copy=False), self._raw)[..., self.used]


def parse(text: str) -> str | dict[str, float]:
    """Parses a text that asks for styles: styles to paint one by one, or one blend.

        "all", "a", "a,7,c"      each for itself
        "a=0.7,b=0.3"            one blend

    Returns:
        A dict of names (or digits) to weights for a blend, else the text as it is.

    Raises:
        UserError: a weight that is no number, a style twice, or both forms mixed.

    Example:

        >>> parse("starry_night=0.7, udnie=0.3")
        {'starry_night': 0.7, 'udnie': 0.3}
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not any("=" in part for part in parts):
        return text
    blend: dict[str, float] = {}
    for part in parts:
        name, equals, weight = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(
                f"`style` {text}: give every style of a blend a weight (a=0.7,b=0.3), or none to "
                "paint them one by one."
            )
        if name in blend:
            raise UserError(f"`style` {text}: the blend names {name} twice.")
        try:
            blend[name] = float(weight)
        except ValueError as error:
            raise UserError(f"`style` {text}: {weight} is not a number.") from error
    return blend


def path(start: np.ndarray, end: np.ndarray, steps: int = 9) -> np.ndarray:
    """Evenly spaced blends from one row of weights to another.

    Args:
        start, end: float (num_styles,), see `weights`.
        steps: number of rows, both ends included; at least 2.

    Returns:
        float32 (steps, num_styles). The first and last row are `start` and `end` exactly.

    Example:

        >>> path([1, 0], [0, 1], steps=3).tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    _check_steps(steps)
    share = np.linspace(0, 1, steps)[:, None]
    return (np.asarray(start) * (1 - share) + np.asarray(end) * share).astype("float32")


def walk(rows: Sequence[np.ndarray], steps: int = 9) -> np.ndarray:
    """Blends along a round trip: from each row of weights to the next, and back to the first.

    Args:
        rows: float (num_styles,) each.
        steps: from one to the next, both ends included; at least 2.

    Returns:
        float32 (len(rows) * (steps - 1), num_styles): what ends one leg begins the next, and
        stands there once.
    """
    ends = [*rows[1:], rows[0]]
    return np.concatenate([path(*leg, steps)[:-1] for leg in zip(rows, ends, strict=True)])


def grid(corners: Sequence[np.ndarray], steps: int = 5) -> np.ndarray:
    """Bilinear blends of four styles, one at each corner.

    Args:
        corners: four rows (num_styles,): top left, top right, bottom left, bottom right.
        steps: rows and columns of the grid; at least 2.

    Returns:
        float32 (steps, steps, num_styles).
    """
    _check_steps(steps)
    left = path(corners[0], corners[2], steps)
    right = path(corners[1], corners[3], steps)
    return np.stack([path(a, b, steps) for a, b in zip(left, right, strict=True)])


def _check_steps(steps: int) -> None:
    if steps < 2:
        raise UserError(f"`steps` must be at least 2, both ends included. Received: {steps}")


def across(
    size: tuple[int, int], start: np.ndarray, end: np.ndarray, direction: str = "x"
) -> np.ndarray:
    """A map that changes from one blend to another across a picture.

    Args:
        size: (height, width) in px.
        start, end: float (num_styles,).
        direction: `x` from left to right, `y` from top to bottom, `radial` from the centre
            to the corners.

    Returns:
        float32 (height, width, num_styles).
    """
    return Across(size, start, end, direction)[:, :]


class Across:
    """The map that `across` returns, made part by part: slice its rows and columns.

    Args:
        size, start, end, direction: see `across`.

    Attributes:
        shape: (height, width, num_styles).
        ndim: 3.
    """

    ndim = 3

    def __init__(
        self, size: tuple[int, int], start: np.ndarray, end: np.ndarray, direction: str = "x"
    ) -> None:
        if direction not in ("x", "y", "radial"):
            raise UserError(f"`across` must be x, y or radial. Received: {direction}")
        self.shape = (*size, len(start))
        self._ends, self._direction = (np.float32(start), np.float32(end)), direction

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        height, width = self.shape[:2]
        rows, columns = np.linspace(0, 1, height)[part[0]], np.linspace(0, 1, width)[part[1]]
        y, x = np.meshgrid(rows, columns, indexing="ij")
        if self._direction == "radial":
            aspect = width / height
            share = np.hypot((2 * x - 1) * aspect, 2 * y - 1) / math.hypot(aspect, 1)
        else:
            share = x if self._direction == "x" else y
        share = share[..., None].astype("float32")
        return self._ends[0] * (1 - share) + self._ends[1] * share


def mask_map(
    mask: str | os.PathLike | Image.Image,
    rows: Sequence[np.ndarray] | np.ndarray,
    size: tuple[int, int],
    soften: float = 0.0,
) -> np.ndarray:
    """A map that a mask image describes.

    Args:
        mask: which of the rows a pixel takes, see `images.masks.shares`.
        rows: float (count, num_styles), the blends to choose from.
        size: (height, width) of the photo, which the mask must have.
        soften: standard deviation in px of a Gaussian that softens edges.

    Returns:
        float32 (height, width, num_styles).

    Raises:
        UserError: see `images.masks.shares`.
    """
    return MaskMap(mask, rows, size, soften)[:, :]


class MaskMap:
    """The map that `mask_map` returns, made part by part: slice its rows and columns.

    Args:
        mask, rows, size, soften: see `mask_map`.

    Attributes:
        shape: (height, width, num_styles).
        ndim: 3.
    """

    ndim = 3

    def __init__(
        self,
        mask: str | os.PathLike | Image.Image,
        rows: Sequence[np.ndarray] | np.ndarray,
        size: tuple[int, int],
        soften: float = 0.0,
    ) -> None:
        self._rows = np.asarray(rows, "float32")
        self._shares = masks.Shares(mask, len(self._rows), size, soften)
        self.shape = (*size, self._rows.shape[1])

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        return self._shares[part] @ self._rows
