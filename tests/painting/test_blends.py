"""blends.py: strips, grids, blends across a picture, masks and walks; how blends look."""

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.painting.blends import blend
from cin_style.painting.recipes import BlendRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.styles import blends


@pytest.fixture(scope="module")
def photo(tmp_path_factory, make_photo):
    """The path of a small photo."""
    path = tmp_path_factory.mktemp("photo") / "cat.png"
    Image.fromarray(make_photo(40, 32, 77)).save(path)
    return path


def paint(network, photo, styles, output, **options):
    """Paints with a network what a recipe asks for."""
    return blend(BlendRecipe(photo=photo, styles=styles, **options), output, network=network)


def test_a_strip_and_its_pictures(tiny_network, photo, tmp_path):
    paint(tiny_network, photo, "ash,cedar", tmp_path, steps=3)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["blend_00.png", "blend_01.png", "blend_02.png", "sheet.png"]
    stylizer = Stylizer(tiny_network)
    for name, weights in (("blend_00", "ash"), ("blend_01", {"ash": 1, "cedar": 1})):
        expected = images.to_uint8(stylizer(images.load(photo), weights))
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"{name}.png")), expected)


def test_a_grid_of_four(tiny_network, photo, tmp_path):
    four = "ash,birch,cedar,ash"
    path = paint(tiny_network, photo, four, tmp_path / "grid.png", steps=2)
    width, height = Image.open(path).size
    assert width > 2 * 256 and height > 2 * 200
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]


def test_across_and_mask(tiny_network, photo, tmp_path):
    stylizer = Stylizer(tiny_network)
    path = paint(tiny_network, photo, "ash,birch", tmp_path / "x.png", across="x")
    assert Image.open(path).size == (40, 32)
    mask = np.zeros((32, 40), np.uint8)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    path = paint(tiny_network, photo, "cedar,birch", tmp_path / "m.png", mask=tmp_path / "mask.png")
    expected = images.to_uint8(stylizer(images.load(photo), "cedar"))
    difference = np.asarray(Image.open(path)).astype(int) - expected
    assert np.abs(difference).max() <= 1


def test_a_walk_is_animated(tiny_network, photo, tmp_path):
    path = paint(tiny_network, photo, "0,1,2", tmp_path / "walk.webp", steps=3)
    with Image.open(path) as walk:
        assert walk.n_frames == 6
        assert walk.size == (40, 32)


@pytest.mark.parametrize(
    ("styles", "options", "message"),
    [
        ("ash", {}, "at least two `styles`: a,b. Received: ash"),
        ("ash,birch,cedar", {}, "a strip goes between two styles and a grid between four"),
        ("ash,birch,cedar", {"across": "x"}, "`across` goes between two styles"),
        ("ash,oak", {}, "no style named oak"),
        ("ash,birch", {"across": "x", "steps": 3}, "only one of `mask`, `across` and `steps`"),
        ("ash,birch", {"soften": 2.0}, "`soften` is for the edges of a `mask`"),
        ("ash,birch", {"mask": "gone.png"}, "no such photo: gone.png"),
        ("ash,birch", {"photo": "gone.png"}, "no such photo: gone.png"),
        ("ash,birch", {"photo": ""}, "no photo to paint. Give `photo`."),
        ("ash,birch", {"steps": 1}, "`steps` must be from 2 to 1000"),
    ],
)
def test_errors(tiny_network, photo, tmp_path, styles, options, message):
    options = {"photo": photo, "styles": styles} | options
    with pytest.raises(UserError, match=message):
        blend(BlendRecipe(**options), tmp_path / "out.png", network=tiny_network)
    assert list(tmp_path.iterdir()) == []


def test_the_recipe_names_the_network(tiny_model, tiny_network, photo, tmp_path):
    recipe = BlendRecipe(photo=photo, styles="ash,birch", across="y", model=tiny_model, grain=0.1)
    path = blend(recipe, tmp_path / "y.png")
    stylizer = Stylizer(tiny_network.select(["ash", "birch"]), grain=0.1)
    maps = blends.across((32, 40), *np.eye(2), "y")
    expected = stylizer(images.load(photo), maps)
    np.testing.assert_allclose(images.load(path), expected, atol=0.6 / 255)


def test_masks_are_scaled_like_the_photo(tiny_network, photo, tmp_path):
    indices = Image.fromarray(np.uint8([[0] * 20 + [2] * 20] * 32))
    indices.putpalette([0] * 9)
    indices.save(tmp_path / "mask.png")
    options = {"mask": tmp_path / "mask.png", "max_side": 20}
    path = paint(tiny_network, photo, "ash,birch,cedar", tmp_path / "m.png", **options)
    maps = np.eye(3, dtype="float32")[[[0] * 10 + [2] * 10] * 16]
    expected = Stylizer(tiny_network)(images.load(photo, max_side=20), maps)
    np.testing.assert_allclose(images.load(path), expected, atol=0.6 / 255)
    Image.new("L", (41, 32)).save(tmp_path / "mask.png")
    with pytest.raises(UserError, match="the mask is 41 x 32 px, but the photo is 40 x 32 px"):
        paint(tiny_network, photo, "ash,birch", tmp_path / "m.png", **options)


