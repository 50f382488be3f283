"""Style sets: a folder of images, with or without styles.json, to names and provenance."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from cin_style.errors import UserError
from cin_style.files import read_json
from cin_style.images import files, search
from cin_style.styles.style import Style, find, unique

CATALOGUE = "styles.json"


def _name_after(path: pathlib.Path) -> str:
    return re.sub(r"[\s/\\,=]+", "_", path.stem).lstrip(".@+-") or "style"


class StyleSet:
    """Style images with their names.

    Attributes:
        styles: tuple of `Style`.
        paths: the image file of each.

    Example:

        style_set = StyleSet.from_folder("my_paintings")
        names = [style.name for style in style_set.styles]
        pictures = style_set.load_images(short_side=512)
    """

    def __init__(
        self,
        styles: Sequence[Style | str | Mapping[str, Any]],
        paths: Sequence[str | os.PathLike],
    ) -> None:
        self.styles = unique(styles)
        self.paths = [pathlib.Path(path) for path in paths]

    def __len__(self) -> int:
        return len(self.styles)

    @classmethod
    def from_folder(
        cls,
        folder: str | os.PathLike,
        names: Iterable[str] | None = None,
        catalogue: str | os.PathLike | None = None,
    ) -> Self:
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
            raise UserError(f"no such folder of style images: {folder}. Check `styles`.")
        own = folder / CATALOGUE
        styles: Sequence[Style]
        if catalogue or own.is_file():
            styles, paths = cls._read_catalogue(folder, pathlib.Path(catalogue or own))
        else:
            paths = [path for path in search.find([folder]) if path.parent == folder]
            if not paths:
                raise UserError(f"no style image in the folder {folder} itself.")
            styles = [Style(_name_after(path)) for path in paths]
        style_set = cls(styles, paths)
        if names is not None:
            indices = [find(style_set.styles, name) for name in names]
            style_set = cls(
                [style_set.styles[index] for index in indices],
                [style_set.paths[index] for index in indices],
            )
        return style_set

    @classmethod
    def from_paths(cls, paths: Iterable[str | os.PathLike]) -> Self:
        """Reads a style set from folders (see `from_folder`) and single images."""
        styles: list[Style] = []
        found: list[pathlib.Path] = []
        for path in map(pathlib.Path, paths):
            if path.is_dir():
                style_set = cls.from_folder(path)
                styles += style_set.styles
                found += style_set.paths
            elif path.is_file():
                styles.append(cls._of_file(path))
                found.append(path)
            else:
                raise UserError(f"no such style image or folder: {path}. Check `styles`.")
        return cls(styles, found)

    @classmethod
    def _of_file(cls, path: pathlib.Path) -> Style:
        """The style of one image, with its provenance if a catalogue beside it lists it."""
        catalogue = path.parent / CATALOGUE
        if catalogue.is_file():
            styles, paths = cls._read_catalogue(path.parent, catalogue)
            if path in paths:
                return styles[paths.index(path)]
        return Style(_name_after(path))

    @staticmethod
    def _read_catalogue(
        folder: pathlib.Path, catalogue: pathlib.Path
    ) -> tuple[list[Style], list[pathlib.Path]]:
        if not catalogue.is_file():
            raise UserError(f"no such catalogue of style images: {catalogue}. Check `catalogue`.")
        try:
            entries = read_json(catalogue)
            listed = isinstance(entries, list) and entries
            if not listed or not all(isinstance(entry, dict) for entry in entries):
                raise ValueError("expected a list of objects with name and file")
        except ValueError as error:
            raise UserError(f"{catalogue} can't be read: {error}.") from error
        styles, paths = [], []
        known = {field.name for field in dataclasses.fields(Style)} - {"image_size"}
        for entry in entries:
            named = os.path.normpath(str(entry.get("file", "")))
            if os.path.isabs(named) or named.startswith(os.pardir):
                raise UserError(
                    f"{catalogue}: the style {str(entry.get('name'))[:80]} names a file outside "
                    f"of the folder {folder}: {named[:80]}. Copy it into the folder."
                )
            path = folder / named
            if not os.path.isfile(path):  # which a name beyond all lengths may be asked
                raise UserError(
                    f"{catalogue}: the style {str(entry.get('name'))[:80]} names the file "
                    f"{str(entry.get('file'))[:80]}, which is not in the folder {folder}."
                )
            styles.append(Style.of({key: entry[key] for key in known & set(entry)}))
            paths.append(path)
        return styles, paths

    def load_images(self, short_side: int) -> list[np.ndarray]:
        """Loads every style image, scaled to `short_side` pixels, never cropped.

        Returns:
            A list of float32 arrays (height, width, 3) in [0, 1].
        """
        return [files.load(path, short_side=short_side) for path in self.paths]
