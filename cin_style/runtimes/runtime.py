"""What a runtime is: it computes a network's painting graph."""

from typing import Protocol

import numpy as np


class Runtime(Protocol):
    """Computes a network's painting graph, for many threads at once."""

    # What it is called in recipes; whether it takes a blend for each pixel.
    name: str
    has_maps: bool

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """Paints.

        Args:
            photos: float32 (batch, height, width, 3) in [0, 1].
            embeddings: float32 (batch, k, embedding_size).
            weights: float32 (batch, k), a blend for each photo; or maps (batch, height, width, k).

        Returns:
            float32, like `photos`.
        """


def as_maps(weights: np.ndarray) -> np.ndarray:
    """A blend for each photo as a map of one pixel."""
    return weights if weights.ndim == 4 else weights[:, None, None, :]
