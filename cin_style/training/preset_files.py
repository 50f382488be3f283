"""Presets: the numbers of whole training runs, as files of options in the package.

Light, for the command line to read. `cin-style train --flagfile` takes these files, too, but takes
more besides: here an option is written in one way only, see `parse`.
"""

import dataclasses
import pathlib
from typing import Any

from cin_style.errors import UserError
from cin_style.recipes import type_of
from cin_style.training.recipes import TrainRecipe

PRESETS = ("quick", "good", "paper")

_FOLDER = pathlib.Path(__file__).parent / "presets"


def preset(name: str) -> dict[str, Any]:
    """The fields of `TrainRecipe` that a preset sets.

    Args:
        name: `"quick"`: handsome pictures in about half an hour on two CPU cores, from the network
            in the package. `"good"`: from scratch, half an hour on an accelerator. `"paper"`:
            Dumoulin et al. 2017 to the letter, with weights to download.

    Raises:
        UserError: an unknown preset.

    Example:

        >>> recipe = TrainRecipe(**preset("quick") | {"styles": "paintings", "content": "photos"})
        >>> recipe.init_from, recipe.half
        ('varied32', True)
    """
    if name not in PRESETS:
        raise UserError(f"`preset` must be one of {', '.join(PRESETS)}. Received: {name}")
    return parse((_FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Any]:
    """The fields of `TrainRecipe` that a file of options sets.

    Args:
        text: an option a line, `--name=value`, such as `--steps=100`; of what is on or off,
            `--half` or `--no-half`. Lines that begin with `#` are comments. Nothing else that
            flag files may hold (`--steps 100`, `//`, other files) is read.

    Raises:
        UserError: a line that is not in this form, is no option of `TrainRecipe`, or has a bad
            value.
    """
    kinds = {field.name: type_of(field) for field in dataclasses.fields(TrainRecipe)}
    found: dict[str, Any] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        if line.startswith("#"):
            continue
        name, given, value = line.removeprefix("--").partition("=")
        switched = name.removeprefix("no-")
        try:
            if not line.startswith("--"):
                raise ValueError("an option begins with --")
            if kinds.get(switched) is bool and not given:
                found[switched] = switched == name
            elif kinds.get(name) in (int, float, str) and given:
                found[name] = kinds[name](value)
            else:
                raise ValueError("no such option")
        except ValueError as error:
            raise UserError(f"cannot read the line {line!r} of a preset: {error}.") from error
    return found
