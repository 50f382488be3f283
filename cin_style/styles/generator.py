"""Style images made by this project: any number of them, each a pure function of its seed."""

import numpy as np
from PIL import Image

from cin_style.styles.painters.catalogue import CATALOGUE, Style


def paint(style: Style, size: int = 512) -> Image.Image:
    """One of the catalogue's style images.

    Args:
        style: from `painters.catalogue.CATALOGUE`.
        size: side in px.

    Example:

        >>> paint(CATALOGUE[0], 64).size
        (64, 64)
    """
    rng = np.random.default_rng(style.seed)
    picture = style.family(rng, size * style.oversample, style.palette, **style.params)
    return _to_image(picture).resize((size, size), Image.Resampling.BILINEAR)


def generate(seed: int, size: int = 320) -> Image.Image:
    """A style image that the catalogue has not: one of its families, painted anew.

    Another seed is another picture; in half of them the colours change their places, too.
    Painted without oversampling, in a quarter of the time.

    Args:
        seed: a whole number of at least 0.
        size: side in px.

    Returns:
        An RGB image.

    Example:

        >>> generate(5, 48).size
        (48, 48)
    """
    rng = np.random.default_rng([seed, 1])
    style = CATALOGUE[rng.integers(len(CATALOGUE))]
    palette = list(style.palette)
    if rng.random() < 0.5:
        rng.shuffle(palette)
    return _to_image(style.family(rng, size, tuple(palette), **style.params))


def _to_image(picture: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
