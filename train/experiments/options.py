"""Options of the losses, which several experiments share."""

import argparse
import dataclasses
from typing import Any

from cin_style import StyleTransferNetwork
from cin_style.losses.recipe import LossRecipe, complete, remember
from cin_style.recipes import type_of
from cin_style.training.recipes import FinetuneRecipe

LAYERS = "block1_conv2,block2_conv2,block3_conv3,block3_conv3/2"

_DEFAULTS = {
    "style_size": 384,
    "style_weight": 3e-4,
    "style_layers": LAYERS,
    "gram_normalization": 0.7,
}


def add_losses(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """Adds the options of the losses, with other defaults than usual for some."""
    for field in dataclasses.fields(LossRecipe):
        if field.name in _DEFAULTS:
            default = defaults.get(field.name, _DEFAULTS[field.name])
            parser.add_argument(f"--{field.name}", type=type_of(field), default=default)


def losses(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of a recipe that `add_losses` has options for."""
    return {name: getattr(arguments, name) for name in _DEFAULTS}


def losses_of(network: StyleTransferNetwork) -> dict[str, Any]:
    """The fields of a recipe that say which losses a network was trained with."""
    return remember(complete(FinetuneRecipe(), network.loss_options))
