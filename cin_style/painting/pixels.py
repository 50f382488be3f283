"""Optimizing the pixels themselves (Gatys et al. 2016), under the objective of training."""

import dataclasses
import logging
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.images.files import check_writable_format
from cin_style.images.search import refuse_overwriting
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.objective import StyleObjective
from cin_style.painting.descent import descend, with_gradient
from cin_style.painting.recipes import OptimizeRecipe
from cin_style.progress import Bar
from cin_style.recipes import SMALLEST_SIDE

_LOG = logging.getLogger("cin_style")


@dataclasses.dataclass(frozen=True)
class Result:
    """What an optimization came to.

    Attributes:
        picture: float32 (height, width, 3) in [0, 1], the one of least loss that was looked at.
        loss: its total loss.
        terms: dict of the weighted terms of its loss.
        losses: the total loss at the start and after every iteration; the picture's may be
            lower, since an iteration may look at several.
        interrupted: whether it ended by Ctrl-C, before its last iteration.
    """

    picture: np.ndarray
    loss: float
    terms: dict[str, float]
    losses: list[float]
    interrupted: bool = False


class PixelLoss:
    """The loss of a picture under an objective, and its gradient; compiled once.

    Args:
        objective: a `StyleObjective`.

    Example:
        >>> from cin_style import VGG16, StyleObjective
        >>> painting, photo = np.random.rand(2, 16, 16, 3).astype("float32")
        >>> layers = {"block1_conv2": 1.0}
        >>> objective = StyleObjective(
        ...     VGG16(layers), [painting], content_layers=layers, style_layers=layers
        ... )
        >>> result = minimize(PixelLoss(objective), photo, photo, iterations=2)
        >>> result.picture.shape, result.losses[-1] < result.losses[0]
        ((16, 16, 3), True)
    """

    def __init__(self, objective: StyleObjective) -> None:
        self.objective = objective

        def loss(picture: Any, targets: dict[str, Any], style_ids: Any) -> tuple[Any, dict]:
            terms = objective.terms(None, style_ids, picture[None], targets=targets)
            terms = {name: values[0] for name, values in terms.items()}
            return sum(terms.values()), terms

        # The photo comes in by its features: as constants of the graph, they would be worked
        # out anew by the compiler, slowly.
        self._evaluate = with_gradient(loss)

    def of(self, photo: np.ndarray, style_index: int) -> Callable:
        """A function of a picture for this photo and style; see `descent.Search`.

        The photo is looked at here, and never again.
        """
        targets = self.objective.content_targets(photo[None])
        style_ids = ops.convert_to_tensor([style_index], "int32")
        return lambda picture: self._evaluate(picture, targets, style_ids)


def minimize(
    pixel_loss: PixelLoss,
    photo: np.ndarray,
    start: np.ndarray,
    iterations: int,
    *,
    style_index: int = 0,
    optimizer: str = "lbfgs",
    learning_rate: float = 0.02,
    watch: Callable[[float, dict[str, float]], Any] | None = None,
) -> Result:
    """Changes a picture's pixels, within [0, 1], so that its loss falls.

    Args:
        pixel_loss: a `PixelLoss`.
        photo: float32 (height, width, 3) in [0, 1], which gives the content.
        start: like `photo`, the picture to begin with.
        iterations: so many; L-BFGS may end earlier, where float32 knows no better picture.
        style_index: which of the objective's styles.
        optimizer: `lbfgs` (L-BFGS-B; an iteration looks at one picture or a few) or `adam`.
        learning_rate: Adam's.
        watch: called after every iteration with its loss, and the dict of the terms of the
            last picture looked at.

    Returns:
        A `Result`; also after Ctrl-C, with the best picture so far.

    Raises:
        UserError: a loss that is not finite.
        KeyboardInterrupt: after Ctrl-C before the first picture was looked at.
    """
    found = descend(
        pixel_loss.of(photo, style_index),
        start,
        iterations,
        optimizer=optimizer,
        learning_rate=learning_rate,
        bounds=(0.0, 1.0),
        watch=watch,
    )
    return Result(found.values, found.loss, found.terms, found.losses, found.interrupted)


