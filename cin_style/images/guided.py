"""Local affine maps of a photo's colours (guided filter), fitted small and used at any size."""

import itertools
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from cin_style.images import scaling
from cin_style.images.files import from_uint8

# Side of a tile, in px: its planes nearly fit into a processor's own memory, and few cells count.
_TILE = 256


def fit(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The affine maps of a guide's colours that come nearest to some values, place by place.

    The guided filter's (He, Sun, Tang 2013, equations 19 and 20): least squares in each window of
    2 radius + 1 px, and at each pixel the mean over the windows that hold it.

    Args:
        guide: float (height, width, 3) in [0, 1].
        values: float (height, width, channels).
        radius: in px.
        epsilon: what is added to the variances of the guide's colours: details of less contrast
            than its root are not followed.

    Returns:
        float32 (height, width, channels, 4): slopes for red, green and blue, then an offset.

    Example:
        >>> guide = np.random.default_rng(0).random((20, 30, 3))
        >>> maps = fit(guide, 0.5 * guide + 0.25, radius=4, epsilon=1e-6)
        >>> bool(np.allclose(apply(maps, guide), 0.5 * guide + 0.25, atol=1e-3))
        True
    """
    size = 2 * radius + 1

    def mean(planes: np.ndarray) -> np.ndarray:
        return np.stack([ndimage.uniform_filter(plane, size) for plane in planes])

    # Planes first: filters run along memory. Without what all have in common less cancels.
    colours, wanted = (
        np.moveaxis(np.asarray(array, "float64"), -1, 0).copy() for array in (guide, values)
    )
    centre = colours.mean(axis=(1, 2), keepdims=True)
    colours -= centre
    colour, value = mean(colours), mean(wanted)
    spread = np.empty((*guide.shape[:2], 3, 3))
    for i, j in itertools.combinations_with_replacement(range(3), 2):
        variance = ndimage.uniform_filter(colours[i] * colours[j], size) - colour[i] * colour[j]
        spread[..., i, j] = spread[..., j, i] = variance + epsilon * (i == j)
    shared = np.empty((*guide.shape[:2], 3, len(wanted)))
    for i, c in np.ndindex(3, len(wanted)):
        shared[..., i, c] = (
            ndimage.uniform_filter(colours[i] * wanted[c], size) - colour[i] * value[c]
        )
    slopes = np.linalg.solve(spread, shared)
    maps = np.empty((len(wanted), 4, *guide.shape[:2]))
    maps[:, :3] = np.moveaxis(slopes, (-1, -2), (0, 1))
    maps[:, 3] = value - np.einsum("ihw,cihw->chw", colour + centre, maps[:, :3])
    smooth = mean(maps.reshape(-1, *guide.shape[:2]).astype("float32"))
    return np.ascontiguousarray(np.moveaxis(smooth, 0, -1)).reshape(*guide.shape[:2], -1, 4)


def apply(maps: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """What affine maps make of colours.

    Args:
        maps: (..., channels, 4), see `fit`.
        guide: (..., 3).

    Returns:
        (..., channels), plane after plane in memory.
    """
    shape = np.broadcast_shapes(maps.shape[:-2], guide.shape[:-1])
    made = np.empty((maps.shape[-2], *shape), np.result_type(maps, guide))
    product = np.empty_like(made[0])
    for channel, plane in enumerate(made):
        plane[...] = maps[..., channel, 3]
        for index in range(3):
            plane += np.multiply(maps[..., channel, index], guide[..., index], out=product)
    return np.moveaxis(made, 0, -1)


def guided_filter(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Values smoothed but for the edges of a guide: `fit`, then `apply`."""
    return apply(fit(guide, values, radius, epsilon), guide).astype("float32")


# Rows and columns of a picture.
Tile = tuple[slice, slice]


def tiles(height: int, width: int) -> Iterator[Tile]:
    """A picture, piece by piece."""
    for top, left in itertools.product(range(0, height, _TILE), range(0, width, _TILE)):
        yield slice(top, min(height, top + _TILE)), slice(left, min(width, left + _TILE))


def enlarge(maps: np.ndarray, size: tuple[int, int], tile: Tile) -> np.ndarray:
    """A tile of affine maps at a larger size, from those of a small copy.

    Args:
        maps: float32 (height, width, channels, 4), see `fit`.
        size: (height, width) of the larger picture.
        tile: of that.

    Returns:
        float32 (rows, columns, channels, 4), plane after plane in memory.
    """
    (above, down), (beside, across) = map(scaling.between, size, maps.shape, tile)
    part = maps[above, beside].reshape(down.shape[1], across.shape[1], -1)
    found = down @ np.moveaxis(part, -1, 0) @ across.T
    return np.moveaxis(found, 0, -1).reshape(*found.shape[1:], *maps.shape[2:])


def at_full_size(maps: np.ndarray, photo: np.ndarray, tile: Tile) -> np.ndarray:
    """What affine maps fitted to a small copy make of a tile of the photo itself.

    Args:
        maps: float32 (height, width, channels, 4), see `fit`; of a copy.
        photo: uint8 or float in [0, 1], of any size and the same proportions.
        tile: of the photo.

    Returns:
        float32 (rows, columns, channels), plane after plane in memory.
    """
    return apply(enlarge(maps, photo.shape[:2], tile), colours(photo, tile))


def colours(photo: np.ndarray, tile: Tile) -> np.ndarray:
    """A tile of a photo, uint8 or float in [0, 1], as float32, plane after plane in memory."""
    planes = np.ascontiguousarray(np.moveaxis(photo[tile], -1, 0))
    planes = from_uint8(planes) if planes.dtype == np.uint8 else planes.astype("float32")
    return np.moveaxis(planes, 0, -1)
