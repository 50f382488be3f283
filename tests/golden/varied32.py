"""A sample photo in several styles and blends, by the network in the package; see README.md.

python tests/golden/varied32.py
"""

import pathlib

import numpy as np
from PIL import Image

from cin_style import Stylizer, images
from cin_style.styles import blends

FILE = pathlib.Path(__file__).with_suffix(".png")
STYLES = (
    "starry_night",
    "udnie",
    "the_bedroom",
    {"starry_night": 0.5, "under_the_wave_off_kanagawa": 0.5},
)


def paint() -> np.ndarray:
    """The pictures side by side, uint8 (height, width, 3)."""
    photo = Image.fromarray(images.to_uint8(images.sample_photos()["chelsea"]))
    photo = photo.resize((150, 100), Image.Resampling.LANCZOS)
    stylizer = Stylizer("varied32")
    rows = np.eye(len(stylizer.network.styles), dtype="float32")
    across = blends.across((100, 150), rows[3], rows[17], "x")
    pictures = [*stylizer(photo, list(STYLES)), stylizer(photo, across)]
    return images.to_uint8(np.concatenate(pictures, axis=1))


if __name__ == "__main__":
    images.save(FILE, paint())
