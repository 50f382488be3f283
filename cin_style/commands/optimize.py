"""`cin-style optimize`: one photo painted by optimizing its pixels."""

import argparse

from cin_style.commands import options
from cin_style.painting.recipes import OptimizeRecipe
from cin_style.runtimes import backend

HELP = "paint one photo by optimizing its pixels, slowly"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, OptimizeRecipe, required=("content", "style"))
    options.add_output(parser, "FILE", "the picture")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, OptimizeRecipe), options.output(arguments)
    backend.load()
    from cin_style.painting.pixels import optimize

    optimize(recipe, output)
