"""files.py: a reader never sees half a file, and a folder is tried before work begins."""

import errno
import json
import os
import pathlib

import pytest

from cin_style import files
from cin_style.errors import UserError


def test_write_beside_renames_on_success(tmp_path):
    target = tmp_path / "picture.tar.gz"
    target.write_text("old")
    with files.write_beside(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".") and temporary.suffixes == [".tar", ".gz"]
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_write_beside_leaves_everything_as_it_was_on_failure(tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="in the middle"):
        with files.write_beside(target) as temporary:
            temporary.write_text("ne")
            raise RuntimeError("in the middle")
    with pytest.raises(KeyboardInterrupt):
        with files.write_beside(target) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_write_beside_where_nothing_was_written(tmp_path):
    with pytest.raises(UserError, match="cannot write .*a: No such file"):
        with files.write_beside(tmp_path / "a"):
            pass
    assert not list(tmp_path.iterdir())


def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(UserError, match="cannot write .*weights.npz: No space left on device"):
        with files.write_beside(tmp_path / "weights.npz"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_two_writers_do_not_meet(tmp_path):
    target = tmp_path / "a.txt"
    with files.write_beside(target) as one, files.write_beside(target) as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert target.read_text() == "one"  # the one that ends last
    assert list(tmp_path.iterdir()) == [target]


def test_text_and_json(tmp_path):
    files.write_text(tmp_path / "a.txt", "Käthe – 絵\n")
    assert (tmp_path / "a.txt").read_bytes() == "Käthe – 絵\n".encode()
    files.write_json(tmp_path / "a.json", {"artist": "Käthe", "sizes": [1, 2]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "Käthe" in text and text.endswith("}\n")
    assert json.loads(text) == {"artist": "Käthe", "sizes": [1, 2]}


def test_writable_folder(tmp_path):
    folder = files.writable_folder(str(tmp_path / "a" / "b"))
    assert folder == pathlib.Path(tmp_path, "a", "b") and folder.is_dir()
    (folder / "kept").touch()
    assert files.writable_folder(folder) == folder
    assert [path.name for path in folder.iterdir()] == ["kept"]


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_where_the_folder_should_be(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=f"cannot write to the output folder .*{name}: .*another"):
        files.writable_folder(tmp_path / name)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_that_takes_no_file(tmp_path, monkeypatch):
    # Permission bits do not stop every user, so the refusal is made up.
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(pathlib.Path, "touch", refuse)
    with pytest.raises(UserError, match="folder .*out: Permission denied. Choose another"):
        files.writable_folder(tmp_path / "out")
