"""Painting with a SavedModel, in TensorFlow."""

import numpy as np
import tensorflow as tf

from cin_style.errors import UserError


class SavedModelRuntime:
    """Computes what `export` writes as `saved_model`; see `Runtime`.

    Args:
        path: of the folder.
    """

    name = "saved_model"
    has_maps = False

    def __init__(self, path: str) -> None:
        self._loaded = tf.saved_model.load(path)  # holds the variables
        self._paint = self._loaded.signatures["serving_default"]

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        if weights.ndim == 4:
            raise UserError("a SavedModel paints no maps: give one style or blend.")
        given = {"images": photos, "embeddings": embeddings, "style_weights": weights}
        given = {name: tf.constant(value) for name, value in given.items()}
        return self._paint(**given)["pastiches"].numpy()
