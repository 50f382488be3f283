"""Where a new style begins that nothing predicts: at the old styles that come closest to it."""

import dataclasses
import itertools
import logging
from collections.abc import Sequence

import numpy as np

from cin_style import progress
from cin_style.losses.objective import StyleObjective
from cin_style.losses.per_style import content_targets, losses_of_style
from cin_style.networks.style_transfer import StyleTransferNetwork

_LOG = logging.getLogger("cin_style")


# How many old styles are looked at on all photos, and how many of them are mixed.
_FINALISTS, _MIXED = 8, 3


@dataclasses.dataclass(frozen=True)
class _Start:
    """A place to begin from: old styles in equal parts, and the loss of its pastiches."""

    rows: tuple[int, ...]
    loss: float


@dataclasses.dataclass
class _Search:
    """Tries places to begin from.

    Attributes:
        network: of the new styles, on the trained convolutions and with their palettes; its
            embeddings are set.
        old: the embeddings of the old styles.
        objective: of the new styles.
        photos: float32 (count, size, size, 3) in [0, 1].
        bar: counts the pictures that were painted.
    """

    network: StyleTransferNetwork
    old: np.ndarray
    objective: StyleObjective
    photos: np.ndarray
    bar: progress.Bar

    def __post_init__(self) -> None:
        self._targets = content_targets(self.objective, self.photos)
        self._embeddings = self.network.get_style_embeddings()
        self._palettes = self._embeddings[:, self.network.palette_columns].copy()

    def set_start(self, index: int, rows: tuple[int, ...]) -> None:
        """Begins a new style at the mean of old ones, with its own palette."""
        palette = self.network.palette_columns
        self._embeddings[index] = self.old[list(rows)].mean(axis=0)
        self._embeddings[index, palette] = self._palettes[index]
        self.network.set_style_embeddings(self._embeddings)

    def measure(self, index: int, rows: tuple[int, ...], count: int) -> _Start:
        """A start with its loss on the first photos."""
        self.set_start(index, rows)
        targets = {layer: seen[:count] for layer, seen in self._targets.items()}
        photos = self.photos[:count]
        losses = losses_of_style(self.network, self.objective, photos, index, targets=targets)
        self.bar.update(count)
        return _Start(rows, losses["content_loss"] + losses["style_loss"])

    def best(self, index: int) -> _Start:
        """The best start for a new style, which it then has."""
        singles = [self.measure(index, (row,), 1) for row in range(len(self.old))]
        singles = _ranked(singles)[:_FINALISTS]
        count = len(self.photos)
        if count > 1:
            singles = _ranked([self.measure(index, start.rows, count) for start in singles])
        few = [start.rows[0] for start in singles[:_MIXED]]
        mixed = [self.measure(index, rows, count) for rows in _mixtures(few)]
        best = _ranked([singles[0], *mixed])[0]
        self.set_start(index, best.rows)
        return best


def nearest(
    network: StyleTransferNetwork,
    base: StyleTransferNetwork,
    style_images: Sequence[np.ndarray],
    objective: StyleObjective,
    photos: np.ndarray,
) -> list[list[str]]:
    """Begins each new style where old styles come closest to it.

    Paints a photo with every old style, all photos with the best eight, and with every equal
    mixture of the best three, each with the new painting's palette
    (`StyleTransferNetwork.set_palettes`), and takes those whose pastiches have the least loss
    against the new painting.

    Args:
        network: of the new styles, on the base's convolutions; its embeddings are set.
        base: the trained network.
        style_images: the new style images.
        objective: of the new styles.
        photos: float32 (count, size, size, 3) in [0, 1].

    Returns:
        For each new style, the names of the old ones that it begins as a mixture of.
    """
    old, count, styles = base.get_style_embeddings(), len(photos), network.num_styles
    network.set_palettes(style_images)
    more = len(_mixtures(range(min(_MIXED, len(old))))) * count
    if count > 1:
        more += min(_FINALISTS, len(old)) * count
    _LOG.info("no prediction: trying the network's %d styles and mixtures of the best", len(old))
    with progress.Bar(styles * (len(old) + more), "picture") as bar:
        search = _Search(network, old, objective, photos, bar)
        found = [search.best(index) for index in range(styles)]
    names = [[base.styles[row].name for row in start.rows] for start in found]
    for style, parts in zip(network.styles, names, strict=True):
        _LOG.info("%s begins as %s", style.name, " + ".join(parts))
    return names


def _ranked(starts: Sequence[_Start]) -> list[_Start]:
    return sorted(starts, key=lambda start: start.loss)


def _mixtures(rows: Sequence[int]) -> list[tuple[int, ...]]:
    """All ways to take two or more of some rows."""
    counts = range(2, len(rows) + 1)
    return [mixture for count in counts for mixture in itertools.combinations(rows, count)]
