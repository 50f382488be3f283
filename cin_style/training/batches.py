"""Content photos to training batches; batch t depends on the seed and on t alone."""

import collections
import concurrent.futures
import functools
import os

import keras
import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.training.photos import crop as _crop


class TrainingBatches(keras.utils.PyDataset):
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
        grain: every crop gets `images.add_grain` of a standard deviation from 0 to twice this.

    Attributes:
        skipped: dict of the names of unreadable photos met so far to the reasons.
    """

    _AHEAD = 3

    def __init__(
        self,
        photos,
        num_styles,
        batch_size,
        image_size,
        seed=0,
        start=0,
        smallest_crop=0.6,
        workers=None,
        grain=0.0,
    ):
        super().__init__()
        self.photos = photos
        self.num_styles = num_styles
        self.batch_size = batch_size
        self.image_size = image_size
        self.seed = seed
        self.start = start
        self.smallest_crop = smallest_crop
        self.grain = grain
        self.skipped = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(workers or os.cpu_count())
        self._pending = collections.OrderedDict()
        self._permutation = functools.lru_cache(maxsize=2)(self._permute)

    @property
    def num_batches(self):
        """`None`: endless."""
        return None

    def __getitem__(self, index):
        step = self.start + index
        for ahead in range(step, step + self._AHEAD):
            if ahead not in self._pending:
                self._pending[ahead] = [
                    self._pool.submit(self._example, ahead, position)
                    for position in range(self.batch_size)
                ]
        examples = [future.result() for future in self._pending.pop(step)]
        for old in [pending for pending in self._pending if pending < step]:
            del self._pending[old]
        crops, style_ids = zip(*examples, strict=True)
        return ((np.stack(crops), np.asarray(style_ids, "int32")),)

    def _permute(self, epoch):
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.photos))

    def _example(self, step, position):
        # Three words of entropy here and two above: the streams never coincide.
        rng = np.random.default_rng([self.seed, step, position])
        style_id = rng.integers(self.num_styles)
        scale = rng.uniform(self.smallest_crop, 1)
        left, top, mirrored = rng.random(3)
        photo = self._open(step * self.batch_size + position)
        side = max(1, round(scale * min(photo.size)))
        crop = _crop(
            photo,
            round(left * (photo.width - side)),
            round(top * (photo.height - side)),
            side,
            self.image_size,
        )
        crop = images.from_uint8(crop[:, ::-1] if mirrored < 0.5 else crop)
        if self.grain:
            crop = images.add_grain(crop, rng.uniform(0, 2 * self.grain), rng)
        return crop, style_id

    def _open(self, number):
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
