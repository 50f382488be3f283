"""Blends: weights, paths, grids, maps, masks; and what they look like through a network."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cin_style.errors import UserError
from cin_style.painting.stylizer import Stylizer
from cin_style.styles import blends as blend
from cin_style.styles.style import Style

STYLES = [Style("a"), Style("b"), Style("c")]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("b", [0, 1, 0]),
        (2, [0, 0, 1]),
        ("0", [1, 0, 0]),
        ({"a": 0.7, "b": 0.3}, [0.7, 0.3, 0]),
        ({"c": 3, 0: 1}, [0.25, 0, 0.75]),
        (np.array([2, 1, 1]), [0.5, 0.25, 0.25]),
    ],
)
def test_weights(given_, expected):
    row = blend.weights(STYLES, given_)
    assert row.dtype == np.float32
    np.testing.assert_allclose(row, expected, atol=1e-7)


def test_raw_weights_stay_as_they_are():
    np.testing.assert_array_equal(
        blend.weights(STYLES, {"a": 1.5, "b": -0.5}, raw=True), np.float32([1.5, -0.5, 0])
    )


@given(st.lists(st.floats(0, 100), min_size=3, max_size=3).filter(lambda row: sum(row) > 1e-3))
def test_weights_sum_to_one_whatever_their_order(row):
    names = dict(zip("abc", row, strict=True))
    one = blend.weights(STYLES, names)
    other = blend.weights(STYLES, dict(reversed(names.items())))
    assert one.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"a": 0.5, "bb": 0.5}, "no style named bb"),
        ({"a": 0, "b": 0}, "must not all be zero"),
        ({"a": float("nan")}, "must be finite"),
        ({"a": 1.5, "b": -0.5}, "must not be negative.*--raw_weights"),
        ({"a": 1, 0: 1}, "names the style a twice"),
        ({}, "must not all be zero"),
        (np.ones(2), r"shape \(3,\)"),
    ],
)
def test_bad_weights(bad, message):
    with pytest.raises(UserError, match=message):
        blend.weights(STYLES, bad)


def test_parse():
    assert blend.parse("all") == "all"
    assert blend.parse("a,b") == "a,b"
    assert blend.parse(" a = 0.7 , 1=.3") == {"a": 0.7, "1": 0.3}
    for bad, message in [
        ("a=0.5,b", "give every style of a blend a weight"),
        ("a=x", "x is not a number"),
        ("a=1,a=2", "names a twice"),
    ]:
        with pytest.raises(UserError, match=message):
            blend.parse(bad)


def test_path_and_grid():
    a, b, c = np.eye(3)
    path = blend.path(a, b, 5)
    np.testing.assert_allclose(path[:, 1], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(path[[0, -1]], [a, b])
    grid = blend.grid([a, b, c, (a + b) / 2], 3)
    np.testing.assert_array_equal(grid[[0, 0, 2, 2], [0, 2, 0, 2]], [a, b, c, (a + b) / 2])
    np.testing.assert_allclose(grid[1, 1], (a + b + c + (a + b) / 2) / 4)
    with pytest.raises(UserError, match="--steps must be at least 2"):
        blend.path(a, b, 1)


def test_across():
    a, b, _ = np.eye(3)
    maps = blend.across((3, 5), a, b, "x")
    np.testing.assert_allclose(maps[1, :, 1], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(blend.across((3, 5), a, b, "y")[:, 2, 1], [0, 0.5, 1])
    radial = blend.across((3, 5), a, b, "radial")[..., 1]
    assert radial[1, 2] == 0
    np.testing.assert_allclose(radial[[0, 0, 2, 2], [0, 4, 0, 4]], 1)
    np.testing.assert_allclose(maps.sum(-1), 1)
    with pytest.raises(UserError, match="across x, y or radial. Received: z"):
        blend.across((3, 5), a, b, "z")


def test_masks(tmp_path):
    rows = np.eye(3)
    grey = Image.fromarray(np.uint8([[0, 51, 255]]))
    grey.save(tmp_path / "mask.png")
    maps = blend.mask_map(tmp_path / "mask.png", rows[:2], (1, 3))
    np.testing.assert_allclose(maps[0], [[1, 0, 0], [0.8, 0.2, 0], [0, 1, 0]])
    indexed = Image.fromarray(np.uint8([[2, 0], [1, 1]]))
    indexed = indexed.convert("L")
    indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    np.testing.assert_array_equal(blend.mask_map(indexed, rows, (2, 2))[0, 0], rows[2])
    soft = blend.mask_map(
        Image.fromarray(np.uint8([[0] * 8 + [255] * 8] * 4)), rows[:2], (4, 16), 2
    )
    assert np.all(np.diff(soft[0, :, 1]) >= 0) and 0.3 < soft[0, 7, 1] < 0.5
    np.testing.assert_allclose(soft.sum(-1), 1, atol=1e-6)
    for mask, count, size, message in [
        (grey, 2, (2, 3), "the mask is 3 x 1 px, but the photo is 3 x 2 px"),
        (grey, 3, (1, 3), "a grey mask chooses between two styles, but 3 are given"),
        (indexed, 2, (2, 2), "the mask has the index 2, but only 2 styles"),
        (tmp_path / "none.png", 2, (1, 3), "no such photo"),
    ]:
        with pytest.raises(UserError, match=message):
            blend.mask_map(mask, rows[:count], size)


# === Through a network ===


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    """A stylizer of the tiny network."""
    return Stylizer(tiny_network)


@pytest.fixture(scope="module")
def photo():
    """A small random photo of odd size."""
    return np.random.default_rng(6).random((37, 50, 3), dtype="float32")


def test_one_hot_weights_are_the_plain_style_to_the_bit(stylizer, photo):
    for row in np.eye(3):
        np.testing.assert_array_equal(stylizer(photo, row), stylizer(photo, int(row.argmax())))


def test_the_order_of_the_terms_does_not_matter(stylizer, photo):
    names = [style.name for style in stylizer.network.styles]
    one = stylizer(photo, {names[0]: 0.2, names[1]: 0.5, names[2]: 0.3})
    other = stylizer(photo, {names[2]: 0.3, names[0]: 0.2, names[1]: 0.5})
    np.testing.assert_array_equal(one, other)


def test_a_small_change_of_weights_is_a_small_change_of_the_picture(stylizer, photo):
    start, end = np.eye(3)[:2]
    whole = np.abs(stylizer(photo, start) - stylizer(photo, end)).max()
    changes = []
    for small in (1e-2, 1e-3, 1e-4):
        near = stylizer(photo, (1 - small) * start + small * end)
        changes.append(np.abs(near - stylizer(photo, start)).max())
    assert whole > 0.05
    assert changes[0] > changes[1] > changes[2]
    assert changes[2] < 1e-2 * whole


@pytest.mark.parametrize("row", [[0, 1, 0], [0.75, 0.25, 0], [0.7, 0.3, 0]])
def test_a_constant_map_is_the_plain_blend(stylizer, photo, row):
    maps = np.broadcast_to(np.float32(row), (*photo.shape[:2], 3))
    plain = stylizer(photo, np.float32(row), raw=True)
    painted = stylizer(photo, maps, raw=True)
    # XLA, which JAX paints with, may round a product and sum once instead of twice.
    tolerance = 0 if keras.backend.backend() == "tensorflow" else 1e-5
    np.testing.assert_allclose(painted, plain, rtol=0, atol=tolerance)


def test_each_side_of_a_split_map_has_its_own_style(tiny_network):
    """Two styles that differ in the last beta alone: each side is its style's to the bit."""
    embeddings = np.repeat(tiny_network.get_style_embeddings()[:1], 2, axis=0)
    embeddings[1, -3:] += 2
    stylizer = Stylizer(tiny_network.with_styles(["dark", "bright"], embeddings))
    photo = np.random.default_rng(8).random((48, 96, 3), dtype="float32")
    maps = np.zeros((48, 96, 2), "float32")
    maps[:, :48, 0] = maps[:, 48:, 1] = 1
    split = stylizer(photo, maps)
    tolerance = 0 if keras.backend.backend() == "tensorflow" else 1e-5
    left, right = (stylizer(photo, style) for style in ("dark", "bright"))
    np.testing.assert_allclose(split[:, :48], left[:, :48], rtol=0, atol=tolerance)
    np.testing.assert_allclose(split[:, 48:], right[:, 48:], rtol=0, atol=tolerance)
    assert (right - left).min() > 0


def test_a_map_of_another_size_is_refused(stylizer, photo):
    with pytest.raises(UserError, match=r"\(37, 50, 3\). Received: shape \(37, 49, 3\)"):
        stylizer(photo, np.ones((37, 49, 3), "float32"))
