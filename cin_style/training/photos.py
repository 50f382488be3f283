"""Content photos: folders and data sets, what is kept out of training, and crops."""

import array
import hashlib
import io
import os
import pathlib
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from PIL import Image

from cin_style import images
from cin_style.errors import UserError, reason_of


class Photos(Protocol):
    """A source of photos by number: a sequence whose items are read when they are asked for."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What to call photo `index` in messages."""
        ...

    def read(self, index: int) -> Any:
        """Photo `index` as `images.open_rgb` takes it: a path, or the bytes of an image file."""
        ...


class Collection(Photos, Protocol):
    """All the photos of a place."""

    def fingerprint(self) -> str:
        """What tells this collection from another, without reading the photos."""
        ...


class FolderPhotos:
    """The photos below a folder, in sorted order.

    Args:
        folder: searched recursively.

    Raises:
        UserError: no such folder, or no image in it.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self._folder = os.fspath(pathlib.Path(folder))
        if not os.path.isdir(folder):
            raise UserError(
                f"no such folder of content photos: {folder}. Give a folder or tfds:NAME."
            )
        # Of a million files: names as they are, and each asked for its size once.
        self._paths: list[str] = []
        self._sizes = array.array("q")
        for entry in images.scan(self._folder):
            self._paths.append(entry.path)
            self._sizes.append(_size_of_entry(entry))
        if not self._paths:
            images.find([folder])  # says so

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, index: int) -> str:
        """The path of photo `index`."""
        return self._paths[index]

    def read(self, index: int) -> pathlib.Path:
        """The path of photo `index`."""
        return pathlib.Path(self._paths[index])

    def fingerprint(self) -> str:
        """The number of photos, and a hash of their names in the folder and sizes in bytes."""
        digest = hashlib.sha256()
        # Names with a slash before them, as in the records of runs that were begun earlier.
        start = len(os.path.join(self._folder, "")) - 1
        for path, size in zip(self._paths, self._sizes, strict=True):
            digest.update(os.fsencode(path[start:]) + b"\0%d\0" % size)
        return f"{len(self)} photos, {digest.hexdigest()[:16]}"


def _size_of_entry(entry: os.DirEntry) -> int:
    try:
        return entry.stat().st_size
    except OSError:
        return size_of(entry.path)


def size_of(path: str | os.PathLike) -> int:
    """The size of a file in bytes; -1 where it can't be had."""
    try:
        return os.stat(path).st_size
    except OSError:  # a link to nowhere; it will be skipped where it is read
        return -1


class TfdsPhotos:
    """The images of a TensorFlow Datasets data set, by random access.

    Args:
        spec: `NAME[/CONFIG][:SPLIT]`, such as `imagenette/320px-v2:train`.
        data_dir: where data sets lie; by default TFDS' own folder.

    Raises:
        UserError: when TFDS has no such data set, can't get it, or it holds no image.
    """

    def __init__(self, spec: str, data_dir: str | os.PathLike | None = None) -> None:
        try:
            import tensorflow_datasets as tfds
        except ImportError as error:
            raise UserError(
                "tfds: photos need the package tensorflow-datasets. Install it, or give a folder."
            ) from error

        name, _, split = spec.partition(":")
        self._name = name
        try:
            # ArrayRecord files are the ones with random access.
            builder = tfds.builder(name, data_dir=data_dir, file_format="array_record")
            builder.download_and_prepare()
            keys = [
                key
                for key, feature in builder.info.features.items()
                if isinstance(feature, tfds.features.Image)
            ]
            if not keys:
                raise UserError(f"the data set {name} holds no image. Choose another.")
            self._key = "image" if "image" in keys else keys[0]
            self._full_name = builder.info.full_name
            self._source = builder.as_data_source(
                split=split or "train", decoders={self._key: tfds.decode.SkipDecoding()}
            )
        except UserError:
            raise
        except Exception as error:  # TFDS raises many kinds; each means "not to be had"
            reason = reason_of(error)
            raise UserError(
                f"cannot read tfds:{spec}: {reason}. Check the name, the split and the connection."
            ) from error

    def __len__(self) -> int:
        return len(self._source)

    def name(self, index: int) -> str:
        """The data set's name and the number of the photo."""
        return f"tfds:{self._name}[{index}]"

    def read(self, index: int) -> bytes:
        """The encoded photo `index`."""
        return self._source[index][self._key]

    def fingerprint(self) -> str:
        """The number of photos, and the data set's name and version."""
        return f"{len(self)} photos, {self._full_name}"


