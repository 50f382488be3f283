"""grain.py: smooth grey noise of the strength asked for."""

import numpy as np
import pytest

from cin_style import images
from cin_style.images.grain import Grain


def test_grain_is_smooth_grey_noise_of_the_strength_asked_for():
    image = np.full((201, 302, 3), 0.5, "float32")
    grainy = images.add_grain(image, 0.05, np.random.default_rng(0))
    assert grainy.shape == image.shape and grainy.dtype == np.float32
    noise = (grainy - image)[..., 0]
    np.testing.assert_array_equal(grainy[..., 1] - 0.5, noise)
    assert noise.std() == pytest.approx(0.05, rel=0.3) and abs(noise.mean()) < 0.005
    neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    far = np.corrcoef(noise[:, 12:].ravel(), noise[:, :-12].ravel())[0, 1]
    assert neighbours > 0.8 and abs(far) < 0.1
    np.testing.assert_array_equal(grainy, images.add_grain(image, 0.05, np.random.default_rng(0)))


def test_grain_stays_in_range():
    for value in (0.0, 1.0):
        image = np.full((16, 16, 3), value, "float32")
        grainy = images.add_grain(image, 0.1, np.random.default_rng(0))
        assert grainy.min() >= 0 and grainy.max() <= 1 and grainy.std() > 0


@pytest.mark.parametrize("height,width", [(16, 16), (63, 41), (130, 201)])
def test_parts_get_the_noise_of_the_whole(height, width):
    rng = np.random.default_rng(1)
    image = rng.random((height, width, 3), "float32")
    grain = Grain(height, width, 0.05, np.random.default_rng(0))
    whole = images.add_grain(image, 0.05, np.random.default_rng(0))
    for _ in range(20):
        (top, bottom), (left, right) = (
            sorted(rng.choice(side + 1, 2, replace=False)) for side in (height, width)
        )
        part = grain.over(image[top:bottom, left:right], int(top), int(left))
        np.testing.assert_array_equal(part, whole[top:bottom, left:right])
