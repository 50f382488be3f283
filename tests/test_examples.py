"""The examples in docstrings run, and every public class and verb has one."""

import doctest
import importlib
import inspect
import pathlib

import pytest

import cin_style

FOLDER = pathlib.Path(cin_style.__file__).parent
MODULES = [
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    for path in sorted(FOLDER.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert results.attempted and not results.failed


@pytest.mark.parametrize("name", cin_style.__all__)
def test_public_classes_and_verbs_have_an_example(name):
    value = getattr(cin_style, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        if not (inspect.isclass(value) and issubclass(value, Exception)):
            assert "Example" in inspect.getdoc(value)
