"""`cin-style evaluate`: how good a network's pictures are."""

import argparse

from cin_style.commands import options
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.runtimes import backend

HELP = "measure how good a network's pictures are"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, EvaluateRecipe, required=("content", "styles"))
    options.add_output(parser, "REPORT_DIR", "folder for the report")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, EvaluateRecipe), options.output(arguments)
    backend.load()
    from cin_style.evaluation.report import evaluate

    evaluate(recipe, output)
