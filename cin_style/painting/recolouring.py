"""The ways of photorealistic transfer: colours by segment, a bilateral grid, single pixels."""

import dataclasses
import os
from collections.abc import Callable
from concurrent import futures
from typing import Any

import keras
import numpy as np
from keras import ops
from PIL import Image
from threadpoolctl import threadpool_limits

from cin_style.images import colour_transfer, files, guided
from cin_style.images.segments import Segments, normalized
from cin_style.losses.matting import MattingLaplacian
from cin_style.losses.segments import SegmentObjective
from cin_style.painting import grid as grids
from cin_style.painting.descent import Found, Watch, descend, in_stages, with_gradient
from cin_style.painting.recipes import PhotorealRecipe

# Of the guided filter that brings shares and pictures to a photo's own size, at 512 px.
_RADIUS = 7
_EPSILON = 1e-4

# How much values beyond [0, 1] cost, squared, in the mean over the pixels.
_RANGE = 1e7


@dataclasses.dataclass(frozen=True)
class Scene:
    """Two photos and what belongs together, at the size at which is learned.

    Attributes:
        content, style: float32 (height, width, 3) in [0, 1].
        segments: of their sizes.

    Example:
        >>> day, dusk = np.random.default_rng(0).random((2, 32, 48, 3))
        >>> scene = Scene.of(day, dusk, Segments.whole((32, 48), (32, 48)), side=24)
        >>> scene.content.shape, scene.segments.content.shape
        ((16, 24, 3), (16, 24, 1))
    """

    content: np.ndarray
    style: np.ndarray
    segments: Segments

    @classmethod
    def of(cls, content: np.ndarray, style: np.ndarray, segments: Segments, side: int) -> "Scene":
        """Photos, uint8 or float, and segments of any sizes, at a long side of at most so many."""
        small, other = shrunk(content, side), shrunk(style, side)
        return cls(small, other, segments.scaled(small.shape[:2], other.shape[:2]))


def shrunk(photo: np.ndarray, side: int) -> np.ndarray:
    """A photo, uint8 or float, at a long side of at most so many px: float32."""
    image = Image.fromarray(photo if photo.dtype == np.uint8 else files.to_uint8(photo))
    return files.from_uint8(np.asarray(files.scaled(image, max_side=side, reducing_gap=3.0)))


@dataclasses.dataclass(frozen=True)
class Recolouring:
    """What a transfer found out about a photo, to be applied to it at any size.

    Attributes:
        scene: what it was found from.
        shares: float32 (height, width, count, 4): the segments as local affine maps of the photo's
            colours (`guided.fit`), so that their edges are the photo's.
        maps: float32 (count, 3, 4): an affine map of colours for each.
        grid: float32 (16, 16, 8, 3, 4), or `None`: what is added to that.
        local: float32 (height, width, 3, 4), or `None`: local affine maps of the photo's colours,
            which are added to that.
    """

    scene: Scene
    shares: np.ndarray
    maps: np.ndarray
    grid: np.ndarray | None = None
    local: np.ndarray | None = None

    def apply(self, photo: np.ndarray) -> np.ndarray:
        """The photo in its new colours.

        Works in tiles, as many at a time as there are processors: beside photo and picture
        hardly any memory is needed.

        Args:
            photo: uint8 or float in [0, 1], (height, width, 3), of any size.

        Returns:
            uint8 (height, width, 3).
        """
        return self._made(photo, "uint8", files.to_uint8)

    def apply_exactly(self, photo: np.ndarray) -> np.ndarray:
        """What `apply` gives, as float32, neither rounded nor cut off at [0, 1]."""
        return self._made(photo, "float32", lambda tile: tile)

    def _made(self, photo: np.ndarray, dtype: str, finish: Callable) -> np.ndarray:
        picture = np.empty(photo.shape, dtype)

        def make(tile: guided.Tile) -> None:
            picture[tile] = finish(self._tile(photo, tile))

        # Tiles are too small to be shared out among threads themselves.
        with threadpool_limits(1), futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(make, guided.tiles(*photo.shape[:2])))
        return picture

    def _tile(self, photo: np.ndarray, tile: guided.Tile) -> np.ndarray:
        colours = guided.colours(photo, tile)
        shares = normalized(guided.at_full_size(self.shares, photo, tile))
        mapped = colour_transfer.recolour(self.maps, shares, colours)
        if self.local is not None:
            mapped += guided.at_full_size(self.local, photo, tile)
        if self.grid is not None:
            mapped += grids.apply_tile(self.grid, colours, tile, photo.shape[:2])
        return mapped


def by_colours(scene: Scene) -> Recolouring:
    """Each segment's colours by the Monge-Kantorovich map to those of the same in the style.

    Args:
        scene: the photos and their segments.

    Example:
        >>> day = np.random.default_rng(0).random((24, 32, 3)).astype("float32")
        >>> scene = Scene(day, 0.5 * day + 0.2, Segments.whole((24, 32), (24, 32)))
        >>> picture = by_colours(scene).apply(day)
        >>> bool(np.allclose(picture / 255, scene.style, atol=0.01))
        True
    """
    shares = guided.fit(scene.content, scene.segments.content, _radius(scene), _EPSILON)
    maps = colour_transfer.maps_of(scene.content, scene.style, scene.segments)
    return Recolouring(scene, shares, maps)


def _radius(scene: Scene) -> int:
    """Of windows for the guided filter, in px."""
    return max(2, round(_RADIUS * max(scene.content.shape) / 512))


