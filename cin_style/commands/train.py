"""`cin-style train`: a network trained on a folder of style images."""

import argparse
import logging

from cin_style.commands import backend, options
from cin_style.training.preset_files import PRESETS, preset
from cin_style.training.recipes import TrainRecipe

HELP = "train a network on a folder of style images"

_LOG = logging.getLogger("cin_style")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "--preset",
        choices=("auto", *PRESETS, "none"),
        default="auto",
        help="the numbers to begin with, which every option changes. quick: handsome pictures in "
        "about 30 minutes on two CPU cores; good: half an hour on an accelerator; paper: as "
        "published, to the letter; none: the defaults named below. auto: good where there is an "
        "accelerator, else quick (default: auto)",
    )
    options.add_recipe(parser, TrainRecipe, required=("styles", "content"))
    options.add_output(parser, "RUN_DIR", "folder for the run")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    given, output = options.given(arguments, TrainRecipe), options.output(arguments)
    backend.load()
    recipe = TrainRecipe(**_preset(arguments.preset) | given)
    from cin_style.training.train import train

    train(recipe, output)


def _preset(name: str) -> dict:
    """The numbers of a preset, in one line said which."""
    from cin_style import hardware

    reason = ""
    if name == "auto":
        name = "good" if hardware.accelerators() else "quick"
        reason = f" ({hardware.device()})"
    if name == "none":
        return {}
    _LOG.info("preset %s%s: `preset` chooses another, any option changes it", name, reason)
    return preset(name)