class SamplePhotos:
    """The sample photos that come with an installed package (`images.sample_photos`).

    Example:

        >>> photos = SamplePhotos()
        >>> len(photos), photos.name(1), images.open_rgb(photos.read(1)).size
        (4, 'sample photo chelsea', (451, 300))
    """

    def __init__(self) -> None:
        self._files = {}
        for name, photo in images.sample_photos().items():
            file = io.BytesIO()
            # Read again for every crop, and BMP is quick to read.
            Image.fromarray(images.to_uint8(photo)).save(file, "bmp")
            self._files[name] = file.getvalue()

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """What to call photo `index`."""
        return f"sample photo {list(self._files)[index]}"

    def read(self, index: int) -> bytes:
        """Photo `index` as an image file."""
        return list(self._files.values())[index]

    def fingerprint(self) -> str:
        """The number of photos, and their names."""
        return f"{len(self)} photos, samples {' '.join(self._files)}"


def open_photos(
    content: str | os.PathLike, data_dir: str | os.PathLike | None = None
) -> Collection:
    """Opens content photos.

    Args:
        content: a folder, `tfds:NAME[/CONFIG][:SPLIT]`, or empty for the sample photos.
        data_dir: where TensorFlow's data sets lie.
    """
    content = os.fspath(content)
    if not content:
        return SamplePhotos()
    if content.startswith("tfds:"):
        return TfdsPhotos(content.removeprefix("tfds:"), data_dir)
    return FolderPhotos(content)


class PhotoSubset:
    """Some of the photos of another source.

    Args:
        photos: a source of photos.
        indices: which of them.
    """

    def __init__(self, photos: Photos, indices: Iterable[int]) -> None:
        self._photos = photos
        self._indices = array.array("q", indices)

    def __len__(self) -> int:
        return len(self._indices)

    def name(self, index: int) -> str:
        """See `Photos.name`."""
        return self._photos.name(self._indices[index])

    def read(self, index: int) -> Any:
        """See `Photos.read`."""
        return self._photos.read(self._indices[index])


def hold_out(photos: Photos, count: int = -1) -> tuple[PhotoSubset, PhotoSubset]:
    """Splits photos into those to train on and evenly spread ones kept out of it.

    Args:
        photos: a source of photos.
        count: how many to keep out; -1: 16, or an eighth of them if that is fewer.

    Returns:
        `(training photos, held-out photos)`.

    Raises:
        UserError: when nothing would be left to train on.
    """
    if count < 0:
        few = max(1, len(photos) // 8) if len(photos) > 1 else 0
        count = min(16, few)
    if count >= len(photos):
        raise UserError(
            f"`holdout` {count} leaves none of the {len(photos)} content photos to train on. "
            "Give more photos or a smaller `holdout`."
        )
    held = spread(count, len(photos))
    kept_out = set(held)
    training = (index for index in range(len(photos)) if index not in kept_out)
    return PhotoSubset(photos, training), PhotoSubset(photos, held)


def spread(count: int, total: int) -> list[int]:
    """So many numbers below a total, each in the middle of an equal stretch.

    Example:

        >>> spread(2, 8), spread(3, 3)
        ([2, 6], [0, 1, 2])
    """
    return [(2 * index + 1) * total // (2 * count) for index in range(count)]


def center_crops(photos: Photos, size: int) -> np.ndarray:
    """The central squares of all photos that can be read, scaled to `size` pixels.

    Returns:
        float32 (count, size, size, 3) in [0, 1].

    Raises:
        UserError: when no photo can be read.
    """
    crops = []
    for index in range(len(photos)):
        try:
            photo = images.open_rgb(photos.read(index), at_least=size)
        except UserError:
            continue
        side = min(photo.size)
        left, top = (photo.width - side) // 2, (photo.height - side) // 2
        crops.append(crop(photo, left, top, side, size))
    if not crops:
        raise UserError(
            f"none of the {len(photos)} photos kept out of training can be read, the first of "
            f"them {photos.name(0)}. Give other `content`, or `holdout` 0."
        )
    return images.from_uint8(np.stack(crops))


def crop(photo: Image.Image, left: int, top: int, side: int, size: int) -> np.ndarray:
    """A square of a photo, scaled.

    Args:
        photo: an RGB image.
        left, top: the square's corner, in px.
        side: of the square, in px.
        size: to scale it to, in px.

    Returns:
        uint8 (size, size, 3).

    Example:

        >>> crop(Image.new("RGB", (40, 30), "red"), 10, 0, side=30, size=2).tolist()
        [[[255, 0, 0], [255, 0, 0]], [[255, 0, 0], [255, 0, 0]]]
    """
    box = (left, top, left + side, top + side)
    return np.asarray(photo.resize((size, size), Image.Resampling.BICUBIC, box=box))
