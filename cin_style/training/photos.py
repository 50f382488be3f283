"""Content photos to training batches; batch t depends on the seed and on t alone."""

import os
import pathlib

import numpy as np
from PIL import Image

from cin_style import images
from cin_style.errors import UserError


class FolderPhotos:
    """The photos below a folder, in sorted order.

    Args:
        folder: searched recursively.

    Raises:
        UserError: no such folder, or no image in it.
    """

    def __init__(self, folder):
        if not pathlib.Path(folder).is_dir():
            raise UserError(
                f"no such folder of content photos: {folder}. Give a folder or tfds:NAME."
            )
        self._paths = images.find([folder])

    def __len__(self):
        return len(self._paths)

    def name(self, index):
        """The path of photo `index`."""
        return str(self._paths[index])

    def read(self, index):
        """What `images.open_rgb` takes: here, a path."""
        return self._paths[index]


class TfdsPhotos:
    """The images of a TensorFlow Datasets data set, by random access.

    Args:
        spec: `NAME[/CONFIG][:SPLIT]`, such as `imagenette/320px-v2:train`.
        data_dir: where data sets lie; by default TFDS' own folder.

    Raises:
        UserError: when TFDS has no such data set, can't get it, or it holds no image.
    """

    def __init__(self, spec, data_dir=None):
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
            self._source = builder.as_data_source(
                split=split or "train", decoders={self._key: tfds.decode.SkipDecoding()}
            )
        except UserError:
            raise
        except Exception as error:  # TFDS raises many kinds; each means "not to be had"
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"cannot read tfds:{spec}: {reason}. Check the name, the split and the connection."
            ) from error

    def __len__(self):
        return len(self._source)

    def name(self, index):
        """The data set's name and the number of the photo."""
        return f"tfds:{self._name}[{index}]"

    def read(self, index):
        """What `images.open_rgb` takes: here, the bytes of an encoded image."""
        return self._source[index][self._key]


def open_photos(content, data_dir=None):
    """Opens content photos: a folder, or `tfds:NAME[/CONFIG][:SPLIT]`."""
    content = os.fspath(content)
    if content.startswith("tfds:"):
        return TfdsPhotos(content.removeprefix("tfds:"), data_dir)
    return FolderPhotos(content)


class PhotoSubset:
    """Some of the photos of another source.

    Args:
        photos: a source of photos.
        indices: which of them.
    """

    def __init__(self, photos, indices):
        self._photos = photos
        self._indices = list(indices)

    def __len__(self):
        return len(self._indices)

    def name(self, index):
        """See `FolderPhotos.name`."""
        return self._photos.name(self._indices[index])

    def read(self, index):
        """See `FolderPhotos.read`."""
        return self._photos.read(self._indices[index])


def hold_out(photos, count=-1):
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
            f"--holdout {count} leaves none of the {len(photos)} content photos to train on. "
            "Give more photos or a smaller --holdout."
        )
    held = {(2 * index + 1) * len(photos) // (2 * count) for index in range(count)}
    training = [index for index in range(len(photos)) if index not in held]
    return PhotoSubset(photos, training), PhotoSubset(photos, sorted(held))


def center_crops(photos, size):
    """The central squares of all photos that can be read, scaled to `size` pixels.

    Returns:
        float32 (count, size, size, 3) in [0, 1].
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
            f"them {photos.name(0)}. Give other --content, or --holdout 0."
        )
    return images.from_uint8(np.stack(crops))


def crop(photo, left, top, side, size):
    box = (left, top, left + side, top + side)
    return np.asarray(photo.resize((size, size), Image.Resampling.BICUBIC, box=box))
