"""Segments of two photos that belong together: sky to sky, water to water."""

import dataclasses
import itertools
import logging
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.images import files, limits, scaling

_LOG = logging.getLogger("cin_style")

# A segment is at least this share of its photo; in a mask, so is the colour that stands for it.
LEAST = 0.005

# How far from all mixtures of two segments' colours the colour of a mask may be, of 0 to 255.
_NEAR = 12.0

# The most segments that a mask may have; more is the noise of a lossy format.
_MOST = 32

# Larger masks are read at this long side, in px: segments are found at a few hundred.
_LARGEST = 2048

# Colours that are told apart at sight, for masks that are written.
PALETTE = np.array(
    [
        *((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40)),
        *((148, 103, 189), (140, 86, 75), (227, 119, 194), (127, 127, 127)),
        *((188, 189, 34), (23, 190, 207), (255, 255, 255), (0, 0, 0)),
    ],
    "uint8",
)


@dataclasses.dataclass(frozen=True)
class Segments:
    """Which share of each segment the pixels of two photos have.

    Attributes:
        content: float32 (height, width, count), each pixel's sum is 1.
        style: likewise, of the style image's size.
        names: what to call them, `count` texts.

    Example:
        >>> both = Segments.whole((4, 6), (8, 8))
        >>> both.content.shape, both.style.shape, both.names
        ((4, 6, 1), (8, 8, 1), ('all',))
    """

    content: np.ndarray
    style: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def whole(cls, content: tuple[int, int], style: tuple[int, int]) -> "Segments":
        """One segment for all of two photos of these sizes, (height, width)."""
        return cls(np.ones((*content, 1), "float32"), np.ones((*style, 1), "float32"), ("all",))

    @property
    def shares(self) -> np.ndarray:
        """Which share of the content photo each segment is: (count,)."""
        return self.content.mean(axis=(0, 1))

    def scaled(self, content: tuple[int, int], style: tuple[int, int]) -> "Segments":
        """The same at other sizes, (height, width)."""
        return Segments(resize(self.content, content), resize(self.style, style), self.names)


