"""Painting photos: load a network once, then any photo of any size in any of its styles."""

import contextlib
import copy
import dataclasses
import logging
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cin_style.errors import UserError
from cin_style.images import colour
from cin_style.images import grain as grains
from cin_style.images.arrays import as_photo, as_pixels
from cin_style.images.samples import shown_in_styles
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.networks.styled import Styled
from cin_style.painting import copies, strokes, tiling
from cin_style.painting.recipes import tile_side
from cin_style.painting.sources import Look, Source
from cin_style.runtimes import backend, choice
from cin_style.runtimes.exported import ExportedNetwork
from cin_style.runtimes.formats import PAINTERS
from cin_style.runtimes.runtime import MARGIN, Runtime, finite, is_out_of_memory
from cin_style.styles import blends

# Who paints with another runtime need not have Keras.
if TYPE_CHECKING:
    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.painting.tiles import Painted, TilePainter
    from cin_style.prediction.predictor import StylePredictor
    from cin_style.runtimes.keras_runtime import KerasRuntime

_LOG = logging.getLogger("cin_style")

# When one photo is wanted in many styles: bounds on what is painted at a time.
_PIXELS_AT_ONCE = 2**20
_MOST_AT_ONCE = 8


def at_once(height: int, width: int) -> int:
    """How many pictures of this size are painted together."""
    return max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // (height * width)))


