"""Painting with LiteRT, the runtime of phones."""

import threading

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from cin_style.errors import UserError


class LiteRtRuntime:
    """Computes what `export` writes as `litert`; see `Runtime`. It takes pictures of one size.

    Args:
        path: of the file.
        size: (height, width) of its pictures.
    """

    name = "litert"
    has_maps = False

    def __init__(self, path: str, size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        # An interpreter holds the tensors of one picture at a time.
        self._of_thread = threading.local()

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        if weights.ndim == 4:
            raise UserError("a LiteRT network paints no maps: give one style or blend.")
        if photos.shape[1:3] != self._size:
            raise UserError(
                f"this LiteRT network paints pictures of {self._size[1]} x {self._size[0]} px "
                f"alone, margin included. Received: {photos.shape[2]} x {photos.shape[1]} px"
            )
        if not hasattr(self._of_thread, "paint"):
            self._of_thread.interpreter = Interpreter(self._path)
            self._of_thread.paint = self._of_thread.interpreter.get_signature_runner()
        blends = np.einsum("bk,bke->be", weights, embeddings)
        one = np.ones((1, 1), "float32")
        painted = [
            self._of_thread.paint(
                images=photo[None], embeddings=blend[None, None], style_weights=one
            )
            for photo, blend in zip(photos, blends.astype("float32"), strict=True)
        ]
        return np.concatenate([picture["pastiches"] for picture in painted])
