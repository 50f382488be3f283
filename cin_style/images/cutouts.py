"""Objects cut out of pictures: by their transparency, by a mask, or by a box around them."""

import dataclasses
import os

import numpy as np
from PIL import Image

from cin_style.errors import UserError
from cin_style.images import files, guided, limits, scaling, segments

# Below this, a pixel is none of the object's.
_CLEAR = 1 / 255

# At which long side, in px, GrabCut looks at a picture, for how many rounds, and the guided filter
# that lays what it found along the picture's edges.
_GRABCUT_SIDE, _ROUNDS = 768, 6
_RADIUS, _EPSILON = 4, 1e-4


@dataclasses.dataclass(frozen=True)
class Cutout:
    """An object, cut out.

    Attributes:
        colours: uint8 (height, width, 3); also where it is clear.
        alpha: float32 (height, width) in [0, 1]: how much of each pixel is the object's.

    Example:
        >>> alpha = np.zeros((40, 30), "float32")
        >>> alpha[10:20, 5:25] = 1
        >>> Cutout(np.zeros((40, 30, 3), "uint8"), alpha).trimmed().alpha.shape
        (10, 20)
    """

    colours: np.ndarray
    alpha: np.ndarray

    def trimmed(self) -> "Cutout":
        """Without the clear rows and columns around it.

        Raises:
            UserError: all of it is clear.
        """
        rows, columns = (np.flatnonzero((self.alpha > _CLEAR).any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            raise UserError(
                "the object is empty: nothing is left inside its mask, box or transparency. Give "
                "a mask that is white where the object is."
            )
        where = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return Cutout(self.colours[where], self.alpha[where])

    def scaled(self, scale: float) -> "Cutout":
        """The same at another size.

        Raises:
            UserError: nothing would be left of it.
        """
        if scale == 1:
            return self
        size = tuple(round(side * scale) for side in self.alpha.shape)
        if min(size) < 2:
            raise UserError(
                f"the object would be {size[1]} x {size[0]} px: too small. Give a larger `scale`."
            )
        # What is clear has no colour that may run into the object's edge.
        alpha = self.alpha[..., None]
        values = np.concatenate([files.from_uint8(self.colours) * alpha, alpha], axis=-1)
        found = scaling.scale(values, size).clip(0, 1)
        alpha = found[..., 3]
        colours = found[..., :3] / np.maximum(alpha, _CLEAR)[..., None]
        return Cutout(files.to_uint8(colours.clip(0, 1)), alpha)


def cut_out(path: str | os.PathLike, mask: str | os.PathLike = "", box: str = "") -> Cutout:
    """Cuts an object out of a picture.

    Args:
        path: an image file.
        mask: a grey image of the picture's size, white where the object is; PNG or another
            format that keeps every value.
        box: `"X,Y,W,H"` in px: a box around the object, in which it is found (GrabCut, Rother et
            al. 2004, by OpenCV). Without mask and box, the picture's transparency says what is
            the object.

    Returns:
        The trimmed `Cutout`.

    Raises:
        UserError: a file that can't be read, a picture without transparency, an empty mask or one
            of another size or a JPEG, a box outside the picture; no OpenCV for a box.
    """
    image = files.open_rgb(path, most_pixels=limits.most_pixels())
    pixels = np.asarray(image)
    if mask:
        alpha = _of_mask(mask, pixels.shape[:2])
    elif box:
        alpha = grabcut(pixels, parse_box(box, pixels.shape[:2]))
    else:
        pixels, alpha = _of_transparency(path)
    return Cutout(pixels, alpha).trimmed()


def _of_transparency(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    with limits.allowing(limits.most_pixels()), files.open_image(path) as opened:
        whole = np.asarray(files.upright(opened).convert("RGBA"))
    alpha = files.from_uint8(whole[..., 3])
    if alpha.min() == 1:
        raise UserError(
            f"{path} has no transparency that would say what the object is. Give a `mask`, white "
            "where the object is, or a `box` around it."
        )
    return np.ascontiguousarray(whole[..., :3]), alpha


def _of_mask(mask: str | os.PathLike, size: tuple[int, int]) -> np.ndarray:
    grey = segments.open_labels(mask, size, "object's").mean(axis=-1, dtype="float32") / 255
    if np.ptp(grey) < 0.5:
        raise UserError(
            f"the mask {mask} is empty: it has one shade only. Make it white where the object is, "
            "and black elsewhere."
        )
    return grey


def parse_box(text: str, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """`"X,Y,W,H"` as (left, top, width, height), within a picture of a size (height, width).

    Raises:
        UserError: it is none, or lies outside.

    Example:
        >>> parse_box("10,20,300,40", (480, 640))
        (10, 20, 300, 40)
    """
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise UserError(
            f"`box` must be X,Y,W,H in px: left, top, width and height. Received: {text}"
        ) from None
    inside = 0 <= left < left + width <= size[1] and 0 <= top < top + height <= size[0]
    if not inside or min(width, height) < 4 or width * height == size[0] * size[1]:
        raise UserError(
            f"`box` must lie within the object's picture of {size[1]} x {size[0]} px and leave "
            f"some of it outside. Received: {text}"
        )
    return left, top, width, height


def grabcut(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """What of a picture is the object in a box (GrabCut, Rother et al. 2004).

    Args:
        picture: uint8 (height, width, 3).
        box: left, top, width, height in px; the object lies in it, and around it does not.

    Returns:
        float32 (height, width) in [0, 1], soft along the picture's edges; 0 outside the box.

    Raises:
        UserError: OpenCV is not installed, or nothing was found.
    """
    try:
        import cv2
    except ImportError as error:
        raise UserError(
            "finding an object in a box needs OpenCV: pip install cin_style[cutout]. Or give a "
            "`mask`."
        ) from error
    scale = min(1.0, _GRABCUT_SIDE / max(picture.shape))
    small = np.array(files.scaled(Image.fromarray(picture), max_side=_GRABCUT_SIDE))
    # Some of the picture has to be inside the box, and some outside.
    ends = small.shape[1], small.shape[0]
    place = [
        min(max(0, round(start * scale)), end - 2) for start, end in zip(box, ends, strict=False)
    ]
    place += [
        max(1, min(round(length * scale), end - start - (start == 0)))
        for start, length, end in zip(place, box[2:], ends, strict=True)
    ]
    labels = np.zeros(small.shape[:2], "uint8")
    outside, inside = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(
        small[..., ::-1].copy(), labels, place, outside, inside, _ROUNDS, cv2.GC_INIT_WITH_RECT
    )
    object_ = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype("float32")
    if object_.mean() < 1e-4:
        raise UserError(
            "no object was found in the `box`: it looks like what is around it. Give a `mask`."
        )
    guide = files.from_uint8(small)
    maps = guided.fit(guide, object_[..., None], _RADIUS, _EPSILON)
    alpha = np.empty(picture.shape[:2], "float32")
    for tile in guided.tiles(*picture.shape[:2]):
        alpha[tile] = guided.at_full_size(maps, picture, tile)[..., 0]
    # The filter's tails are no part of the object.
    alpha = ((alpha - 0.1) / 0.8).clip(0, 1)
    left, top, width, height = box
    inside = np.zeros_like(alpha)
    inside[top : top + height, left : left + width] = 1
    return (alpha * inside).astype("float32")
