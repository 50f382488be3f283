"""Where photos and pictures are: in folders of this machine, or where URLs say."""

import contextlib
import os
import pathlib
import posixpath
from typing import Any

from cin_style.errors import UserError
from cin_style.images import search
from cin_style.images.files import READABLE


def is_url(path: str | os.PathLike) -> bool:
    """Whether a path is a URL, of whatever kind.

    Example:

        >>> is_url("s3://bucket/photos"), is_url("photos/sea.jpg")
        (True, False)
    """
    return "://" in os.fspath(path)


class LocalFiles:
    """Files of this machine, or that all machines have under the same names."""

    def find(self, paths: list[str], without: str) -> dict[str, list]:
        """Image files, below folders in sorted order, and what tells each from what it was before.

        Args:
            paths: files and folders.
            without: a folder that is left out of the search.
        """
        return {str(path): self.facts(path) for path in search.find(paths, without=[without])}

    def facts(self, path: pathlib.Path) -> list:
        """What tells a file from others and from what it was before; nothing where there is none.

        Its name, size and the time of its last change, as `Fingerprints.of_file` takes them.
        """
        try:
            found = path.stat()
        except OSError:
            return []
        return [os.fsencode(path.name).hex(), found.st_size, found.st_mtime_ns]

    def mark(self, path: str) -> str | None:
        """What tells a file from what it was before; `None` where there is none."""
        facts = self.facts(pathlib.Path(path))
        return str(facts) if facts else None

    def size(self, path: str) -> int | None:
        """Of a file, in bytes; `None` where there is none."""
        facts = self.facts(pathlib.Path(path))
        return facts[1] if facts else None

    size_now = size

    def begin(self, folder: str) -> None:
        """Makes a folder where there is none."""
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)

    def fetch(self, path: str, folder: str) -> pathlib.Path:
        """A file under a name on this machine."""
        return pathlib.Path(path)

    def target(self, path: str, folder: str) -> pathlib.Path:
        """Where on this machine to write what is to be a file."""
        return pathlib.Path(path)

    def put(self, written: pathlib.Path, path: str) -> None:
        """Makes what was written that file."""


class RemoteFiles:
    """Files that fsspec reads and writes by URL: object stores, HDFS, FTP and others.

    See `LocalFiles` for the methods. A file appears when it is whole, as object stores have it.

    Args:
        url: of a folder or file there.

    Raises:
        UserError: fsspec, or what it takes for such URLs, is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self.fs, _ = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UserError(f"cannot read {url}: {error}") from error
        # As they are now: asked for once, where there may be millions.
        self._sizes: dict[str, int] = {}

    def path(self, url: str) -> str:
        """A URL's path there."""
        return self.fs._strip_protocol(url)

    def find(self, paths: list[str], without: str) -> dict[str, list]:
        found: dict[str, list] = {}
        for url in paths:
            here = {
                path: _remote_facts(path, info)
                for path, info in sorted(self._list(url).items())
                if path.lower().endswith(READABLE)
                and not any(part.startswith(".") for part in path.split("/"))
                and not path.startswith(f"{without}/")
            }
            if not here:
                raise UserError(f"no image at {url}. Check the address.")
            found |= here
        return found

    def _list(self, url: str) -> dict[str, Any]:
        try:
            return self.fs.find(self.path(url), detail=True)
        except Exception as error:  # of as many kinds as there are places
            raise UserError(f"cannot list {url}: {_reason(error)}") from error

    def mark(self, path: str) -> str | None:
        self.fs.invalidate_cache(posixpath.dirname(path))
        return self.fs.ukey(path) if self.fs.exists(path) else None

    def size(self, path: str) -> int | None:
        return self._sizes.get(path)

    def size_now(self, path: str) -> int | None:
        """Of a file, asked for now."""
        self.fs.invalidate_cache(posixpath.dirname(path))
        return self.fs.size(path)

    def begin(self, folder: str) -> None:
        try:
            self.fs.makedirs(folder, exist_ok=True)
            listed = self.fs.find(folder, detail=True)
        except Exception as error:
            raise UserError(f"cannot write to {folder}: {_reason(error)}") from error
        self._sizes = {path: info.get("size") for path, info in listed.items()}

    def fetch(self, path: str, folder: str) -> pathlib.Path:
        here = pathlib.Path(folder, "photo", posixpath.basename(path))
        here.parent.mkdir(exist_ok=True)
        try:
            self.fs.get_file(path, str(here))
        except Exception as error:
            raise UserError(f"cannot read {path}: {_reason(error)}") from error
        return here

    def target(self, path: str, folder: str) -> pathlib.Path:
        return pathlib.Path(folder, posixpath.basename(path))

    def fetch_if_there(self, path: str, here: pathlib.Path) -> None:
        """Gets a file that need not be there."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.get_file(path, str(here))

    def put(self, written: pathlib.Path, path: str, keep: bool = False) -> None:
        try:
            self.fs.put_file(str(written), path)
        except Exception as error:
            raise UserError(f"cannot write {path}: {_reason(error)}") from error
        if not keep:
            written.unlink()


def _remote_facts(path: str, info: dict[str, Any]) -> list:
    """What tells a file from what it was before, as far as this place says."""
    changed = next(
        (info[key] for key in ("ETag", "etag", "LastModified", "mtime", "updated") if key in info),
        "",
    )
    return [os.fsencode(posixpath.basename(path)).hex(), info.get("size"), str(changed)]


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def open_place(path: str | os.PathLike) -> LocalFiles | RemoteFiles:
    """What reads and writes files where a path or URL points."""
    return RemoteFiles(os.fspath(path)) if is_url(path) else LocalFiles()
