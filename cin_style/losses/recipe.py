"""The recipe of a loss, and what a network remembers of it."""

import dataclasses
from typing import Any, TypeVar

from cin_style.losses import terms
from cin_style.recipes import SMALLEST_SIDE, RecipeBase, option

# The weights of terms that need no loss network, from their table.
_PenaltyFields: Any = dataclasses.make_dataclass(
    "_PenaltyFields", terms.fields("pastiches"), bases=(RecipeBase,), frozen=True
)


def precision_option(default: str) -> Any:
    """The field of a recipe that says what is computed in."""
    return option(
        default,
        "auto takes mixed_bfloat16 where the hardware computes in it, else float32",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )


@dataclasses.dataclass(frozen=True)
class LossRecipe(_PenaltyFields):
    """What decides the loss.

    The defaults are those of Dumoulin et al. 2017, appendix A, but for the fourth style layer,
    block4_conv3: the weights in the package end at block 3, and `block3_conv3/2` sees shapes
    nearly as large.
    """

    style_size: int = option(
        512,
        "short side of the style images, in px; sets the stroke size",
        least=SMALLEST_SIDE,
        unit=" px",
    )
    content_weight: float = option(
        1.0, "weight of content layers that have none of their own", least=0
    )
    style_weight: float = option(
        1e-4, "weight of style layers that have none of their own", least=0
    )
    loss_network: str = option("vgg16", "vgg16 or vgg19", choices=("vgg16", "vgg19"))
    content_layers: str = option("block3_conv3", "its layers: name[=weight],...")
    style_layers: str = option(
        "block1_conv2,block2_conv2,block3_conv3,block3_conv3/2",
        "its layers: name[=weight],...; name/2: that layer of the pictures at half their size",
    )
    gram_normalization: float = option(
        0.0,
        "0: the paper's style loss; 1: every painting's loss relative to its own Gram energy",
        least=0,
        most=1,
    )
    vgg_weights: str = option(
        "",
        "bundled, imagenet, random, or a .npz or .h5 file; default $CIN_STYLE_VGG_WEIGHTS (for "
        "vgg19 $CIN_STYLE_VGG19_WEIGHTS), else those in the package (for vgg19 imagenet)",
    )
    pooling: str = option("avg", "pooling in the loss network", choices=("avg", "max"))
    padding: str = option(
        "zeros",
        "what the loss network sees beyond the picture's border: zeros, as it was trained, or "
        "reflect, the picture mirrored",
        choices=("zeros", "reflect"),
    )
    precision: str = precision_option("auto")


# What a network remembers of a loss: the fields that decide what it is, not where its weights are
# and how it is computed.
REMEMBERED = tuple(
    field.name
    for field in dataclasses.fields(LossRecipe)
    if field.name not in ("vgg_weights", "precision")
)

_AnyRecipe = TypeVar("_AnyRecipe", bound=RecipeBase)


def remember(recipe: LossRecipe) -> dict[str, Any]:
    """What a network keeps of the recipe of its training, to be the default from then on."""
    return {name: getattr(recipe, name) for name in REMEMBERED}


def complete(recipe: _AnyRecipe, loss_options: dict[str, Any]) -> _AnyRecipe:
    """Fills in what a recipe leaves to the network: fields that are `None`.

    Args:
        recipe: any recipe with fields of `LossRecipe`.
        loss_options: what the network remembers (`StyleTransferNetwork.loss_options`). What it
            has not, or of another type (a file may hold anything), is as in `LossRecipe`.
    """
    found = {}
    for field in dataclasses.fields(LossRecipe):
        if getattr(recipe, field.name) is None:
            value = loss_options.get(field.name)
            found[field.name] = value if type(value) is type(field.default) else field.default
    return recipe.replace(**found)
