"""What the studio paints with: one network for all visitors, and the styles of each."""

import contextlib
import functools
import itertools
import os
import pathlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import files, limits
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.networks.cards import SUFFIX, StyleCard, import_cards
from cin_style.painting.jobs import choose, plan
from cin_style.painting.photo_files import paint_photo
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.studio.drawn import shares
from cin_style.styles.style import Style

# Long sides in px: of a thumbnail, of what follows the pointer, of what is looked at.
THUMBNAIL, QUICK, PREVIEW = 160, 256, 768

# How many styles a visitor may add.
MOST_CARDS = 32

# The styles of one visitor: cards, which are never changed.
Cards = tuple[StyleCard, ...]


class Engine:
    """Paints for all visitors, with one network in memory.

    Nothing here belongs to a visitor: photos and cards are handed in each time.

    Args:
        model, runtime: see `Stylizer`.

    Attributes:
        model: as it is named in commands.
        stylizer: paints in the network's own styles.

    Raises:
        UserError: see `Stylizer`.
    """

    def __init__(self, model: str | os.PathLike = DEFAULT_MODEL, runtime: str = "auto") -> None:
        self.model = os.fspath(model)
        self.stylizer = Stylizer(model, runtime=runtime)
        self._painter = functools.lru_cache(maxsize=8)(self._make_painter)
        self._small = functools.lru_cache(maxsize=32)(_small)
        self._nodes = functools.lru_cache(maxsize=8)(self._paint_nodes)
        self._lock = threading.Lock()

    def _make_painter(self, cards: Cards) -> Stylizer:
        return self.stylizer.of(import_cards(self.stylizer.styled, cards))

    def painter(self, cards: Cards = ()) -> Stylizer:
        """A painter that knows a visitor's styles as well."""
        return self._painter(cards) if cards else self.stylizer

    def warm_up(self) -> None:
        """Gets ready, in a thread of its own, what the first painting needs that is dropped."""

        def load() -> None:
            with contextlib.suppress(UserError):  # there is no predictor, which is told later
                self.stylizer.predict(np.random.default_rng(0).random((64, 64, 3)))

        threading.Thread(target=load, daemon=True).start()

    def styles(self, cards: Cards = ()) -> list[Style]:
        """The network's styles, then the visitor's."""
        return [*self.stylizer.styled.styles, *(card.style for card in cards)]

    def in_files(self, text: str, cards: Cards) -> str:
        """Styles as commands take them: a visitor's own by the files of their cards.

        Args:
            text: names, or a blend, as in `StylizeRecipe.style`.
            cards: the visitor's.
        """
        own = {card.style.name for card in cards}
        parts = (part.partition("=") for part in text.split(","))
        return ",".join(
            name + (SUFFIX if name in own else "") + sign + weight for name, sign, weight in parts
        )

    def photo(self, path: str, side: int = PREVIEW) -> np.ndarray:
        """A small copy of a photo: uint8 (height, width, 3).

        Raises:
            UserError: a file that is no photo, or too large a one.
        """
        return self._small(path, side, os.stat(path).st_mtime_ns)

    def thumbnails(self, path: str, cards: Cards = ()) -> np.ndarray:
        """A photo in every style, small: uint8 (styles, height, width, 3)."""
        painter = self.painter(cards)
        photo = self.photo(path, THUMBNAIL)
        styles = list(range(painter.styled.num_styles))
        return images.to_uint8(painter(photo, styles, stroke_size=0.0))

    def preview(self, recipe: StylizeRecipe, cards: Cards = (), side: int = PREVIEW) -> np.ndarray:
        """What a recipe's picture will look like: uint8, with a long side of at most so many px."""
        painter = self.painter(cards)
        (style,) = choose(painter.styled.styles, recipe.style, recipe.raw_weights).values()
        picture = painter(
            self.photo(recipe.photos[0], side),
            style,
            raw=True,
            strength=recipe.strength,
            colours=recipe.colours,
            stroke_size=recipe.stroke_size,
        )
        return images.to_uint8(picture)

    def between(
        self, path: str, chosen: Sequence[str], place: Any, cards: Cards = ()
    ) -> np.ndarray:
        """What a place on the pad looks like, at once: uint8, of a long side of `QUICK` px.

        Interpolated between nine blends (of two styles five) that are painted the first time; it
        differs from the blend itself by 2 to 4/255 in the mean.

        Args:
            path: the photo.
            chosen, place: see `shares`.
            cards: the visitor's.
        """
        with self._lock:  # who comes while they are painted waits for them
            nodes = self._nodes(path, os.stat(path).st_mtime_ns, tuple(chosen), cards)
        ends = np.array(nodes.shape[:2]) - 1
        at = np.clip([float(place["y"]), float(place["x"])], 0, 1) * ends
        top, left = np.minimum(at.astype(int), np.maximum(ends - 1, 0))
        down, across = at - (top, left)
        picture = np.zeros(nodes.shape[2:])
        for row, column in itertools.product((0, 1), repeat=2):
            share = (down if row else 1 - down) * (across if column else 1 - across)
            if share:
                picture += share * nodes[top + row, left + column]
        return np.rint(picture).astype("uint8")

    def _paint_nodes(
        self, path: str, modified: int, chosen: tuple[str, ...], cards: Cards
    ) -> np.ndarray:
        """Blends all over the pad: uint8 (rows, columns, height, width, 3)."""
        rows, columns = (1, 5) if len(chosen) == 2 else (3, 3)
        looks = [
            shares(chosen, {"x": x, "y": y})
            for y in np.linspace(0, 1, rows)
            for x in np.linspace(0, 1, columns)
        ]
        photo = self.photo(path, QUICK)
        pictures = self.painter(cards)(photo, looks, raw=True, stroke_size=0.0)
        return images.to_uint8(pictures).reshape(rows, columns, *photo.shape)

    def paint(
        self, recipe: StylizeRecipe, folder: str | os.PathLike, cards: Cards = ()
    ) -> pathlib.Path:
        """Paints a photo as `cin_style.stylize` does, to a file in a folder.

        Raises:
            UserError: see `plan` and `paint_photo`.
        """
        painter = self.painter(cards)
        (job,) = plan(recipe, folder, painter.styled.styles)
        paint_photo(painter, job, recipe)
        return job.targets[0]

    def new_card(self, name: str, embedding: np.ndarray, cards: Cards) -> StyleCard:
        """A card of a style that a visitor has made, by a name that is not taken.

        Raises:
            UserError: the visitor has as many as there may be.
        """
        if len(cards) >= MOST_CARDS:
            raise UserError(f"you have {MOST_CARDS} styles of your own by now. Reload the page.")
        taken = {style.name for style in self.styles(cards)}
        names = itertools.chain([name], (f"{name[:70]}_{number}" for number in itertools.count(2)))
        styled = self.stylizer.styled
        free = next(one for one in names if one not in taken)
        return StyleCard(free, embedding, styled.fingerprint, styled.origin)


def _small(path: str, side: int, modified: int) -> np.ndarray:
    """A small copy of a photo, as it was at a time."""
    pixels = files.load_pixels(pathlib.Path(path), max_side=side, most_pixels=limits.most_pixels())
    if min(pixels.shape[:2]) < 16:
        raise UserError("this picture is too narrow to be painted: a side is shorter than 16 px.")
    return pixels
