"""Writing files so that a reader never sees half of one."""

import contextlib
import json
import os
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

from cin_style.errors import UserError


@contextlib.contextmanager
def write_beside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path in the folder of `path`; on success renames it to `path`.

    The temporary name keeps the suffixes of `path`, since many writers choose the format
    by them. When the body raises, the temporary file is removed and `path` is as it was.
    """
    path = pathlib.Path(path)
    suffix = "".join(path.suffixes[-2:])
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}{suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` (UTF-8) to `path` atomically."""
    with write_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes `value` to `path` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def writable_folder(path: str | os.PathLike, argument: str = "output") -> pathlib.Path:
    """Creates the folder `path` where needed and makes sure that a file can be written.

    Args:
        path: of the folder.
        argument: which argument the message asks to change.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        UserError: when the folder can't be created or written to.
    """
    path = pathlib.Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{uuid.uuid4().hex[:12]}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        what = "output folder" if argument == "output" else "folder"
        reason = "it is a file" if path.is_file() else error.strerror or error
        raise UserError(
            f"cannot write to the {what} {path}: {reason}. Choose another `{argument}` or change "
            "its permissions."
        ) from error
    return path
