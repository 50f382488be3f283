"""Training batches of content photos; batch t depends on the seed and on t alone."""

import concurrent.futures
import functools
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.training.photos import Photos, crop


class TrainingBatches:
    """Endless batches of random crops with random styles.

    Batch t is a pure function of (seed, t): photos are drawn without replacement epoch by
    epoch, styles uniformly per example, crops are squares of a random size and place, half
    of them mirrored. A photo that can't be read is replaced by the next one of its epoch.

    Photos are decoded in threads, a few batches ahead of the one asked for.

    Args:
        photos: a source of photos (`open_photos`).
        num_styles: N.
        batch_size: examples per batch.
        image_size: side of the crops in pixels.
        seed: integer.
        start: the step that item 0 is the batch of (a resumed run does not begin at 0).
        smallest_crop: side of the smallest crop, as a share of the photo's short side.
        workers: decoding threads; by default one per core.
        share: which examples of each batch to make; by default all.
        grain: every crop gets `images.add_grain` of a standard deviation from 0 to twice this.

    Attributes:
        skipped: dict of the names of unreadable photos met so far to the reasons.
        failure: why there is no further batch, if there is none.

    Example:

        batches = TrainingBatches(open_photos("photos"), num_styles=3, batch_size=4, image_size=256)
        ((crops, style_ids),) = batches[0]  # (4, 256, 256, 3) and (4,)
    """

    _AHEAD = 3

    def __init__(
        self,
        photos: Photos,
        num_styles: int,
        batch_size: int,
        image_size: int,
        seed: int = 0,
        start: int = 0,
        smallest_crop: float = 0.6,
        workers: int | None = None,
        share: slice = slice(None),
        grain: float = 0.0,
    ) -> None:
        self.photos = photos
        self.num_styles = num_styles
        self.batch_size = batch_size
        self.image_size = image_size
        self.seed = seed
        self.start = start
        self.smallest_crop = smallest_crop
        self.grain = grain
        self._positions = range(batch_size)[share]
        self.skipped: dict[str, str] = {}
        self.failure: UserError | None = None
        self._pool = concurrent.futures.ThreadPoolExecutor(workers or os.cpu_count())
        self._pending: dict[int, list] = {}
        self._permutation = functools.lru_cache(maxsize=2)(self._permute)

    def __iter__(self) -> Iterator[tuple[tuple[np.ndarray, ...]]]:
        """All batches from the first on."""
        return (self[index] for index in itertools.count())

    def for_fit(self) -> Any:
        """All batches as `fit` takes them."""
        if keras.backend.backend() != "tensorflow":
            return iter(self)
        import tensorflow as tf

        # Not the iterator: with several devices Keras begins twice, the first time for the shapes,
        # and would lose what was prefetched then.
        signature = keras.tree.map_structure(
            lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), self[0]
        )
        dataset = tf.data.Dataset.from_generator(self.__iter__, output_signature=signature)
        return dataset.prefetch(tf.data.AUTOTUNE)

    def __getitem__(self, index: int) -> tuple[tuple[np.ndarray, ...]]:
        step = self.start + index
        for ahead in range(step, step + self._AHEAD):
            if ahead not in self._pending:
                self._pending[ahead] = [
                    self._pool.submit(self._example, ahead, position)
                    for position in self._positions
                ]
        try:
            examples = [future.result() for future in self._pending.pop(step)]
        except UserError as error:
            self.failure = error
            raise
        for old in [pending for pending in self._pending if pending < step]:
            del self._pending[old]
        return (self._collate(step, examples),)

    def describe(self, step: int, styles: Sequence[str]) -> str:
        """What the batch of a step holds, in words.

        Args:
            step: counted from 1.
            styles: the names of the styles.
        """
        photos, drawn = [], []
        for position in range(self.batch_size):
            epoch, index = divmod((step - 1) * self.batch_size + position, len(self.photos))
            photos.append(self.photos.name(int(self._permutation(epoch)[index])))
            drawn += self._style_of(step - 1, position, styles)
        return f"photos {_some(photos)}" + (f"; styles {_some(drawn)}" if drawn else "")

    def _style_of(self, step: int, position: int, styles: Sequence[str]) -> list[str]:
        """The name of the style of an example, if it has one."""
        return [styles[int(self._rng(step, position).integers(self.num_styles))]]

    def _rng(self, step: int, position: int) -> np.random.Generator:
        """What an example is drawn by."""
        # Three words of entropy here and two above: the streams never coincide.
        return np.random.default_rng([self.seed, step, position])

    def _collate(self, step: int, examples: list) -> tuple[np.ndarray, ...]:
        """The arrays of a batch, of its examples."""
        crops, style_ids = zip(*examples, strict=True)
        return np.stack(crops), np.asarray(style_ids, "int32")

    def _permute(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.photos))

    def _example(self, step: int, position: int) -> tuple[np.ndarray, Any]:
        rng = self._rng(step, position)
        style_id = int(rng.integers(self.num_styles))
        return self._crop(rng, step, position), style_id

    def _crop(self, rng: np.random.Generator, step: int, position: int) -> np.ndarray:
        """The content photo of an example: float32 (image_size, image_size, 3)."""
        scale = rng.uniform(self.smallest_crop, 1)
        left, top, mirrored = rng.random(3)
        photo = self._open(step * self.batch_size + position)
        side = max(1, round(scale * min(photo.size)))
        left, top = round(left * (photo.width - side)), round(top * (photo.height - side))
        square = crop(photo, left, top, side, self.image_size)
        picture = images.from_uint8(square[:, ::-1] if mirrored < 0.5 else square)
        if self.grain:
            picture = images.add_grain(picture, rng.uniform(0, 2 * self.grain), rng)
        return picture

    def _open(self, number: int) -> Image.Image:
        """The photo with this running number over all epochs, or the next readable one."""
        count = len(self.photos)
        at_least = round(self.image_size / self.smallest_crop)
        # To the end of the next epoch at most: this one's rest need not hold a readable photo.
        for attempt in range(2 * count):
            epoch, index = divmod(number + attempt, count)
            photo = int(self._permutation(epoch)[index])
            name = self.photos.name(photo)
            if name in self.skipped:
                continue
            try:
                return images.open_rgb(self.photos.read(photo), at_least=at_least)
            except UserError as error:
                self.skipped[name] = str(error)
        raise UserError(
            f"none of the {count} content photos can be read. The last: "
            f"{next(reversed(self.skipped.values()))}"
        )


def _some(names: Sequence[str], most: int = 8) -> str:
    """Names with commas between, not too many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
