"""`cin-style train`: a network trained on a folder of style images."""

import argparse
import dataclasses
import logging
import pathlib
from typing import Any

from cin_style.commands import options
from cin_style.files import read_json
from cin_style.runtimes import backend
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
    options.add_recipe(
        parser, TrainRecipe, required=("styles", "content"), default="with --preset none"
    )
    options.add_output(parser, "RUN_DIR", "folder for the run")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    given, output = options.given(arguments, TrainRecipe), options.output(arguments)
    backend.load()
    from cin_style.training.devices import connect

    connect(given.get("hosts", ""))  # before anybody asks JAX for its devices
    recipe = TrainRecipe(**_numbers(arguments.preset, pathlib.Path(output)) | given)
    from cin_style.training.train import train

    train(recipe, output)


def _numbers(name: str, output: pathlib.Path) -> dict[str, Any]:
    """What to begin with: those of the run in the folder, or of a preset; said in one line."""
    from cin_style import hardware

    reason = ""
    if name == "auto":
        begun = _begun(output)
        if begun:
            _LOG.info("going by the numbers of the run in %s; any option changes them", output)
            return begun
        name = "good" if hardware.accelerators() else "quick"
        reason = f" ({hardware.device()})"
    if name == "none":
        return {}
    _LOG.info("preset %s%s: `preset` chooses another, any option changes it", name, reason)
    return preset(name)


def _begun(output: pathlib.Path) -> dict[str, Any]:
    """The recipe that a run in this folder was begun with, wherever that was; or nothing."""
    try:
        recipe = read_json(output / "run.json")["recipe"]
        names = {field.name for field in dataclasses.fields(TrainRecipe)}
        return {name: value for name, value in recipe.items() if name in names}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # what is wrong with it, the run says
