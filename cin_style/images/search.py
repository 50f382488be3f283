"""Looking for image files, and keeping those that are read from being written over."""

import os
import pathlib
from collections.abc import Iterable

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
            inside = _search(path, left_out)
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


def _search(path: pathlib.Path, left_out: set) -> list[pathlib.Path]:
    inside, seen = [], set(left_out)
    for folder, folders, names in os.walk(path, followlinks=True):
        identity = _identity(folder)
        if identity in seen:  # also a link that leads back
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside += [
            pathlib.Path(folder, name)
            for name in sorted(names)
            if not name.startswith(".") and name.lower().endswith(READABLE)
        ]
    return inside


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
