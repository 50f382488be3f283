"""grid.py: slicing against interpolation by hand, and by bands against the whole."""

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from cin_style.painting import grid as grids
from cin_style.painting.descent import with_gradient

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def grid():
    return RNG.normal(size=(*grids.SHAPE, 3, 4)).astype("float32")


@pytest.fixture(scope="module")
def photo():
    return RNG.random((37, 50, 3)).astype("float32")


def test_sliced_it_is_interpolation_in_place_and_lightness(grid, photo):
    y, x = np.mgrid[0:37, 0:50]
    places = [
        (y + 0.5) / 37 * 16 - 0.5,
        (x + 0.5) / 50 * 16 - 0.5,
        photo @ [0.299, 0.587, 0.114] * 7,
    ]
    maps = np.empty((37, 50, 3, 4))
    for c, i in np.ndindex(3, 4):
        maps[..., c, i] = ndimage.map_coordinates(grid[..., c, i], places, order=1, mode="nearest")
    expected = np.einsum("hwci,hwi->hwc", maps[..., :3], photo) + maps[..., 3]
    found = np.asarray(grids.apply(grid, grids.weights(photo)))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("lightness", [(0, 1), (0.4, 0.5), (0, 0), (1, 1)])
def test_tiles_are_those_of_the_whole(grid, photo, lightness):
    photo = lightness[0] + (lightness[1] - lightness[0]) * photo
    whole = np.asarray(grids.apply(grid, grids.weights(photo)))
    for tile in (np.s_[0:5, 0:50], np.s_[5:36, 20:33], np.s_[36:37, 49:50]):
        found = grids.apply_tile(grid, photo[tile], tile, photo.shape[:2])
        np.testing.assert_allclose(found, whole[tile], atol=1e-4)


def test_an_empty_grid_adds_nothing(photo):
    assert not np.asarray(grids.apply(grids.empty(), grids.weights(photo))).any()


def test_roughness_is_the_mean_square_of_differences(grid):
    expected = sum(np.mean(np.diff(grid, axis=axis) ** 2) for axis in range(3))
    assert float(grids.roughness(grid)) == pytest.approx(expected, rel=1e-5)
    assert float(grids.roughness(np.ones_like(grid))) == 0


def test_the_gradient_is_that_of_finite_differences(grid, photo):
    where, aim = grids.weights(photo), RNG.random(photo.shape).astype("float32")

    def value(grid, where):
        return ops.sum(ops.square(grids.apply(grid, where) - aim)), {}

    (_, _), gradient = with_gradient(value)(grid, where)
    direction = RNG.normal(size=grid.shape)
    both = [
        np.square(
            np.asarray(
                grids.apply((grid + s * 0.1 * direction).astype("float32"), where), "float64"
            )
            - aim
        ).sum()
        for s in (1, -1)
    ]
    slope = (np.asarray(gradient, "float64") * direction).sum()
    assert (both[0] - both[1]) / 0.2 == pytest.approx(slope, rel=1e-2)
