"""Tiles: equal to the picture painted whole, in little memory, and nothing left behind."""

import functools

import keras
import numpy as np
import pytest
from PIL import ExifTags, Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import limits
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting import blends, folder, layer_maps, stages, tiles, tiling
from cin_style.painting.recipes import BlendRecipe, StylizeRecipe, tile_side
from cin_style.painting.stylizer import MARGIN, Stylizer
from cin_style.runtimes import keras_runtime


@pytest.fixture(scope="module")
def make_network():
    """A function of architecture and upsampling: a network of two styles that differ."""

    @functools.cache
    def make(widths=(4, 6, 8), residual_blocks=1, upsampling="nearest"):
        keras.utils.set_random_seed(3)
        network = StyleTransferNetwork(
            ["ash", "birch"], widths, residual_blocks, upsampling=upsampling
        )
        embeddings = network.get_style_embeddings()
        noise = np.random.default_rng(3).normal(0, 0.3, embeddings.shape)
        network.set_style_embeddings(embeddings + noise.astype("float32"))
        return network

    return make


@pytest.fixture(scope="module")
def stylizer(make_network):
    return Stylizer(make_network(), grain=0.03)


@pytest.fixture(scope="module")
def photo(make_photo):
    """Of sides that are no multiples of 4, nor of tiles."""
    return make_photo(157, 103, 21)


# === Equal to the whole ===


@pytest.mark.parametrize(
    "width,height,upsampling",
    [
        (157, 103, "nearest"),
        (157, 103, "bilinear"),
        (64, 64, "nearest"),
        (33, 150, "bilinear"),
        (96, 32, "nearest"),
    ],
)
def test_tiles_equal_the_whole(make_network, make_photo, width, height, upsampling):
    stylizer = Stylizer(make_network(upsampling=upsampling), grain=0.03)
    photo = make_photo(width, height, 5)
    whole = stylizer(photo, "ash", tile="off")
    painted = stylizer(photo, "ash", tile=64)
    assert painted.shape == (height, width, 3) and painted.dtype == np.float32
    np.testing.assert_allclose(painted, whole, atol=1e-5)
    assert whole.std() > 0.05


@pytest.mark.parametrize("widths,residual_blocks", [((4,), 1), ((4, 5), 2), ((3, 4, 5, 6), 0)])
def test_networks_of_other_shapes(make_network, photo, widths, residual_blocks):
    stylizer = Stylizer(make_network(widths, residual_blocks, "bilinear"))
    whole = stylizer(photo, "birch", tile="off")
    np.testing.assert_allclose(stylizer(photo, "birch", tile=64), whole, atol=1e-5)


def test_the_network_of_the_package(make_photo):
    stylizer = Stylizer()
    photo = make_photo(201, 90, 2)
    whole = stylizer(photo, "starry_night", tile="off")
    painted = stylizer(photo, "starry_night", tile=100)
    assert np.abs(painted - whole).max() < 0.2 / 255


def test_every_size_of_tiles(stylizer, photo):
    whole = stylizer(photo, "ash", tile="off")
    for tile in (65, 512, "auto"):
        np.testing.assert_allclose(stylizer(photo, "ash", tile=tile), whole, atol=1e-5)


def test_blends_embeddings_and_several_styles(stylizer, photo):
    row = stylizer.network.get_style_embeddings()[1]
    for what in (
        {"styles": {"ash": 0.3, "birch": 0.7}},
        {"styles": ["birch", "ash"]},
        {"styles": np.float32([1.5, -0.5]), "raw": True},
        {"embedding": row},
        {"embedding": np.stack([row, 2 * row])},
    ):
        whole = stylizer(photo, **what, tile="off")
        painted = stylizer(photo, **what, tile=64)
        assert painted.shape == whole.shape
        np.testing.assert_allclose(painted, whole, atol=1e-5)


@pytest.mark.parametrize("kind", ["floats", "uint8", "memmap"])
def test_maps(stylizer, photo, tmp_path, kind):
    height, width = photo.shape[:2]
    share = np.zeros((height, width), "float32")
    share[20:70, 30:] = 1
    share[:, 90:] += 0.4
    maps = np.rint(np.stack([share.clip(0, 1), 1 - share.clip(0, 1)], axis=-1) * 255)
    maps = maps.astype("uint8")
    if kind == "floats":
        maps = images.from_uint8(maps)
    elif kind == "memmap":
        maps.tofile(tmp_path / "maps")
        maps = np.memmap(tmp_path / "maps", "uint8", "r", shape=maps.shape)
    whole = stylizer(photo, images.from_uint8(maps) if kind != "floats" else maps, tile="off")
    np.testing.assert_allclose(stylizer(photo, maps, tile=64), whole, atol=1e-5)
    assert np.abs(whole - stylizer(photo, "ash")).max() > 0.05
    with pytest.raises(UserError, match=r"a map of style weights must have the photo's size"):
        stylizer(photo, maps[1:], tile=64)


