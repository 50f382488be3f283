"""`cin-style photoreal`: one photo in the light and colours of another."""

import argparse

from cin_style.commands import options
from cin_style.painting.recipes import PhotorealRecipe
from cin_style.runtimes import backend

HELP = "give a photo the light and colours of another"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, PhotorealRecipe, required=("content", "style"))
    options.add_output(parser, "FILE", "the picture")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, PhotorealRecipe), options.output(arguments)
    backend.load()
    from cin_style.painting.photorealism import photoreal

    photoreal(recipe, output)
