"""blends.py: weights, paths, grids, walks, maps, masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cin_style.errors import UserError
from cin_style.styles import blends
from cin_style.styles.style import Style

STYLES = [Style("a"), Style("b"), Style("c")]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("b", [0, 1, 0]),
        (2, [0, 0, 1]),
        (np.int64(2), [0, 0, 1]),
        ("0", [1, 0, 0]),
        ({"a": 0.7, "b": 0.3}, [0.7, 0.3, 0]),
        ({"c": 3, 0: 1}, [0.25, 0, 0.75]),
        ({np.int64(1): 1, "0": 1}, [0.5, 0.5, 0]),
        (np.array([2, 1, 1]), [0.5, 0.25, 0.25]),
    ],
)
def test_weights(given_, expected):
    row = blends.weights(STYLES, given_)
    assert row.dtype == np.float32
    np.testing.assert_allclose(row, expected, atol=1e-7)


def test_raw_weights_stay_as_they_are():
    np.testing.assert_array_equal(
        blends.weights(STYLES, {"a": 1.5, "b": -0.5}, raw=True), np.float32([1.5, -0.5, 0])
    )


@given(st.lists(st.floats(0, 100), min_size=3, max_size=3).filter(lambda row: sum(row) > 1e-3))
def test_weights_sum_to_one_whatever_their_order(row):
    names = dict(zip("abc", row, strict=True))
    one = blends.weights(STYLES, names)
    other = blends.weights(STYLES, dict(reversed(names.items())))
    assert one.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"a": 0.5, "bb": 0.5}, "no style named bb"),
        ({"a": 0, "b": 0}, "must not all be zero"),
        ({"a": float("nan")}, "must be finite"),
        ({"a": 1.5, "b": -0.5}, "must not be negative.*`raw_weights`"),
        ({"a": 1, 0: 1}, "names the style a twice"),
        ({}, "must not all be zero"),
        (True, "no style named True"),
        (np.ones(2), r"shape \(3,\)"),
    ],
)
def test_bad_weights(bad, message):
    with pytest.raises(UserError, match=message):
        blends.weights(STYLES, bad)


def test_parse():
    assert blends.parse("all") == "all"
    assert blends.parse("a,b") == "a,b"
    assert blends.parse(" a = 0.7 , 1=.3") == {"a": 0.7, "1": 0.3}
    for bad, message in [
        ("a=0.5,b", "give every style of a blend a weight"),
        ("a=x", "x is not a number"),
        ("a=1,a=2", "names a twice"),
    ]:
        with pytest.raises(UserError, match=message):
            blends.parse(bad)


def test_path_and_grid():
    a, b, c = np.eye(3)
    path = blends.path(a, b, 5)
    np.testing.assert_allclose(path[:, 1], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(path[[0, -1]], [a, b])
    grid = blends.grid([a, b, c, (a + b) / 2], 3)
    np.testing.assert_array_equal(grid[[0, 0, 2, 2], [0, 2, 0, 2]], [a, b, c, (a + b) / 2])
    np.testing.assert_allclose(grid[1, 1], (a + b + c + (a + b) / 2) / 4)
    with pytest.raises(UserError, match="`steps` must be at least 2"):
        blends.path(a, b, 1)


def test_across():
    a, b, _ = np.eye(3)
    maps = blends.across((3, 5), a, b, "x")
    np.testing.assert_allclose(maps[1, :, 1], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(blends.across((3, 5), a, b, "y")[:, 2, 1], [0, 0.5, 1])
    radial = blends.across((3, 5), a, b, "radial")[..., 1]
    assert radial[1, 2] == 0
    np.testing.assert_allclose(radial[[0, 0, 2, 2], [0, 4, 0, 4]], 1)
    np.testing.assert_allclose(maps.sum(-1), 1)
    with pytest.raises(UserError, match="`across` must be x, y or radial. Received: z"):
        blends.across((3, 5), a, b, "z")


def test_a_walk_is_a_round_trip():
    a, b, c = np.eye(3)
    expected = [[1, 0, 0], [0.5, 0.5, 0], b, [0, 0.5, 0.5], c, [0.5, 0, 0.5]]
    np.testing.assert_allclose(blends.walk([a, b, c], 3), expected)
    np.testing.assert_array_equal(blends.walk([a, b], 2), [a, b])


def test_a_mask_mixes_rows(tmp_path):
    rows = np.float32([[0.5, 0.5, 0], [0, 0, 1]])
    Image.fromarray(np.uint8([[0, 51, 255]])).save(tmp_path / "mask.png")
    maps = blends.mask_map(tmp_path / "mask.png", rows, (1, 3))
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps[0], [[0.5, 0.5, 0], [0.4, 0.4, 0.2], [0, 0, 1]], atol=1e-7)
    with pytest.raises(UserError, match="the mask is 3 x 1 px, but the photo is 4 x 1 px"):
        blends.mask_map(tmp_path / "mask.png", rows, (1, 4))


@pytest.mark.parametrize("direction", ["x", "y", "radial"])
def test_parts_of_a_map_are_those_of_the_whole(direction):
    whole = blends.across((30, 41), np.eye(3)[0], np.eye(3)[2], direction)
    lazy = blends.Across((30, 41), np.eye(3)[0], np.eye(3)[2], direction)
    assert lazy.shape == whole.shape and lazy.ndim == 3
    np.testing.assert_array_equal(lazy[4:9, 30:], whole[4:9, 30:])


def test_maps_are_made_ready_part_by_part():
    maps = np.zeros((600, 4, 3), "uint8")
    maps[..., 1] = 255
    maps[599, 2] = [0, 51, 204]
    ready = blends.Maps(maps)
    assert ready.used.tolist() == [1, 2] and ready.shape == (600, 4, 2)
    np.testing.assert_allclose(ready[598:, 2:3].squeeze(), [[1, 0], [0.2, 0.8]], atol=1e-6)
    raw = blends.Maps(np.float32([[[0, -0.5, 1.5]]]), raw=True)
    np.testing.assert_array_equal(raw[:, :], [[[-0.5, 1.5]]])
    for bad, message in [
        (np.full((2, 2, 2), -1.0), "must not be negative"),
        (np.full((300, 2, 2), np.nan), "must be finite"),
        (np.zeros((2, 2, 2)), "must not all be zero"),
    ]:
        with pytest.raises(UserError, match=message):
            blends.Maps(bad)


def test_bytes_are_shares_of_255():
    maps = blends.Maps(np.uint8([[[255, 51]]]), raw=True)
    np.testing.assert_allclose(maps[:, :], [[[1.0, 0.2]]], rtol=1e-6)