@pytest.mark.parametrize(
    ("styles", "options"),
    [("ash,birch", {"across": "x"}), ("0,1,2,0", {"steps": 2}), ("0,1", {"mask": "mask.png"})],
)
def test_no_input_is_overwritten(tiny_network, make_photo, tmp_path, monkeypatch, styles, options):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(make_photo(20, 20, 3)).save("blend_03.png")
    Image.new("L", (20, 20)).save("mask.png")
    (tmp_path / "hard.png").hardlink_to("blend_03.png")
    (tmp_path / "sheet.png").symlink_to("blend_03.png")
    (tmp_path / "blend_03_blend.png").symlink_to("blend_03.png")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    outputs = ["blend_03.png", "hard.png", "sheet.png", tmp_path / "sheet.png", "."]
    for output in outputs + (["mask.png"] if "mask" in options else []):
        with pytest.raises(UserError, match="would overwrite .*painted from.*another `output`"):
            paint(tiny_network, "blend_03.png", styles, output, **options)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_metadata_are_kept(tiny_network, photo, tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 3
    source = tmp_path / "photo.tif"
    with Image.open(photo) as image:
        image.save(source, exif=exif, icc_profile=b"a profile")
    (tmp_path / "out").mkdir()
    paint(tiny_network, source, "ash,birch", tmp_path / "across.jpg", across="x")
    paint(tiny_network, source, "ash,birch", tmp_path / "walk.webp", steps=2)
    paint(tiny_network, source, "ash,birch", tmp_path / "out", steps=2)
    for name, described in [
        ("across.jpg", True),
        ("walk.webp", True),
        ("out/blend_00.png", True),
        # The sheet is no photo: its colours are the photo's, the rest is not.
        ("out/sheet.png", False),
    ]:
        with Image.open(tmp_path / name) as picture:
            assert picture.info["icc_profile"] == b"a profile"
            assert dict(picture.getexif()) == ({0x010F: "Maker"} if described else {})


def test_a_picture_too_large_for_its_format_is_not_painted(tiny_network, tmp_path, monkeypatch):
    Image.new("RGB", (16_400, 16)).save(tmp_path / "wide.png")

    def paint_nothing(*_, **__):
        raise AssertionError("painted in vain")

    monkeypatch.setattr(Stylizer, "__call__", paint_nothing)
    for options in ({"steps": 2}, {"across": "x"}):
        message = "out.webp: .* at most 16383 px .* 16400 x 16 px; choose .*smaller"
        with pytest.raises(UserError, match=message):
            paint(tiny_network, tmp_path / "wide.png", "0,1", tmp_path / "out.webp", **options)
    with pytest.raises(AssertionError, match="painted in vain"):
        paint(tiny_network, tmp_path / "wide.png", "0,1", tmp_path / "out.png", steps=2)


def test_a_long_name_of_a_photo(tiny_network, photo, tmp_path):
    long = tmp_path / ("海" * 83 + ".png")
    long.write_bytes(photo.read_bytes())
    path = paint(tiny_network, long, "ash,birch", tmp_path / "out", across="x")
    assert path.name == "海" * 66 + "_blend.png" and path.is_file()


# === Through a network ===


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    """A stylizer of the tiny network."""
    return Stylizer(tiny_network)


@pytest.fixture(scope="module")
def random_photo():
    """A small random photo of odd size."""
    return np.random.default_rng(6).random((37, 50, 3), dtype="float32")


def test_one_hot_weights_are_the_plain_style_to_the_bit(stylizer, random_photo):
    for row in np.eye(3):
        np.testing.assert_array_equal(
            stylizer(random_photo, row), stylizer(random_photo, int(row.argmax()))
        )


def test_the_order_of_the_terms_does_not_matter(stylizer, random_photo):
    names = [style.name for style in stylizer.network.styles]
    one = stylizer(random_photo, {names[0]: 0.2, names[1]: 0.5, names[2]: 0.3})
    other = stylizer(random_photo, {names[2]: 0.3, names[0]: 0.2, names[1]: 0.5})
    np.testing.assert_array_equal(one, other)


def test_a_small_change_of_weights_is_a_small_change_of_the_picture(stylizer, random_photo):
    start, end = np.eye(3)[:2]
    whole = np.abs(stylizer(random_photo, start) - stylizer(random_photo, end)).max()
    changes = []
    for small in (1e-2, 1e-3, 1e-4):
        near = stylizer(random_photo, (1 - small) * start + small * end)
        changes.append(np.abs(near - stylizer(random_photo, start)).max())
    assert whole > 0.05
    assert changes[0] > changes[1] > changes[2]
    assert changes[2] < 1e-2 * whole


@pytest.mark.parametrize("row", [[0, 1, 0], [0.75, 0.25, 0], [0.7, 0.3, 0]])
def test_a_constant_map_is_the_plain_blend(stylizer, random_photo, row):
    maps = np.broadcast_to(np.float32(row), (*random_photo.shape[:2], 3))
    plain = stylizer(random_photo, np.float32(row), raw=True)
    painted = stylizer(random_photo, maps, raw=True)
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


def test_a_map_of_another_size_is_refused(stylizer, random_photo):
    with pytest.raises(UserError, match=r"\(37, 50, 3\). Received: shape \(37, 49, 3\)"):
        stylizer(random_photo, np.ones((37, 49, 3), "float32"))
