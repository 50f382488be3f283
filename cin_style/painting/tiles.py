"""Painting in tiles: a picture of any size in bounded memory, equal to the picture painted whole.

Tiles must agree on one thing, the statistics of the normalizations, which are those of the whole
picture. So it is gone over once for each of them. What that costs is kept low by what is kept:

1. a pass for each contracting layer, each from the photo; the last keeps its map (a quarter of the
   photo's size each way, for the usual network);
2. for each residual layer a pass from the map before to the map after it;
3. a pass for each expanding layer, of which the first keeps its map and the others begin there; the
   last keeps the picture, of which only the colours are wanting.

That is 1.25 times the arithmetic of painting whole and, at its peak, 96 bytes a pixel, which lie in a
file where they are many.
"""

import contextlib
import logging
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tqdm
from keras import ops

from cin_style.errors import UserError
from cin_style.images.files import from_uint8
from cin_style.images.grain import Grain
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting import stages
from cin_style.painting.stages import Normalization, Span, Stage

_LOG = logging.getLogger("cin_style")

# The side of tiles, in px, where nothing else is asked for; and the least, for what a tile reads
# around itself would be more than the tile.
USUAL_TILE = 512
SMALLEST_TILE = 64

# Maps of up to so many bytes are kept in memory, larger ones in a file.
_IN_MEMORY = 2**30

# The long side of thumbnails whose statistics are taken for the picture's, in px (Chen et al.
# 2022, "Towards Ultra-Resolution Neural Style Transfer via Thumbnail Instance Normalization").
THUMBNAIL = 1024


class Source:
    """A photo as the network gets it: with grain and margin, of sides that it can halve.

    The photo itself is all that is held; what is laid over and around it is made part by part.

    Args:
        photo: (height, width, 3), uint8 or float32 in [0, 1]; anything that is sliced like an
            array will do, such as a `np.memmap`.
        margin: how many mirrored pixels are added on each side.
        multiple: of which the sides shall be multiples, by more mirrored pixels at the bottom and
            right (`PadToMultiple`).
        grain: standard deviation of the noise laid over it, see `images.grain`.
        maps: a style weight for each pixel and style, (height, width, num_styles), like `photo`.
        chosen: which of the styles enter.
        raw: see `styles.blends.weights`.

    Attributes:
        shape: (height, width) with all that is added.
        inside: (height, width) of the photo.
        margin: see above.
    """

    def __init__(self, photo: Any, margin: int, multiple: int, grain: float = 0.0) -> None:
        self._photo = photo
        self.margin = margin
        self.inside = height, width = photo.shape[:2]
        self._rows, self._columns = (_mirrored(side, margin, multiple) for side in self.inside)
        self.shape = len(self._rows), len(self._columns)
        # The same noise for all photos of a size, as `Stylizer` lays it.
        self._grain = Grain(height, width, grain, np.random.default_rng(0)) if grain else None

    def read(self, rows: Span, columns: Span) -> np.ndarray:
        """A part, float32 (height, width, 3)."""
        y, x = _places(self._rows, rows), _places(self._columns, columns)
        top, left = y.min(), x.min()
        part = np.asarray(self._photo[top : y.max() + 1, left : x.max() + 1])
        part = from_uint8(part) if part.dtype == np.uint8 else part.astype("float32", copy=False)
        if self._grain:
            part = self._grain.over(part, int(top), int(left))
        return part[np.ix_(y - top, x - left)]

    def read_maps(self, maps: Any, rows: Span, columns: Span, level: int) -> np.ndarray:
        """Maps of the photo's size at 1 / 2^level of it, a part: float32 (height, width, k)."""
        y, x = (
            _places(axis, (start << level, length << level))
            for axis, (start, length) in ((self._rows, rows), (self._columns, columns))
        )
        top, left = y.min(), x.min()
        part = maps[top : y.max() + 1, left : x.max() + 1][np.ix_(y - top, x - left)]
        for _ in range(level):  # as `HalveMap` does it
            part = 0.5 * (part[::2] + part[1::2])
            part = 0.5 * (part[:, ::2] + part[:, 1::2])
        return part


def _mirrored(side: int, margin: int, multiple: int) -> np.ndarray:
    """Which row of a photo each row of the picture is, which is mirrored around it."""
    wide = np.pad(np.arange(side), margin, mode="reflect")
    return np.pad(wide, (0, -len(wide) % multiple), mode="reflect")


def _places(axis: np.ndarray, span: Span) -> np.ndarray:
    """The entries of an axis in a span, which may lie beyond it, where anything will do."""
    start, length = span
    return axis[np.clip(np.arange(start, start + length), 0, len(axis) - 1)]


