"""Painting with LiteRT, the runtime of phones."""

import os
import threading
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from cin_style.errors import UserError
from cin_style.runtimes.runtime import MARGIN, threads


class LiteRtRuntime:
    """Computes what `export` writes as `litert`; see `Runtime`. It takes photos of one size.

    Args:
        path: of the file.
    """

    name = "litert"
    has_maps = False

    def __init__(self, path: str) -> None:
        self._path = path
        # An interpreter holds the tensors of one picture at a time.
        self._of_thread = threading.local()
        self._painter()  # what can't be read is known at once
        _, height, width, _ = self._painter().get_input_details()["images"]["shape"]
        self._size = int(height), int(width)

    def _painter(self) -> Any:
        if not hasattr(self._of_thread, "paint"):
            interpreter = Interpreter(self._path, num_threads=threads() or os.cpu_count())
            self._of_thread.interpreter = interpreter
            self._of_thread.paint = interpreter.get_signature_runner()
        return self._of_thread.paint

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        if photos.shape[1:3] != self._size:
            height, width = (side - 2 * MARGIN for side in photos.shape[1:3])
            own_height, own_width = (side - 2 * MARGIN for side in self._size)
            raise UserError(
                f"this LiteRT network paints photos of {own_width} x {own_height} px alone, "
                f"and with `stroke_size` 0 alone larger ones than 640 px. Received: {width} x "
                f"{height} px"
            )
        paint = self._painter()
        blends = np.einsum("bk,bke->be", weights, embeddings)
        one = np.ones((1, 1), "float32")
        painted = [
            paint(images=photo[None], embeddings=blend[None, None], style_weights=one)
            for photo, blend in zip(photos, blends.astype("float32"), strict=True)
        ]
        return np.concatenate([picture["pastiches"] for picture in painted])
