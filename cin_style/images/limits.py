"""How large an image file may be before it is taken for an attack on the memory."""

import contextlib
import os
import threading
from collections.abc import Iterator

from PIL import Image

from cin_style.errors import UserError

# The most megapixels of a photo that somebody asks to have painted, and what names another number.
# Elsewhere, such as in folders to train with, Pillow's own limit stands, some 179 megapixels.
MOST_MEGAPIXELS, VARIABLE = 250, "CIN_STYLE_MOST_MEGAPIXELS"

# Pillow has one limit for all threads.
_LOCK = threading.Lock()


def most_pixels() -> int:
    """How many pixels a photo may have that somebody asks to have painted.

    Raises:
        UserError: the environment variable that says so does not hold a number.
    """
    given = os.environ.get(VARIABLE, "")
    try:
        found = int(float(given or MOST_MEGAPIXELS) * 10**6)
    except (OverflowError, ValueError):
        found = 0
    if found < 1:
        raise UserError(
            f"the environment variable {VARIABLE} must be a positive number. Received: {given[:40]}"
        )
    return found


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
