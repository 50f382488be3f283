"""Composites: an object of one picture set into another, and made to belong."""

import dataclasses
import logging
import math
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from scipy import ndimage

from cin_style import images
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.images import colour_transfer, files, grain, guided, limits, membrane, scaling
from cin_style.images.arrays import as_pixels
from cin_style.images.cutouts import Cutout, cut_out
from cin_style.images.files import check_size, check_writable_format, load_pixels
from cin_style.images.search import refuse_overwriting
from cin_style.images.segments import Segments
from cin_style.losses import terms as loss_terms
from cin_style.losses.from_recipe import make_loss_network
from cin_style.losses.recipe import complete, parse_layers
from cin_style.losses.segments import SegmentObjective
from cin_style.painting import strokes
from cin_style.painting.descent import Found, descend, with_gradient
from cin_style.painting.placing import Placed, blend_in
from cin_style.painting.recipes import CompositeRecipe
from cin_style.painting.stylizer import MARGIN, Stylizer
from cin_style.prediction import files as prediction_files
from cin_style.prediction.kinds import is_painting
from cin_style.progress import Bar

_LOG = logging.getLogger("cin_style")

# What is painted around an object in its style, at the size at which is painted, in px.
_CONTEXT = 48

# An object may have so many times the pixels of the picture that it is set into.
_MOST_AREA = 16

# A neighbourhood is blank where its values differ by less.
_BLANK = 3 / 255

# Adam's learning rate for an embedding, as fine-tuning in few steps has it.
_RATE = 0.02


@dataclasses.dataclass(frozen=True)
class Result:
    """What a composite came to.

    Attributes:
        picture: uint8 (height, width, 3), as large as the background.
        pasted: likewise, the object as a sticker.
        alpha: float32 (height, width): how much of each pixel is the object's.
        kind: `photo` or `painting`: as what the background was taken.
        interrupted: whether it ended by Ctrl-C, with the best so far.
    """

    picture: np.ndarray
    pasted: np.ndarray
    alpha: np.ndarray
    kind: str
    interrupted: bool = False


def composite(recipe: CompositeRecipe, output: str | os.PathLike) -> Result:
    """Sets an object into a picture and makes it belong, to a file.

    ICC profile and EXIF data of the background are kept. After Ctrl-C the best picture so far is
    written, and `KeyboardInterrupt` raised again.

    Args:
        recipe: a `CompositeRecipe`.
        output: the image file; its folder is created where needed.

    Returns:
        The `Result`.

    Raises:
        UserError: anything wrong with the files or arguments that the recipe names; a file that
            can't be written, or is one of those to read.

    Example:

        recipe = cin_style.CompositeRecipe(object="cat.png", into="painting.jpg", at="60%,70%")
        cin_style.composite(recipe, "cat_in_painting.png")
    """
    output = pathlib.Path(output)
    check_writable_format(output)
    refuse_overwriting(filter(None, (recipe.object, recipe.mask, recipe.into)), [output])
    background = load_pixels(recipe.into, most_pixels=limits.most_pixels())
    check_size(output, *background.shape[1::-1])
    cutout = cut_out(recipe.object, recipe.mask, recipe.box)
    writable_folder(output.parent)
    result = compose(cutout, background, recipe)
    images.save(output, result.picture, metadata=images.read_metadata(recipe.into))
    _LOG.info("wrote %s, taking the background for a %s", output, result.kind)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def compose(
    cutout: Cutout,
    background: Any,
    recipe: CompositeRecipe | None = None,
    *,
    stylizer: Stylizer | None = None,
    progress: bool = True,
) -> Result:
    """Sets an object into a picture and makes it belong.

    Args:
        cutout: the object, as `cut_out` gives it.
        background: a picture, as `Stylizer` takes photos.
        recipe: by default `CompositeRecipe()`; its files of object and background are not read.
        stylizer: paints, in place of one of `recipe.model`.
        progress: show a bar.

    Returns:
        A `Result`; after Ctrl-C it is `interrupted`.

    Raises:
        UserError: an object outside the picture; a network without a predictor; weights that can't
            be read.
        KeyboardInterrupt: after Ctrl-C before anything was found.

    Example:

        cutout = cut_out("cat.jpg", box="120,80,400,300")
        result = compose(cutout, "painting.jpg", CompositeRecipe(at="50%,70%", scale=0.5))
    """
    recipe = recipe or CompositeRecipe()
    background = as_pixels(background)
    if background.dtype != np.uint8:
        background = files.to_uint8(background)
    area = cutout.alpha.size * recipe.scale**2
    if area > _MOST_AREA * background.shape[0] * background.shape[1]:
        raise UserError(
            f"the object would be {math.sqrt(area / cutout.alpha.size):g} times as large as it is "
            f"and have {area / 1e6:.1f} megapixels, far more than the picture. Give a smaller "
            "`scale`."
        )
    placed = Placed.of(background, cutout.scaled(recipe.scale), recipe.place(background.shape[:2]))
    kind = recipe.kind
    if kind == "auto":
        kind = "painting" if is_painting(background) else "photo"
    if kind == "photo":
        picture, interrupted = as_photo(placed, recipe), False
    else:
        picture, interrupted = as_painting(placed, recipe, stylizer, progress)
    return Result(picture, placed.pasted, placed.alpha, kind, interrupted)


