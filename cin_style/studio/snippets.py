"""The command line and the Python that make a picture again."""

import dataclasses
import os
import shlex
from collections.abc import Iterable
from typing import Any

from cin_style.recipes import RecipeBase

# What is an argument without a name on the command line.
_POSITIONAL = ("photos", "photo")


def command(name: str, recipe: RecipeBase, output: str) -> str:
    """A command line for a recipe; of files the names alone, wherever they lie.

    Args:
        name: of the command.
        recipe: what it does.
        output: the file or folder it writes.

    Example:

        >>> from cin_style import StylizeRecipe
        >>> recipe = StylizeRecipe(photos=["/tmp/x/my cat.jpg"], style="udnie", strength=0.8)
        >>> command("stylize", recipe, "cat.png")
        "cin-style stylize --style udnie --strength 0.8 --output cat.png 'my cat.jpg'"
    """
    words, last = ["cin-style", name], []
    for field, value in _given(recipe):
        if field in _POSITIONAL:
            last += value if isinstance(value, list) else [value]
        elif isinstance(value, bool):
            words.append(f"--{field}" if value else f"--no-{field}")
        elif isinstance(value, list):
            words += [f"--{field}", *value]
        else:
            words += [f"--{field}", str(value)]
    return shlex.join([*words, "--output", output, *last])


def python(function: str, recipe: RecipeBase, output: str) -> str:
    """A few lines of Python for a recipe, see `command`.

    Args:
        function: of `cin_style`, which takes the recipe.
        recipe, output: see `command`.

    Example:

        >>> from cin_style import StylizeRecipe
        >>> recipe = StylizeRecipe(photos=["/tmp/x/cat.jpg"], style="udnie")
        >>> print(python("stylize", recipe, "cat.png"))
        import cin_style
        <BLANKLINE>
        recipe = cin_style.StylizeRecipe(photos=['cat.jpg'], style='udnie')
        cin_style.stylize(recipe, 'cat.png')
    """
    fields = ", ".join(f"{field}={value!r}" for field, value in _given(recipe))
    made = f"recipe = cin_style.{type(recipe).__name__}({fields})"
    return f"import cin_style\n\n{made}\ncin_style.{function}(recipe, {output!r})"


def both(name: str, recipe: RecipeBase, output: str) -> tuple[str, str]:
    """`command` and `python` for a verb that is called the same in both."""
    return command(name, recipe, output), python(name, recipe, output)


def _given(recipe: RecipeBase) -> Iterable[tuple[str, Any]]:
    """The fields that are not at their defaults, with files by their names."""
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if value == field.default:
            continue
        if isinstance(value, tuple):
            value = [_name(part) for part in value]
        yield field.name, _name(value) if isinstance(value, str) else value


def _name(text: str) -> str:
    return os.path.basename(text) if os.path.isabs(text) else text
