"""How style images are looked at: their sizes, and squares of them through the loss network."""

import os
import threading
from typing import Any

import keras
import numpy as np
from keras import ops
from PIL import Image

from cin_style import hardware
from cin_style.errors import UserError
from cin_style.images import files
from cin_style.images.arrays import as_pixels
from cin_style.losses.features import see
from cin_style.prediction.statistics import StyleView, measure
from cin_style.recipes import SMALLEST_SIDE

# Of longer style images the middle is looked at.
_LONGEST = 4

# Under so many of 255 levels between an image's darkest and lightest value it is blank.
_BLANK = 3

# Side of the four squares that are looked at, as a share of the image's short side. They are as
# large in any painting, so that what looks at them is traced once. All of a painting says little
# more: of twelve held-out ones, the style loss is 0.291 of the nearest old style's in the mean,
# and 0.299 from the squares in bfloat16.
_SQUARE = 1 / 2


class BlankImageError(UserError):
    """A style image of one colour."""


class Eye:
    """Measures style images; the loss network is made when it is first needed.

    No layer of Keras': it is no part of what is trained and saved.
    """

    def __init__(self, view: StyleView, weights: str) -> None:
        self._view, self._weights = view, weights
        self._lock = threading.Lock()
        self._look: keras.Model | None = None

    def measure(self, pixels: np.ndarray) -> np.ndarray:
        """The statistics of `squares` of an image, all together: (1, num_statistics)."""
        side = max(round(_SQUARE * self._view.size), min(SMALLEST_SIDE, *pixels.shape[:2]))
        with self._lock:
            if self._look is None:
                self._look = _Look(self._view, self._weights)
            return self._look.predict_on_batch(squares(pixels, side))


class _Look(keras.Model):
    """The statistics (1, num_statistics) of several images of a size, taken together."""

    def __init__(self, view: StyleView, weights: str) -> None:
        super().__init__(name="look")
        self._layers_seen = view.layers
        # Where bfloat16 is faster it takes half the time, and a predicted embedding moves by a
        # hundredth of its distance from the mean of all.
        precision = hardware.resolve_precision("auto")
        self._loss_network = view.make_loss_network(weights, precision)

    def call(self, images: Any) -> Any:
        seen = see(self._loss_network, images, self._layers_seen)
        below_each_other = {
            layer: ops.reshape(values, (1, -1, *values.shape[2:])) for layer, values in seen.items()
        }
        return measure(below_each_other, self._layers_seen)


def squares(pixels: np.ndarray, side: int) -> np.ndarray:
    """Four squares of an image, each in the middle of a quarter, as far as it has room there.

    Args:
        pixels: (height, width, 3), neither under `side`.
        side: in px.

    Returns:
        Like `pixels`: (4, side, side, 3).

    Example:

        >>> squares(np.arange(16.0).reshape(4, 4, 1) * np.ones(3), 1)[:, 0, 0, 0].tolist()
        [0.0, 2.0, 8.0, 10.0]
    """
    (tops, lefts) = (
        [min(max(0, round(length * share - side / 2)), length - side) for share in (0.25, 0.75)]
        for length in pixels.shape[:2]
    )
    return np.stack(
        [pixels[top : top + side, left : left + side] for top in tops for left in lefts]
    )


def style_image(image: Any, size: int) -> np.ndarray:
    """A style image as it is looked at.

    Args:
        image: see `StylePredictor.predict_embedding`.
        size: the short side wanted, in px.

    Returns:
        float32 (height, width, 3) in [0, 1].

    Raises:
        UserError: an image that can't be read, is blank or too small.

    Example:

        >>> stripes = np.tile(np.linspace(0, 1, 40)[:, None, None], (1, 60, 3))
        >>> style_image(stripes, 20).shape
        (20, 30, 3)
    """
    named = isinstance(image, str | os.PathLike)
    try:
        pixels = as_pixels(image)
    except UserError as error:
        raise UserError(f"the style image {image if named else ''}: {error}") from error
    if pixels.dtype != np.uint8:
        pixels = files.to_uint8(pixels)
    height, width = pixels.shape[:2]
    most = _LONGEST * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    pixels = pixels[top : top + most, left : left + most]
    if np.ptp(pixels, axis=(0, 1)).max() < _BLANK:
        raise BlankImageError(
            f"the style image{f' {image}' if named else ''} is blank: it has one colour and no "
            "style. Choose another."
        )
    return files.from_uint8(np.asarray(files.scaled(Image.fromarray(pixels), short_side=size)))
