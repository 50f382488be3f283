"""The rooms stand in one order: each imports only from those above it."""

import ast
import pathlib

import pytest

import cin_style

FOLDER = pathlib.Path(cin_style.__file__).parent

# Top to bottom; the tree map in the README follows it.
ORDER = [
    "errors",
    "files",
    "tables",
    "plots",
    "images",
    "sheets",
    "artefacts",
    "styles",
    "recipe",
    "hardware",
    "data",
    "layers",
    "network",
    "storage",
    "vgg",
    "losses",
    "objective",
    "trainer",
    "callbacks",
    "evaluate",
    "training",
    "optimize",
    "cards",
    "finetuning",
    "blend",
    "colour",
    "stylize",
    "page",
    "report",
    "compose",
    "demo",
    "cli",
]
ROOMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def imports(source):
    """The rooms that a room's source imports, at its top or inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import: write it from cin_style"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        parts = [name.split(".") for name in names]
        found |= {part[1] for part in parts if part[0] == "cin_style" and len(part) > 1}
    return found & set(ROOMS)


def test_imports_are_seen():
    source = """
import keras
import cin_style.vgg
from cin_style import data, images as pictures
from cin_style.files import write_text
def later():
    from cin_style import cli
"""
    assert imports(source) == {"vgg", "data", "images", "files", "cli"}


def test_every_room_has_its_place():
    assert sorted(set(ROOMS) - set(ORDER)) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_above_it(room):
    above = ORDER[: ORDER.index(room)]
    source = (FOLDER / f"{room}.py").read_text(encoding="utf-8")
    assert sorted(imports(source) - set(above)) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is(room):
    assert ast.get_docstring(ast.parse((FOLDER / f"{room}.py").read_text(encoding="utf-8")))


def test_the_package_gives_what_it_lists():
    for name in cin_style.__all__:
        assert getattr(cin_style, name) is not None
    for room in ROOMS:
        assert getattr(cin_style, room).__name__ == f"cin_style.{room}"
    with pytest.raises(AttributeError, match="module 'cin_style' has no attribute 'nonsense'"):
        _ = cin_style.nonsense
