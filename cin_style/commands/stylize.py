"""`cin-style stylize`: photos, painted."""

import argparse

from cin_style.commands import options
from cin_style.painting.recipes import StylizeRecipe

HELP = "paint photos"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, StylizeRecipe, positional={"photos": "PHOTO|DIR"})
    options.add_output(parser, "DIR|FILE", "a folder, or a file for one picture")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, StylizeRecipe), options.output(arguments)
    from cin_style.painting.folder import stylize

    stylize(recipe, output)
