"""`cin-style finetune`: styles added to a trained network."""

import argparse

from cin_style.commands import options
from cin_style.runtimes import backend
from cin_style.training.recipes import FinetuneRecipe

HELP = "add styles to a trained network"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, FinetuneRecipe, required=("styles",))
    options.add_output(parser, "RUN_DIR", "folder for the run")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, FinetuneRecipe), options.output(arguments)
    backend.load()
    from cin_style.training.finetune import finetune

    finetune(recipe, output)
