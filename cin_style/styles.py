"""Style sets: a folder of images, with or without styles.json, to names and provenance."""

import dataclasses
import difflib
import json
import math
import pathlib
import re

from cin_style import images
from cin_style.errors import UserError

CATALOGUE = "styles.json"


@dataclasses.dataclass(frozen=True)
class Style:
    """What a network remembers of one of its styles.

    Attributes:
        name: how the style is asked for, such as `"the_scream"`.
        title, artist, year, collection, source, license: provenance; any may be `None`.
        weight: factor on this style's style loss in training.
        image_size: short side in pixels that the style image had in training; it sets the
            size of the strokes. `None` before training.
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

    def __post_init__(self):
        allowed = r"[^\s/\\,=.-][^\s/\\,=]{0,79}"
        if not (
            isinstance(self.name, str)
            and self.name.isprintable()
            and self.name != "all"  # on the command line, every style
            and re.fullmatch(allowed, self.name)
        ):
            raise UserError(
                "a style's name must be 1 to 80 characters without spaces, slashes, commas "
                "and equals signs, not begin with a dot or dash, and not be all. "
                f"Received: {self.name!r}"
            )
        if self.image_size is not None and not isinstance(self.image_size, int):
            raise UserError(
                f"the image size of style {self.name} must be a whole number. "
                f"Received: {self.image_size!r}"
            )
        if not (isinstance(self.weight, int | float) and 0 < self.weight < math.inf):
            raise UserError(
                f"the weight of style {self.name} must be a positive number. "
                f"Received: {self.weight!r}"
            )
        for field in ("title", "artist", "year", "collection", "source", "license"):
            value = getattr(self, field)
            if isinstance(value, int):  # a year without quotes
                object.__setattr__(self, field, str(value))
            elif not isinstance(value, str | None):
                raise UserError(
                    f"the {field} of style {self.name} must be a text. Received: {value!r}"
                )

    @classmethod
    def of(cls, value):
        """Makes a `Style` of a name, a dictionary of attributes, or a `Style`."""
        if isinstance(value, cls):
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

    def to_dict(self):
        """The attributes that say something, for JSON."""
        values = dataclasses.asdict(self)
        return {key: value for key, value in values.items() if value is not None}


def unique(styles):
    """Returns `styles` as a tuple of `Style`; raises a `UserError` for two of one name."""
    styles = tuple(Style.of(style) for style in styles)
    seen = set()
    for style in styles:
        if style.name in seen:
            raise UserError(f"two styles are named {style.name}: every style needs its own name.")
        seen.add(style.name)
    if not styles:
        raise UserError("no style given: at least one is needed.")
    return styles


def find(styles, key):
    """Finds a style by name or number.

    Args:
        styles: a sequence of `Style`.
        key: a name, or a number from 0 (as an int or in digits).

    Returns:
        The style's index.

    Raises:
        UserError: when there is none; the message suggests the nearest name.
    """
    names = [style.name for style in styles]
    if isinstance(key, str) and key in names:
        return names.index(key)
    if isinstance(key, int) or (isinstance(key, str) and key.isascii() and key.isdigit()):
        if 0 <= int(key) < len(names):
            return int(key)
        raise UserError(
            f"no style number {key}: this network's styles are numbered 0 to {len(names) - 1}."
        )
    near = difflib.get_close_matches(str(key).lower(), names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names[:40])}"
    raise UserError(f"no style named {key}. {hint}")


def find_all(styles, text):
    """Finds the styles of a comma-separated list of names and numbers, or of `all`."""
    if text == "all":
        return list(range(len(styles)))
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if not keys:
        names = ", ".join(style.name for style in styles[:40])
        raise UserError(f"no style given. Give all, or some of: {names}")
    return [find(styles, key) for key in keys]


def _name_after(path):
    return re.sub(r"[\s/\\,=]+", "_", path.stem)


class StyleSet:
    """Style images with their names.

    Attributes:
        styles: tuple of `Style`.
        paths: the image file of each.
    """

    def __init__(self, styles, paths):
        self.styles = unique(styles)
        self.paths = [pathlib.Path(path) for path in paths]

    def __len__(self):
        return len(self.styles)

    @classmethod
    def from_folder(cls, folder, names=None, catalogue=None):
        """Reads a style set from a folder.

        With a `styles.json` (a list of objects with `name`, `file` and optional title,
        artist, year, collection, source, license and weight) exactly the images it lists
        are read, in its order. Without one every image in the folder is a style, named
        after its file.

        Args:
            folder: the folder.
            names: keep only these, in this order (an iterable of names).
            catalogue: a file like `styles.json`, to read in its place.

        Raises:
            UserError: missing folder, no image, two styles of one name, an unknown name, a
                catalogue that can't be read or names a missing file.
        """
        folder = pathlib.Path(folder)
        if not folder.is_dir():
            raise UserError(f"no such folder of style images: {folder}. Check --styles.")
        own = folder / CATALOGUE
        if catalogue or own.is_file():
            styles, paths = cls._read_catalogue(folder, pathlib.Path(catalogue or own))
        else:
            paths = [path for path in images.find([folder]) if path.parent == folder]
            if not paths:
                raise UserError(f"no style image in the folder {folder} itself.")
            styles = [Style(_name_after(path)) for path in paths]
        style_set = cls(styles, paths)
        if names is not None:
            indices = [find(style_set.styles, name) for name in names]
            styles = [style_set.styles[index] for index in indices]
            style_set = cls(styles, [style_set.paths[index] for index in indices])
        return style_set

    @classmethod
    def from_paths(cls, paths):
        """Reads a style set from folders (see `from_folder`) and single images."""
        styles, files = [], []
        for path in map(pathlib.Path, paths):
            if path.is_dir():
                style_set = cls.from_folder(path)
                styles += style_set.styles
                files += style_set.paths
            elif path.is_file():
                styles.append(cls._of_file(path))
                files.append(path)
            else:
                raise UserError(f"no such style image or folder: {path}. Check --styles.")
        return cls(styles, files)

    @classmethod
    def _of_file(cls, path):
        """The style of one image, with its provenance if a catalogue beside it lists it."""
        catalogue = path.parent / CATALOGUE
        if catalogue.is_file():
            styles, files = cls._read_catalogue(path.parent, catalogue)
            if path in files:
                return styles[files.index(path)]
        return Style(_name_after(path))

    @staticmethod
    def _read_catalogue(folder, catalogue):
        if not catalogue.is_file():
            raise UserError(f"no such catalogue of style images: {catalogue}. Check --catalogue.")
        try:
            entries = json.loads(catalogue.read_text(encoding="utf-8"))
            listed = isinstance(entries, list) and entries
            if not listed or not all(isinstance(entry, dict) for entry in entries):
                raise ValueError("expected a list of objects with name and file")
        except ValueError as error:
            raise UserError(f"{catalogue} can't be read: {error}.") from error
        styles, paths = [], []
        known = {field.name for field in dataclasses.fields(Style)} - {"image_size"}
        for entry in entries:
            path = folder / str(entry.get("file", ""))
            if not path.is_file():
                raise UserError(
                    f"{catalogue}: the style {entry.get('name')} names the file "
                    f"{entry.get('file')}, which is not in the folder {folder}."
                )
            styles.append(Style.of({key: entry[key] for key in known & set(entry)}))
            paths.append(path)
        return styles, paths

    def load_images(self, short_side):
        """Loads every style image, scaled to `short_side` pixels, never cropped.

        Returns:
            A list of float32 arrays (height, width, 3) in [0, 1].
        """
        return [images.load(path, short_side=short_side) for path in self.paths]