class _Map:
    """What a layer made of the whole picture: float32 (height, width, channels).

    In memory, or in a file that nobody else sees and that is gone when the process ends, however
    it ends.
    """

    def __init__(self, shape: tuple[int, int, int], on_disk: bool) -> None:
        self.shape = shape
        self._file: mmap.mmap | None = None
        if not on_disk:
            self._array: Any = np.empty(shape, "float32")
            return
        size = 4 * int(np.prod(shape))
        with tempfile.TemporaryFile(prefix="cin_style_") as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is told now, not by a crash later
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            self._file = mmap.mmap(file.fileno(), size)
        self._array = np.frombuffer(self._file, "float32").reshape(shape)

    def read(self, rows: Span, columns: Span) -> np.ndarray:
        """A copy of a part; what lies beyond the map is 0."""
        part = np.zeros((rows[1], columns[1], self.shape[2]), "float32")
        (top, bottom), (left, right) = (
            (max(0, start), min(whole, start + length))
            for (start, length), whole in zip((rows, columns), self.shape[:2], strict=True)
        )
        inside = (
            slice(top - rows[0], bottom - rows[0]),
            slice(left - columns[0], right - columns[0]),
        )
        part[inside] = self._array[top:bottom, left:right]
        self._forget()
        return part

    def write(self, top: int, left: int, part: np.ndarray) -> None:
        """Writes a part to where it begins."""
        height, width = part.shape[:2]
        self._array[top : top + height, left : left + width] = part
        self._forget()

    def _forget(self) -> None:
        # Pages of the file that were touched would count as this process' memory.
        if self._file is not None and hasattr(self._file, "madvise"):
            self._file.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Frees memory and disk."""
        self._array = None
        if self._file is not None:
            self._file.close()
            self._file = None


class Moments:
    """Means and variances of channels, gathered part by part (Chan et al. 1979), in float64.

    Example:

        >>> moments = Moments()
        >>> moments.add(2, np.float32([3]), np.float32([2]))  # of 2 and 4
        >>> moments.add(1, np.float32([9]), np.float32([0]))  # of 9
        >>> moments.mean.tolist(), (3 * moments.variance).round(9).tolist()
        ([5.0], [26.0])
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: Any = np.float64(0)
        self._squares: Any = np.float64(0)

    def add(self, count: int, mean: np.ndarray, squares: np.ndarray) -> None:
        """Adds a part: how many values, their mean, the sum of squared differences from it."""
        difference = mean.astype("float64") - self._mean
        total = self._count + count
        self._mean = self._mean + difference * (count / total)
        self._squares = self._squares + squares + difference**2 * (self._count * count / total)
        self._count = total

    @property
    def mean(self) -> np.ndarray:
        """float32 (channels,)."""
        return np.float32(self._mean)

    @property
    def variance(self) -> np.ndarray:
        """float32 (channels,), of all values: divided by their number."""
        return np.float32(self._squares / self._count)


class Look:
    """What a picture is painted in: embeddings, and which of them where.

    Args:
        embeddings: float32 (k, size); k is 1 without maps.
        maps: float32 (height, width, k) of the photo's size, or what gives parts of such when it
            is sliced; by default one embedding for the whole picture.
    """

    def __init__(self, embeddings: np.ndarray, maps: Any = None) -> None:
        self.embeddings = embeddings
        self.maps = maps

    @property
    def num_maps(self) -> int | None:
        """k, or `None` without maps."""
        return None if self.maps is None else len(self.embeddings)


class TilePainter:
    """Paints with one network, tile by tile.

    Holds no state that painting changes.

    Args:
        network: paints; of its styles nothing is asked.
        tile: the side of tiles in px, which is rounded up to a multiple of what the network needs.
    """

    def __init__(self, network: StyleTransferNetwork, tile: int = USUAL_TILE) -> None:
        self.stages = stages.of(network)
        self.kernels = [
            ops.convert_to_tensor(network.get_layer(f"{stage.name}_conv").kernel)
            for stage in self.stages
        ]
        self.multiple = 2 ** (len(network.widths) - 1)
        self.tile = tile + -tile % self.multiple

    @contextlib.contextmanager
    def paint(
        self, source: Source, look: Look, thumbnail: tuple[Source, Look] | None = None
    ) -> Iterator["Painted"]:
        """Paints a picture.

        Args:
            source: the photo.
            look: what to paint it in.
            thumbnail: the same, small, where its statistics shall do for those of the picture. The
                picture is gone over once then.

        Yields:
            The picture, a `Painted`, as long as the context lasts.

        Raises:
            UserError: not enough room on the disk.
        """
        given = None
        if thumbnail is not None:
            with self.paint(*thumbnail) as small:
                given = small.moments
        with contextlib.ExitStack() as opened:
            yield _Painting(self, source, look, given, opened).run()


