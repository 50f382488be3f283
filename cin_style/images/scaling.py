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
