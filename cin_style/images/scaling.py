"""Pictures of floats made smaller and larger, also those that come in bands."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

# How many times the wanted size a picture has after it was averaged, before it is filtered.
_LEFT_TO_FILTER = 2


def scale(
    image: np.ndarray,
    size: tuple[int, int],
    method: Image.Resampling = Image.Resampling.LANCZOS,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """A picture at another size.

    Args:
        image: float (height, width, channels).
        size: (height, width) wanted.
        method: of Pillow's.
        box: the part of the picture wanted, (left, top, right, bottom) in its px; by default all.
            What lies around it is looked at.

    Returns:
        float32, with the filter's overshoots.

    Example:
        >>> import numpy as np
        >>> scale(np.full((8, 6, 3), 0.25), (4, 12)).shape
        (4, 12, 3)
    """
    channels = np.moveaxis(np.asarray(image, "float32"), -1, 0)
    scaled = [
        Image.fromarray(np.ascontiguousarray(channel)).resize(size[::-1], method, box)
        for channel in channels
    ]
    return np.stack([np.asarray(channel) for channel in scaled], axis=-1)


def shrink(
    bands: Iterable[tuple[slice, np.ndarray]], whole: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """A small copy of a picture that comes from top to bottom in bands.

    Args:
        bands: the rows, and float (rows, width, channels).
        whole: (height, width) of the picture.
        size: (height, width) of the copy, nowhere larger.

    Returns:
        float32 (*size, channels).

    Example:
        >>> import numpy as np
        >>> picture = np.random.default_rng(0).random((64, 48, 3))
        >>> halves = [(slice(0, 40), picture[:40]), (slice(40, 64), picture[40:])]
        >>> shrink(halves, (64, 48), (8, 6)).shape
        (8, 6, 3)
    """
    height, width = whole
    # First by averages of squares, which need nothing of their neighbours.
    factor = max(1, min(height // size[0], width // size[1]) // _LEFT_TO_FILTER)
    rows, columns = -(-height // factor), -(-width // factor)
    sums: np.ndarray | None = None
    for where, band in bands:
        if sums is None:
            sums = np.zeros((rows, columns, band.shape[-1]), "float32")
        across = np.add.reduceat(band, np.arange(0, width, factor), axis=1)
        first = where.start // factor
        starts = np.arange(first, -(-where.stop // factor)) * factor - where.start
        sums[first : first + len(starts)] += np.add.reduceat(across, starts.clip(0), axis=0)
    if sums is None:
        raise ValueError("`bands` must hold the whole picture. Received: none")
    counts = [
        np.minimum(factor, side - np.arange(count) * factor).astype("float32")
        for side, count in ((height, rows), (width, columns))
    ]
    sums /= counts[0][:, None, None] * counts[1][:, None]
    # The last row and column may stand for less than a whole square.
    box = (0.0, 0.0, width / factor, height / factor)
    return scale(sums, size, box=box)


def enlarge(image: np.ndarray, size: tuple[int, int], rows: slice) -> np.ndarray:
    """A band of a picture at a larger size.

    Args:
        image: float (height, width, channels).
        size: (height, width) of the whole larger picture.
        rows: of that.

    Returns:
        float32 (rows, width, channels).

    Example:
        >>> import numpy as np
        >>> picture = np.random.default_rng(0).random((8, 6, 3))
        >>> band = enlarge(picture, (64, 48), slice(16, 32))
        >>> bool(np.allclose(band, enlarge(picture, (64, 48), slice(0, 64))[16:32], atol=1e-5))
        True
    """
    height, width = image.shape[:2]
    top, bottom = (place * height / size[0] for place in (rows.start, rows.stop))
    part = (rows.stop - rows.start, size[1])
    return scale(image, part, Image.Resampling.BICUBIC, (0.0, top, float(width), bottom))


def tents(places: np.ndarray, cells: int) -> np.ndarray:
    """The shares that cells have at places, for linear interpolation.

    Args:
        places: float (...), in cells; those beyond the first and last are theirs.
        cells: how many.

    Returns:
        float32 (..., cells), of which each place's sum is 1.

    Example:
        >>> import numpy as np
        >>> tents(np.array([0.25, 7.0]), 3).tolist()
        [[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]]
    """
    inside = np.clip(places, 0, cells - 1)
    return np.maximum(0, 1 - np.abs(inside[..., None] - np.arange(cells))).astype("float32")


def between(length: int, cells: int, part: slice) -> tuple[slice, np.ndarray]:
    """Which cells some pixels of a side lie between, for linear interpolation.

    Args:
        length: of the side, in px.
        cells: that cover it.
        part: the pixels, from first to last.

    Returns:
        The cells that count for them, and float32 (pixels, cells that count): their shares.

    Example:
        >>> cells, shares = between(8, 4, slice(3, 5))
        >>> cells, shares.tolist()
        (slice(1, 3, None), [[0.75, 0.25], [0.25, 0.75]])
    """
    places = np.clip((np.arange(part.start, part.stop) + 0.5) / length * cells - 0.5, 0, cells - 1)
    first, last = int(places[0]), min(cells, int(places[-1]) + 2)
    return slice(first, last), tents(places - first, last - first)