class _Painting:
    """The painting of one picture."""

    def __init__(
        self,
        painter: TilePainter,
        source: Source,
        look: Look,
        moments: Sequence[Moments] | None,
        opened: contextlib.ExitStack,
    ) -> None:
        self._stages, self._kernels = painter.stages, painter.kernels
        self._source, self._look, self._opened = source, look, opened
        self._given = moments
        self._moments: list[Moments] = list(moments or [])
        self._tiles = [_tiles(side, painter.tile) for side in source.shape]
        self._sides = [min(side, painter.tile) for side in source.shape]
        self._bar: Any = None
        self._on_disk = False

    def run(self) -> "Painted":
        self._make_room()
        passes = 1 if self._given else len(self._stages)
        total = passes * len(self._tiles[0]) * len(self._tiles[1])
        # Small pictures are done before a bar would show.
        with tqdm.tqdm(total=total, unit="tile", delay=2, leave=False) as self._bar:
            picture = self._once() if self._given else self._layer_by_layer()
        return Painted(self._source, picture, self._normalize_last, self._sides[0], self._moments)

    # === The order of work ===

    def _once(self) -> _Map:
        last = len(self._stages) - 1
        picture = self._new_map(last)
        self._pass(self._source, 0, last, picture)
        return picture

    def _layer_by_layer(self) -> _Map:
        deepest = max(stage.level for stage in self._stages)
        for index in range(deepest):
            self._pass(self._source, 0, index)
        kept = self._new_map(deepest)
        self._pass(self._source, 0, deepest, kept)
        self._finish(kept, deepest)
        index = deepest + 1
        while self._stages[index].role == "branch":
            first, second = self._new_map(index), self._new_map(index + 1)
            self._pass(kept, index, index, first)
            self._pass(first, index + 1, index + 1, second, raw=True)
            self._finish(kept, index + 1, added=second)
            first.close()
            second.close()
            index += 2
        enlarged = self._new_map(index)
        self._pass(kept, index, index, enlarged)
        kept.close()
        last = len(self._stages) - 1
        for further in range(index + 1, last):
            self._pass(enlarged, index + 1, further, raw=True)
        if index == last:
            return enlarged
        picture = self._new_map(last)
        self._pass(enlarged, index + 1, last, picture, raw=True)
        enlarged.close()
        return picture

    def _pass(
        self, source: Any, first: int, last: int, target: _Map | None = None, raw: bool = False
    ) -> None:
        """Goes over all tiles, from what the stage before `first` made to what `last` makes.

        Args:
            source: what is read, a `Source` or `_Map`.
            first, last: the stages in between, both included.
            target: where what the last one's convolution makes is kept.
            raw: whether what is read has yet to be normalized.
        """
        chain = self._stages[first : last + 1]
        run = stages.runner(chain, self._stages[first - 1] if raw else None, self._look.num_maps)
        level, moments = chain[-1].level, Moments()
        for top in self._tiles[0]:
            for left in self._tiles[1]:
                starts = [place[0] >> level for place in (top, left)]
                rows, columns = (
                    stages.spans(chain, (start, side >> level))
                    for start, side in zip(starts, self._sides, strict=True)
                )
                fresh = [
                    (np.arange(side >> level) >= (place[1] - place[0]) >> level).astype("float32")
                    for place, side in zip((top, left), self._sides, strict=True)
                ]
                made, mean, squares = run(
                    source.read(rows[0], columns[0])[None],
                    self._indices(first, rows, columns),
                    self._kernels[first : last + 1],
                    self._normalizations(first, raw, rows, columns),
                    tuple(fresh),
                )
                moments.add(int(fresh[0].sum() * fresh[1].sum()), mean, squares)
                if target is not None:
                    target.write(*starts, made)
                self._bar.update()
        if not self._given:
            self._moments.append(moments)

    def _indices(self, first: int, rows: list[Span], columns: list[Span]) -> list:
        found = []
        for step in range(len(rows) - 1):
            level = self._stages[first + step - 1].level if first + step else 0
            stage = self._stages[first + step]
            found.append(
                tuple(
                    stage.indices(spans[step + 1], spans[step], whole >> level)
                    for spans, whole in zip((rows, columns), self._source.shape, strict=True)
                )
            )
        return found

    def _normalizations(self, first: int, raw: bool, rows: list, columns: list) -> list:
        # What the stage before `first` made stands where `rows` begin.
        indices = range(first - 1 if raw else first, first + len(rows) - 2)
        return [
            self._normalization(index, rows[index - first + 1], columns[index - first + 1])
            for index in indices
        ]

    # === Normalizing ===

    def _normalization(self, index: int, rows: Span, columns: Span) -> tuple[np.ndarray, ...]:
        """What the normalization of a stage needs for a part of what its convolution made."""
        before = sum(2 * stage.filters for stage in self._stages[:index])
        stage, moments = self._stages[index], self._moments[index]
        tables = self._look.embeddings[None, :, before : before + 2 * stage.filters]
        weights = np.ones((1, 1), "float32")
        if self._look.maps is not None:
            weights = self._source.read_maps(self._look.maps, rows, columns, stage.level)[None]
        return Normalization(
            tables[..., : stage.filters],
            tables[..., stage.filters :],
            moments.mean,
            moments.variance,
            weights,
        ).as_tuple()

    def _normalize(self, part: np.ndarray, index: int, rows: Span, columns: Span) -> np.ndarray:
        gammas, betas, mean, variance, weights = self._normalization(index, rows, columns)
        if weights.ndim == 2:
            gamma, beta = gammas[0, 0], betas[0, 0]
        else:
            gamma, beta = weights[0] @ gammas[0], weights[0] @ betas[0]
        scale = gamma / np.sqrt(variance + np.float32(self._stages[index].epsilon))
        return part * scale + (beta - mean * scale)

    def _normalize_last(self, part: np.ndarray, rows: Span, columns: Span) -> np.ndarray:
        return self._normalize(part, len(self._stages) - 1, rows, columns)

    def _finish(self, kept: _Map, index: int, added: _Map | None = None) -> None:
        """Normalizes and activates a map in place; or another, which is then added to it."""
        height, width = kept.shape[:2]
        step = self._sides[0] >> self._stages[index].level
        for top in range(0, height, step):
            rows, columns = (top, min(step, height - top)), (0, width)
            part = self._normalize((added or kept).read(rows, columns), index, rows, columns)
            if self._stages[index].activation:
                np.maximum(part, 0, out=part)
            kept.write(top, 0, kept.read(rows, columns) + part if added else part)

    # === Room ===

    def _new_map(self, index: int) -> _Map:
        level, channels = self._stages[index].level, self._stages[index].filters
        height, width = (side >> level for side in self._source.shape)
        made = _Map((height, width, channels), self._on_disk)
        self._opened.callback(made.close)
        return made

    def _make_room(self) -> None:
        """Decides where maps are kept, and says so."""
        size = self._most_bytes()
        self._on_disk = size > _IN_MEMORY
        if not self._on_disk:
            return
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        height, width = self._source.inside
        what = f"{size / 1e9:.1f} GB of disk in {folder} to paint {width} x {height} px in tiles"
        if size > free:
            raise UserError(
                f"there is no room for {what}: {free / 1e9:.1f} GB are free. Make room, name "
                "another folder in the environment variable TMPDIR, or make the picture smaller."
            )
        _LOG.info("taking %s", what)

    def _most_bytes(self) -> int:
        """How much all maps that are kept at a time take at most."""

        def size(stage: Stage) -> int:
            height, width = (side >> stage.level for side in self._source.shape)
            return 4 * height * width * stage.filters

        last = size(self._stages[-1])
        if self._given:
            return last
        deepest = max(stage.level for stage in self._stages)
        kept, enlarged = size(self._stages[deepest]), size(self._stages[-max(1, deepest + 1)])
        residual = any(stage.role for stage in self._stages)
        return max(3 * kept if residual else kept, kept + enlarged, enlarged + last)


def _tiles(whole: int, tile: int) -> list[tuple[int, int]]:
    """Where tiles begin along an axis, and where what no tile before had begins in each.

    All are of one size: the last moves back into the picture.
    """
    tile = min(tile, whole)
    return [(min(start, whole - tile), start) for start in range(0, whole, tile)]


class Painted:
    """A picture painted in tiles, to be read in bands as often as wanted.

    Attributes:
        shape: (height, width, 3).
        moments: the statistics of each normalization.
    """

    def __init__(
        self, source: Source, picture: _Map, normalize: Any, step: int, moments: Sequence[Moments]
    ) -> None:
        self.shape = (*source.inside, 3)
        self.moments = moments
        self._margin, self._picture, self._normalize = source.margin, picture, normalize
        self._step = step

    def bands(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The picture from top to bottom: the rows, and float32 (rows, width, 3) in [0, 1]."""
        height, width = self.shape[:2]
        for top in range(0, height, self._step):
            count = min(self._step, height - top)
            rows, columns = (self._margin + top, count), (self._margin, width)
            values = self._normalize(self._picture.read(rows, columns), rows, columns)
            with np.errstate(over="ignore"):
                yield slice(top, top + count), 1 / (1 + np.exp(-values))