def resize(shares: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shares (height, width, count) at another size; each pixel's still sum to 1."""
    if shares.shape[:2] == tuple(size):
        return shares
    return normalized(scaling.scale(shares, size, Image.Resampling.BOX))


def normalized(shares: np.ndarray) -> np.ndarray:
    """Shares cut off at 0 and divided by their sum, float32."""
    shares = np.maximum(np.asarray(shares, "float32"), np.float32(1e-6))
    return shares / shares.sum(axis=-1, keepdims=True)


# === Masks that are given ===


def read(
    content: str | os.PathLike,
    style: str | os.PathLike,
    content_size: tuple[int, int],
    style_size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Two masks, in which the same colour is the same segment.

    A colour that at least one mask has on 0.5 % of its pixels is a segment. What is rarer, such as
    a soft edge, is the mixture of two segments whose colours it lies between.

    Args:
        content, style: files that keep every value, such as PNG; indexed, grey or coloured.
        content_size, style_size: (height, width) that they must have.

    Returns:
        For content and style float32 (height, width, count), each pixel's sum is 1, with a long
        side of at most 2,048 px; and the colours as names, such as `#ff0000`. A segment may be
        missing on one side: see `matched`.

    Raises:
        UserError: a mask that can't be read, is a JPEG or full of false colours, has another size
            or one colour only.
    """
    masks = [open_labels(content, content_size, "content"), open_labels(style, style_size, "style")]
    counted = [_count(_shrunk(mask)) for mask in masks]
    found: set[tuple[int, ...]] = set()
    for path, (colours, _, counts) in zip((content, style), counted, strict=True):
        own = colours[counts >= LEAST * counts.sum()]
        if len(own) < 2:
            what = "is empty: it has one large colour only" if len(own) else "has no large colours"
            raise UserError(
                f"the mask {path} {what}. Paint each segment in a flat colour of its own, or leave "
                "the masks out."
            )
        found |= {tuple(map(int, colour)) for colour in own}
    if len(found) > _MOST:
        raise UserError(
            f"the masks {content} and {style} have {len(found)} large colours, where a segment is "
            "one colour. Save them as PNG with one flat colour a segment."
        )
    palette = np.array(sorted(found), "float64")
    shares = []
    for path, (colours, index, counts) in zip((content, style), counted, strict=True):
        mixed, far = _mixtures(colours.astype("float64"), palette)
        if counts[far > _NEAR].sum() > LEAST * counts.sum():
            raise UserError(
                f"the mask {path} has {np.count_nonzero(far > _NEAR)} colours that belong to no "
                "segment, as lossy formats make them. Save it as PNG from where it was painted, "
                "one flat colour a segment."
            )
        shares.append(mixed[index])
    names = tuple("#" + "".join(f"{int(value):02x}" for value in colour) for colour in palette)
    return shares[0], shares[1], names


def open_labels(path: str | os.PathLike, size: tuple[int, int], photo: str) -> np.ndarray:
    """The colours of a mask, uint8 (height, width, 3)."""
    image = files.open_rgb(path, most_pixels=limits.most_pixels())  # checks the file
    with limits.allowing(limits.most_pixels()), Image.open(path) as opened:
        if opened.format == "JPEG":
            raise UserError(
                f"the mask {path} is a JPEG, which makes false labels along its edges. Save it as "
                "PNG from where it was painted."
            )
    if image.size != size[::-1]:
        raise UserError(
            f"the mask {path} is {image.width} x {image.height} px, but the {photo} photo is "
            f"{size[1]} x {size[0]} px. Scale the mask to the photo's size."
        )
    return np.asarray(image)


def _shrunk(mask: np.ndarray) -> np.ndarray:
    """A mask at a long side of at most `_LARGEST`: no colour that it has not."""
    if max(mask.shape) <= _LARGEST:
        return mask
    height, width = (max(1, round(side * _LARGEST / max(mask.shape))) for side in mask.shape[:2])
    scaled = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(scaled)


def _count(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The colours of a mask (n, 3), which of them each pixel has, and how many have it."""
    packed = mask.astype("uint32") @ np.array([65536, 256, 1], "uint32")
    values, index, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1)
    return colours, index.reshape(mask.shape[:2]), counts


def _mixtures(colours: np.ndarray, palette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours as mixtures of two of a palette: shares (n, count), and how far off they are (n,)."""
    numbers = np.arange(len(colours))
    shares = np.zeros((len(colours), len(palette)), "float32")
    distance = np.full(len(colours), np.inf)
    for first, second in itertools.combinations(range(len(palette)), 2):
        along = palette[second] - palette[first]
        share = ((colours - palette[first]) @ along / (along @ along)).clip(0, 1)
        off = np.linalg.norm(colours - palette[first] - share[:, None] * along, axis=-1)
        # A little better does not count: grey lies between many colours.
        better = numbers[off < distance - 1e-6]
        distance[better] = off[better]
        shares[better] = 0
        shares[better, first], shares[better, second] = 1 - share[better], share[better]
    return shares, distance


def save(path: str | os.PathLike, shares: np.ndarray, size: tuple[int, int] | None = None) -> None:
    """Writes a mask as an indexed PNG: at each pixel the segment that has most of it.

    Args:
        path: of the file.
        shares: float (height, width, count), up to 256 segments.
        size: (height, width) of the mask; by default that of the shares.
    """
    image = Image.fromarray(shares.argmax(axis=-1).astype("uint8"))
    if size is not None:
        image = image.resize(size[::-1], Image.Resampling.NEAREST)
    # No two of the colours that come after those chosen by hand are alike either.
    more = np.random.default_rng(0).permutation(8**3)[: 256 - len(PALETTE)]
    spread = 18 + 32 * np.stack(np.unravel_index(more, (8, 8, 8)), axis=-1)
    image.putpalette(np.concatenate([PALETTE, spread]).astype("uint8").tobytes())
    with write_beside(path) as temporary:
        image.save(temporary, format="PNG")


# === What belongs together ===


def matched(
    content: np.ndarray, style: np.ndarray, names: Sequence[str], similarity: np.ndarray
) -> Segments:
    """Segments that both photos have.

    A segment found on one side only, or too small there (less than 0.5 % of the photo), goes to its
    most similar of those that the other side has, and the log says so (Penhouet and
    Sanzenbacher 2019, section 3.2).

    Args:
        content, style: float (height, width, count): shares.
        names: of the segments.
        similarity: (count, count), larger is more similar.

    Raises:
        UserError: the photos have no segment in common.
    """
    has = np.stack([shares.mean(axis=(0, 1)) >= LEAST for shares in (content, style)])
    both = has.all(axis=0)
    if not both.any():
        raise UserError(
            "the two photos have no segment in common. Give masks in which the same colour stands "
            "for what belongs together."
        )
    kept = np.flatnonzero(both)
    target = np.arange(len(names))
    for index in np.flatnonzero(~both).tolist():
        target[index] = kept[int(np.argmax(similarity[index, kept]))]
        if has[:, index].any():
            side = "content" if has[0, index] else "style"
            other = names[int(target[index])]
            message = "segment %s is in the %s photo only: it goes to %s"
            _LOG.info(message, names[index], side, other)
    joined = np.zeros((len(names), len(kept)), "float32")
    joined[np.arange(len(names)), np.searchsorted(kept, target)] = 1
    return Segments(
        normalized(content @ joined),
        normalized(style @ joined),
        tuple(names[k] for k in kept.tolist()),
    )


def likeness(photos: Sequence[np.ndarray], shares: Sequence[np.ndarray]) -> np.ndarray:
    """How similar segments are that have no names, by where they lie and what colours they have.

    Args:
        photos: content and style, float (height, width, 3) in [0, 1].
        shares: of their segments, (height, width, count) each.

    Returns:
        (count, count): minus the distance of the mean place and colour, the colours of each photo
        relative to its own mean and spread, so that dusk is like day.
    """
    means, weights = [], []
    for photo, share in zip(photos, shares, strict=True):
        height, width = photo.shape[:2]
        down, across = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
        colours = (photo - photo.mean(axis=(0, 1))) / (photo.std(axis=(0, 1)) + 1e-3)
        seen = np.concatenate([colours, 2 * down[..., None], across[..., None]], axis=-1)
        total = share.sum(axis=(0, 1))
        means.append(np.einsum("hwk,hwf->kf", share, seen) / np.maximum(total, 1e-6)[:, None])
        weights.append(total / (height * width))
    one, other = (weight[:, None] for weight in weights)
    mean = (one * means[0] + other * means[1]) / np.maximum(one + other, 1e-6)
    return -np.linalg.norm(mean[:, None] - mean[None], axis=-1)
