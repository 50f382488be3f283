"""What a runtime is: it computes a network's painting graph."""

import os
from typing import Protocol

import numpy as np

from cin_style.errors import UserError

# Networks know from the padding of their layers where a picture ends, and paint the last 40 px
# unlike the rest (`training.recipes.margin_of`). Photos get a mirrored margin of so many px, which
# is cut off again.
MARGIN = 40

# What runtimes say where the memory does not suffice.
_EXHAUSTED = ("RESOURCE_EXHAUSTED", "allocate memory", "bad_alloc", "Can not allocate")


def threads() -> int:
    """How many threads a picture may take, by the environment variable `CIN_STYLE_THREADS`; 0: all.

    TensorFlow has its own, `TF_NUM_INTRAOP_THREADS`.
    """
    given = os.environ.get("CIN_STYLE_THREADS", "")
    if given and not given.isdecimal():
        raise UserError(f"CIN_STYLE_THREADS must be a whole number. Received: {given}")
    return int(given or 0)


class Runtime(Protocol):
    """Computes a network's painting graph, for many threads at once."""

    # What it is called; whether it takes a blend for each pixel.
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


def finite(pictures: np.ndarray) -> np.ndarray:
    """Pictures as they are; a `UserError` where they hold NaN or infinity."""
    # A sum is finite only if all are; and it needs no memory of their size.
    if not np.isfinite(pictures.sum(dtype="float64")):
        raise UserError(
            "the picture is not made of numbers: the style's, or the network's, are far out of "
            "range. Take another style, or get the card or the network again from its maker."
        )
    return pictures


def is_out_of_memory(error: Exception) -> bool:
    """Whether a runtime's error says that the memory does not suffice."""
    if isinstance(error, MemoryError) or "Exhausted" in type(error).__name__:
        return True
    return any(words in str(error) for words in _EXHAUSTED)
