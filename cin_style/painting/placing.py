"""An object over a picture: where it lies, what surrounds it, and the two laid together."""

import dataclasses
import logging

import numpy as np
from scipy import ndimage

from cin_style.errors import UserError
from cin_style.images import files
from cin_style.images.cutouts import Cutout

_LOG = logging.getLogger("cin_style")

# How far around an object the picture says what it is to belong to, in lengths of the object; and
# at least, in px.
_AROUND = 0.75
_LEAST_AROUND = 160


@dataclasses.dataclass(frozen=True)
class Placed:
    """An object over a picture.

    Attributes:
        background: uint8 (height, width, 3).
        colours: likewise, where the object is, its own.
        alpha: float32 (height, width): how much of each pixel is the object's.
    """

    background: np.ndarray
    colours: np.ndarray
    alpha: np.ndarray

    @classmethod
    def of(cls, background: np.ndarray, cutout: Cutout, at: tuple[float, float]) -> "Placed":
        """Lays an object on a picture, its middle at a place (x, y) in px.

        Raises:
            UserError: the object is outside the picture.
        """
        height, width = background.shape[:2]
        rows, columns = cutout.alpha.shape
        left, top = round(at[0] - columns / 2), round(at[1] - rows / 2)
        where = tuple(
            slice(min(end, max(0, start)), min(end, max(0, start + length)))
            for start, length, end in ((top, rows, height), (left, columns, width))
        )
        part = (
            slice(where[0].start - top, where[0].stop - top),
            slice(where[1].start - left, where[1].stop - left),
        )
        alpha = np.zeros((height, width), "float32")
        alpha[where] = cutout.alpha[part]
        seen, whole = float(alpha.sum()), float(cutout.alpha.sum())
        if not seen:
            raise UserError(
                f"the object, {columns} x {rows} px with its middle at {at[0]:g},{at[1]:g}, is "
                f"outside the picture of {width} x {height} px. Give another `at`, or a smaller "
                "`scale`."
            )
        if seen < 0.999 * whole:
            _LOG.info("%.0f %% of the object are cut off at the border", 100 * (1 - seen / whole))
        colours = background.copy()
        there = alpha[where] > 0
        colours[where][there] = cutout.colours[part][there]
        return cls(background, colours, alpha)

    @property
    def pasted(self) -> np.ndarray:
        """The object laid on the picture like a sticker."""
        return _over(self.background, self.colours, self.alpha)

    def box(self, around: int) -> tuple[slice, slice]:
        """The rows and columns of the object, and so many px around it."""
        found = []
        for axis, side in ((1, self.alpha.shape[0]), (0, self.alpha.shape[1])):
            there = np.flatnonzero((self.alpha > 0).any(axis=axis))
            found.append(slice(max(0, there[0] - around), min(side, there[-1] + 1 + around)))
        return found[0], found[1]

    @property
    def length(self) -> int:
        """The longer side of the object, in px."""
        rows, columns = self.box(0)
        return max(rows.stop - rows.start, columns.stop - columns.start)

    @property
    def neighbourhood(self) -> tuple[slice, slice]:
        """The rows and columns that say what the object is to belong to."""
        return self.box(max(round(_AROUND * self.length), _LEAST_AROUND))

    def cropped(self, where: tuple[slice, slice]) -> "Placed":
        """A part of it."""
        return Placed(self.background[where], self.colours[where], self.alpha[where])


def _over(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """One uint8 picture over another, which stays to the bit where alpha is 0."""
    share = alpha[..., None]
    mixed = files.from_uint8(above) * share + files.from_uint8(below) * (1 - share)
    return np.where(share > 0, files.to_uint8(mixed), below)


def blend_in(
    placed: Placed, where: tuple[slice, slice], part: np.ndarray, band: float
) -> np.ndarray:
    """A picture with an object that was made to belong, and a band around it.

    Args:
        placed: the object over the picture.
        where: rows and columns of `part`.
        part: float32 (rows, columns, 3) in [0, 1].
        band: over so many px around the object it goes over into the background.

    Returns:
        uint8 (height, width, 3); outside of object and band the background, to the bit.
    """
    alpha = placed.alpha[where]
    share = alpha
    if band > 0:
        away = ndimage.distance_transform_edt(alpha < 0.5)
        smooth = np.clip(1 - away / band, 0, 1)
        share = np.maximum(alpha, smooth * smooth * (3 - 2 * smooth)).astype("float32")
    picture = placed.background.copy()
    picture[where] = _over(placed.background[where], files.to_uint8(part), share)
    return picture
