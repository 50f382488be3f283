"""Painting with a SavedModel, in TensorFlow."""

from typing import Any

import numpy as np
import tensorflow as tf

from cin_style.errors import UserError


class SavedModelRuntime:
    """Computes what `export` writes as `saved_model`; see `Runtime`.

    Args:
        path: of the folder.
    """

    name = "saved_model"
    has_maps = True

    def __init__(self, path: str) -> None:
        self._loaded = tf.saved_model.load(path)  # whose end would be the signatures' end
        self._blends = self._loaded.signatures["serving_default"]
        self._maps = self._loaded.signatures["maps"]
        self._most = self._maps.structured_input_signature[1]["maps"].shape[-1]

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        if weights.ndim == 2:
            return _run(self._blends, images=photos, embeddings=embeddings, style_weights=weights)
        missing = self._most - weights.shape[-1]
        if missing < 0:
            raise UserError(
                f"this SavedModel paints maps of {self._most} styles at most. Received: "
                f"{weights.shape[-1]}"
            )
        # The graph has a map for each of its styles: those that are not wanted are 0.
        embeddings = np.pad(embeddings, ((0, 0), (0, missing), (0, 0)))
        maps = np.pad(weights, ((0, 0), (0, 0), (0, 0), (0, missing)))
        return _run(self._maps, images=photos, embeddings=embeddings, maps=maps)


def _run(signature: Any, **given: np.ndarray) -> np.ndarray:
    given = {name: tf.constant(value, tf.float32) for name, value in given.items()}
    return signature(**given)["pastiches"].numpy()
