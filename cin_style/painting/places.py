"""Where photos and pictures are: in folders of this machine, or where URLs say."""

import os
import pathlib
import posixpath
import uuid
from typing import Any

from cin_style.errors import UserError, reason_of
from cin_style.images import search
from cin_style.images.files import READABLE
from cin_style.painting.journal import facts_of

# Stores in which a file is there when it is whole.
_WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "r2"}


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
        return {str(path): facts_of(path) for path in search.find(paths, without=[without])}

    def mark(self, path: str) -> str | None:
        """What tells a file from what it was before; `None` where there is none."""
        facts = facts_of(pathlib.Path(path))
        return str(facts) if facts else None

    # The same as when the folder was begun, without asking again.
    mark_at_first = mark

    def size(self, path: str) -> int | None:
        """Of a file, in bytes; `None` where there is none."""
        facts = facts_of(pathlib.Path(path))
        return facts[1] if facts else None

    size_now = size

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

    See `LocalFiles` for the methods. A file appears when it is whole: object stores have it so, and
    elsewhere it gets its name last.

    Args:
        url: of a folder or file there.

    Raises:
        UserError: fsspec, or what it takes for such URLs, is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self.fs, _ = fsspec.core.url_to_fs(url)
        except Exception as error:  # of as many kinds as there are places
            raise UserError(f"cannot read {url}: {reason_of(error)}") from error
        # What is there at first: asked for once, where there may be millions.
        self._listed: dict[str, list] = {}

    def path(self, url: str) -> str:
        """A URL's path there."""
        return self.fs._strip_protocol(url)

    def find(self, paths: list[str], without: str) -> dict[str, list]:
        found: dict[str, list] = {}
        for url in paths:
            root = self.path(url).rstrip("/")
            if root == without.rstrip("/"):
                raise UserError(
                    f"the output folder {url} is a folder of photos, too. Choose another `output`."
                )
            here = {
                path: _remote_facts(path, info)
                for path, info in sorted(self._list(url).items())
                if path.lower().endswith(READABLE)
                and "/." not in path[len(root) :]
                and not path.startswith(f"{without.rstrip('/')}/")
            }
            if not here:
                raise UserError(f"no image at {url}. Check the address.")
            found |= here
        return found

    def _list(self, url: str) -> dict[str, Any]:
        try:
            return self.fs.find(self.path(url), detail=True)
        except Exception as error:  # of as many kinds as there are places
            raise UserError(f"cannot list {url}: {reason_of(error)}") from error

    def mark(self, path: str) -> str | None:
        facts = self._facts_now(path)
        return str(facts) if facts else None

    def mark_at_first(self, path: str) -> str | None:
        """What `mark` was when the folder was begun."""
        return str(self._listed[path]) if path in self._listed else None

    def size(self, path: str) -> int | None:
        return self._listed[path][1] if path in self._listed else None

    def size_now(self, path: str) -> int | None:
        """Of a file, asked for now."""
        facts = self._facts_now(path)
        return facts[1] if facts else None

    def _facts_now(self, path: str) -> list:
        try:
            self.fs.invalidate_cache(posixpath.dirname(path))
            return _remote_facts(path, self.fs.info(path))
        except FileNotFoundError:
            return []
        except Exception as error:
            raise UserError(f"cannot ask for {path}: {reason_of(error)}") from error

    def begin(self, folder: str) -> None:
        """Makes a folder where there is none, and looks at what is in it."""
        try:
            self.fs.makedirs(folder, exist_ok=True)
            listed = self.fs.find(folder, detail=True)
        except Exception as error:
            raise UserError(f"cannot write to {folder}: {reason_of(error)}") from error
        self._listed = {path: _remote_facts(path, info) for path, info in listed.items()}

    def fetch(self, path: str, folder: str) -> pathlib.Path:
        here = pathlib.Path(folder, "photo", posixpath.basename(path))
        here.parent.mkdir(exist_ok=True)
        try:
            self.fs.get_file(path, str(here))
        except Exception as error:
            raise UserError(f"cannot read {path}: {reason_of(error)}") from error
        return here

    def target(self, path: str, folder: str) -> pathlib.Path:
        return pathlib.Path(folder, posixpath.basename(path))

    def fetch_if_there(self, path: str, here: pathlib.Path) -> None:
        """Gets a file that need not be there."""
        try:
            self.fs.get_file(path, str(here))
        except FileNotFoundError:
            here.unlink(missing_ok=True)
        except Exception as error:
            raise UserError(f"cannot read {path}: {reason_of(error)}") from error

    def put(self, written: pathlib.Path, path: str, keep: bool = False) -> None:
        protocols = {self.fs.protocol} if isinstance(self.fs.protocol, str) else self.fs.protocol
        try:
            if _WHOLE.intersection(protocols):
                self.fs.put_file(str(written), path)
            else:
                part = f"{path}.{uuid.uuid4().hex[:12]}.part"
                self.fs.put_file(str(written), part)
                self.fs.mv(part, path)
        except Exception as error:
            raise UserError(f"cannot write {path}: {reason_of(error)}") from error
        if not keep:
            written.unlink()


def _remote_facts(path: str, info: dict[str, Any]) -> list:
    """What tells a file from what it was before, as far as this place says."""
    changed = next(
        (info[key] for key in ("ETag", "etag", "LastModified", "mtime", "updated") if key in info),
        "",
    )
    return [os.fsencode(posixpath.basename(path)).hex(), info.get("size"), str(changed)]


def open_place(path: str | os.PathLike) -> LocalFiles | RemoteFiles:
    """What reads and writes files where a path or URL points."""
    return RemoteFiles(os.fspath(path)) if is_url(path) else LocalFiles()
