"""The objective that a recipe describes."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cin_style import hardware
from cin_style.losses import terms
from cin_style.losses.objective import StyleObjective
from cin_style.losses.recipe import LossRecipe, layers_to_see, parse_layers
from cin_style.losses.vgg import LOSS_NETWORKS, LossNetwork

_LOG = logging.getLogger("cin_style")


def make_objective(
    recipe: LossRecipe,
    style_images: Sequence[np.ndarray],
    style_factors: Sequence[float] | None = None,
    margin: int = 0,
    also: Iterable[str] = (),
) -> StyleObjective:
    """The `StyleObjective` that a recipe of any kind describes, for these style images.

    Args:
        recipe: any recipe with the fields of `LossRecipe`, none of them `None`.
        style_images: float32 (height, width, 3) in [0, 1], one per style.
        style_factors: a weight for each style; by default 1.
        margin: see `StyleObjective`.
        also: layers that its loss network shall give besides.

    Raises:
        UserError: an unknown layer, or weights of the loss network that can't be read or lack one.

    Example:
        >>> import numpy as np
        >>> from cin_style.losses.recipe import LossRecipe
        >>> recipe = LossRecipe(
        ...     content_layers="block1_conv2",
        ...     style_layers="block1_conv1,block1_conv2=3e-4",
        ...     checkerboard_weight=1e7,
        ... )
        >>> objective = make_objective(recipe, [np.random.rand(16, 16, 3).astype("float32")])
        >>> objective.term_names
        ['content_loss', 'style_loss', 'checkerboard']
    """
    content = parse_layers(recipe.content_layers, recipe.content_weight)
    style = parse_layers(recipe.style_layers, recipe.style_weight)
    return StyleObjective(
        make_loss_network(recipe, [*content, *style, *also]),
        style_images,
        content_layers=content,
        style_layers=style,
        style_factors=style_factors,
        gram_normalization=recipe.gram_normalization,
        penalties=terms.of(recipe),
        margin=margin,
    )


def make_loss_network(recipe: Any, layers: Iterable[str]) -> LossNetwork:
    """The loss network that a recipe of any kind describes.

    Args:
        recipe: any recipe with fields of `LossRecipe`, none of them `None`.
        layers: that it shall give; names as `losses.features.see` has them.

    Raises:
        UserError: an unknown layer, or weights that can't be read or lack one.
    """
    weights = weights_of(recipe)
    if weights == "random":
        _LOG.warning(
            "the loss network has RANDOM weights: good for trying the machinery out, not for "
            "pictures. Give real ones with `vgg_weights`."
        )
    return LOSS_NETWORKS[recipe.loss_network](
        layers_to_see(layers),
        weights,
        recipe.pooling,
        hardware.resolve_precision(recipe.precision),
        padding=recipe.padding,
    )


def weights_of(recipe: Any) -> str:
    """Where the loss network's weights come from, by a recipe of any kind.

    Returns:
        Its `vgg_weights`; or else the file that the loss network's environment variable names; or
        else `bundled`, or for VGG19, of which the package has none, `imagenet`.
    """
    return recipe.vgg_weights or LOSS_NETWORKS[recipe.loss_network].ARCHITECTURE.default_weights
