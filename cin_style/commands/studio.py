"""`cin-style studio`: a page in the browser to paint on."""

import argparse

from cin_style.commands import options
from cin_style.studio.recipe import StudioRecipe

HELP = "open a page in the browser to paint on"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, StudioRecipe)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe = options.recipe(arguments, StudioRecipe)
    from cin_style.studio.server import studio

    studio(recipe)
