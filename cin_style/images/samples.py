"""Sample photos that come with an installed package."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from cin_style.images import sheets
from cin_style.images.files import from_uint8, to_uint8

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")


def sample_photos() -> dict[str, np.ndarray]:
    """The photos that scikit-image carries under free licences.

    Returns:
        A dict of names to float32 arrays (height, width, 3) in [0, 1].

    Example:

        >>> sorted(sample_photos())
        ['astronaut', 'chelsea', 'coffee', 'rocket']
    """
    import skimage.data  # slow to import, and only needed here

    return {name: from_uint8(np.asarray(getattr(skimage.data, name)())) for name in SAMPLES}


# What a notebook shows of a network: the side of its pictures in px, and how many styles at most.
_SIDE, _MOST_SHOWN = 128, 32


def shown_in_styles(paint: Callable[[np.ndarray, int], np.ndarray], names: Sequence[str]) -> bytes:
    """A sample photo in styles, as notebooks show it.

    Args:
        paint: gives a photo, float32 (height, width, 3) in [0, 1], in so many of the styles, the
            first ones: (count, height, width, 3).
        names: of the styles.

    Returns:
        A JPEG file.
    """
    image = Image.fromarray(to_uint8(sample_photos()["coffee"])).crop((100, 0, 500, 400))
    photo = from_uint8(np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)))
    names = names[:_MOST_SHOWN]
    pictures = paint(photo, len(names))
    sheet = sheets.style_sheet([[photo, *pictures]], names, cell=_SIDE)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
