"""`cin-style export`: a network for other runtimes."""

import argparse

from cin_style.commands import options
from cin_style.runtimes import backend
from cin_style.runtimes.recipe import ExportRecipe

HELP = "write a network for ONNX Runtime, OpenVINO, LiteRT, a web page or as a SavedModel"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    options.add_recipe(parser, ExportRecipe)
    options.add_output(
        parser, "FILE|DIR", "ends in .onnx, .xml or .tflite; a SavedModel or page: a folder"
    )


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    recipe, output = options.recipe(arguments, ExportRecipe), options.output(arguments)
    backend.load()
    from cin_style.runtimes.export import export

    export(recipe, output)
