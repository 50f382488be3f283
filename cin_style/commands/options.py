"""Options from recipes: every field of a recipe is an option of its command."""

import argparse
import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from cin_style.errors import UserError
from cin_style.recipes import RecipeBase, type_of

_METAVARS = {int: "N", float: "X", str: "TEXT"}

_AnyRecipe = TypeVar("_AnyRecipe", bound=RecipeBase)


def add_output(parser: argparse.ArgumentParser, metavar: str, text: str) -> None:
    """Adds `--output`, which is no field of a recipe."""
    parser.add_argument("--output", required=True, metavar=metavar, help=text)


def add_recipe(
    parser: argparse.ArgumentParser,
    recipe_class: type[RecipeBase],
    required: tuple[str, ...] = (),
    positional: Mapping[str, str] | None = None,
    default: str = "default",
) -> None:
    """Adds an option for every field of a recipe class.

    What is not given stays out of the parsed arguments: recipes know their defaults.

    Args:
        parser: of the command.
        recipe_class: a class of recipes.
        required: the fields that have to be given.
        positional: the fields that are given without a name, with what to call them in the help.
        default: how the help calls what counts where an option is not given.
    """
    for field in dataclasses.fields(recipe_class):
        kind = type_of(field)
        options: dict[str, Any] = {"help": _help(field, default), "default": argparse.SUPPRESS}
        if positional and field.name in positional:
            options["metavar"] = positional[field.name]
            if kind is tuple:
                options["nargs"] = "+"
            parser.add_argument(field.name, **options)
            continue
        if field.name in required:
            options["required"] = True
            options["help"] = field.metadata["help"]
        if kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif kind is tuple:
            options |= {"nargs": "+", "action": "extend", "metavar": "PATH"}
        elif "choices" in field.metadata:
            options["choices"] = tuple(filter(None, field.metadata["choices"]))
        else:
            options |= {"type": kind, "metavar": _METAVARS[kind]}
        names = (field.name, *field.metadata.get("also", ()))
        parser.add_argument(*(f"--{name}" for name in names), dest=field.name, **options)


def _help(field: dataclasses.Field, default: str) -> str:
    """A field's documentation with its default, where that says something."""
    text = field.metadata["help"].replace("%", "%%")
    if "unset" in field.metadata:
        return f"{text} ({default}: {field.metadata['unset']})"
    if field.default is None or field.default in ("", ()):
        return text
    otherwise = str(field.default).replace("%", "%%")
    return f"{text} ({default}: {otherwise})"


def given(arguments: argparse.Namespace, recipe_class: type[RecipeBase]) -> dict[str, Any]:
    """What of a recipe's fields was given, `~` and environment variables filled in."""
    names = {field.name for field in dataclasses.fields(recipe_class)}
    found: dict[str, Any] = {}
    for name, value in vars(arguments).items():
        if name not in names:
            continue
        if isinstance(value, str):
            value = expand(name, value, arguments)
        elif isinstance(value, list):
            value = tuple(expand(name, part, arguments) for part in value)
        found[name] = value
    return found


def recipe(arguments: argparse.Namespace, recipe_class: type[_AnyRecipe]) -> _AnyRecipe:
    """The recipe that the arguments give."""
    return recipe_class(**given(arguments, recipe_class))


def output(arguments: argparse.Namespace) -> str:
    """`--output`, `~` and environment variables filled in."""
    return expand("output", arguments.output, arguments)


def expand(name: str, text: str, arguments: argparse.Namespace) -> str:
    """Fills in ~ and environment variables, so that recipe files can name data folders.

    On the command line, where shells fill them in, a variable that is not set is a part of a name.
    """
    expanded = os.path.expanduser(os.path.expandvars(text))
    missing = re.search(r"\$\{?(\w+)", expanded)
    if missing and not any(text in one.split("=", 1) for one in arguments.directly):
        raise UserError(
            f"`{name}={text}`: the environment variable {missing[1]} is not set. Set it, or give "
            f"`{name}` after the --flagfile."
        )
    return expanded
