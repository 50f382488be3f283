"""What a folder remembers of the pictures in it: what each was painted from, and how."""

import dataclasses
import hashlib
import json
import logging
import os
import pathlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from cin_style.files import parse_json
from cin_style.networks.styled import Styled
from cin_style.painting.recipes import StylizeRecipe
from cin_style.styles import blends

_LOG = logging.getLogger("cin_style")

NAME = ".cin_style.jsonl"

# Fields that say where photos and pictures are, or whose meaning the network and the embedding
# hold, or that change no more of a picture than rounding; all others decide how it looks.
_ELSEWHERE = {"photos", "model", "style", "raw_weights", "sheet", "format", "overwrite", "grain"}
_ELSEWHERE |= {"tile", "style_image", "predictor", "runtime", "engine", "address", "workers"}


class Journal:
    """A line for each picture, in a file in its folder, written as soon as the picture is.

    Lines are only ever added, and the last one on a picture counts: whatever stops the painting,
    what was finished is known, and two commands can paint into one folder. Without the file, or
    without a line that fits, a picture is painted anew.

    Args:
        folder: of the pictures, or in which the journal is kept.
        size: gives the size of a picture's file in bytes, `None` where there is none.

    Example:

        journal = Journal("painted")
        if not journal.holds(target, fingerprint):
            ...
            journal.note(target, fingerprint)
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        size: Callable[[pathlib.Path], int | None] | None = None,
    ) -> None:
        self._size = size or _size
        self._path = pathlib.Path(folder) / NAME
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, int]] = {}
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        for line in text.splitlines():
            try:
                entry = parse_json(line)
                self._known[entry["picture"]] = entry["from"], entry["bytes"]
            except (ValueError, KeyError, TypeError):
                continue  # cut short, where the machine stopped
        # A line that was cut short must not take the next one with it.
        self._begin = "\n" if text and not text.endswith("\n") else ""

    def holds(self, target: pathlib.Path, fingerprint: str) -> bool:
        """Whether a picture is there, as it was when it was noted with this fingerprint."""
        known = self._known.get(target.name)
        return known is not None and known == (fingerprint, self._size(target))

    def note(self, target: pathlib.Path, fingerprint: str) -> None:
        """Remembers that a picture has been written. Where that can't be, a line in the log."""
        entry = {"picture": target.name, "from": fingerprint, "bytes": self._size(target)}
        with self._lock:
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"{self._begin}{json.dumps(entry)}\n")
                self._begin = ""
            except OSError as error:
                _LOG.warning("%s will be painted again next time: %s", target, error)


def _size(path: pathlib.Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def facts_of(path: pathlib.Path) -> list:
    """What tells a file from others and from what it was before; nothing where there is none.

    Its name, size and the time of its last change, as `Fingerprints.of_file` takes them.
    """
    try:
        found = path.stat()
    except OSError:
        return []
    return [os.fsencode(path.name).hex(), found.st_size, found.st_mtime_ns]


class Fingerprints:
    """Tells what pictures are painted from, and how, in short: if one of these differs, so does it.

    The photo's file (name, size, time of its last change), the network, the styles' embeddings
    and weights, the grain, and every field of the recipe that changes a picture.

    Args:
        network: paints.
        grain: laid over photos.
        recipe: how is painted.
    """

    def __init__(self, network: Styled, grain: float, recipe: StylizeRecipe) -> None:
        self._styles = network.styles
        self._embeddings = network.get_style_embeddings()
        changed = {
            field.name: getattr(recipe, field.name)
            for field in dataclasses.fields(recipe)
            if field.name not in _ELSEWHERE and getattr(recipe, field.name) != field.default
        }
        if network.precision == "int8":  # other weights change no more than rounding
            changed["weights"] = network.precision
        self._how = [network.fingerprint, float(grain), changed]
        self._of_styles: dict[str, str] = {}

    def of(self, photo: pathlib.Path, style: str | dict[str, float]) -> str:
        """The fingerprint of a photo's picture in a style or blend, as `Job.styles` has it.

        Empty for a photo that is not there.
        """
        facts = facts_of(photo)
        return self.of_file(facts, style) if facts else ""

    def of_file(self, file: list[Any], style: str | dict[str, float]) -> str:
        """The same, of what tells the photo's file from others and from what it was before."""
        key = repr(style)
        if key not in self._of_styles:
            row = blends.weights(self._styles, style, raw=True)
            used = np.flatnonzero(row)
            self._of_styles[key] = hashlib.sha256(
                row[used].tobytes() + self._embeddings[used].tobytes()
            ).hexdigest()
        whole: Any = [file, self._of_styles[key], self._how]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]