def optimize(recipe: OptimizeRecipe, output: str | os.PathLike) -> Result:
    """Paints one photo in the style of one image by optimizing the pixels, to a file.

    ICC profile and EXIF data of the photo are kept. After Ctrl-C the best picture so far is
    written, and `KeyboardInterrupt` raised again.

    Args:
        recipe: an `OptimizeRecipe`.
        output: the image file, .png, .jpg or .webp; its folder is created where needed.

    Returns:
        The `Result`, see `optimize_pixels`.

    Raises:
        UserError: see `optimize_pixels`; a file that can't be written, or is one of those to read.

    Example:

        recipe = cin_style.OptimizeRecipe(content="photo.jpg", style="painting.jpg")
        result = cin_style.optimize(recipe, "pastiche.png")
        print(result.loss, result.terms)
    """
    output = pathlib.Path(output)
    check_writable_format(output)
    refuse_overwriting([recipe.content, recipe.style], [output])
    writable_folder(output.parent)
    result = optimize_pixels(recipe)
    images.save(output, result.picture, metadata=images.read_metadata(recipe.content))
    terms = ", ".join(f"{name} {value:.4g}" for name, value in result.terms.items())
    _LOG.info("wrote %s (loss %.4g: %s)", output, result.loss, terms)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def optimize_pixels(recipe: OptimizeRecipe, progress: bool = True) -> Result:
    """Paints one photo in the style of one image by optimizing the pixels.

    Works at `stages` sizes, each twice the one before, with the style image scaled alike: what
    is large is settled where it costs little (Gatys et al. 2017, section 6).

    Args:
        recipe: an `OptimizeRecipe`.
        progress: show a bar.

    Returns:
        A `Result` of the size of the photo or, where the photo is larger, with a long side of
        `max_side`; its losses are those of the last stage. After Ctrl-C it is `interrupted`.

    Raises:
        UserError: anything wrong with the files that the recipe names, or too many stages.
    """
    whole = images.load(recipe.content, max_side=recipe.max_side)
    smallest = min(whole.shape[:2]) / 2 ** (recipe.stages - 1)
    if smallest < SMALLEST_SIDE:
        raise UserError(
            f"the photo's short side would be {smallest:.0f} px in the first of {recipe.stages} "
            f"stages; at least {SMALLEST_SIDE} px are needed. Take fewer `stages` or a "
            "larger photo."
        )
    result: Any = None
    with Bar(recipe.iterations, "iteration", shown=progress) as bar:

        def watch(loss: float, terms: dict[str, float]) -> None:
            bar.update(figures=lambda: {"loss": loss, **terms})

        try:
            for stage in range(recipe.stages):
                result = _stage(recipe, stage, whole, result, watch)
                if result.interrupted:
                    break
        except KeyboardInterrupt:
            if result is None:
                raise
            result = dataclasses.replace(result, interrupted=True)
    return dataclasses.replace(result, picture=_resize(result.picture, *whole.shape[:2]))


def _stage(
    recipe: OptimizeRecipe,
    stage: int,
    whole: np.ndarray,
    before: Result | None,
    watch: Callable[[float, dict[str, float]], Any],
) -> Result:
    """Works at one size; `before` is the `Result` of the stage before, or `None`."""
    scale = 2 ** (recipe.stages - 1 - stage)
    photo = _resize(whole, whole.shape[0] // scale, whole.shape[1] // scale)
    style = images.load(recipe.style, short_side=max(1, recipe.style_size // scale))
    if before is not None:
        start = _resize(before.picture, *photo.shape[:2])
    elif recipe.init == "noise":
        start = np.random.default_rng(recipe.seed).random(photo.shape, "float32")
    else:
        start = photo
    return minimize(
        PixelLoss(make_objective(recipe, [style])),
        photo,
        start,
        # What does not divide by the number of stages goes to the first ones.
        (recipe.iterations + recipe.stages - 1 - stage) // recipe.stages,
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        watch=watch,
    )


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scales each channel in float, so that nothing is rounded to 8 bits."""
    if image.shape[:2] == (height, width):
        return image
    channels = [Image.fromarray(np.ascontiguousarray(image[..., k])) for k in range(3)]
    resized = [
        np.asarray(channel.resize((width, height), Image.Resampling.LANCZOS))
        for channel in channels
    ]
    return np.clip(np.stack(resized, axis=-1), 0, 1)
