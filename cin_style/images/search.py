"""Looking for image files, and keeping those that are read from being written over."""

import os
import pathlib
from collections.abc import Iterable, Iterator

from cin_style.errors import UserError
from cin_style.images.files import READABLE


def find(
    paths: Iterable[str | os.PathLike], without: Iterable[str | os.PathLike] = ()
) -> list[pathlib.Path]:
    """Lists image files: files as given, folders searched recursively in sorted order.

    Args:
        paths: files and folders.
        without: folders that are left out of the search, with all that is in them, by whatever
            name or link it comes to them. Those that do not exist say nothing.

    Returns:
        A list of paths. Hidden files and folders are left out.

    Raises:
        UserError: when a path does not exist, or a folder holds no image.
    """
    left_out = {_identity(path) for path in without} - {None}
    found = []
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            inside = [pathlib.Path(entry.path) for entry in scan(path, left_out)]
            if not inside:
                raise UserError(
                    f"no image in the folder {path}: expected files that end in "
                    f"{', '.join(READABLE)}."
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"no such file or folder: {path}. Check the path.")
    return found


def scan(folder: str | os.PathLike, left_out: Iterable = ()) -> Iterator[os.DirEntry]:
    """All image files below a folder, in sorted order, without a look into any of them.

    Args:
        folder: which.
        left_out: what tells folders that are left out (`os.stat`'s device and number).

    Yields:
        An entry per file; its `path` begins with `folder`, and its `stat` costs nothing more where
        it is a link.
    """
    seen = set(left_out)
    waiting = [os.fspath(folder)]
    while waiting:
        path = waiting.pop()
        identity = _identity(path)
        if identity in seen:  # also a link that leads back
            continue
        seen.add(identity)
        try:
            with os.scandir(path) as entries:
                shown = sorted(
                    (entry for entry in entries if not entry.name.startswith(".")),
                    key=lambda entry: entry.name,
                )
        except OSError:  # not to be opened by this user
            continue
        folders = []
        for entry in shown:
            if _is_folder(entry):
                folders.append(entry.path)
            elif entry.name.lower().endswith(READABLE):
                yield entry
        waiting += reversed(folders)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _identity(path: str | os.PathLike) -> tuple[int, int] | None:
    """What two names of one file or folder share (`os.path.samefile` for many); None: no such."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def refuse_overwriting(
    originals: Iterable[str | os.PathLike],
    targets: Iterable[str | os.PathLike],
    argument: str = "output",
) -> None:
    """Makes sure that nothing that is read gets lost to what is written.

    The files are compared, not their names: links and other spellings don't get past it.

    Args:
        originals: files that are read.
        targets: files to be written.
        argument: which argument the message asks to change.

    Raises:
        UserError: a target is one of the originals.
    """
    known = {_identity(path): path for path in originals}
    known.pop(None, None)
    for target in targets:
        original = known.get(_identity(target))
        if original is not None:
            raise UserError(
                f"writing {target} would overwrite {original}, which is painted from. Choose "
                f"another `{argument}`."
            )
