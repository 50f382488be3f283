"""Blends of styles: weights from names, paths and grids between styles, maps over a picture."""

import math

import numpy as np
from scipy import ndimage

from cin_style.errors import UserError
from cin_style.images import masks
from cin_style.styles import style as style_sets


def weights(styles, blend, raw=False):
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
    """
    row = np.zeros(len(styles), "float64")
    if isinstance(blend, str | int | np.integer):
        row[_find(styles, blend)] = 1
    elif isinstance(blend, dict):
        seen = set()
        for key, weight in blend.items():
            index = _find(styles, key)
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


def _find(styles, key):
    return style_sets.find(styles, key if isinstance(key, str) else int(key))


def normalize(rows, raw=False):
    """Checks weights (..., num_styles) and, unless `raw`, makes them sum to 1; see `weights`."""
    if not np.isfinite(rows).all():
        raise UserError("blend weights must be finite numbers, not NaN or infinity.")
    if raw:
        return rows
    if (rows < 0).any():
        raise UserError(
            "blend weights must not be negative. To extrapolate beyond a style, keep them as "
            "they are with --raw_weights."
        )
    total = rows.sum(axis=-1, keepdims=True, dtype="float64").astype(rows.dtype)
    if (total == 0).any():
        raise UserError("blend weights must not all be zero: give at least one style some.")
    # Dividing one-hot weights by 1 leaves them as they are, to the bit.
    return rows / total


def parse(text):
    """Parses what follows `--style`: styles to paint one by one, or one blend.

        "all", "a", "a,7,c"      each for itself
        "a=0.7,b=0.3"            one blend

    Returns:
        A dict of names (or digits) to weights for a blend, else the text as it is.

    Raises:
        UserError: a weight that is no number, a style twice, or both forms mixed.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not any("=" in part for part in parts):
        return text
    blend = {}
    for part in parts:
        name, equals, weight = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(
                f"--style {text}: give every style of a blend a weight (a=0.7,b=0.3), or none to "
                "paint them one by one."
            )
        if name in blend:
            raise UserError(f"--style {text}: the blend names {name} twice.")
        try:
            blend[name] = float(weight)
        except ValueError as error:
            raise UserError(f"--style {text}: {weight} is not a number.") from error
    return blend


def path(start, end, steps=9):
    """Evenly spaced blends from one row of weights to another.

    Args:
        start, end: float (num_styles,), see `weights`.
        steps: number of rows, both ends included; at least 2.

    Returns:
        float32 (steps, num_styles). The first and last row are `start` and `end` exactly.
    """
    _check_steps(steps)
    share = np.linspace(0, 1, steps)[:, None]
    return (np.asarray(start) * (1 - share) + np.asarray(end) * share).astype("float32")


def grid(corners, steps=5):
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


def _check_steps(steps):
    if steps < 2:
        raise UserError(f"--steps must be at least 2, both ends included. Received: {steps}")


def across(size, start, end, direction="x"):
    """A map that changes from one blend to another across a picture.

    Args:
        size: (height, width) in px.
        start, end: float (num_styles,).
        direction: `x` from left to right, `y` from top to bottom, `radial` from the centre
            to the corners.

    Returns:
        float32 (height, width, num_styles).
    """
    height, width = size
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    if direction == "x":
        share = x
    elif direction == "y":
        share = y
    elif direction == "radial":
        aspect = width / height
        far = math.hypot(aspect, 1)
        share = np.hypot((2 * x - 1) * aspect, 2 * y - 1) / far
    else:
        raise UserError(f"a blend goes across x, y or radial. Received: {direction}")
    share = share[..., None].astype("float32")
    return np.float32(start) * (1 - share) + np.float32(end) * share


def mask_map(mask, rows, size, soften=0.0):
    """A map that a mask image describes.

    Args:
        mask: a file, or a `PIL.Image`. An indexed image (palette mode) says by index which
            of the rows a pixel takes; a grey one goes from the first row (black) to the
            second (white), greys in between.
        rows: float (count, num_styles), the blends to choose from.
        size: (height, width) of the photo, which the mask must have.
        soften: standard deviation in px of a Gaussian that softens edges.

    Returns:
        float32 (height, width, num_styles).

    Raises:
        UserError: a mask that can't be read, has another size, or indexes more styles than
            there are; a grey mask with other than two rows.
    """
    image = masks.open_mask(mask)
    rows = np.asarray(rows, "float32")
    if image.size != (size[1], size[0]):
        raise UserError(
            f"the mask is {image.width} x {image.height} px, but the photo is {size[1]} x "
            f"{size[0]} px. Scale the mask to the photo's size."
        )
    if image.mode == "P":
        values = np.asarray(image)
        if values.max() >= len(rows):
            raise UserError(
                f"the mask has the index {values.max()}, but only {len(rows)} styles are given: "
                f"indices go from 0 to {len(rows) - 1}."
            )
        shares = np.eye(len(rows), dtype="float32")[values]
    else:
        if len(rows) != 2:
            raise UserError(
                f"a grey mask chooses between two styles, but {len(rows)} are given. Use an "
                "indexed image (palette mode) for more."
            )
        white = np.asarray(image.convert("L"), "float32") / np.float32(255)
        shares = np.stack([1 - white, white], axis=-1)
    if not 0 <= soften < math.inf:
        raise UserError(f"--soften must be at least 0 px. Received: {soften}")
    if soften:
        shares = ndimage.gaussian_filter(shares, (soften, soften, 0), mode="nearest")
    return (shares @ rows).astype("float32")