# The loss for a scene, and more terms of the loss of a picture (height, width, 3).
MakeObjective = Callable[[Scene], SegmentObjective]
Extra = Callable[[Any], dict[str, Any]]


def _nothing(picture: Any) -> dict[str, Any]:
    return {}


def by_grid(
    scene: Scene,
    make_objective: MakeObjective,
    iterations: int,
    *,
    smoothness: float = PhotorealRecipe.smoothness,
    extra: Extra = _nothing,
    watch: Watch | None = None,
) -> tuple[Recolouring, Found]:
    """`by_colours`, and a bilateral grid of affine maps on top, learned.

    The maps are those of Gharbi et al. 2017, who like Xia et al. 2020 train a network to predict
    the grid; here the grid of one pair of photos is learned itself, by L-BFGS. Five sixths of
    the iterations go to half the size. The content loss is taken against the photo as `by_colours`
    makes it, no longer in its old light, which it would hold back.

    Args:
        scene: the photos and their segments.
        make_objective: the loss for a scene.
        iterations: in all.
        smoothness: weight of `grid.roughness`.
        extra: more terms of the loss of a picture.
        watch: see `descent.Watch`.

    Returns:
        The `Recolouring`, and what the descent at the last size found.

    Raises:
        UserError: see `descend`.
    """
    base = by_colours(scene)
    halves = Scene.of(scene.content, scene.style, scene.segments, max(scene.content.shape) // 2)
    many = iterations * 5 // 6

    def stage(small: Scene, count: int, before: Found | None) -> Found:
        evaluate = _grid_loss(small, base, make_objective, smoothness, extra)
        start = grids.empty() if before is None else before.values
        return descend(evaluate, start, count, watch=watch)

    found = in_stages(stage, [(halves, many), (scene, iterations - many)])
    return dataclasses.replace(base, grid=found.values), found


def _grid_loss(
    scene: Scene,
    base: Recolouring,
    make_objective: MakeObjective,
    smoothness: float,
    extra: Extra,
) -> Callable:
    """The loss of a grid at the size of a scene, as `descend` takes it."""
    plain = base.apply_exactly(scene.content)
    objective = make_objective(dataclasses.replace(scene, content=plain.clip(0, 1)))
    given = {
        "where": grids.weights(scene.content),
        "base": plain,
        "objective": objective.constants,
    }

    def loss(grid: Any, given: Any) -> tuple[Any, dict[str, Any]]:
        picture = given["base"] + grids.apply(grid, given["where"])
        beyond = picture - ops.clip(picture, 0.0, 1.0)
        terms = objective.terms(picture, given["objective"]) | extra(picture)
        terms["smoothness"] = smoothness * grids.roughness(grid)
        terms["range"] = _RANGE * ops.mean(ops.square(beyond))
        return sum(terms.values()), terms

    return _with_given(loss, given)


def by_pixels(
    scene: Scene,
    make_objective: MakeObjective,
    iterations: int,
    *,
    matting_weight: float = PhotorealRecipe.matting_weight,
    extra: Extra = _nothing,
    watch: Watch | None = None,
) -> tuple[Recolouring, Found]:
    """Each pixel by itself, held to local affine maps of the photo's colours (Luan et al. 2017).

    In two stages of equal length, as in the authors' program: by content and style alone, then
    with the matting Laplacian. What it leaves of posterization goes with local affine maps (there
    31 px wide and weighted by colour; here by the guided filter, 15 px). They are fitted to what
    the picture differs in from that of `by_colours`, so that contrast too faint to be fitted goes
    the way of its segment, and also bring it to the photo's own size.

    Args:
        scene: the photos and their segments.
        make_objective: the loss for a scene.
        iterations: in all.
        matting_weight: weight of the Laplacian's energy, summed over pixels and channels.
        extra, watch: see `by_grid`.

    Returns, Raises: see `by_grid`.
    """
    objective = make_objective(scene)
    laplacian = MattingLaplacian(scene.content)
    given = {"objective": objective.constants, "matting": laplacian.constants}

    def loss(picture: Any, given: Any) -> tuple[Any, dict[str, Any]]:
        terms = objective.terms(picture, given["objective"]) | extra(picture)
        return sum(terms.values()), terms

    def held(picture: Any, given: Any) -> tuple[Any, dict[str, Any]]:
        total, terms = loss(picture, given)
        terms["matting"] = matting_weight * laplacian.energy(picture, given["matting"])
        return total + terms["matting"], terms

    def stage(minimized: Callable, count: int, before: Found | None) -> Found:
        start = scene.content if before is None else before.values
        evaluate = _with_given(minimized, given)
        return descend(evaluate, start, count, bounds=(0.0, 1.0), watch=watch)

    half = iterations // 2
    found = in_stages(stage, [(loss, half), (held, iterations - half)])
    base = by_colours(scene)
    plain = base.apply_exactly(scene.content)
    maps = guided.fit(scene.content, found.values - plain, _radius(scene), _EPSILON)
    return dataclasses.replace(base, local=maps), found


def _with_given(loss: Callable, given: Any) -> Callable:
    """A loss as `descend` takes it: what is given are arguments of it, no constants."""
    tensors = keras.tree.map_structure(lambda one: ops.convert_to_tensor(one, "float32"), given)
    evaluate = with_gradient(loss)
    return lambda values: evaluate(values, tensors)
