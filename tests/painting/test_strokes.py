"""Strokes as large beside a picture as they are wanted."""

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import scaling
from cin_style.painting import blends, folder, strokes
from cin_style.painting.recipes import BlendRecipe, StylizeRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.styles import blends as style_blends


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Sizes at which a test takes no time."""
    monkeypatch.setattr(strokes, "USUAL_SIDE", 48)
    monkeypatch.setattr(strokes, "_AS_IT_IS", 64)


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    return Stylizer(tiny_network, grain=0.02)


@pytest.fixture(scope="module")
def photo(make_photo):
    return make_photo(150, 101, 3)


def small_copy(picture, size):
    return scaling.shrink(strokes.InMemory(picture).bands(), picture.shape[:2], size)


def test_at_which_size_what_is_painted():
    for size, stroke_size, expected in [
        ((40, 60), 1, (40, 60)),
        ((60, 64), 1, (60, 64)),
        ((65, 65), 1, (48, 48)),
        ((300, 400), 1, (36, 48)),
        ((300, 400), 0.5, (72, 96)),
        ((300, 400), 0, (300, 400)),
        ((40, 60), 0.5, (80, 120)),
        ((40, 60), 2, (20, 30)),
        # Never smaller than a photo may be, nor larger for that.
        ((40, 60), 4, (16, 24)),
        ((16, 60), 4, (16, 60)),
        ((20, 4000), 1, (16, 3200)),
    ]:
        assert strokes.size_to_paint(size, stroke_size) == expected


def by_hand(stylizer, photo, size, look, small_look):
    """The shapes of a pastiche of a small copy, the brushwork of the photo's."""
    copy = scaling.scale(images.from_uint8(photo), size).clip(0, 1)
    fine = stylizer(photo, look, stroke_size=0)
    broad = stylizer(copy, small_look, stroke_size=0)
    change = broad - small_copy(fine, size)
    whole = photo.shape[:2]
    return (fine + scaling.enlarge(change, whole, slice(0, whole[0]))).clip(0, 1), fine, broad


def test_shapes_of_the_small_picture_and_brushwork_of_the_large_one(stylizer, photo):
    painted = stylizer(photo, "birch")
    size = strokes.size_to_paint(photo.shape[:2], 1)
    assert size == (32, 48)
    expected, fine, broad = by_hand(stylizer, photo, size, "birch", "birch")
    np.testing.assert_allclose(painted, expected, atol=1e-5)
    # From afar it is the small one, however large it is.
    near, far = (abs(small_copy(one, size) - broad).mean() for one in (painted, fine))
    assert near < 0.2 * far


@pytest.mark.parametrize("stroke_size", [0.5, 1, 2, 4])
@pytest.mark.parametrize("size", [(41, 48), (150, 101)])
def test_every_stroke_size_at_every_size(stylizer, make_photo, size, stroke_size):
    photo = make_photo(*size, 5)
    painted = stylizer(photo, ["ash", "birch"], stroke_size=stroke_size)
    assert painted.shape == (2, *size[::-1], 3) and painted.dtype == np.float32
    assert 0 <= painted.min() and painted.max() <= 1
    alone = stylizer(photo, "ash", stroke_size=stroke_size)
    np.testing.assert_allclose(painted[0], alone, atol=1e-5)
    change = abs(painted[1] - stylizer(photo, "birch")).max()
    assert change < 1e-5 if stroke_size == 1 else change > 0.01


@pytest.mark.parametrize("stroke_size", [0.25, 2])
def test_in_tiles(stylizer, photo, stroke_size):
    """Painted larger and reduced, and painted twice."""
    whole = stylizer(photo, "ash", stroke_size=stroke_size)
    with stylizer.tiled(photo, "ash", stroke_size=stroke_size, tile=64) as tiled:
        bands = list(tiled.bands())
    assert tiled.shape == (101, 150, 3)
    assert [rows.start for rows, _ in bands] == [0, *(rows.stop for rows, _ in bands[:-1])]
    np.testing.assert_allclose(np.concatenate([band for _, band in bands]), whole, atol=2e-5)


@pytest.mark.parametrize(("stroke_size", "size"), [(1, (32, 48)), (0.5, (65, 96))])
def test_maps_keep_their_places(stylizer, photo, stroke_size, size):
    """Left of the middle one style, right of it the other."""

    def halves(height, width):
        weights = np.zeros((height, width, 3), "float32")
        weights[:, : width // 2, 0] = weights[:, width // 2 :, 1] = 1
        return weights

    painted = stylizer(photo, halves(101, 150), stroke_size=stroke_size)
    expected, _, _ = by_hand(stylizer, photo, size, halves(101, 150), halves(*size))
    np.testing.assert_allclose(painted, expected, atol=1e-5)


def test_by_recipes(tiny_model, tiny_network, photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    stylizer = Stylizer(tiny_network)
    for stroke_size in (0, 2):
        target = tmp_path / f"{stroke_size}.png"
        recipe = StylizeRecipe(
            photos=[tmp_path / "photo.png"], model=tiny_model, style="ash", stroke_size=stroke_size
        )
        folder.stylize(recipe, target)
        expected = stylizer(photo, "ash", stroke_size=stroke_size)
        np.testing.assert_array_equal(np.asarray(Image.open(target)), images.to_uint8(expected))
        folder.stylize(recipe.replace(tile="64"), target)
        found = np.asarray(Image.open(target)).astype(int)
        assert abs(found - images.to_uint8(expected)).max() <= 1
        blends.blend(
            BlendRecipe(
                photo=tmp_path / "photo.png",
                model=tiny_model,
                styles="ash,birch",
                across="x",
                stroke_size=stroke_size,
            ),
            tmp_path / "across.png",
        )
        few = tiny_network.select(["ash", "birch"])
        size, rows = (101, 150), np.eye(2, dtype="float32")
        expected = Stylizer(few)(
            photo, style_blends.Across(size, rows[0], rows[1], "x"), stroke_size=stroke_size
        )
        across = np.asarray(Image.open(tmp_path / "across.png"))
        np.testing.assert_array_equal(across, images.to_uint8(expected))


def test_a_folder_is_painted_anew_for_another_size(tiny_model, photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    recipe = StylizeRecipe(photos=[tmp_path / "photo.png"], model=tiny_model, style="ash")
    (path,) = folder.stylize(recipe, tmp_path / "painted")
    first = path.read_bytes()
    folder.stylize(recipe.replace(stroke_size=2.0), tmp_path / "painted")
    assert path.read_bytes() != first


@pytest.mark.parametrize("wrong", [0.1, -1, 9])
def test_bounds(stylizer, photo, wrong):
    with pytest.raises(UserError, match="`stroke_size` must be"):
        stylizer(photo, "ash", stroke_size=wrong)
    with pytest.raises(UserError, match="`stroke_size` must be"):
        StylizeRecipe(stroke_size=wrong)