@dataclasses.dataclass(frozen=True)
class Manner:
    """How a picture is painted, besides in what; see `Stylizer.__call__`."""

    stroke_size: float
    tile: int | str | None
    statistics: str

    def sizes(self, photo: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
        """(height, width) of a photo, and at which its strokes are as large as they shall be."""
        whole = photo.shape[0], photo.shape[1]
        return whole, strokes.size_to_paint(whole, self.stroke_size)


class _OutOfMemoryError(UserError):
    """What the backend's own errors become."""


class Stylizer:
    """Paints photos with one network.

    Nothing is changed by painting: many threads may use one Stylizer at once, and each gets what
    it would get alone. It paints with a copy: what becomes of the network that was handed in, in
    training for example, changes no picture.

    Args:
        model: a network; a `.keras` file, or the name of a network in the package; or what
            `cin_style.export` wrote.
        dtype: what to compute in: `"float32"`, `"bfloat16"`, or with Keras any dtype policy; by
            default Keras' global one (float32).
        grain: standard deviation of the noise that a photo gets before it is painted
            (`images.add_grain`, the same for all photos of a size); by default as much as the
            network was made for. 0: flat regions stay flatter.
        runtime: what computes, `keras`, `onnx` or `openvino`. `auto`: Keras for a network in Keras
            and where there is an accelerator; else the fastest one installed that computes in
            `dtype`.

    Attributes:
        styled: the network, a `networks.styled.Styled`; see also `network`.
        grain: see above.
        styles: what the network's styles are called.

    Raises:
        UserError: a file that is no network, a negative grain, or a runtime that is not installed.

    Example:

        stylizer = cin_style.Stylizer("varied32")
        pastiche = stylizer("photo.jpg", "starry_night", strength=0.8)
        half_and_half = stylizer(photo, {"starry_night": 0.5, "the_scream": 0.5})
        cin_style.images.save("pastiche.png", pastiche)
    """

    def __init__(
        self,
        model: Styled | str | os.PathLike = DEFAULT_MODEL,
        dtype: str | None = None,
        grain: float | None = None,
        runtime: str = "auto",
    ) -> None:
        self._file = model if isinstance(model, str | os.PathLike) else None
        self.styled = choice.open_network(model, runtime, dtype)
        self._predictor: StylePredictor | None = None
        self.grain = self.styled.grain if grain is None else grain
        if not 0 <= self.grain < np.inf:
            raise UserError(f"`grain` must be at least 0. Received: {grain}")
        self._embeddings = self.styled.get_style_embeddings()
        self._runtime = choice.make(self.styled, runtime, dtype)
        # What is made when it is first needed.
        self._network: StyleTransferNetwork | None = None
        self._tile_painters: dict[int, TilePainter] = {}
        self._lock = threading.RLock()

    @property
    def runtime(self) -> str:
        """What computes: `keras`, `onnx`, `openvino`, or an exported file's `litert` or
        `saved_model`."""
        return self._runtime.name

    @property
    def network(self) -> "StyleTransferNetwork":
        """The network in Keras, loaded when it is first asked for.

        Raises:
            UserError: Keras is not installed.
        """
        with self._lock:
            if self._network is None:
                backend.load()
                from cin_style.networks import storage

                theirs = self.styled if self.styled.in_keras else storage.thaw(self.styled)
                self._network = cast("StyleTransferNetwork", theirs)
            return self._network

    @property
    def styles(self) -> tuple[str, ...]:
        """What the network's styles are called, by number."""
        return tuple(style.name for style in self.styled.styles)

    def of(self, network: Styled) -> "Stylizer":
        """A painter in other styles of the same convolutions, which shares what computes.

        Args:
            network: such as this one's `append` or `select` gives.

        Raises:
            UserError: a network of other convolutions.

        Example:

            both = stylizer.of(stylizer.styled.append(["mine"], embedding[None]))
        """
        if network.fingerprint != self.styled.fingerprint:
            raise UserError("these styles belong to a network of other convolutions.")
        other = copy.copy(self)
        other.styled, other._network = network, None
        other._embeddings = network.get_style_embeddings()
        return other

    def __repr__(self) -> str:
        names = ", ".join(self.styles[:3]) + (", ..." if len(self.styles) > 3 else "")
        return f"<Stylizer of {len(self.styles)} styles: {names}; grain {self.grain:g}>"

    def _repr_jpeg_(self) -> bytes:
        """In a notebook: a sample photo in its styles."""
        return shown_in_styles(
            lambda photo, count: self(photo, list(range(count)), stroke_size=0.0), self.styles
        )

    def __call__(
        self,
        photo: Any,
        styles: Any = None,
        *,
        embedding: Any = None,
        raw: bool = False,
        strength: float = 1.0,
        colours: str = "style",
        stroke_size: float = 1.0,
        tile: int | str | None = "auto",
        statistics: str = "exact",
    ) -> Any:
        """Paints photos.

        Args:
            photo: a photo as `images.arrays.as_photo` takes it: a file's path, a PIL image, or an
                array (height, width, 3), uint8 or float in [0, 1], of 16 px or more each way; or
                several of them: a list, or an array (count, height, width, 3).
            styles: a style or blend as `blends.weights` takes it (name, number, dict or
                array (num_styles,)); a list or array (count, num_styles) of several; or a
                map (height, width, num_styles) with a blend for every pixel, floats or uint8
                (255 is 1).
            embedding: in place of `styles`: a style embedding, float (3206,), of this network's
                convolutions; or several, (count, 3206).
            raw: see `blends.weights`.
            strength: from 0, the photo, to 1, the pastiche (`images.mix`).
            colours: `luminance` or `histogram` keep the photo's (`images.keep_colours`).
            stroke_size: how large strokes are beside the picture (`strokes.size_to_paint`).
            tile: paint in tiles of so many px, in little memory and equal to what is painted
                whole. `"auto"` (or `None`): where the memory at hand does not suffice to paint
                whole. `"off"`: never.
            statistics: of pictures painted in tiles, `"exact"`, or `"thumbnail"`: those of a copy
                of 1,024 px, which is faster, needs less room and is not quite the same picture.

        Returns:
            float32 in [0, 1], of the photo's size: (height, width, 3), or for several styles
            (count, height, width, 3). For several photos a list, or where they are one an array.

        Raises:
            UserError: a photo that can't be read, is too small or no RGB image; an unknown style,
                bad weights, a map or embedding of another shape, or not one of `styles` and
                `embedding`; another value that may not be; not enough memory, or disk for tiles.
        """
        manner = Manner(stroke_size, tile, statistics)
        several_photos = isinstance(photo, list | tuple)
        if several_photos or (getattr(photo, "ndim", 0) == 4 and len(photo)):
            again: dict[str, Any] = {"embedding": embedding, "raw": raw}
            again |= {"strength": strength, "colours": colours, **dataclasses.asdict(manner)}
            painted = [self(one, styles, **again) for one in photo]
            return painted if several_photos else np.stack(painted)
        colour.check(strength, colours)
        photo = as_pixels(photo)
        looks, several = self._looks(photo.shape[:2], styles, embedding, raw)
        pictures = self._paint(photo, looks, manner)
        if strength != 1 or colours != "style":
            photo = as_photo(photo)
            for index, pastiche in enumerate(pictures):
                pictures[index] = colour.finish(photo, pastiche, strength, colours)
        return pictures if several else pictures[0]

    def predict(self, image: Any) -> np.ndarray:
        """The style of an image that the network has not learned, at once.

        Args:
            image: see `StylePredictor.predict_embedding`.

        Returns:
            float32 (3206,), which `__call__` takes as `embedding`.

        Raises:
            UserError: an image that can't be read or is blank; or the network has no predictor.

        Example:

            pastiche = stylizer("photo.jpg", embedding=stylizer.predict("painting.jpg"))
        """
        return self.predictor.predict_embedding(image)

    @property
    def predictor(self) -> "StylePredictor":
        """The network's style predictor, read when it is first asked for.

        Raises:
            UserError: it has none.
        """
        with self._lock:
            if self._predictor is None:
                backend.load("predicting a style")
                from cin_style.prediction import files as prediction_files

                self._predictor = prediction_files.get("", self._file, self.styled)
            return self._predictor

    @contextlib.contextmanager
    def tiled(
        self,
        photo: Any,
        style: Any = None,
        *,
        embedding: Any = None,
        raw: bool = False,
        stroke_size: float = 1.0,
        tile: int = tiling.USUAL_TILE,
        statistics: str = "exact",
    ) -> Iterator[strokes.Picture]:
        """Paints one photo in one style in tiles, for pictures that no memory holds.

        Args:
            photo: see `__call__`; uint8, it is never made floats as a whole, and a `np.memmap`
                never read as a whole.
            style, embedding, raw, stroke_size, statistics: see `__call__`; one style, blend or map.
            tile: the side of tiles, in px.

        Yields:
            A `strokes.Picture`, whose `bands` give the picture part by part as long as the context
            lasts.

        Raises:
            UserError: see `__call__`.

        Example:

            with stylizer.tiled(photo, "starry_night") as painted:
                for rows, band in painted.bands():
                    picture[rows] = images.to_uint8(band)
        """
        photo = as_pixels(photo)
        looks, _ = self._looks(photo.shape[:2], style, embedding, raw)
        if len(looks) != 1:
            raise UserError(f"one style at a time is painted so. Received: {len(looks)}")
        manner = Manner(stroke_size, tile, statistics)
        whole, size = manner.sizes(photo)
        broad = self._paint_copy(photo, looks, size, manner)[0] if size != whole else None
        if broad is not None and strokes.is_larger(size, whole):
            yield strokes.InMemory(strokes.shrink(broad, whole))
            return
        side = self.choose_tile(photo, tile, statistics) or tiling.USUAL_TILE
        with self._tiled(photo, looks[0], side, statistics) as painted:
            yield painted if broad is None else strokes.Broadened(painted, broad)

    def choose_tile(
        self, photo: np.ndarray, tile: int | str | None = "auto", statistics: str = "exact"
    ) -> int | None:
        """The side of the tiles in which a photo is painted, in px, or `None`: whole.

        Args:
            photo, tile, statistics: see `__call__`.

        Raises:
            UserError: `tile` or `statistics` are nothing of what they may be.
        """
        side = tiling.choose_side(photo.shape, tile, statistics)
        if side and (tile_side(tile), statistics) == ("auto", "exact") and not self._can_tile:
            _LOG.warning(
                "%s can't paint in tiles: painting whole. Should memory not suffice, `max_side` "
                "makes pictures smaller; cin_style[cpu] with a .keras file paints in tiles.",
                self.runtime,
            )
            return None
        return side

    @property
    def _can_tile(self) -> bool:
        """Whether the network can be painted with layer by layer, which Keras does."""
        exported = isinstance(self.styled, ExportedNetwork)
        return not (exported or PAINTERS["keras"].missing)

    # === What to paint in ===

    def _looks(
        self, size: tuple[int, int], styles: Any, embedding: Any, raw: bool
    ) -> tuple[list[Look], bool]:
        """What to paint in, one after the other, and whether these are several."""
        if (styles is None) == (embedding is None):
            raise UserError("give either `styles` or `embedding`: what to paint in.")
        if getattr(styles, "ndim", 0) == 3:
            expected = (*size, self.styled.num_styles)
            if tuple(styles.shape) != expected:
                raise UserError(
                    "a map of style weights must have the photo's size and a weight for each "
                    f"style, {expected}. Received: shape {tuple(styles.shape)}"
                )
            if not self._runtime.has_maps:
                raise UserError(f"{self.runtime} paints no maps: give one style or blend.")
            maps = blends.Maps(styles, raw)
            return [Look(self._embeddings[maps.used], maps)], False
        if styles is None:
            embeddings, several = self._check(embedding)
        else:
            several = isinstance(styles, list | tuple) or getattr(styles, "ndim", 0) == 2
            chosen = list(styles) if several else [styles]
            if not chosen:
                raise UserError("no style given: at least one is needed.")
            embeddings = self._blend(chosen, raw)
        return [Look(embedding[None]) for embedding in embeddings], several

    def _check(self, embedding: Any) -> tuple[np.ndarray, bool]:
        """Embeddings (count, size) that were handed in, and whether they are several."""
        embeddings = np.asarray(embedding, "float32")
        several = embeddings.ndim == 2
        embeddings = np.atleast_2d(embeddings)
        size = self._embeddings.shape[1]
        if embeddings.ndim != 2 or embeddings.shape[1] != size or not len(embeddings):
            raise UserError(
                f"`embedding` must be ({size},) or (count, {size}) for this network. Received: "
                f"shape {np.shape(embedding)}"
            )
        if not np.isfinite(embeddings).all():
            raise UserError("`embedding` holds numbers that are not finite.")
        return embeddings, several

    def _blend(self, styles: list, raw: bool) -> np.ndarray:
        """The embeddings (count, size) of styles and blends.

        A blend of styles is the blend of their embeddings. Summed style by style, as the layers
        do it for maps, so that both round alike.
        """
        rows = np.stack([blends.weights(self.styled.styles, style, raw) for style in styles])
        embeddings = np.zeros((len(rows), self._embeddings.shape[1]), "float32")
        for style in np.flatnonzero(rows.any(axis=0)):
            embeddings += rows[:, style, None] * self._embeddings[style]
        return embeddings

    # === Painting ===

    def _paint(self, photo: np.ndarray, looks: list[Look], manner: Manner) -> np.ndarray:
        """One photo in many styles: (count, height, width, 3)."""
        whole, size = manner.sizes(photo)
        if size == whole:
            return self._paint_as_it_is(photo, looks, manner)
        of_copy = self._paint_copy(photo, looks, size, manner)
        if strokes.is_larger(size, whole):
            return np.stack([strokes.shrink(picture, whole) for picture in of_copy])
        pictures = self._paint_as_it_is(photo, looks, manner)
        for picture, broad in zip(pictures, of_copy, strict=True):
            strokes.broaden(picture, broad)
        return pictures

    def _paint_copy(
        self, photo: np.ndarray, looks: list[Look], size: tuple[int, int], manner: Manner
    ) -> np.ndarray:
        """A copy of a photo at another size in many styles: (count, *size, 3)."""
        copied = [copies.scaled_look(look, size) for look in looks]
        return self._paint_as_it_is(copies.scaled(photo, size), copied, manner)

    def _paint_as_it_is(self, photo: np.ndarray, looks: list[Look], manner: Manner) -> np.ndarray:
        """One photo in many styles, with strokes as the network makes them, whole or in tiles."""
        side = self.choose_tile(photo, manner.tile, manner.statistics)
        if side is None:
            try:
                return self._paint_whole(photo, looks)
            except _OutOfMemoryError as error:
                if tile_side(manner.tile) != "auto" or not self._can_tile:
                    raise
                _LOG.info("%s It is painted in tiles.", error)
                side = tiling.USUAL_TILE
        pictures = np.empty((len(looks), *photo.shape), "float32")
        for picture, look in zip(pictures, looks, strict=True):
            with self._tiled(photo, look, side, manner.statistics) as painted:
                for rows, band in painted.bands():
                    picture[rows] = band
        return pictures

    @contextlib.contextmanager
    def _tiled(
        self, photo: np.ndarray, look: Look, tile: int, statistics: str
    ) -> "Iterator[Painted]":
        with self._lock:
            if tile not in self._tile_painters:
                backend.load("painting in tiles")
                from cin_style.painting.tiles import TilePainter

                if self.runtime == "keras":  # a copy that nobody trains
                    network = cast("KerasRuntime", self._runtime).network
                else:
                    network = self.network
                self._tile_painters[tile] = TilePainter(network, tile)
            painter = self._tile_painters[tile]

        def source(photo):
            return Source(photo, MARGIN, painter.multiple, self.grain)

        small = None
        if statistics == "thumbnail":
            size = copies.size_of_thumbnail((photo.shape[0], photo.shape[1]))
            small = source(copies.scaled(photo, size)), copies.scaled_look(look, size)
        with painter.paint(source(photo), look, small) as painted:
            yield painted

    def _paint_whole(self, photo: np.ndarray, looks: list[Look]) -> np.ndarray:
        """One photo in many styles, some at a time; (count, height, width, 3)."""
        photo = as_photo(photo)
        if self.grain:
            photo = grains.add_grain(photo, self.grain, np.random.default_rng(0))
        wide, num_maps = _widen(photo), looks[0].num_maps
        paint = self._runtime
        painted = np.empty((len(looks), *photo.shape), "float32")  # the caller's, to write to
        if num_maps is not None:  # which is one look
            maps = _widen(looks[0].maps[:, :])[None]
            painted[:] = _cut(_run(paint, wide[None], looks[0].embeddings[None], maps))
            return painted
        embeddings = np.stack([look.embeddings for look in looks])
        step = at_once(*photo.shape[:2])
        for start in range(0, len(looks), step):
            some = embeddings[start : start + step]
            photos = np.repeat(wide[None], len(some), axis=0)
            weights = np.ones((len(some), 1), "float32")
            painted[start : start + step] = _cut(_run(paint, photos, some, weights))
        return painted


def painted_by(stylizer: Stylizer) -> str:
    """What commands say of the runtime, where it is another than usual."""
    return "" if stylizer.runtime == "keras" else f", painted by {stylizer.runtime}"


def _widen(image: np.ndarray) -> np.ndarray:
    """Adds a mirrored margin to an image or map (height, width, channels)."""
    return np.pad(image, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="reflect")


def _cut(pictures: np.ndarray) -> np.ndarray:
    """Takes the margin off pictures (..., height, width, channels)."""
    return pictures[..., MARGIN:-MARGIN, MARGIN:-MARGIN, :]


def _run(paint: Runtime, photos: np.ndarray, *inputs: np.ndarray) -> np.ndarray:
    """Paints, and says what to do where the memory does not suffice."""
    height, width = (side - 2 * MARGIN for side in photos.shape[1:3])
    advice = (
        f"a picture of {width} x {height} px; `tile=auto` paints it in tiles, `max_side` makes it "
        "smaller."
    )
    megapixels = height * width / 1e6
    if megapixels > tiling.MEGAPIXELS_WHOLE:
        gib = round(megapixels * tiling.GIB_PER_MEGAPIXEL)
        _LOG.warning("some %d GiB of memory are needed for %s", gib, advice)
    try:
        return finite(paint(photos, *inputs))
    except UserError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise _OutOfMemoryError(f"out of memory at {advice}") from error
