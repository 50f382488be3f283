"""Flaws of pastiches as numbers: checkerboards, squares, borders, droplets."""

import numpy as np
import scipy.ndimage

# Where a grid shows in the spectrum, in shares of the sampling rate down and across. At a quarter
# of it on both diagonals: a grid of x - y leaves nothing where one of x + y does.
_GRIDS = (
    (1 / 2, 0),
    (0, 1 / 2),
    (1 / 2, 1 / 2),
    (1 / 4, 0),
    (0, 1 / 4),
    (1 / 4, 1 / 4),
    (1 / 4, 3 / 4),
)

# Of a channel's range: within this of 0 or 1 a value is saturated ...
_SATURATED = 0.02
# ... and a photo or a painting with values within this of the same end accounts for it.
_NEAR = 0.15

MEASURES = ("checkerboard", "blockiness", "border", "droplets")
BORDER = 8
SMALLEST_DROPLET = 1e-3


def measure(picture: np.ndarray, photo: np.ndarray, painting: np.ndarray) -> dict[str, float]:
    """All measures of a picture.

    Args:
        picture: float (height, width, 3) in [0, 1].
        photo: the photo it was made from, of the same size.
        painting: the style image, of any size.

    Returns:
        A dict of floats: `checkerboard`, `blockiness`, `border` and `droplets`, see the functions.
    """
    return {
        "checkerboard": checkerboard(picture),
        "blockiness": blockiness(picture),
        "border": border(picture),
        "droplets": droplets(picture, photo, painting),
    }


def checkerboard(picture: np.ndarray) -> float:
    """Energy at the checkerboard frequencies, relative to their neighbourhood in the spectrum.

    Half the sampling rate along x, along y and along both, and a quarter of it, along both
    diagonals, where the second of two upsamplings leaves its mark (Odena et al. 2016). The power of
    the grey picture, Hann-windowed, in the 3 x 3 bins around such a frequency, over the median
    power of the bins up to 7 away, on the spectrum's axes only along the axis; the mean over the
    frequencies. About 1.5 for noise, whose mean lies above its median; more for a grid.

    Args:
        picture: float (height, width, 3) in [0, 1], of 64 px or more each way.

    Returns:
        A float.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).random((128, 128, 3))
        >>> y, x = np.indices((128, 128, 1))[:2]
        >>> grid = np.where((x - y) % 4 < 2, 0.1, -0.1)
        >>> checkerboard(noise + grid) > 10 * checkerboard(noise)
        True
    """
    grey = np.asarray(picture, "float64").mean(axis=-1)
    height, width = (side // 4 * 4 for side in grey.shape)
    grey = grey[:height, :width]
    window = np.hanning(height)[:, None] * np.hanning(width)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    ratios = []
    for down, across in _GRIDS:
        y, x = round(down * height), round(across * width)
        rows, columns = np.arange(y - 7, y + 8), np.arange(x - 7, x + 8)
        around = power.take(rows, 0, mode="wrap").take(columns, 1, mode="wrap")
        peak = around[6:9, 6:9].mean()
        rest = np.ones(around.shape, bool)
        # On an axis lies what upright and level edges spread over all frequencies.
        if not across:
            rest[:, :6] = rest[:, 9:] = False
        if not down:
            rest[:6] = rest[9:] = False
        # Without the peak, and what the window spreads of it.
        rest[5:10, 5:10] = False
        ratios.append(peak / max(np.median(around[rest]), 1e-12))
    return float(np.mean(ratios))


def blockiness(picture: np.ndarray, period: int = 4) -> float:
    """How unevenly edges are spread over a grid of squares, see `losses.blockiness`.

    The standard deviation over the positions p modulo the period of the mean squared differences
    between neighbours at p, relative to their mean; the mean over both directions.

    Args:
        picture: float (height, width, 3) in [0, 1], each side more than the period.
        period: in pixels.

    Returns:
        A float: some 0.02 for photos of 512 px, in which many edges lie anywhere, and
        sqrt(period - 1) when all lie on the grid. A single straight edge counts like a grid.
    """
    found = []
    for axis in (0, 1):
        squares = np.diff(np.asarray(picture, "float64"), axis=axis) ** 2
        lines = squares.mean(axis=(1 - axis, 2))
        lines = lines[: len(lines) // period * period].reshape(-1, period).mean(axis=0)
        found.append(lines.std() / max(lines.mean(), 1e-12))
    return float(np.mean(found))


def edges(picture: np.ndarray, width: int = BORDER) -> dict[str, float]:
    """How the colour changes at each side of a picture.

    Args:
        picture: float (height, width, 3) in [0, 1].
        width: of the border in pixels, less than either side of the picture.

    Returns:
        A dict of twelve floats from -1 to 1, `left_red` to `bottom_blue`: the mean of the outermost
        pixels minus that of the next four times as many. Averaged over pictures of several photos,
        what the photos bring cancels out and what is painted at every border stays.
    """
    picture = np.asarray(picture, "float64")
    found = {}
    for axis, names in ((1, ("left", "right")), (0, ("top", "bottom"))):
        lines = picture.mean(axis=1 - axis)
        for side, along in zip(names, (lines, lines[::-1]), strict=True):
            change = along[:width].mean(axis=0) - along[width : 5 * width].mean(axis=0)
            for channel, value in zip(("red", "green", "blue"), change, strict=True):
                found[f"{side}_{channel}"] = float(value)
    return found


def border(picture: np.ndarray, width: int = BORDER) -> float:
    """The largest change of colour at a side of a picture: of `edges`, the largest there is.

    Args:
        picture, width: see `edges`.

    Returns:
        A float from 0 to 1.
    """
    return max(map(abs, edges(picture, width).values()))


def droplets(picture: np.ndarray, photo: np.ndarray, painting: np.ndarray) -> float:
    """Share of the picture in saturated blobs for which neither source accounts.

    A blob is a connected region of over 0.1 % of the picture whose pixels are all near the
    same corner of the RGB cube: white, black, or a pure colour. The photo accounts for it when
    its own pixels there are on the average near that corner; the painting does when at least
    as large a share of it is near that corner as of the picture.

    Args:
        picture: float (height, width, 3) in [0, 1].
        photo: float, of the same size.
        painting: float (height, width, 3), of any size.

    Returns:
        A float from 0 to 1.
    """
    picture, photo, painting = (
        np.asarray(image, "float32") for image in (picture, photo, painting)
    )
    pixels = picture.shape[0] * picture.shape[1]
    total = 0
    for corner in np.ndindex(2, 2, 2):
        saturated = (np.abs(picture - corner) <= _SATURATED).all(axis=-1)
        if saturated.mean() <= SMALLEST_DROPLET:
            continue
        if (np.abs(painting - corner) <= _NEAR).all(axis=-1).mean() >= saturated.mean():
            continue
        labels, count = scipy.ndimage.label(saturated)
        sizes = np.bincount(labels.ravel())[1:]
        distance = np.abs(photo - corner).mean(axis=-1)
        means = scipy.ndimage.mean(distance, labels, np.arange(1, count + 1))
        total += sizes[(sizes > SMALLEST_DROPLET * pixels) & (means > _NEAR)].sum()
    return float(total / pixels)
