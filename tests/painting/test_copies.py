"""Copies of photos at another size."""

import numpy as np
import pytest

from cin_style import images
from cin_style.images import scaling
from cin_style.painting import copies
from cin_style.painting.sources import Look


class Parts:
    """An array that tells how many rows of it were read at a time."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, rows):
        part = self.array[rows]
        self.most = max(self.most, len(part))
        return part


@pytest.mark.parametrize("size", [(40, 30), (700, 525)])
def test_a_large_photo_is_read_part_by_part(make_photo, size):
    parts = Parts(make_photo(600, 800, 4))
    copy = copies.scaled(parts, size)
    assert copy.shape == (*size, 3) and copy.dtype == np.float32 and parts.most < 400
    expected = scaling.scale(images.from_uint8(parts.array), size).clip(0, 1)
    assert abs(copy - expected).mean() < 0.01
    floats = copies.scaled(images.from_uint8(parts.array), size)
    np.testing.assert_allclose(copy, floats, atol=1e-6)


def test_a_larger_copy(make_photo):
    photo = images.from_uint8(make_photo(30, 20, 4))
    copy = copies.scaled(photo, (40, 60))
    assert copy.shape == (40, 60, 3) and 0 <= copy.min() and copy.max() <= 1
    assert copy.mean() == pytest.approx(photo.mean(), abs=0.01)


def test_maps_are_scaled_with_the_photo():
    maps = np.zeros((300, 8, 2), "float32")
    maps[:150, :, 0] = maps[150:, :, 1] = 1
    look = copies.scaled_look(Look(np.zeros((2, 6), "float32"), maps), (30, 4))
    np.testing.assert_array_equal(look.maps, maps[::10, ::2])
    plain = Look(np.zeros((1, 6), "float32"))
    assert copies.scaled_look(plain, (30, 4)) is plain
