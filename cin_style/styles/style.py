"""A style: its name and provenance; and finding one among many."""

import dataclasses
import difflib
import numbers
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cin_style.errors import UserError
from cin_style.files import printable

_LARGEST_WEIGHT = 1e9


@dataclasses.dataclass(frozen=True)
class Style:
    """What a network remembers of one of its styles.

    Attributes:
        name: how the style is asked for, such as `"the_scream"`.
        title, artist, year, collection, source, license: provenance; any may be `None`.
        weight: factor on this style's style loss in training.
        image_size: short side in pixels that the style image had in training; it sets the
            size of the strokes. `None` before training.

    Raises:
        UserError: a name that would not work in file names and lists, a weight or image size
            that is no number, provenance that is no text.

    Example:

        >>> Style("great_wave", artist="Hokusai", year="1831").to_dict()
        {'name': 'great_wave', 'artist': 'Hokusai', 'year': '1831', 'weight': 1.0}
    """

    name: str
    title: str | None = None
    artist: str | None = None
    year: str | None = None
    collection: str | None = None
    source: str | None = None
    license: str | None = None
    weight: float = 1.0
    image_size: int | None = None

    def __post_init__(self) -> None:
        # No beginning by which spreadsheets know a formula.
        allowed = r"[^\s/\\,=.@+-][^\s/\\,=]{0,79}"
        if not (
            isinstance(self.name, str)
            and self.name.isprintable()
            and self.name != "all"  # on the command line, every style
            and re.fullmatch(allowed, self.name)
        ):
            raise UserError(
                "a style's name must be 1 to 80 characters without spaces, slashes, commas "
                "and equals signs, not begin with a dot, dash, plus or @, and not be all. "
                f"Received: {self.name!r}"
            )
        if self.image_size is not None and not isinstance(self.image_size, int):
            raise UserError(
                f"the image size of style {self.name} must be a whole number. "
                f"Received: {self.image_size!r}"
            )
        if not (isinstance(self.weight, int | float) and 0 < self.weight <= _LARGEST_WEIGHT):
            raise UserError(
                f"the weight of style {self.name} must be a positive number, at most "
                f"{_LARGEST_WEIGHT:g}. Received: {str(self.weight)[:40]}"
            )
        for field in ("title", "artist", "year", "collection", "source", "license"):
            value = getattr(self, field)
            if isinstance(value, int):  # a year without quotes
                value = str(value)
            elif not isinstance(value, str | None):
                raise UserError(
                    f"the {field} of style {self.name} must be a text. "
                    f"Received: {str(value)[:80]!r}"
                )
            object.__setattr__(self, field, value and printable(value))

    @classmethod
    def of(cls, value: "Style | str | Mapping[str, Any]") -> "Style":
        """Makes a `Style` of a name, a dictionary of attributes, or a `Style`."""
        if isinstance(value, Style):
            return value
        if isinstance(value, str):
            return cls(name=value)
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(value) - known)
        if unknown or "name" not in value:
            raise UserError(
                f"a style needs a name and may have {', '.join(sorted(known - {'name'}))}. "
                f"Received: {', '.join(sorted(value)) or 'nothing'}"
            )
        return cls(**value)

    def to_dict(self) -> dict[str, Any]:
        """The attributes that say something, for JSON."""
        values = dataclasses.asdict(self)
        return {key: value for key, value in values.items() if value is not None}


def unique(styles: Sequence[Style | str | Mapping[str, Any]]) -> tuple[Style, ...]:
    """Returns `styles` as a tuple of `Style`; raises a `UserError` for two of one name."""
    found = tuple(Style.of(style) for style in styles)
    seen = set()
    for style in found:
        if style.name in seen:
            raise UserError(f"two styles are named {style.name}: every style needs its own name.")
        seen.add(style.name)
    if not found:
        raise UserError("no style given: at least one is needed.")
    return found


def find(styles: Sequence[Style], key: str | numbers.Integral | int) -> int:
    """Finds a style by name or number.

    Args:
        styles: a sequence of `Style`.
        key: a name, or a number from 0 (of any whole type, NumPy's too, or in digits).

    Returns:
        The style's index.

    Raises:
        UserError: when there is none; the message suggests the nearest name.

    Example:

        >>> styles = unique(["starry_night", "the_scream"])
        >>> find(styles, "the_scream"), find(styles, 1), find(styles, "1")
        (1, 1, 1)
    """
    names = [style.name for style in styles]
    if isinstance(key, str) and key in names:
        return names.index(key)
    # True and False are whole numbers to Python, but nobody's style.
    whole = isinstance(key, numbers.Integral) and not isinstance(key, bool)
    if whole or (isinstance(key, str) and key.isascii() and key.isdigit()):
        if 0 <= int(key) < len(names):
            return int(key)
        raise UserError(
            f"no style number {key}: this network's styles are numbered 0 to {len(names) - 1}."
        )
    near = difflib.get_close_matches(str(key).lower(), names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names[:40])}"
    raise UserError(f"no style named {key}. {hint}")


def find_all(styles: Sequence[Style], text: str) -> list[int]:
    """Finds the styles of a comma-separated list of names and numbers, or of `all`."""
    if text == "all":
        return list(range(len(styles)))
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if not keys:
        names = ", ".join(style.name for style in styles[:40])
        raise UserError(f"no style given. Give all, or some of: {names}")
    return [find(styles, key) for key in keys]
