"""`cin-style composite`: an object of one picture set into another."""

import argparse

from cin_style.commands import options
from cin_style.painting.recipes import CompositeRecipe
from cin_style.runtimes import backend

HELP = "set an object into a photo or painting, and make it belong"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, CompositeRecipe, required=("object", "into"))
    options.add_output(parser, "FILE", "the picture")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, CompositeRecipe), options.output(arguments)
    backend.load()
    from cin_style.painting.compositing import composite

    composite(recipe, output)
