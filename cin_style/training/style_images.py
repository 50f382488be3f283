"""Style images by the million: paintings, generated ones and photos, cropped and recoloured."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import colour_transfer
from cin_style.styles.generator import generate
from cin_style.training.photos import Collection, Photos, TfdsPhotos, crop, size_of, spread

# Side in px of what the generator paints.
_GENERATED_SIZE = 448

# Of style images with other colours, how many have those of another style image.
_PALETTE_SHARE = 0.5

# Side in px of a crop whose colours are taken.
_PALETTE_SIZE = 48


class Pictures:
    """Image files, as a source of photos.

    Args:
        paths: of the files.
    """

    def __init__(self, paths: Iterable[pathlib.Path]) -> None:
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """The path of picture `index`."""
        return str(self.paths[index])

    def read(self, index: int) -> pathlib.Path:
        """The path of picture `index`."""
        return self.paths[index]

    def fingerprint(self) -> str:
        """The number of pictures, and a hash of their names and sizes in bytes."""
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(os.fsencode(path.name) + b"\0%d\0" % size_of(path))
        return f"{len(self)} pictures, {digest.hexdigest()[:16]}"


class Joined:
    """Several sources of photos as one.

    Args:
        sources: the sources.
    """

    def __init__(self, sources: Sequence[Collection]) -> None:
        self._sources = list(sources)
        self._ends = np.cumsum([len(source) for source in sources])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def _find(self, index: int) -> tuple[Collection, int]:
        which = int(np.searchsorted(self._ends, index, side="right"))
        source = self._sources[which]
        return source, index - int(self._ends[which]) + len(source)

    def name(self, index: int) -> str:
        """See `Photos.name`."""
        source, index = self._find(index)
        return source.name(index)

    def read(self, index: int) -> Any:
        """See `Photos.read`."""
        source, index = self._find(index)
        return source.read(index)

    def fingerprint(self) -> str:
        """The fingerprints of the sources."""
        return "; ".join(source.fingerprint() for source in self._sources)


def open_paintings(
    styles: Sequence[str], held_out: Sequence[str] = ()
) -> tuple[Pictures, Joined, list[pathlib.Path]]:
    """Opens the paintings to train on.

    Args:
        styles: folders, files, and `tfds:NAME`.
        held_out: folders and files kept out of training, whatever name they have in `styles`; by
            default an eighth of the files of `styles`, evenly spread, from 1 to 8 (of a single
            one none).

    Returns:
        The files to train on; these and what comes from TensorFlow Datasets; and what is held out.

    Raises:
        UserError: a path that does not exist, or a folder without images.
    """
    files = images.find([path for path in styles if not path.startswith("tfds:")])
    if held_out:
        kept_out = images.find(held_out)
    else:
        count = min(8, max(1, len(files) // 8)) if len(files) > 1 else 0
        kept_out = [files[index] for index in spread(count, len(files))]
    identities = {_identity(path) for path in kept_out} - {None}
    pictures = Pictures(path for path in files if _identity(path) not in identities)
    data_sets: list[Collection] = [
        TfdsPhotos(path.removeprefix("tfds:")) for path in styles if path.startswith("tfds:")
    ]
    return pictures, Joined([pictures, *data_sets]), kept_out


def _identity(path: pathlib.Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # a link to nowhere; it will be skipped where it is read
        return None
    return found.st_dev, found.st_ino


class Generated:
    """The first images of the project's generator, as a source of photos.

    Each is painted when it is first asked for and kept as a file; one that is painted anew is what
    the file was.

    Args:
        count: how many.
        folder: for the files.
    """

    def __init__(self, count: int, folder: pathlib.Path) -> None:
        self._count, self._folder = count, folder

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        """What to call image `index`."""
        return f"generated image {index}"

    def read(self, index: int) -> pathlib.Path:
        """The file of image `index`, which is there from now on."""
        path = self._folder / f"{index:05}.jpg"
        if not path.is_file():
            self._folder.mkdir(exist_ok=True)
            images.save(path, np.asarray(generate(index, _GENERATED_SIZE)))
        return path


@dataclasses.dataclass
class StyleImages:
    """Style images of several kinds: which one comes is for a random generator to say.

    Attributes:
        kinds: sources of photos with how often they are drawn from, in proportion.
        size: side of the crops in px.
        smallest_crop: side of the smallest, as a share of the image's short side.
        colour_share: how many get other colours: mixed anew, or those of another style image.
        collage_share: how many consist of two parts, from two style images side by side.
        skipped: dict of the names of unreadable images met so far to the reasons.

    Example:

        >>> kinds = [(Generated(1_000, pathlib.Path("generated")), 1.0)]
        >>> StyleImages(kinds, size=64).draw(np.random.default_rng(0)).shape
        (64, 64, 3)
    """

    kinds: Sequence[tuple[Photos, float]]
    size: int
    smallest_crop: float = 0.6
    colour_share: float = 0.7
    collage_share: float = 0.0
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds = [(source, share) for source, share in self.kinds if share and len(source)]
        if not self.kinds:
            raise UserError("no style image to train on. Give `styles`, or other shares.")

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A style image: float32 (size, size, 3) in [0, 1]."""
        image = self._draw_one(rng)
        if rng.random() < self.collage_share:
            cut = round(self.size * rng.uniform(0.25, 0.75))
            image = np.concatenate([image[:, :cut], self._draw_one(rng)[:, cut:]], axis=1)
        return image

    def _draw_one(self, rng: np.random.Generator) -> np.ndarray:
        image = self.crop(*self._choose(rng), rng)
        if rng.random() >= self.colour_share:
            return image
        if rng.random() >= _PALETTE_SHARE:
            return recolour(image, rng)
        other = self.crop(*self._choose(rng), rng, size=_PALETTE_SIZE)
        return with_colours_of(image, other)

    def _choose(self, rng: np.random.Generator) -> tuple[Photos, int]:
        shares = np.array([share for _, share in self.kinds])
        source, _ = self.kinds[rng.choice(len(shares), p=shares / shares.sum())]
        return source, int(rng.integers(len(source)))

    def crop(
        self,
        source: Photos,
        index: int,
        rng: np.random.Generator,
        share: float | None = None,
        size: int | None = None,
    ) -> np.ndarray:
        """A random square of an image, half of them mirrored: float32 (size, size, 3) in [0, 1].

        Args:
            source: a source of photos.
            index: which of them; where it can't be read, the next that can.
            rng: says which square.
            share: its side as a share of the image's short side; by default random.
            size: in px, in place of `self.size`.

        Raises:
            UserError: none can be read.
        """
        scale, left, top, mirrored = rng.uniform(self.smallest_crop, 1), *rng.random(3)
        size = size or self.size
        photo = self._open(source, index, size)
        side = max(1, round((share or scale) * min(photo.size)))
        left, top = round(left * (photo.width - side)), round(top * (photo.height - side))
        square = crop(photo, left, top, side, size)
        return images.from_uint8(square[:, ::-1] if mirrored < 0.5 else square)

    def _open(self, source: Photos, index: int, size: int) -> Any:
        at_least = round(size / self.smallest_crop)
        for attempt in range(len(source)):
            number = (index + attempt) % len(source)
            name = source.name(number)
            if name in self.skipped:
                continue
            try:
                return images.open_rgb(source.read(number), at_least=at_least)
            except UserError as error:
                self.skipped[name] = str(error)
        raise UserError(
            f"none of the {len(source)} style images can be read. The last: "
            f"{next(reversed(self.skipped.values()))}"
        )


def recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An image in other colours, which mix the old ones, and of another contrast.

    Args:
        image: float (height, width, 3) in [0, 1].
        rng: says which.

    Returns:
        float32 like `image`, in [0, 1].

    Example:

        >>> grey = recolour(np.full((2, 2, 3), 0.5), np.random.default_rng(0))
        >>> grey.round(3).tolist()[0][0]
        [0.5, 0.5, 0.5]
    """
    mix = np.eye(3) + rng.normal(0, 0.35, (3, 3))
    contrast = np.exp(rng.uniform(-0.5, 0.4))
    # About the middle grey, so that the picture neither darkens nor fades as a whole.
    return np.clip(0.5 + contrast * (image - 0.5) @ mix.T, 0, 1).astype("float32")


def with_colours_of(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """An image in the colours of another (`monge_kantorovich`).

    Args:
        image: float (height, width, 3) in [0, 1].
        other: the same, of any size.

    Returns:
        float32 like `image`, in [0, 1].

    Example:

        >>> rows = np.linspace(0, 1, 50)[:, None, None] * np.ones(3)
        >>> with_colours_of(rows, 0.5 * rows)[:, 0, 0].mean().round(2).item()
        0.25
    """
    affine = colour_transfer.monge_kantorovich(image, other)
    return np.clip(image @ affine[:, :3].T + affine[:, 3], 0, 1).astype("float32")
