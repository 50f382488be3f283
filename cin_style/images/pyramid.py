"""Laplacian pyramids: a picture split into its detail, size by size (Burt, Adelson 1983)."""

import numpy as np


def smooth(image: np.ndarray) -> np.ndarray:
    """Blurs (height, width, channels) by 1 4 6 4 1, mirrored at the borders."""
    for axis in (0, 1):
        first, second, third, fourth, fifth = _shifted(image, axis, 2)
        image = (first + fifth + 4 * (second + fourth) + 6 * third) / 16
    return image


def shrink(image: np.ndarray) -> np.ndarray:
    """The picture at half the size; an odd row or column counts as a whole one."""
    return smooth(image)[::2, ::2]


def enlarge(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture of half the size, brought to this size again, smoothly."""
    image = image.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    for axis in (0, 1):
        first, second, third = _shifted(image, axis, 1)
        image = (first + 2 * second + third) / 4
    return image


def _shifted(image: np.ndarray, axis: int, reach: int) -> list[np.ndarray]:
    """The picture shifted by -reach .. reach along an axis."""
    padding = [(0, 0)] * image.ndim
    padding[axis] = (reach, reach)
    wide = np.pad(image, padding, mode="symmetric")
    length = image.shape[axis]
    before = (slice(None),) * axis
    return [wide[(*before, slice(start, start + length))] for start in range(2 * reach + 1)]


def split(image: np.ndarray, levels: int) -> list[np.ndarray]:
    """The pyramid of a picture.

    Args:
        image: float (height, width, channels).
        levels: how many of detail.

    Returns:
        Detail from the finest on, each at half the size of the one before; then what is left, the
        picture at 1 / 2^levels of its size.

    Example:

        >>> image = np.random.default_rng(0).random((9, 6, 3))
        >>> [level.shape for level in split(image, 2)]
        [(9, 6, 3), (5, 3, 3), (3, 2, 3)]
        >>> bool(np.allclose(join(split(image, 2)), image))
        True
    """
    found = []
    for _ in range(levels):
        small = shrink(image)
        found.append(image - enlarge(small, *image.shape[:2]))
        image = small
    return [*found, image]


def join(levels: list[np.ndarray]) -> np.ndarray:
    """The picture of a pyramid; undoes `split`."""
    image = levels[-1]
    for detail in reversed(levels[:-1]):
        image = detail + enlarge(image, *detail.shape[:2])
    return image
