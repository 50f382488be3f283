"""guided.py: local affine maps, against least squares by hand, small and at full size."""

import numpy as np
import pytest

from cin_style.images import guided

RNG = np.random.default_rng(0)


def test_inside_it_is_least_squares_in_every_window():
    guide, values = RNG.random((13, 13, 3)), RNG.random((13, 13, 2))
    radius, epsilon = 2, 1e-2
    maps = []
    for y in range(4, 9):
        for x in range(4, 9):
            window = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
            colours, wanted = guide[window].reshape(-1, 3), values[window].reshape(-1, 2)
            # Ridge regression, the offset free.
            known = np.concatenate([colours, np.ones((25, 1))], axis=1)
            ridge = 25 * epsilon * np.diag([1, 1, 1, 0])
            maps.append(np.linalg.solve(known.T @ known + ridge, known.T @ wanted).T)
    found = guided.fit(guide, values, radius, epsilon)
    np.testing.assert_allclose(found[6, 6], np.mean(maps, axis=0), atol=1e-5)


def test_edges_of_the_guide_stay_and_noise_goes():
    step = np.repeat(np.float32(np.arange(40) >= 20), 30).reshape(40, 30)
    guide = np.repeat(0.2 + 0.6 * step[..., None], 3, axis=-1)
    noisy = step[..., None] + RNG.normal(0, 0.1, (40, 30, 1))
    found = guided.guided_filter(guide, noisy, 5, 1e-3)
    assert found.shape == (40, 30, 1) and found.dtype == np.float32
    assert abs(found[..., 0] - step).mean() < 0.03
    assert found[20].mean() - found[19].mean() > 0.9


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_at_full_size_details_of_the_photo_stay(dtype):
    photo = RNG.random((120, 90, 3))
    small = photo.reshape(30, 4, 30, 3, 3).mean(axis=(1, 3))
    mix = np.array([[0.5, 0.2, 0], [0, 0.7, 0], [0.1, 0, 0.4]])
    maps = guided.fit(small, small @ mix.T + 0.1, 4, 1e-7)
    given = np.rint(photo * 255).astype("uint8") if dtype == "uint8" else photo
    picture = np.empty(photo.shape)
    for tile in guided.tiles(120, 90):
        picture[tile] = guided.at_full_size(maps, given, tile)
    np.testing.assert_allclose(picture, photo @ mix.T + 0.1, atol=0.004)


def test_tiles_are_those_of_the_whole():
    maps = RNG.random((9, 7, 2, 4)).astype("float32")
    whole = guided.enlarge(maps, (50, 33), np.s_[0:50, 0:33])
    assert whole.shape == (50, 33, 2, 4)
    for tile in (np.s_[0:13, 0:9], np.s_[13:31, 9:33], np.s_[31:50, 32:33]):
        np.testing.assert_allclose(guided.enlarge(maps, (50, 33), tile), whole[tile], atol=1e-5)


def test_tiles_cover_a_picture_once():
    covered = np.zeros((150, 1100), int)
    for tile in guided.tiles(*covered.shape):
        covered[tile] += 1
    assert (covered == 1).all()