# === Into a photo ===


def as_photo(placed: Placed, recipe: CompositeRecipe) -> np.ndarray:
    """The object in the light of its surroundings, its edge soft.

    Its colours go part of the way (`recipe.relight`) of the Monge-Kantorovich map to those of its
    neighbourhood. With `recipe.edge` `poisson`, what differs along its edge is made up for over
    all of the object (Perez et al. 2003).
    """
    where = placed.neighbourhood
    part = placed.cropped(where)
    colours, surroundings = files.from_uint8(part.colours), files.from_uint8(part.background)
    outside = 1 - np.minimum(1, ndimage.uniform_filter(part.alpha, 3) * 9)
    if outside.sum() < 16:
        # The object fills its neighbourhood: there is nothing else to be seen of the picture.
        outside = np.ones_like(outside)
    towards = colour_transfer.monge_kantorovich(colours, surroundings, part.alpha, outside)
    stay = np.eye(3, 4, dtype="float32")
    maps = stay + recipe.relight * (towards - stay)
    relit = guided.apply(maps, colours).astype("float32")
    region = part.alpha > 0.5
    if recipe.edge == "poisson" and not region.all():
        relit = relit + membrane.between(relit, surroundings, region)
    # What shines through the edge is the background as it is.
    return blend_in(placed, where, relit.clip(0, 1), 0)


# === Into a painting ===


@dataclasses.dataclass(frozen=True)
class Canvas:
    """An object and what it is to look like, at the size at which is painted.

    Attributes:
        style: float32 (height, width, 3): the neighbourhood, without the object.
        content: float32 (rows, columns, 3): the sticker and a little around it.
        alpha: float32 (rows, columns): how much of that is the object's.
        where: rows and columns of the content in the whole picture.
    """

    style: np.ndarray
    content: np.ndarray
    alpha: np.ndarray
    where: tuple[slice, slice]

    @classmethod
    def of(cls, placed: Placed, short_side: int, band: float = 0.0) -> "Canvas":
        """The neighbourhood at a short side of so many px, at which networks learn styles.

        Args:
            placed: the object over the picture.
            short_side: in px.
            band: so many px of the picture around the object are painted at least.

        Raises:
            UserError: the neighbourhood is blank.
        """
        around = placed.neighbourhood
        style = files.from_uint8(placed.background[around])
        if np.ptp(style, axis=(0, 1)).max() < _BLANK:
            raise UserError(
                "the picture is blank around the object: there is no style to paint it in. Give "
                "another `at`, or `kind` photo."
            )
        scale = short_side / min(style.shape[:2])
        where = placed.box(math.ceil(max(_CONTEXT / scale, band)))
        part = placed.cropped(where)
        size = tuple(max(16, round(side * scale)) for side in part.alpha.shape)
        small = tuple(max(16, round(side * scale)) for side in style.shape[:2])
        return cls(
            scaling.scale(style, small).clip(0, 1),
            scaling.scale(files.from_uint8(part.pasted), size).clip(0, 1),
            scaling.scale(part.alpha[..., None], size)[..., 0].clip(0, 1),
            where,
        )

    def objective(self, recipe: CompositeRecipe) -> SegmentObjective:
        """The loss of the object: its own content, and the style of the neighbourhood."""
        content = parse_layers(recipe.content_layers, recipe.content_weight)
        style = parse_layers(recipe.style_layers, recipe.style_weight)
        network = make_loss_network(recipe, [*content, *style])
        theirs = np.ones((*self.style.shape[:2], 1), "float32")
        return SegmentObjective(
            network,
            self.content,
            self.style,
            Segments(self.alpha[..., None], theirs, ("object",)),
            content_layers=content,
            style_layers=style,
            gram_normalization=recipe.gram_normalization,
            penalties=loss_terms.of(recipe),
        )


