"""journal.py: what a folder remembers of its pictures."""

import json
import os

import numpy as np
import pytest

from cin_style.painting.journal import NAME, Fingerprints, Journal
from cin_style.painting.recipes import StylizeRecipe


def test_a_journal_remembers(tmp_path):
    target, other = tmp_path / "a_ash.png", tmp_path / "\udcff.png"  # of any bytes
    for path in (target, other):
        path.write_bytes(b"picture")
    journal = Journal(tmp_path)
    assert not journal.holds(target, "f1")
    journal.note(target, "f1")
    journal.note(other, "f2")
    journal.note(target, "f3")
    again = Journal(tmp_path)
    assert again.holds(target, "f3") and again.holds(other, "f2")
    assert not again.holds(target, "f1") and not again.holds(tmp_path / "b.png", "f3")
    # Pictures that are gone, or another by now.
    target.write_bytes(b"another picture")
    other.unlink()
    assert not again.holds(target, "f3") and not again.holds(other, "f2")


@pytest.mark.parametrize("torn", ['{"picture": "b.p', "[1]", "7", '{"picture": "b.png"}', "\x00"])
def test_a_journal_that_was_cut_short(tmp_path, torn):
    target = tmp_path / "a.png"
    target.write_bytes(b"picture")
    Journal(tmp_path).note(target, "f1")
    with (tmp_path / NAME).open("a") as file:
        file.write(torn)
    journal = Journal(tmp_path)
    assert journal.holds(target, "f1")
    journal.note(target, "f2")
    assert Journal(tmp_path).holds(target, "f2")
    assert json.loads((tmp_path / NAME).read_text().splitlines()[-1])["from"] == "f2"


def test_a_journal_that_can_not_be_written(tmp_path, caplog):
    (tmp_path / NAME).mkdir()
    target = tmp_path / "a.png"
    target.write_bytes(b"picture")
    journal = Journal(tmp_path)
    journal.note(target, "f1")
    assert "a.png will be painted again next time" in caplog.text
    assert not Journal(tmp_path).holds(target, "f1")


def test_a_journal_is_a_line_a_picture(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"picture")
        Journal(tmp_path).note(tmp_path / name, "f1")
    lines = (tmp_path / NAME).read_text().splitlines()
    assert [json.loads(line)["picture"] for line in lines] == ["a.png", "b.png"]


def test_a_journal_that_is_none(tmp_path):
    (tmp_path / NAME).write_bytes(b"\xff\xfe")
    assert not Journal(tmp_path).holds(tmp_path / "a.png", "f1")


def test_fingerprints_tell_what_makes_another_picture(tiny_network, make_photo, tmp_path):
    photo, later = tmp_path / "a.png", tmp_path / "b.png"
    photo.write_bytes(b"photo")
    recipe = StylizeRecipe(photos=["a.png"], style="ash")

    def of(network=tiny_network, grain=0.0, style="ash", path=photo, **changes):
        return Fingerprints(network, grain, recipe.replace(**changes)).of(path, style)

    same = of()
    moved = tmp_path / "moved" / "a.png"
    moved.parent.mkdir()
    moved.write_bytes(b"photo")
    os.utime(moved, ns=(0, photo.stat().st_mtime_ns))
    for fingerprint in (
        of(),
        of(path=moved),
        of(model="other.keras", sheet="sheet.png", overwrite=True, format="jpg"),
        of(network=tiny_network.select(["cedar", "ash"])),
        of(network=tiny_network.rename("cedar", "oak")),
        of(style={"ash": 1.0}),
        of(precision="float32", runtime="keras", tile="64"),
    ):
        assert fingerprint == same
    embeddings = tiny_network.get_style_embeddings()
    embeddings[0, 0] += 1e-3
    larger = tiny_network.with_styles(["ash"], embeddings[:1])
    later.write_bytes(b"photo")
    found = {
        same,
        of(network=larger),
        of(grain=0.1),
        of(style="birch"),
        of(style={"ash": 0.5, "birch": 0.5}),
        of(style={"ash": 0.25, "birch": 0.75}),
        of(path=later),
        of(max_side=100),
        of(strength=0.5),
        of(colours="luminance"),
        of(quality=50),
        of(precision="bfloat16"),
    }
    photo.write_bytes(b"another photo")
    found |= {of()}
    os.utime(photo, ns=(0, 1))
    found |= {of()}
    assert len(found) == 14 and "" not in found
    assert of(path=tmp_path / "gone.png") == ""
    assert np.all([len(one) == 32 for one in found])
