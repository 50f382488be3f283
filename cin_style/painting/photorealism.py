"""Photorealistic transfer: a photo takes the light and colours of another, and stays a photo."""

import dataclasses
import logging
import os
import pathlib
from typing import Any

import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.images import limits, segments
from cin_style.images.arrays import as_pixels
from cin_style.images.files import check_size, check_writable_format, load_pixels
from cin_style.images.search import refuse_overwriting
from cin_style.images.segments import Segments
from cin_style.losses import terms as loss_terms
from cin_style.losses.from_recipe import make_loss_network, weights_of
from cin_style.losses.nima import NIMA
from cin_style.losses.recipe import parse_layers
from cin_style.losses.segments import SegmentObjective
from cin_style.losses.vgg import LOSS_NETWORKS
from cin_style.losses.vgg_weights import deepest_block
from cin_style.painting import recolouring, segmentation, semantic
from cin_style.painting.descent import Found
from cin_style.painting.recipes import PhotorealRecipe
from cin_style.painting.recolouring import Recolouring, Scene, shrunk
from cin_style.progress import Bar

_LOG = logging.getLogger("cin_style")

# Where a recipe does not say: iterations of L-BFGS, and the weight of content layers.
_ITERATIONS = {"grid": 12, "pixels": 400}
_CONTENT_WEIGHTS = {"grid": 10.0, "pixels": 0.05, "colours": 0.0}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a photorealistic transfer came to.

    Attributes:
        picture: uint8 (height, width, 3), as large as the photo.
        segments: at the size at which was learned.
        recolouring: what can be applied to the same photo at another size.
        terms: dict of the weighted terms of the loss at the end; empty for `colours`.
        scores: by NIMA, of the photo and of the picture, from 1 to 10; or `None`.
        interrupted: whether it ended by Ctrl-C, with the best so far.
    """

    picture: np.ndarray
    segments: Segments
    recolouring: Recolouring
    terms: dict[str, float]
    scores: tuple[float, float] | None = None
    interrupted: bool = False


def photoreal(recipe: PhotorealRecipe, output: str | os.PathLike) -> Result:
    """Gives one photo the light and colours of another, to a file.

    ICC profile and EXIF data of the photo are kept. After Ctrl-C the best picture so far is
    written, and `KeyboardInterrupt` raised again.

    Args:
        recipe: a `PhotorealRecipe`.
        output: the image file; its folder is created where needed.

    Returns:
        The `Result`.

    Raises:
        UserError: anything wrong with the files or arguments that the recipe names; a file that
            can't be written, or is one of those to read.

    Example:

        recipe = cin_style.PhotorealRecipe(content="day.jpg", style="dusk.jpg")
        cin_style.photoreal(recipe, "evening.jpg")
        cin_style.photoreal(recipe.replace(method="colours", segments="3"), "at_once.jpg")
    """
    output = pathlib.Path(output)
    check_writable_format(output)
    masks = [pathlib.Path(recipe.save_masks, f"{name}.png") for name in ("content", "style")]
    files = (recipe.content, recipe.style, recipe.content_mask, recipe.style_mask)
    given = tuple(filter(None, files))
    refuse_overwriting(given, [output])
    if recipe.save_masks:
        refuse_overwriting(given, masks, "save_masks")
        if output.resolve() in [mask.resolve() for mask in masks]:
            raise UserError(f"`save_masks` would write over {output}. Choose another folder.")
        writable_folder(recipe.save_masks, "save_masks")
    content, style = (
        load_pixels(path, most_pixels=limits.most_pixels())
        for path in (recipe.content, recipe.style)
    )
    check_size(output, *content.shape[1::-1])
    writable_folder(output.parent)
    result = transfer(content, style, recipe)
    images.save(output, result.picture, metadata=images.read_metadata(recipe.content))
    if recipe.save_masks:
        segments.save(masks[0], result.segments.content, content.shape[:2])
        segments.save(masks[1], result.segments.style, style.shape[:2])
    _LOG.info("wrote %s%s", output, _figures(result))
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _figures(result: Result) -> str:
    parts = [f"{name} {value:.4g}" for name, value in result.terms.items()]
    if result.scores:
        parts.append("NIMA's score {:.2f} before, {:.2f} now".format(*result.scores))
    return f" ({', '.join(parts)})" if parts else ""


def transfer(
    content: Any,
    style: Any,
    recipe: PhotorealRecipe | None = None,
    *,
    found: Segments | None = None,
    segmenter: semantic.Segmenter | None = None,
    progress: bool = True,
) -> Result:
    """Gives one photo the light and colours of another.

    Args:
        content, style: photos, as `Stylizer` takes them, of any sizes.
        recipe: by default `PhotorealRecipe()`; its `content` and `style` are not read.
        found: segments in place of those that the recipe asks for; of any sizes.
        segmenter: a callable that finds them, see `semantic.Segmenter`.
        progress: show a bar.

    Returns:
        A `Result`; after Ctrl-C it is `interrupted`.

    Raises:
        UserError: photos, masks, weights or a recipe that are wrong.
        KeyboardInterrupt: after Ctrl-C before anything was found.

    Example:

        result = transfer(day, dusk, PhotorealRecipe(method="colours"))
        sky_first = transfer(day, dusk, segmenter=lambda photo: (labels(photo), ["sky", "land"]))
    """
    recipe = recipe or PhotorealRecipe()
    content, style = as_pixels(content), as_pixels(style)
    nima = NIMA(recipe.nima) if recipe.nima else None
    small = shrunk(content, recipe.work_side), shrunk(style, recipe.work_side)
    if found is None and segmenter is not None:
        found = semantic.by_names(*small, segmenter)
    elif found is None:
        found = _segments(recipe, small, content.shape[:2], style.shape[:2])
    _LOG.info("%d segments: %s", len(found.names), _described(found))
    scene = Scene.of(*small, found, recipe.work_side)
    recoloured, descent = _recolour(recipe, scene, nima, progress)
    picture = recoloured.apply(content)
    scores = None
    if nima is not None:
        before, after = (
            float(nima.scores(shrunk(photo, recipe.work_side)[None])[0])
            for photo in (content, picture)
        )
        scores = before, after
    return Result(
        picture,
        scene.segments,
        recoloured,
        descent.terms if descent else {},
        scores,
        bool(descent and descent.interrupted),
    )


def _described(found: Segments) -> str:
    areas = zip(found.names, found.shares, found.style.mean(axis=(0, 1)), strict=True)
    return ", ".join(f"{name} ({ours:.0%}, {theirs:.0%})" for name, ours, theirs in areas)


def _recolour(
    recipe: PhotorealRecipe, scene: Scene, nima: NIMA | None, progress: bool
) -> tuple[Recolouring, Found | None]:
    if recipe.method == "colours":
        return recolouring.by_colours(scene), None
    make = objective_maker(recipe)

    def extra(picture: Any) -> dict[str, Any]:
        if nima is None or not recipe.nima_weight:
            return {}
        return {"nima": recipe.nima_weight * (10.0 - nima.scores(picture[None])[0])}

    iterations = recipe.iterations or _ITERATIONS[recipe.method]
    with Bar(iterations, "iteration", shown=progress) as bar:

        def watch(loss: float, terms: dict[str, float]) -> None:
            bar.update(figures=lambda: {"loss": loss, **terms})

        options: dict[str, Any] = {"extra": extra, "watch": watch}
        if recipe.method == "grid":
            options["smoothness"] = recipe.smoothness
            return recolouring.by_grid(scene, make, iterations, **options)
        options["matting_weight"] = recipe.matting_weight
        return recolouring.by_pixels(scene, make, iterations, **options)


def objective_maker(recipe: PhotorealRecipe) -> recolouring.MakeObjective:
    """A function of a `Scene` that gives the objective which a recipe describes.

    Raises:
        UserError: an unknown layer, or weights of the loss network that can't be read or lack one.
    """
    deepest = deepest_block(LOSS_NETWORKS[recipe.loss_network].ARCHITECTURE, weights_of(recipe))
    usual_style = ",".join(f"block{block}_conv1" for block in range(1, deepest + 1))
    usual_content = "block4_conv2" if deepest >= 4 else f"block{deepest}_conv1"
    weight = recipe.content_weight
    weight = _CONTENT_WEIGHTS[recipe.method] if weight is None else weight
    content = parse_layers(recipe.content_layers or usual_content, weight)
    style = parse_layers(recipe.style_layers or usual_style, recipe.style_weight)
    network = make_loss_network(recipe, [*content, *style])

    def make(scene: Scene) -> SegmentObjective:
        return SegmentObjective(
            network,
            scene.content,
            scene.style,
            scene.segments,
            content_layers=content,
            style_layers=style,
            gram_normalization=recipe.gram_normalization,
            penalties=loss_terms.of(recipe),
        )

    return make


def _segments(
    recipe: PhotorealRecipe,
    small: tuple[np.ndarray, np.ndarray],
    content_size: tuple[int, int],
    style_size: tuple[int, int],
) -> Segments:
    """The segments that a recipe asks for, of photos that were made small."""
    sizes = small[0].shape[:2], small[1].shape[:2]
    if recipe.content_mask:
        masks = (recipe.content_mask, recipe.style_mask)
        ours, theirs, names = segments.read(*masks, content_size, style_size)
        ours, theirs = segments.resize(ours, sizes[0]), segments.resize(theirs, sizes[1])
        return segments.matched(ours, theirs, names, segments.likeness(small, [ours, theirs]))
    if recipe.segments in ("", "none", "1"):
        return Segments.whole(*sizes)
    if recipe.segments == "auto" or recipe.segments.isdecimal():
        count = segmentation.USUAL if recipe.segments == "auto" else int(recipe.segments)
        network = make_loss_network(recipe, segmentation.LAYERS)
        return segmentation.cluster(*small, network, count, recipe.seed)
    return semantic.by_names(*small, semantic.load_segmenter(recipe.segments))
