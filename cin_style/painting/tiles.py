"""Painting in tiles: a picture of any size in bounded memory, equal to the picture painted whole.

Tiles must agree on one thing, the statistics of the normalizations, which are those of the whole
picture. So it is gone over once for each of them. What that costs is kept low by what is kept:

1. a pass for each contracting layer, each from the photo; the last keeps its map (a quarter of the
   photo's size each way, for the usual network);
2. for each residual layer a pass from the map before to the map after it;
3. a pass for each expanding layer, of which the first keeps its map and the others begin there; the
   last keeps the picture, of which only the colours are wanting.

That is 1.25 times the arithmetic of painting whole, and 96 bytes a pixel at its peak, which lie in
a file where they are many.
"""

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cin_style import progress
from cin_style.errors import UserError
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting import stages
from cin_style.painting.layer_maps import LayerMap, Moments
from cin_style.painting.sources import Look, Source, Span
from cin_style.painting.stages import Normalization, Stage
from cin_style.painting.tiling import USUAL_TILE
from cin_style.runtimes.runtime import finite

_LOG = logging.getLogger("cin_style")

# Maps of up to so many bytes are kept in memory, larger ones in a file.
_IN_MEMORY = 2**30

# How many numbers are normalized at a time.
_AT_ONCE = 2**22


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
        self._sides = [_even(side, painter.tile, painter.multiple) for side in source.shape]
        self._tiles = [
            _tiles(whole, side) for whole, side in zip(source.shape, self._sides, strict=True)
        ]
        self._bar: Any = None
        self._on_disk = False

    def run(self) -> "Painted":
        self._make_room()
        passes = 1 if self._given else len(self._stages)
        total = passes * len(self._tiles[0]) * len(self._tiles[1])
        with progress.Bar(total, "tile", passing=True) as self._bar:
            picture = self._once() if self._given else self._layer_by_layer()
        return Painted(self._source, picture, self._normalize_last, self._moments)

    # === The order of work ===

    def _once(self) -> LayerMap:
        last = len(self._stages) - 1
        picture = self._new_map(last)
        self._pass(self._source, 0, last, picture)
        return picture

    def _layer_by_layer(self) -> LayerMap:
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
        self, source: Any, first: int, last: int, target: LayerMap | None = None, raw: bool = False
    ) -> None:
        """Goes over all tiles, from what the stage before `first` made to what `last` makes.

        Args:
            source: what is read, a `Source` or `LayerMap`.
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
                    target.write(starts[0], starts[1], made)
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

    def _finish(self, kept: LayerMap, index: int, added: LayerMap | None = None) -> None:
        """Normalizes and activates a map in place; or another, which is then added to it."""
        height, width = kept.shape[:2]
        step = max(1, _AT_ONCE // (width * kept.shape[2]))
        for top in range(0, height, step):
            rows, columns = (top, min(step, height - top)), (0, width)
            part = self._normalize((added or kept).read(rows, columns), index, rows, columns)
            if self._stages[index].activation:
                np.maximum(part, 0, out=part)
            kept.write(top, 0, kept.read(rows, columns) + part if added else part)

    # === Room ===

    def _new_map(self, index: int) -> LayerMap:
        level, channels = self._stages[index].level, self._stages[index].filters
        height, width = (side >> level for side in self._source.shape)
        made = LayerMap((height, width, channels), self._on_disk)
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


def _even(whole: int, tile: int, multiple: int) -> int:
    """The side of tiles of at most `tile` px that fill an axis with the least overlap."""
    if keras.backend.backend() == "jax" and tile < whole:
        return tile  # it compiles for each size, so that one for all photos is better
    side = -(-whole // -(-whole // tile))
    return side + -side % multiple


def _tiles(whole: int, tile: int) -> list[tuple[int, int]]:
    """Where tiles begin along an axis, and where what no tile before had begins in each.

    All are of one size: the last moves back into the picture.
    """
    return [(min(start, whole - tile), start) for start in range(0, whole, tile)]


class Painted:
    """A picture painted in tiles, to be read in bands as often as wanted.

    Attributes:
        shape: (height, width, 3).
        moments: the statistics of each normalization.
    """

    def __init__(
        self,
        source: Source,
        picture: LayerMap,
        normalize: Any,
        moments: Sequence[Moments],
    ) -> None:
        self.shape = (*source.inside, 3)
        self.moments = moments
        self._margin, self._picture, self._normalize = source.margin, picture, normalize
        self._step = max(1, _AT_ONCE // (3 * source.inside[1]))

    def bands(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The picture from top to bottom: the rows, and float32 (rows, width, 3) in [0, 1]."""
        height, width = self.shape[:2]
        for top in range(0, height, self._step):
            count = min(self._step, height - top)
            rows, columns = (self._margin + top, count), (self._margin, width)
            values = self._normalize(self._picture.read(rows, columns), rows, columns)
            with np.errstate(over="ignore"):
                yield slice(top, top + count), finite(1 / (1 + np.exp(-values)))