def test_half_precision_and_photos_of_every_kind(make_network, stylizer, photo):
    coarse = Stylizer(make_network(), dtype="mixed_bfloat16")
    difference = coarse(photo, "ash", tile=64) - coarse(photo, "ash", tile="off")
    assert np.abs(difference).mean() < 0.01
    expected = stylizer(photo, "ash", tile=64)
    for same in (images.from_uint8(photo), images.from_uint8(photo).astype("float64")):
        np.testing.assert_allclose(stylizer(same, "ash", tile=64), expected, atol=1e-6)
    pair = stylizer([photo, photo[:70]], "ash", tile=64)
    np.testing.assert_array_equal(pair[0], expected)


def test_statistics_are_those_of_all_pixels():
    rng = np.random.default_rng(0)
    values = rng.normal(1000, 1, (90, 3)).astype("float32")
    moments = layer_maps.Moments()
    for part in np.split(values, [1, 30, 80]):
        exact = part.astype("float64")
        squares = ((exact - exact.mean(axis=0)) ** 2).sum(axis=0)
        moments.add(len(part), np.float32(exact.mean(axis=0)), np.float32(squares))
    exact = values.astype("float64")
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-7)
    # In float32, mean(x^2) - mean(x)^2 would be wrong in its first digit here.
    np.testing.assert_allclose(moments.variance, exact.var(axis=0), rtol=1e-4)


def test_what_a_stage_reads(make_network):
    contract, halve, *_, enlarge, last = stages.of(make_network())
    assert contract.source((64, 10)) == (60, 18)
    assert halve.source((32, 5)) == (63, 11)
    assert enlarge.source((64, 4)) == (31, 4)  # 63 to 69 at twice the size
    assert last.source((0, 5)) == (-4, 13)
    # Borders are mirrored without the edge itself, inside are neighbours.
    np.testing.assert_array_equal(
        contract.indices((0, 2), (-4, 10), 6) - 4, [4, 3, 2, 1, 0, 1, 2, 3, 4, 5]
    )
    np.testing.assert_array_equal(enlarge.indices((0, 4), (-1, 4), 2) - 1, [0, 0, 0, 1, 1, 1])


# === Thumbnails ===


def test_statistics_of_a_thumbnail(stylizer, photo, monkeypatch):
    whole = stylizer(photo, "ash", tile="off")
    # A photo as small as a thumbnail is its own.
    painted = stylizer(photo, "ash", tile=64, statistics="thumbnail")
    np.testing.assert_allclose(painted, whole, atol=1e-5)
    half = np.full((*photo.shape[:2], 2), 0.5, "float32")
    painted = stylizer(photo, half, tile=64, statistics="thumbnail")
    np.testing.assert_allclose(painted, stylizer(photo, half, tile="off"), atol=1e-5)
    monkeypatch.setattr("cin_style.painting.copies.LONG_SIDE", 100)
    for what in ("ash", half):
        painted = stylizer(photo, what, statistics="thumbnail")
        difference = np.abs(painted - stylizer(photo, what, tile="off"))
        assert 1e-4 < difference.mean() < 0.1


# === Memory, room, interruption ===


def sizes_given(monkeypatch):
    """What is given to compiled graphs, as the most pixels of any part."""
    seen, runner = [], stages.runner

    def noting(*structure):
        run = runner(*structure)

        def note(part, *others):
            seen.append(part.shape[1:3])
            return run(part, *others)

        return note

    monkeypatch.setattr(stages, "runner", noting)
    return seen


def test_no_part_is_larger_than_a_tile_and_what_is_around_it(stylizer, make_photo, monkeypatch):
    for width, height in ((150, 100), (288, 224)):
        seen = sizes_given(monkeypatch)
        stylizer(make_photo(width, height, 0), "ash", tile=64)
        assert len(set(seen)) < 8  # so that JAX compiles few
        assert max(max(sides) for sides in seen) <= 64 + 11  # 4 + 1 + 2 px before, 4 behind
    assert max(seen) == (64 + 11, 64 + 11)


