"""Photorealistic transfer where the truth is known: photos relit by script, region by region.

    python train/experiments/photoreal.py --output DIR

Each of six photos that scikit-image and scikit-learn carry is relit: white balance, exposure,
contrast, dusk, another one in each of two regions. The content photo is its left three quarters
as they were, the style image the right three quarters relit and mirrored, the truth the left ones
relit. Measures, for every method (`METHODS`), with segments found by itself and, for some, with
the regions as masks: the distance to the truth (CIEDE2000, mean), SSIM of edges beside the content
photo, the style loss of the regions, the matting energy a pixel, and seconds.

Writes `pairs.csv`, a row a picture, `summary.csv`, means over pairs, and `pairs.jpg`. The same
command again goes on where it stopped.
"""

import argparse
import pathlib
import statistics
import time

import numpy as np
import skimage.data
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.filters import sobel, threshold_otsu
from skimage.metrics import structural_similarity

from cin_style import OptimizeRecipe, images, tables
from cin_style.files import writable_folder
from cin_style.images import guided, scaling
from cin_style.images.segments import Segments

# === The pairs ===


def open_photo(name, side):
    """A photo that one of the two packages carries, at a size."""
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        photo = load_sample_image(f"{name}.jpg")
    else:
        photo = getattr(skimage.data, name)()
        photo = photo[0] if isinstance(photo, tuple) else photo  # the left one of two
    photo = images.from_uint8(photo[..., :3])
    scale = side / max(photo.shape)
    size = tuple(round(length * scale) for length in photo.shape[:2])
    return scaling.scale(photo, size).clip(0, 1)


def lit(photo, balance=(1, 1, 1), exposure=1.0, contrast=1.0):
    """A photo in another light: channels scaled in linear light, then contrast about its mean."""
    linear = photo**2.2 * np.float32(balance) * exposure
    relit = linear.clip(0, 1) ** (1 / 2.2)
    mean = relit.mean(axis=(0, 1))
    return (mean + contrast * (relit - mean)).clip(0, 1)


DUSK = {"balance": (1.0, 0.55, 0.35), "exposure": 0.7}
NIGHT = {"balance": (0.5, 0.7, 1.2), "exposure": 0.25}

# A photo, which of its channels (in these shares) tells two regions apart, and how each is relit:
# first that where this is large.
PAIRS = {
    "china": ((0, 0, 1), DUSK, {"exposure": 0.35, "contrast": 0.9}),
    "flower": ((1, 0, -1), {"balance": (0.6, 0.8, 1.3)}, {"balance": (1.3, 1.1, 0.6)}),
    "astronaut": ((1, 0, -1), {"balance": (0.5, 0.9, 1.4)}, NIGHT),
    "coffee": ((0, 1, 1), {"balance": (0.8, 0.9, 1.3)}, {"exposure": 1.5, "contrast": 0.8}),
    "rocket": ((1, 1, -1), {"balance": (1, 0.8, 0.5)}, {"balance": (2.6, 1.3, 0.7)}),
    "stereo_motorcycle": ((1, 1, 1), {"exposure": 0.6}, {"balance": (0.8, 1, 1.6)}),
}


def region(photo, channels):
    """Where a mixture of channels is large, a soft edge along those of the photo."""
    value = ndimage.gaussian_filter(photo @ np.float32(channels), 3)
    hard = np.float32(value > threshold_otsu(value))[..., None]
    return guided.guided_filter(photo, hard, 6, 1e-4).clip(0, 1)


def make_pair(name, side):
    """Content, style image, truth, and the two regions as `Segments`."""
    photo = open_photo(name, side)
    channels, large, small = PAIRS[name]
    share = region(photo, channels)
    relit = share * lit(photo, **large) + (1 - share) * lit(photo, **small)
    width = photo.shape[1]
    left, right = slice(0, width * 3 // 4), slice(width // 4, width)
    shares = np.concatenate([share, 1 - share], axis=-1)
    segments = Segments(shares[:, left], shares[:, right][:, ::-1], ("one", "other"))
    return photo[:, left], relit[:, right][:, ::-1].copy(), relit[:, left], segments
