"""The recipe of a loss, and what a network remembers of it."""

import dataclasses
from collections.abc import Iterable
from typing import Any, TypeVar

from cin_style.errors import UserError
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


def catalogue_option() -> Any:
    """The field of a recipe that names a file of `styles.json`'s kind."""
    return option(
        "",
        "names, provenance and weights of the style images, in place of the folder's styles.json",
    )


@dataclasses.dataclass(frozen=True)
class ObjectiveRecipe(_PenaltyFields):
    """What decides the loss, but for the size of the style images; see `LossRecipe`."""

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

    def check(self) -> None:
        super().check()
        for name in ("content_layers", "style_layers"):
            text = getattr(self, name)
            if text is None:  # to be filled in, see `complete`
                continue
            try:
                parse_layers(text, 0.0)
            except UserError as error:
                raise UserError(f"`{name}`: {error}") from error


@dataclasses.dataclass(frozen=True)
class LossRecipe(ObjectiveRecipe):
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
        recipe: any recipe with fields of `ObjectiveRecipe` or all of `LossRecipe`.
        loss_options: what the network remembers (`StyleTransferNetwork.loss_options`). What it
            has not, or of another type (a file may hold anything), is as in `LossRecipe`.
    """
    found = {}
    for field in dataclasses.fields(LossRecipe):
        if getattr(recipe, field.name, field) is None:
            value = loss_options.get(field.name)
            found[field.name] = value if type(value) is type(field.default) else field.default
    return recipe.replace(**found)


# === Layers ===


def parse_layers(text: str, default_weight: float) -> dict[str, float]:
    """Parses `"block1_conv2,block3_conv3/2=3e-4"` to a dict of layer names to weights.

    Which layers there are is for the loss network to say.

    Raises:
        UserError: a layer without a name, or at another size (`split_layer`); a weight that is
            not a finite number of at least 0.

    Example:

        >>> parse_layers("block1_conv2,block3_conv3/2=3e-4", 1e-4)
        {'block1_conv2': 0.0001, 'block3_conv3/2': 0.0003}
    """
    layers = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        layer, _, weight = (piece.strip() for piece in part.partition("="))
        split_layer(layer)
        try:
            layers[layer] = float(weight) if weight else float(default_weight)
        except ValueError:
            layers[layer] = -1.0
        if not 0 <= layers[layer] < float("inf"):
            raise UserError(
                f"the weight of layer {layer} must be a number of at least 0. Received: {weight}"
            )
    return layers


def split_layer(layer: str) -> tuple[str, int]:
    """Splits a layer's name to the loss network's layer and the divisor of the picture's size.

    Raises:
        UserError: no name, or a divisor other than 2.

    Example:

        >>> split_layer("block3_conv3/2"), split_layer("block3_conv3")
        (('block3_conv3', 2), ('block3_conv3', 1))
    """
    name, slash, divisor = layer.partition("/")
    if not name:
        raise UserError(
            f"a layer has no name. Give name[=weight], with commas between. Received: {layer!r}"
        )
    if not slash:
        return name, 1
    if divisor != "2":
        raise UserError(
            f"a layer can be looked at in the picture, or as {name}/2 in the picture at half its "
            f"size. Received: {layer}"
        )
    return name, 2


def layers_to_see(layers: Iterable[str]) -> list[str]:
    """The layers that the loss network has to give for these content and style layers.

    Example:

        >>> layers_to_see(["block1_conv2", "block3_conv3/2"])
        ['block1_conv2', 'block3_conv3']
    """
    return [split_layer(layer)[0] for layer in layers]