def test_files_for_large_pictures(stylizer, photo, tmp_path, monkeypatch, caplog):
    expected = stylizer(photo, "ash", tile=64)
    monkeypatch.setattr(tiles, "_IN_MEMORY", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    caplog.set_level("INFO", "cin_style")
    np.testing.assert_array_equal(stylizer(photo, "ash", tile=64), expected)
    # 192 x 136 px with the margin, rounded up: three maps of 8 channels at a quarter of that.
    assert f"taking 0.0 GB of disk in {tmp_path} to paint 157 x 103 px in tiles" in caplog.text
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("", (), {"free": 900})())
    with pytest.raises(UserError, match="there is no room for .* TMPDIR"):
        stylizer(photo, "ash", tile=64)


def test_an_interruption_leaves_nothing(stylizer, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(tiles, "_IN_MEMORY", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made, calls = [], []
    new_map = layer_maps.LayerMap.__init__

    def keep(self, *arguments):
        new_map(self, *arguments)
        made.append(self)

    write = layer_maps.LayerMap.write

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) > 20:
            raise KeyboardInterrupt
        write(self, *arguments)

    monkeypatch.setattr(layer_maps.LayerMap, "__init__", keep)
    monkeypatch.setattr(layer_maps.LayerMap, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stylizer(photo, "ash", tile=64)
    assert len(made) >= 2 and all(one._array is None and one._file is None for one in made)
    assert not list(tmp_path.iterdir())


def test_tiles_by_themselves(stylizer, photo, monkeypatch, caplog):
    caplog.set_level("INFO", "cin_style")
    assert tiling.choose_side((5000, 4000), "off") is None
    assert tiling.choose_side((50, 40), 128) == 128
    assert tiling.choose_side((50, 40), "auto", "thumbnail") == 1024
    monkeypatch.setattr("cin_style.hardware.available_memory", lambda: 12 * 2**30)
    assert tiling.choose_side((3000, 3000)) is None
    assert caplog.text == ""
    assert tiling.choose_side((3000, 4000)) == tiling.USUAL_TILE
    assert "whole, 4000 x 3000 px would take some 12.0 GiB of memory, and 12.0 GiB" in caplog.text
    monkeypatch.setattr("cin_style.hardware.available_memory", lambda: None)
    assert tiling.choose_side((3000, 3000)) == tiling.USUAL_TILE
    assert tiling.choose_side((2000, 3000)) is None

    def full(*arguments):
        raise MemoryError

    expected = stylizer(photo, "ash", tile=64)
    monkeypatch.setattr(keras_runtime, "_compile", lambda graph: full)
    starved = Stylizer(stylizer.network, grain=0.03)
    np.testing.assert_allclose(starved(photo, "ash"), expected, atol=1e-5)
    with pytest.raises(UserError, match="out of memory at a picture of 157 x 103 px; `tile=auto`"):
        starved(photo, "ash", tile="off")


@pytest.mark.parametrize("bad", [0, 63, -1, True, 100.5, "some", "12x", ""])
def test_bad_tiles(stylizer, photo, bad):
    with pytest.raises(UserError, match="`tile` must be auto, off or a number of px, at least 64"):
        stylizer(photo, "ash", tile=bad)


def test_options(stylizer, photo):
    assert [tile_side(tile) for tile in (None, "auto", "off", "64", 300)] == [
        *("auto", "auto", "off"),
        *(64, 300),
    ]
    assert StylizeRecipe(tile=512).tile == "512"
    for change, message in [
        ({"tile": "small"}, "`tile` must be auto, off or a number"),
        ({"statistics": "none"}, "`statistics` must be one of exact, thumbnail"),
    ]:
        with pytest.raises(UserError, match=message):
            StylizeRecipe(**change)
        with pytest.raises(UserError, match=message):
            stylizer(photo, "ash", **change)
    with pytest.raises(UserError, match="Don't put `tile` off"):
        stylizer(photo, "ash", tile="off", statistics="thumbnail")


def test_band_by_band(stylizer, photo, monkeypatch):
    monkeypatch.setattr(tiles, "_AT_ONCE", 64 * 157 * 3)
    expected = stylizer(photo, "ash", tile=64)
    with stylizer.tiled(photo, "ash", tile=64) as painted:
        assert painted.shape == photo.shape
        for _ in range(2):
            bands = list(painted.bands())
            assert [rows.start for rows, _ in bands] == [0, 64]
            np.testing.assert_array_equal(np.concatenate([band for _, band in bands]), expected)
    with pytest.raises(UserError, match="one style at a time is painted so. Received: 2"):
        with stylizer.tiled(photo, ["ash", "birch"]):
            pass


@pytest.mark.parametrize("options", [{"strength": 0.4}, {"colours": "luminance"}], ids=str)
def test_what_is_kept_of_the_photo(stylizer, photo, tmp_path, options):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    whole = stylizer(photo, ["ash", "birch"], tile="off", **options)
    tiled = stylizer(tmp_path / "photo.png", ["ash", "birch"], tile=64, **options)
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_what_counts_as_painted_in_the_same_way(stylizer, photo, tmp_path, caplog):
    caplog.set_level("INFO", "cin_style")
    Image.fromarray(photo).save(tmp_path / "photo.png")
    recipe = StylizeRecipe(photos=[tmp_path / "photo.png"], style="ash", tile=64)
    for change, said in [
        ({}, "wrote 1 picture"),
        ({"tile": "off"}, "wrote 0 pictures"),
        ({"statistics": "thumbnail"}, "wrote 1 picture"),
    ]:
        caplog.clear()
        folder.stylize(recipe.replace(**change), tmp_path / "out", network=stylizer.network)
        assert said in caplog.text


def test_the_margin_is_the_stylizers(photo, make_network):
    """What tiles paint is what the network paints of the photo with its margin."""
    wide = np.pad(images.from_uint8(photo), ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "reflect")
    network = make_network()
    whole = keras.ops.convert_to_numpy(network([wide[None], np.float32([[1, 0]])]))[0]
    painted = Stylizer(network)(photo, "ash", tile=64)
    # The layers that are trained sum their statistics less exactly.
    np.testing.assert_allclose(painted, whole[MARGIN:-MARGIN, MARGIN:-MARGIN], atol=1e-4)


# === From files to files ===


def paint(network, photo, output, **options):
    recipe = StylizeRecipe(photos=[photo], style="ash", grain=0.03, **options)
    path, *_ = folder.stylize(recipe, output, network=network)
    with limits.allowing(10**6), Image.open(path) as image:
        return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strength": 0.4},
        {"colours": "luminance"},
        {"colours": "histogram", "strength": 0.9},
        {"max_side": 100},
        {"sheet": "sheet.png"},
    ],
    ids=str,
)
def test_stylize_in_tiles_as_whole(stylizer, photo, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "A. Photographer"
    Image.fromarray(photo).save("photo.png", exif=exif, icc_profile=b"a profile")
    whole = paint(stylizer.network, "photo.png", "whole.png", tile="off", **options)
    painted = paint(stylizer.network, "photo.png", "tiled.png", tile=64, **options)
    difference = np.abs(painted - whole)
    assert difference.max() <= 1 and difference.mean() < 0.02
    with Image.open("tiled.png") as image:
        assert image.getexif()[ExifTags.Base.Artist] == "A. Photographer"
        assert image.info["icc_profile"] == b"a profile"
    left = {"photo.png", "whole.png", "tiled.png", *options.get("sheet", "").split()}
    assert {path.name for path in tmp_path.iterdir()} == left


@pytest.mark.parametrize("options", [{"across": "radial"}, {"mask": True, "soften": 3.0}, {}])
def test_blends_in_tiles_as_whole(stylizer, photo, tmp_path, options):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    if "mask" in options:
        Image.fromarray(photo[..., 0]).save(tmp_path / "mask.png")
        options = {**options, "mask": tmp_path / "mask.png"}
    elif not options:
        options = {"steps": 2}
    pictures = []
    for tile in ("off", "64"):
        recipe = BlendRecipe(
            photo=tmp_path / "photo.png", styles="ash,birch", tile=tile, grain=0.03, **options
        )
        path = blends.blend(recipe, tmp_path / f"{tile}.png", network=stylizer.network)
        pictures.append(np.asarray(Image.open(path)).astype(int))
    difference = np.abs(pictures[0] - pictures[1])
    assert difference.max() <= 1 and difference.mean() < 0.02


def test_an_interrupted_command_writes_nothing(stylizer, photo, tmp_path, monkeypatch):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    runner = stages.runner

    def interrupted(chain, *others):
        if len(chain) == 3:
            raise KeyboardInterrupt
        return runner(chain, *others)

    monkeypatch.setattr(stages, "runner", interrupted)
    with pytest.raises(KeyboardInterrupt):
        paint(stylizer.network, tmp_path / "photo.png", tmp_path / "out" / "a.png", tile=64)
    assert not list((tmp_path / "out").iterdir())


def test_files_above_pillows_limit(stylizer, photo, tmp_path, monkeypatch):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UserError, match="photo.png is too large"):
        images.load(tmp_path / "photo.png")
    paint(stylizer.network, tmp_path / "photo.png", tmp_path / "a.png", tile=64)
    assert Image.MAX_IMAGE_PIXELS == 1000
    monkeypatch.setenv("CIN_STYLE_MOST_MEGAPIXELS", "0.002")
    with pytest.raises(UserError, match="photo.png is too large"):
        paint(stylizer.network, tmp_path / "photo.png", tmp_path / "b.png", tile=64)
