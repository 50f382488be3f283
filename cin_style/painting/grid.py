"""A bilateral grid of affine colour maps: colours change with place and lightness, edges stay."""

from typing import Any

import numpy as np
from keras import ops

from cin_style.images import guided
from cin_style.images.scaling import between, tents

# Cells down, across and from dark to light.
SHAPE = (16, 16, 8)

# How much of red, green and blue lightness is (Rec. 601).
_LIGHTNESS = np.array([0.299, 0.587, 0.114], "float32")


def empty() -> np.ndarray:
    """A grid that changes nothing where it is added: float32 (16, 16, 8, 3, 4) of zeros."""
    return np.zeros((*SHAPE, 3, 4), "float32")


def weights(photo: np.ndarray) -> dict[str, np.ndarray]:
    """Which cells the pixels of a photo are in.

    Args:
        photo: float (height, width, 3) in [0, 1].

    Returns:
        A dict of float32 arrays: `down` (height, 16), `across` (width, 16), `lightness`
        (height, width, 8), and `colours` (height, width, 4), the photo with a 1 behind each colour.
    """
    height, width = photo.shape[:2]
    ones = np.ones((height, width, 1), "float32")
    return {
        "down": between(height, SHAPE[0], slice(0, height))[1],
        "across": between(width, SHAPE[1], slice(0, width))[1],
        "lightness": tents((photo @ _LIGHTNESS) * (SHAPE[2] - 1), SHAPE[2]),
        "colours": np.concatenate([photo.astype("float32"), ones], axis=-1),
    }


def apply(grid: Any, where: dict[str, Any]) -> Any:
    """What a grid makes of a photo (Gharbi et al. 2017, section 3.3): sliced, then applied.

    Interpolated linearly between cells, in place and lightness.

    Args:
        grid: (16, 16, 8, 3, 4).
        where: `weights` of the photo.

    Returns:
        (height, width, 3).

    Example:
        >>> photo = np.random.default_rng(0).random((6, 9, 3)).astype("float32")
        >>> grid = empty() + np.eye(3, 4, dtype="float32")  # every colour as it is
        >>> bool(np.allclose(apply(grid, weights(photo)), photo, atol=1e-6))
        True
    """
    rows, columns, levels = SHAPE
    flat = ops.reshape(grid, (rows, columns, levels * 12))
    at = ops.einsum("hy,yxm->hxm", where["down"], flat)
    at = ops.einsum("wx,hxm->hwm", where["across"], at)
    height, width = where["down"].shape[0], where["across"].shape[0]
    at = ops.reshape(at, (height, width, levels, 12))
    maps = ops.sum(at * ops.expand_dims(where["lightness"], -1), axis=2)
    maps = ops.reshape(maps, (height, width, 3, 4))
    return ops.sum(maps * ops.expand_dims(where["colours"], 2), axis=-1)


def roughness(grid: Any) -> Any:
    """Mean squared difference between neighbouring cells, a scalar: the sum over the three ways."""
    differences = (
        grid[1:] - grid[:-1],
        grid[:, 1:] - grid[:, :-1],
        grid[:, :, 1:] - grid[:, :, :-1],
    )
    return sum(ops.mean(ops.square(difference)) for difference in differences)


def apply_tile(
    grid: np.ndarray, colours: np.ndarray, tile: guided.Tile, size: tuple[int, int]
) -> np.ndarray:
    """`apply` to a tile of a large photo, in NumPy, where little memory is at hand.

    Args:
        grid: float32 (16, 16, 8, 3, 4).
        colours: float32 (rows, columns, 3), of the tile.
        tile: of the photo.
        size: (height, width) of the whole photo.

    Returns:
        float32 (rows, columns, 3), plane after plane in memory.
    """
    (above, down), (beside, across) = map(between, size, SHAPE, tile)
    corners = np.einsum("hy,yxlci->lcihx", down, grid[above, beside])
    planes = np.ascontiguousarray(np.moveaxis(colours, -1, 0))
    lightness = np.tensordot(_LIGHTNESS, planes, 1)
    place = np.clip(lightness, 0, 1) * np.float32(SHAPE[2] - 1)
    made = np.zeros_like(planes)
    # One piece of memory for all levels: to be given new ones would take longer than to compute.
    maps = np.empty((3, 4, *place.shape), "float32")
    # Most tiles lack most levels.
    for level in range(int(place.min()), min(SHAPE[2], int(place.max()) + 2)):
        share = np.maximum(0, 1 - np.abs(place - level))
        np.matmul(corners[level], across.T, out=maps)
        maps[:, :3] *= planes
        for sums, (red, green, blue, offset) in zip(made, maps, strict=True):
            offset += red
            offset += green
            offset += blue
            offset *= share
            sums += offset
    return np.moveaxis(made, 0, -1)
