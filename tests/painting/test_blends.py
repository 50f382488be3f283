"""Strips, grids, blends across a picture, masks and walks, as files."""

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.painting import blends as compose
from cin_style.painting.stylizer import Stylizer


@pytest.fixture(scope="module")
def photo(tmp_path_factory, make_photo):
    """The path of a small photo."""
    path = tmp_path_factory.mktemp("photo") / "cat.png"
    Image.fromarray(make_photo(40, 32, 77)).save(path)
    return path


def test_a_strip_and_its_pictures(tiny_model, tiny_network, photo, tmp_path):
    compose.blend_photo(tiny_model, photo, "ash,cedar", tmp_path, steps=3)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["blend_00.png", "blend_01.png", "blend_02.png", "sheet.png"]
    stylizer = Stylizer(tiny_network)
    for name, blend in (("blend_00", "ash"), ("blend_01", {"ash": 1, "cedar": 1})):
        expected = images.to_uint8(stylizer(images.load(photo), blend))
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"{name}.png")), expected)


def test_a_grid_of_four(tiny_model, photo, tmp_path):
    four = "ash,birch,cedar,ash"
    path = compose.blend_photo(tiny_model, photo, four, tmp_path / "grid.png", steps=2)
    width, height = Image.open(path).size
    assert width > 2 * 256 and height > 2 * 200
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]


def test_across_and_mask(tiny_model, tiny_network, photo, tmp_path):
    stylizer = Stylizer(tiny_network)
    path = compose.blend_photo(tiny_model, photo, "ash,birch", tmp_path / "x.png", across="x")
    assert Image.open(path).size == (40, 32)
    mask = np.zeros((32, 40), np.uint8)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    path = compose.blend_photo(
        tiny_model, photo, "cedar,birch", tmp_path / "m.png", mask=tmp_path / "mask.png"
    )
    expected = images.to_uint8(stylizer(images.load(photo), "cedar"))
    difference = np.asarray(Image.open(path)).astype(int) - expected
    assert np.abs(difference).max() <= 1


def test_a_walk_is_animated(tiny_model, photo, tmp_path):
    path = compose.blend_photo(tiny_model, photo, "0,1,2", tmp_path / "walk.webp", steps=3)
    with Image.open(path) as walk:
        assert walk.n_frames == 6
        assert walk.size == (40, 32)


@pytest.mark.parametrize(
    ("styles", "options", "message"),
    [
        ("ash", {}, "at least two styles"),
        ("ash,birch,cedar", {}, "a strip goes between two styles and a grid between four"),
        ("ash,birch,cedar", {"across": "x"}, "--across goes between two styles"),
        ("ash,oak", {}, "no style named oak"),
        ("ash,birch", {"steps": 1}, "--steps must be at least 2"),
    ],
)
def test_errors(tiny_model, photo, tmp_path, styles, options, message):
    with pytest.raises(UserError, match=message):
        compose.blend_photo(tiny_model, photo, styles, tmp_path / "out.png", **options)
    assert list(tmp_path.iterdir()) == []
