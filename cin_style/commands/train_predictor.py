"""`cin-style train-predictor`: a network that predicts styles for one that paints."""

import argparse

from cin_style.commands import options
from cin_style.runtimes import backend
from cin_style.training.predictor_recipe import PredictorRecipe

HELP = "train a predictor, which tells a trained network any image's style at once"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, PredictorRecipe, required=("content",))
    options.add_output(parser, "RUN_DIR", "folder for the run; it gets predictor.npz")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, PredictorRecipe), options.output(arguments)
    backend.load()
    from cin_style.training.predict import train_predictor

    train_predictor(recipe, output)