def as_painting(
    placed: Placed, recipe: CompositeRecipe, stylizer: Stylizer | None, progress: bool
) -> tuple[np.ndarray, bool]:
    """The object, and only it, painted in the style of its neighbourhood.

    The neighbourhood's embedding is predicted, and refined by `recipe.steps` of Adam on this very
    object. It is painted at the size at which the neighbourhood has the strokes that the network
    saw, and what is finer comes from painting it as large as it is. With `recipe.refine`, pixels
    are optimized after that (Gatys et al. 2016), which is slow.

    Returns:
        The picture, and whether it was interrupted.
    """
    stylizer = stylizer or Stylizer(recipe.model, runtime="keras")
    network = stylizer.network
    recipe = complete(recipe, network.loss_options)
    if recipe.predictor:
        predictor = prediction_files.get(recipe.predictor, None, network, recipe.vgg_weights)
    else:
        predictor = stylizer.predictor
    band = recipe.band * placed.length
    canvas = Canvas.of(placed, predictor.view.size, band)
    embedding = predictor.predict_embedding(canvas.style)
    broad, interrupted = stylizer(canvas.content, embedding=embedding, stroke_size=0), False
    with Bar(recipe.steps + recipe.refine, "step", shown=progress) as bar:

        def watch(loss: float, terms: dict[str, float]) -> None:
            bar.update(figures=lambda: {"loss": loss, **terms})

        try:
            objective = canvas.objective(recipe) if recipe.steps or recipe.refine else None
            if recipe.steps:
                found = _refine_embedding(
                    canvas, objective, stylizer, embedding, recipe.steps, watch
                )
                embedding, interrupted = found.values, found.interrupted
                broad = stylizer(canvas.content, embedding=embedding, stroke_size=0)
            if recipe.refine and not interrupted:
                found = _refine_pixels(canvas, objective, broad, recipe.refine, watch)
                broad, interrupted = found.values, found.interrupted
        except KeyboardInterrupt:
            interrupted = True
    painted = _enlarged(stylizer, placed.cropped(canvas.where).pasted, broad, embedding)
    return blend_in(placed, canvas.where, painted, band), interrupted


def _refine_embedding(
    canvas: Canvas,
    objective: Any,
    stylizer: Stylizer,
    start: np.ndarray,
    steps: int,
    watch: Callable,
) -> Found:
    """A few steps of fine-tuning an embedding for one object."""
    painter = stylizer.network.with_styles(["any"], dtype="float32").painting_graph()
    rng = np.random.default_rng(0)
    photo = grain.add_grain(canvas.content, stylizer.grain, rng)
    padded = np.pad(photo, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "reflect")[None]
    height, width = photo.shape[:2]

    def loss(embedding: Any, given: Any) -> tuple[Any, dict[str, Any]]:
        weights = ops.ones((1, 1))
        embeddings = ops.reshape(embedding, (1, 1, -1))
        picture = painter([given["photo"], embeddings, weights])[0]
        picture = picture[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
        terms = objective.terms(picture, given["constants"])
        return sum(terms.values()), terms

    evaluate = with_gradient(loss)
    given = {
        "photo": ops.convert_to_tensor(padded, "float32"),
        "constants": objective.constants,
    }
    return descend(
        lambda values: evaluate(values, given),
        start,
        steps,
        optimizer="adam",
        learning_rate=_RATE,
        watch=watch,
    )


def _refine_pixels(
    canvas: Canvas, objective: Any, start: np.ndarray, steps: int, watch: Callable
) -> Found:
    """Optimizes the pixels of the object; those around it stay as they were painted."""
    free = (ndimage.uniform_filter(canvas.alpha, 9) > 0)[..., None].astype("float32")

    def loss(picture: Any, given: Any) -> tuple[Any, dict[str, Any]]:
        held = given["free"] * picture + (1.0 - given["free"]) * given["start"]
        terms = objective.terms(held, given["constants"])
        return sum(terms.values()), terms

    evaluate = with_gradient(loss)
    given = {
        "free": ops.convert_to_tensor(free),
        "start": ops.convert_to_tensor(start, "float32"),
        "constants": objective.constants,
    }
    return descend(
        lambda values: evaluate(values, given), start, steps, bounds=(0.0, 1.0), watch=watch
    )


def _enlarged(
    stylizer: Stylizer, pasted: np.ndarray, broad: np.ndarray, embedding: np.ndarray
) -> np.ndarray:
    """A painted part at its own size, with the brushwork of a painting of that size."""
    size = pasted.shape[0], pasted.shape[1]
    if strokes.is_larger((broad.shape[0], broad.shape[1]), size):
        return strokes.shrink(broad, size)
    if broad.shape[:2] == size:
        return broad
    picture = stylizer(pasted, embedding=embedding, stroke_size=0)
    strokes.broaden(picture, broad)
    return picture
