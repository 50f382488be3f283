"""`cin-style blend`: a photo in blends of styles."""

import argparse

from cin_style.commands import options
from cin_style.painting.recipes import BlendRecipe

HELP = "paint a photo in blends of styles"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, BlendRecipe, required=("styles",), positional={"photo": "PHOTO"})
    options.add_output(parser, "FILE|DIR", ".webp: an animation")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, BlendRecipe), options.output(arguments)
    from cin_style.painting.blends import blend

    blend(recipe, output)
