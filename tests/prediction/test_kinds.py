"""Paintings told from photos."""

import numpy as np
import pytest

from cin_style import images
from cin_style.errors import UserError
from cin_style.prediction.kinds import is_painting, score
from cin_style.styles.generator import generate


def test_sample_photos_are_photos_and_style_images_are_not():
    for name, photo in images.sample_photos().items():
        assert not is_painting(photo), name
    made = [score(generate(seed, 256)) > 0 for seed in range(500, 506)]
    assert sum(made) >= 5


def test_any_size_and_what_is_blank(make_photo):
    assert isinstance(is_painting(make_photo(40, 300, 1)), bool)
    assert not is_painting(np.full((32, 32, 3), 7, "uint8"))
    with pytest.raises(UserError, match="no such photo"):
        is_painting("gone/blank.jpg")
