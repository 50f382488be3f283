"""search.py: which files are found, and that none is written over."""

import pytest

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import search


def test_find(tmp_path):
    for name in ["b.JPG", "a.png", "notes.txt", ".hidden.png", "z/c.webp", "m/d.tif", ".git/e.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    def names(*paths):
        return [path.relative_to(tmp_path).as_posix() for path in images.find(paths)]

    assert names(tmp_path) == ["a.png", "b.JPG", "m/d.tif", "z/c.webp"]
    # What is named is taken as it is, in the order given.
    assert names(tmp_path / "z", tmp_path / "notes.txt", tmp_path / ".hidden.png") == [
        "z/c.webp",
        "notes.txt",
        ".hidden.png",
    ]
    assert names(str(tmp_path / "m")) == ["m/d.tif"]
    with pytest.raises(UserError, match="no image in the folder .*folder.png: expected.*jpg"):
        names(tmp_path / "folder.png")
    with pytest.raises(UserError, match="no such file or folder: .*gone"):
        names(tmp_path, tmp_path / "gone")


def test_find_ends_where_a_link_leads_back(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [path.name for path in images.find([tmp_path])] == ["a.png"]


def test_find_leaves_folders_out(tmp_path):
    for name in ["a.png", "out/b.png", "out/deep/c.png", "outer/d.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "alias").symlink_to(tmp_path / "out")
    for left_out in (tmp_path / "out", tmp_path / "outer" / ".." / "out", tmp_path / "alias"):
        found = images.find([tmp_path], without=[left_out, tmp_path / "gone"])
        assert [path.name for path in found] == ["a.png", "d.png"]
    with pytest.raises(UserError, match="no image in the folder .*out"):
        images.find([tmp_path / "out"], without=[tmp_path / "out"])
    # What is inside of such a folder may still be asked for.
    found = images.find([tmp_path / "out" / "deep"], without=[tmp_path / "out"])
    assert [path.name for path in found] == ["c.png"]


def test_overwriting_is_refused_whatever_the_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = tmp_path / "a.png"
    photo.touch()
    (tmp_path / "soft.png").symlink_to(photo)
    (tmp_path / "hard.png").hardlink_to(photo)
    for target in (photo, "a.png", "../" + tmp_path.name + "/a.png", "soft.png", "hard.png"):
        with pytest.raises(UserError, match="would overwrite .*a.png.*another `sheet`"):
            search.refuse_overwriting([tmp_path / "b.png", photo], ["c.png", target], "sheet")
    search.refuse_overwriting([photo, tmp_path / "gone.png"], ["b.png", "gone.png", "no/a.png"])
