"""NIMA: how handsome people would find a photo (Talebi and Milanfar 2018)."""

import logging
import os
import pathlib
from typing import Any

import keras
from keras import ops

from cin_style.errors import UserError

_LOG = logging.getLogger("cin_style")

# What the network was made for, in px each way.
SIDE = 224


class NIMA:
    """A MobileNet that tells the distribution of people's scores, from 1 to 10.

    The network of section III.C of the paper: MobileNet without its top, the mean over places,
    dropout of 0.75, ten numbers and a softmax.

    Args:
        weights: a file of weights trained on AVA for this network: `.h5`, `.hdf5` or
            `.weights.h5`; or `random`, to try the machinery.

    Attributes:
        network: photos (batch, 224, 224, 3) in [-1, 1] to shares (batch, 10).

    Raises:
        UserError: weights that can't be read or don't fit.

    Example:
        >>> import numpy as np
        >>> nima = NIMA("random")
        >>> scores = np.asarray(nima.scores(np.zeros((2, 64, 48, 3), "float32")))
        >>> scores.shape, bool((scores > 1).all() and (scores < 10).all())
        ((2,), True)
    """

    def __init__(self, weights: str | os.PathLike) -> None:
        # === Functional Model ===
        base = keras.applications.MobileNet(
            (SIDE, SIDE, 3), include_top=False, weights=None, pooling="avg"
        )
        x = keras.layers.Dropout(0.75)(base.output)
        x = keras.layers.Dense(10, activation="softmax")(x)
        self.network = keras.Model(base.input, x)
        self.network.trainable = False

        # === Weights ===
        if weights == "random":
            _LOG.warning("NIMA has RANDOM weights: its scores mean nothing. Give real ones.")
            return
        path = pathlib.Path(weights)
        if not path.is_file():
            raise UserError(
                f"no such file of NIMA weights: {path}. The package has none: give an .h5 file of "
                "a MobileNet trained on AVA with `nima`, or leave it out."
            )
        try:
            self.network.load_weights(path)
        except Exception as error:  # Keras and h5py raise many kinds; each means a bad file
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"cannot read NIMA weights from {path}: {reason}. Expected an .h5 file of a "
                "MobileNet with ten outputs."
            ) from error

    def scores(self, pictures: Any) -> Any:
        """The mean score of pictures.

        Args:
            pictures: (batch, height, width, 3) in [0, 1].

        Returns:
            float32 (batch,), from 1 to 10.
        """
        small = ops.image.resize(pictures, (SIDE, SIDE), "bilinear", antialias=True)
        shares = self.network(2.0 * ops.clip(small, 0.0, 1.0) - 1.0, training=False)
        return ops.sum(shares * ops.arange(1, 11, dtype="float32"), axis=-1)
