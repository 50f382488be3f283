"""Recipes: the numbers of a run as frozen dataclasses that check themselves when they are made.

A recipe of one kind of run lives in the package whose run it describes; here is what they share.
Light, for the command line to read: each field is an option of a command by the same name, its
`help` metadata the documentation.
"""

import dataclasses
import math
import numbers
import os
import types
import typing
from typing import Any, Self

from cin_style.errors import UserError

# Of what a network takes, in px: its mirror padding needs as much.
SMALLEST_SIDE = 16

# Whole numbers that floats still tell apart, cut off to what is easily said.
_MOST = 10**15 - 1


def option(default: Any, text: str, **metadata: Any) -> Any:
    """A field of a recipe.

    Args:
        default: its value unless given. `None`: to be filled in before the run.
        text: what it is, for help texts.
        **metadata: what it may be. `choices`: one of these. `least`, `most`, `above`, `below`:
            a finite number within these bounds, `unit` for the message; or the value `unless`,
            which means something else. `also`: other names of its option. `earlier`: what it was in
            runs from before it existed, where that is not the default.
    """
    return dataclasses.field(default=default, metadata={"help": text, **metadata})


def unset(*names: str, until: str = "as the network was trained, else {otherwise}") -> Any:
    """A class decorator, below `dataclasses.dataclass`: inherited fields begin as `None`.

    For what is known only when the run begins, such as what a network was trained with. The
    inherited default stays in the metadata as `otherwise`.

    Args:
        *names: of the fields.
        until: what counts in place of `None`, for help texts.
    """

    def decorate(cls: type) -> type:
        inherited = {field.name: field for field in dataclasses.fields(cls)}
        for name in names:
            field = inherited[name]
            kind: Any = field.type
            cls.__annotations__[name] = kind | None
            metadata = {
                **field.metadata,
                "otherwise": field.default,
                "unset": until.format(otherwise=field.default),
            }
            setattr(cls, name, dataclasses.field(default=None, metadata=metadata))
        return cls

    return decorate


@dataclasses.dataclass(frozen=True)
class RecipeBase:
    """A recipe of any kind: frozen, its values checked, types included.

    Whole numbers are taken for floats, paths for texts and lists for tuples.

    Raises:
        UserError: a value of another type, or that its field's metadata do not allow. The
            message names the field in backticks, as all messages of the library do with
            arguments; commands put their options in place of them.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _convert(field, getattr(self, field.name))
            _check_bounds(field, value)
            object.__setattr__(self, field.name, value)
        self.check()

    def check(self) -> None:
        """Raises a `UserError` for fields that don't go together; recipes add to it."""

    def replace(self, **changes: Any) -> Self:
        """The same recipe with other values of some fields."""
        return dataclasses.replace(self, **changes)


def type_of(field: dataclasses.Field) -> type:
    """The type of a field's values: `int`, `float`, `str`, `bool` or `tuple`."""
    kind: Any = field.type
    if typing.get_origin(kind) is types.UnionType:
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    return typing.get_origin(kind) or kind


_KINDS: dict[type, tuple[Any, str]] = {
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    bool: (bool, "True or False"),
    str: ((str, os.PathLike), "a text"),
    tuple: ((list, tuple), "a list"),
}


def _convert(field: dataclasses.Field, value: Any) -> Any:
    if value is None and field.default is None:
        return None
    kind = type_of(field)
    accepted, what = _KINDS[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise UserError(f"`{field.name}` must be {what}. Received: {value!r}")
    if kind is tuple:
        if not all(isinstance(part, str | os.PathLike) for part in value):
            raise UserError(f"`{field.name}` must be a list of texts. Received: {value!r}")
        return tuple(os.fspath(part) for part in value)
    if kind is int and abs(value) > _MOST:
        raise UserError(f"`{field.name}` must be a whole number of at most 15 digits.")
    try:
        return os.fspath(value) if kind is str else kind(value)
    except OverflowError as error:  # a whole number of hundreds of digits
        raise UserError(f"`{field.name}` must be a number that a float can hold.") from error


def _check_bounds(field: dataclasses.Field, value: Any) -> None:
    allowed = field.metadata
    if value is None or ("unless" in allowed and value == allowed["unless"]):
        return
    least = allowed.get("least")
    if "choices" in allowed:
        good, what = value in allowed["choices"], f"one of {', '.join(allowed['choices'])}"
    elif "above" in allowed:
        good, what = allowed["above"] < value < math.inf, "positive"
    elif "most" in allowed:
        good, what = least <= value <= allowed["most"], f"from {least} to {allowed['most']}"
    elif "below" in allowed:
        good = least <= value < allowed["below"]
        what = f"at least {least} and below {allowed['below']}"
    elif "least" in allowed:
        good, what = least <= value < math.inf, f"at least {least}{allowed.get('unit', '')}"
    else:
        return
    if not good:
        raise UserError(f"`{field.name}` must be {what}. Received: {value}")
