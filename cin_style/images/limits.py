"""How large an image file may be before it is taken for an attack on the memory."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image

# The most pixels of a photo that somebody asks to have painted. Elsewhere, such as in folders to
# train with, Pillow's own limit stands, some 179 megapixels.
MOST_PIXELS = 10**9

# Pillow has one limit for all threads.
_LOCK = threading.Lock()


@contextlib.contextmanager
def allowing(pixels: int | None) -> Iterator[None]:
    """Lets `Image.open` take files of so many pixels; `None`: of as many as always."""
    if pixels is None:
        yield
        return
    with _LOCK:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = pixels // 2  # it refuses what is above twice this
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
