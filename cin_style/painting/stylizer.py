"""Painting photos: load a network once, then any photo of any size in any of its styles."""

import logging
import os

import keras
import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.recipes import SMALLEST_SIDE
from cin_style.styles import blends as blend

_LOG = logging.getLogger("cin_style")

# When one photo is wanted in many styles: bounds on what is painted at a time. The number of
# slots does not depend on the photo's size, so that a new size needs no new network.
_PIXELS_AT_ONCE = 2**20
_MOST_SLOTS = 8

# Networks paint a border some pixels wide unlike the rest, which the loss network's padding has
# taught them. Photos get a mirrored margin this wide, in px, which is cut off again: beyond 16
# px what is painted differs no more at the border than everywhere.
MARGIN = 16

# On a CPU, painting a megapixel takes about this much memory at its peak.
_GIB_PER_MEGAPIXEL = 1.0


class Stylizer:
    """Paints photos with one network.

    Not for several threads at once: the embeddings in use are put into the network that
    paints before each pass.

    Args:
        model: a `StyleTransferNetwork`, a `.keras` file, or the name of a network in the
            package.
        dtype: dtype policy to paint in; by default Keras' global one (float32).
        grain: standard deviation of the noise that a photo gets before it is painted
            (`images.add_grain`, the same for all photos of a size); by default as much as the
            network was made for. 0: flat regions stay flatter.

    Attributes:
        network: the network.
        grain: see above.

    Raises:
        UserError: a file that is no network, or a negative grain.
    """

    def __init__(self, model, dtype=None, grain=None):
        if isinstance(model, str | os.PathLike):
            model = storage.load(model)
        self.network = model
        self.grain = model.grain if grain is None else grain
        if not 0 <= self.grain < np.inf:
            raise UserError(f"--grain must be at least 0. Received: {grain}")
        self._embeddings = model.get_style_embeddings()
        self._dtype = dtype
        self._painters = {}

    def __call__(self, photo, styles, raw=False):
        """Paints one photo.

        Args:
            photo: float array (height, width, 3), RGB in [0, 1], of 16 px or more each way.
            styles: a style or blend as `blend.weights` takes it (name, number, dict or
                array (num_styles,)); a list or array (count, num_styles) of several; or a
                map (height, width, num_styles) with a blend for every pixel.
            raw: see `blend.weights`.

        Returns:
            float32 in [0, 1], of the photo's size: (height, width, 3), or for several
            styles (count, height, width, 3).

        Raises:
            UserError: a photo that is too small or no RGB image, an unknown style, bad
                weights, or a map of another size.
        """
        photo = _check_photo(photo)
        if self.grain:
            photo = images.add_grain(photo, self.grain, np.random.default_rng(0))
        dimensions = getattr(styles, "ndim", 0)
        if dimensions == 3:
            maps = blend.normalize(np.asarray(styles, "float32"), raw)
            return _cut(self._paint_map(photo, maps))
        several = isinstance(styles, list | tuple) or dimensions == 2
        if several and not len(styles):
            raise UserError("no style given: at least one is needed.")
        rows = [
            blend.weights(self.network.styles, style, raw)
            for style in (styles if several else [styles])
        ]
        slots = min(_MOST_SLOTS, len(rows))
        at_once = max(1, min(slots, _PIXELS_AT_ONCE // (photo.shape[0] * photo.shape[1])))
        painter = self._painter(slots)
        wide = _widen(photo)
        painted = _cut(
            np.concatenate(
                [
                    self._paint_rows(painter, wide, np.stack(rows[start : start + at_once]))
                    for start in range(0, len(rows), at_once)
                ]
            )
        )
        return painted if several else painted[0]

    def _painter(self, slots, maps=False):
        """A network with `slots` styles, to be filled, and the function that paints with it.

        So a picture in a few styles costs the same whether the network holds 8 or 10,000.
        """
        if (slots, maps) not in self._painters:
            names = [f"slot_{index}" for index in range(slots)]
            network = self.network.with_styles(names, dtype=self._dtype)
            self._painters[slots, maps] = (
                network,
                _compile(network.with_maps() if maps else network),
            )
        return self._painters[slots, maps]

    def _paint_rows(self, painter, photo, rows):
        network, paint = painter
        # A blend of styles is the blend of their embeddings: one slot for each picture. Summed
        # style by style, as the layers do it for maps, so that both round alike.
        slots = np.zeros((network.num_styles, self._embeddings.shape[1]), "float32")
        for style in np.flatnonzero(rows.any(axis=0)):
            slots[: len(rows)] += rows[:, style, None] * self._embeddings[style]
        network.set_style_embeddings(slots)
        weights = np.eye(network.num_styles, dtype="float32")[: len(rows)]
        return _run(paint, np.repeat(photo[None], len(rows), axis=0), weights)

    def _paint_map(self, photo, maps):
        if maps.shape != (*photo.shape[:2], self.network.num_styles):
            height, width = photo.shape[:2]
            raise UserError(
                f"a map of style weights must have the photo's size and a weight for each style, "
                f"({height}, {width}, {self.network.num_styles}). Received: shape {maps.shape}"
            )
        used = np.flatnonzero(maps.any(axis=(0, 1)))
        network, paint = self._painter(len(used), maps=True)
        network.set_style_embeddings(self._embeddings[used])
        maps = _widen(maps[..., used].astype("float32"))
        return _run(paint, _widen(photo)[None], maps[None])[0]


def _widen(image):
    """Adds a mirrored margin to an image or map (height, width, channels)."""
    return np.pad(image, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="reflect")


def _cut(pictures):
    """Takes the margin off pictures (..., height, width, channels)."""
    return pictures[..., MARGIN:-MARGIN, MARGIN:-MARGIN, :]


def _check_photo(photo):
    if np.asarray(photo).dtype.kind != "f":
        raise UserError(
            "a photo must be floats in [0, 1]. Received: values of type "
            f"{np.asarray(photo).dtype}; cin_style.images.from_uint8 converts them."
        )
    photo = np.asarray(photo, "float32")
    if photo.ndim != 3 or photo.shape[-1] != 3:
        raise UserError(
            f"a photo must be an array (height, width, 3). Received: shape {photo.shape}"
        )
    if min(photo.shape[:2]) < SMALLEST_SIDE:
        height, width = photo.shape[:2]
        raise UserError(
            f"the photo is {width} x {height} px, but the network needs at least "
            f"{SMALLEST_SIDE} px each way. Take a larger photo."
        )
    return photo


def _run(paint, photos, weights):
    """Paints, and says what to do where the memory does not suffice."""
    height, width = (side - 2 * MARGIN for side in photos.shape[1:3])
    advice = f"a picture of {width} x {height} px; --max_side makes it smaller."
    megapixels = height * width / 1e6
    if megapixels > 8:
        gib = round(megapixels * _GIB_PER_MEGAPIXEL)
        _LOG.warning("some %d GiB of memory are needed for %s", gib, advice)
    try:
        return paint(photos, weights)
    except Exception as error:
        exhausted = "RESOURCE_EXHAUSTED" in str(error) or "Exhausted" in type(error).__name__
        if not (exhausted or isinstance(error, MemoryError)):
            raise
        raise UserError(f"out of memory at {advice}") from error


def _compile(model):
    """The model as a function of arrays that is not compiled anew for each image size."""
    if keras.backend.backend() != "tensorflow":
        return lambda photos, weights: model.predict_on_batch([photos, weights])

    import tensorflow as tf

    signature = [tf.TensorSpec(tensor.shape, tf.float32) for tensor in model.inputs]

    # XLA would compile for seconds at every new image size.
    @tf.function(input_signature=signature, jit_compile=False)
    def paint(photos, weights):
        return model([photos, weights], training=False)

    return lambda photos, weights: paint(photos, weights).numpy()
