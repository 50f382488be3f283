"""Writing files so that a reader never sees half of one."""

import contextlib
import json
import os
import pathlib
import time
import unicodedata
import uuid
from collections.abc import Iterator
from typing import Any

from cin_style.errors import UserError

# Left-to-right and right-to-left embedding, override, isolate and their ends.
_DIRECTIONS = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}

# How the names of temporary files begin.
_TEMPORARY = ".cin_style-"

# Of those by which a format is chosen; what else stands behind a dot may be as long as a name.
_LONGEST_SUFFIX = 10

# Of what is read as JSON: a catalogue of hundreds of thousands of styles.
_LARGEST_JSON = 64 * 10**6


@contextlib.contextmanager
def write_beside(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path in the folder of `path`; on success renames it to `path`.

    The temporary name keeps the suffixes of `path`, since many writers choose the format
    by them. When the body raises, the temporary file is removed and `path` is as it was.

    Raises:
        UserError: for an `OSError` of the body, such as a full disk's.
    """
    path = pathlib.Path(path)
    suffix = "".join(part for part in path.suffixes[-2:] if len(part) <= _LONGEST_SUFFIX)
    temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex[:12]}{suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:  # which, on a full disk, does not name the file
        raise UserError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def clear_temporaries(folder: str | os.PathLike, *, below: bool = False, age: float = 0) -> None:
    """Removes what `write_beside` has left in a folder where processes were killed.

    Args:
        folder: which.
        below: also in the folders in it.
        age: in seconds; what is younger stays, as another process may be writing it.
    """
    latest = time.time() - age
    for path in pathlib.Path(folder).glob(f"{'**/' if below else ''}{_TEMPORARY}*"):
        with contextlib.suppress(OSError):  # another process was quicker
            if path.stat().st_mtime <= latest:
                path.unlink()


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` to `path` atomically, as UTF-8.

    What is not Unicode, as the names of files may be, is written as JSON escapes it.
    """
    with write_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def check_format(found: Any, known: int) -> None:
    """Raises a `UserError` for the number of a file format that is not the one known here."""
    if found != known:
        raise UserError(
            f"it has the format {str(found)[:20]}; this version of cin_style reads {known}. Update "
            "cin_style."
        )


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes `value` to `path` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: str | os.PathLike) -> Any:
    """What a JSON file holds.

    Raises:
        OSError: a file that can't be read.
        ValueError: one that is no JSON, of more than 64 MB or nested too deeply.
    """
    path = pathlib.Path(path)
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(f"no such file: {path}")
    if path.stat().st_size > _LARGEST_JSON:
        raise ValueError(f"it is larger than {_LARGEST_JSON // 10**6} MB")
    return parse_json(path.read_bytes())


def parse_json(text: str | bytes) -> Any:
    """`json.loads`, of which a `ValueError` is all that a text can lead to."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


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
        probe = path / f"{_TEMPORARY}{uuid.uuid4().hex[:12]}"
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


def printable(text: str) -> str:
    """A text without what steers terminals or is no character, on one line.

    Control characters and those that change the direction of writing become spaces; halves of
    UTF-16 pairs, which stand for bytes in the names of files, question marks.

    Example:
        >>> printable("Red\\x1b[31m and\\nblue")
        'Red [31m and blue'
    """

    def harmless(character: str) -> str:
        kind = unicodedata.category(character)
        if kind == "Cs":
            return "?"
        return " " if kind in ("Cc", "Zl", "Zp") or character in _DIRECTIONS else character

    return "".join(map(harmless, text))
