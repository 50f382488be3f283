"""The breaks of `breaks.py` are of the code as it is."""

import pathlib
import runpy

import pytest

FOLDER = pathlib.Path(__file__).parent
BREAKS = runpy.run_path(str(FOLDER / "breaks.py"))["BREAKS"]


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_to_be_broken_is_there_once(name):
    text = (FOLDER.parents[1] / "cin_style" / name).read_text(encoding="utf-8")
    where, breaks = BREAKS[name]
    assert [old for old, _, _ in breaks if text.count(old) != 1] == []
    for part in where.split():
        assert (FOLDER.parent / part).exists()
