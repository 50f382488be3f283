"""stylizer.py: any size in, the same size out, in any styles."""

import concurrent.futures
import functools
import io
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.painting import stylizer as stylizing
from cin_style.painting.stylizer import MARGIN, Stylizer
from cin_style.runtimes import keras_runtime


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    return Stylizer(tiny_network)


@pytest.fixture
def photo(make_photo):
    return images.from_uint8(make_photo(41, 30, 11))


def directly(network, photo, *rows):
    """The network called by hand, once for each row of style weights, with a margin around."""
    wide = np.pad(photo, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="reflect")[None]
    painted = [keras.ops.convert_to_numpy(network([wide, np.float32([row])]))[0] for row in rows]
    return np.stack(painted)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]


# === Stylizer ===


SIZES = [(16, 16), (16, 70), (17, 19), (41, 30), (64, 64), (63, 50), (70, 33), (69, 70)]


@pytest.mark.parametrize("width,height", SIZES)
def test_any_size_gives_the_same_size(stylizer, tiny_network, make_photo, width, height):
    photo = images.from_uint8(make_photo(width, height, 2))
    pastiche = stylizer(photo, "birch")
    assert pastiche.shape == (height, width, 3) and pastiche.dtype == np.float32
    assert 0 <= pastiche.min() and pastiche.max() <= 1 and pastiche.std() > 0.01
    expected = directly(tiny_network, photo, [0, 1, 0])[0]
    np.testing.assert_allclose(pastiche, expected, atol=1e-5)


def test_one_style_by_name_by_number_and_by_weights(stylizer, photo):
    by_name = stylizer(photo, "cedar")
    for style in (2, "2", np.int64(2), np.float32([0, 0, 1])):
        np.testing.assert_array_equal(stylizer(photo, style), by_name)
    for other in ("ash", "birch"):
        assert abs(stylizer(photo, other) - by_name).max() > 0.05


def test_several_styles_are_as_one_by_one(stylizer, tiny_network, photo):
    blend = np.float32([0.2, 0.3, 0.5])
    together = stylizer(photo, ["ash", 1, blend, "ash"])
    assert together.shape == (4, 30, 41, 3)
    alone = np.stack([stylizer(photo, style) for style in ("ash", "birch", blend, "ash")])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    expected = directly(tiny_network, photo, [1, 0, 0], [0, 1, 0], blend, [1, 0, 0])
    np.testing.assert_allclose(together, expected, atol=1e-5)
    assert stylizer(photo, ["birch"]).shape == (1, 30, 41, 3)


def test_grain_is_laid_over_the_photo(tiny_network, stylizer, photo):
    assert stylizer.grain == 0
    grainy = Stylizer(tiny_network, grain=0.05)
    expected = stylizer(images.add_grain(photo, 0.05, np.random.default_rng(0)), "ash")
    np.testing.assert_array_equal(grainy(photo, "ash"), expected)
    np.testing.assert_array_equal(grainy(photo, "ash"), expected)  # the same each time
    assert abs(grainy(photo, "ash") - stylizer(photo, "ash")).max() > 0.01


def test_a_network_says_how_much_grain_it_is_made_for(tiny_network, tmp_path, monkeypatch):
    network = tiny_network.select(["ash", "cedar"])
    monkeypatch.setattr(network, "grain", 0.03)
    storage.save(network.append(["oak"], network.get_style_embeddings()[:1]), tmp_path / "a.keras")
    assert Stylizer(tmp_path / "a.keras").grain == 0.03
    assert Stylizer(tmp_path / "a.keras", grain=0.0).grain == 0
    for bad in (-0.1, np.nan):
        with pytest.raises(UserError, match="`grain` must be at least 0"):
            Stylizer(network, grain=bad)


@pytest.mark.parametrize("pixels", [1, 30 * 41, 2 * 30 * 41 + 1, 3 * 30 * 41])
def test_large_jobs_are_done_in_parts(stylizer, photo, monkeypatch, pixels):
    whole = stylizer(photo, [0, 1, 2, 1])
    sizes, run = [], stylizing._run

    def noting(paint, photos, *inputs):
        sizes.append(len(photos))
        return run(paint, photos, *inputs)

    monkeypatch.setattr(stylizing, "_PIXELS_AT_ONCE", pixels)
    monkeypatch.setattr(stylizing, "_run", noting)
    np.testing.assert_allclose(stylizer(photo, [0, 1, 2, 1]), whole, atol=1e-5)
    at_once = max(1, pixels // (30 * 41))
    assert sizes == [min(at_once, 4 - start) for start in range(0, 4, at_once)]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's tracing")
def test_a_new_image_size_is_not_traced_anew(tiny_network, make_photo, monkeypatch):
    class Counting:
        traces = 0

        def __init__(self, model):
            self.model, self.inputs = model, model.inputs

        def __call__(self, inputs, training):
            Counting.traces += 1
            return self.model(inputs, training=training)

    compile_ = keras_runtime._compile
    monkeypatch.setattr(keras_runtime, "_compile", lambda model: compile_(Counting(model)))
    stylizer = Stylizer(tiny_network)
    for width, height in SIZES[:4]:
        stylizer(images.from_uint8(make_photo(width, height, 0)), [0, 1])
    assert Counting.traces == 1


def test_from_a_file(tiny_model, stylizer, photo):
    for model in (tiny_model, str(tiny_model)):
        np.testing.assert_allclose(Stylizer(model)(photo, 0), stylizer(photo, 0), atol=1e-6)


def test_errors(stylizer, photo):
    for styles, message in [
        ("birsh", "no style named birsh. Did you mean birch?"),
        (["ash", 3], "no style number 3: .* numbered 0 to 2"),
        ([], "no style given"),
        (np.float32([1, 0]), r"shape \(3,\), one weight for each style. Received: shape \(2,\)"),
        ([0.5, 0.5, 0.0], r"shape \(3,\).*Received: shape \(\)"),
    ]:
        with pytest.raises(UserError, match=message):
            stylizer(photo, styles)
    for bad, message in [
        (np.zeros((15, 40, 3)), "the photo is 40 x 15 px, but the network needs at least 16 px"),
        (np.zeros((40, 15, 3)), "the photo is 15 x 40 px"),
        (np.zeros((40, 40, 2)), r"array \(height, width, 3\). Received: shape \(40, 40, 2\)"),
        (np.zeros((2, 1, 40, 40, 3)), "Received: shape"),
        (np.full((40, 40, 3), 255.0), "must be in .0, 1.. Received: values from 255 to 255"),
        (np.full((40, 40, 3), np.nan), "must be in .0, 1.. Received: values from nan"),
        (np.zeros((40, 40, 3), "int32"), "uint8 or floats in .0, 1.. Received: ndarray of int32"),
        (np.zeros((0, 40, 40, 3)), "Received: shape"),
        ({"a": 1}, "a photo must be a path, a PIL image or an array"),
        ("gone.jpg", "no such photo: gone.jpg"),
        (pathlib.Path("gone.jpg"), "no such photo: gone.jpg"),
    ]:
        with pytest.raises(UserError, match=message):
            stylizer(bad, "ash")


# === What a photo can be ===


def test_photos_of_every_kind(stylizer, make_photo):
    pixels = make_photo(41, 30, 11)
    expected = stylizer(images.from_uint8(pixels), "ash")
    for photo in (pixels, Image.fromarray(pixels), images.from_uint8(pixels).astype("float64")):
        np.testing.assert_array_equal(stylizer(photo, "ash"), expected)
    rotated = Image.fromarray(np.rot90(pixels).copy())
    rotated.getexif()[274] = 6  # to be turned by 90 degrees clockwise
    np.testing.assert_array_equal(stylizer(rotated, "ash"), expected)
    grey = pixels[..., 0]
    as_rgb = stylizer(np.stack([grey] * 3, axis=-1), "ash")
    for photo in (grey, grey[..., None], Image.fromarray(grey)):
        np.testing.assert_array_equal(stylizer(photo, "ash"), as_rgb)
    faint = np.concatenate([pixels, np.full((30, 41, 1), 51, "uint8")], axis=-1)
    on_white = 0.2 * images.from_uint8(pixels) + 0.8
    np.testing.assert_allclose(stylizer(faint, "ash"), stylizer(on_white, "ash"), atol=1e-3)


def test_several_photos(stylizer, make_photo):
    photos = [make_photo(41, 30, seed) for seed in range(3)]
    alone = [stylizer(photo, ["ash", "cedar"]) for photo in photos]
    for together in (stylizer(photos, ["ash", "cedar"]), stylizer(np.stack(photos), [0, 2])):
        assert len(together) == 3
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one, other)
    mixed = stylizer([photos[0], make_photo(20, 50, 5)], "ash")
    assert [picture.shape for picture in mixed] == [(30, 41, 3), (50, 20, 3)]


def test_photos_as_files(stylizer, make_photo, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(make_photo(41, 30, 11)).save(path)
    expected = stylizer(images.load(path), "ash")
    np.testing.assert_array_equal(stylizer(path, "ash"), expected)
    for picture in stylizer([str(path), path], "ash"):
        np.testing.assert_array_equal(picture, expected)


# === What else the command can ===


def test_strength_and_colours(stylizer, photo):
    pastiches = stylizer(photo, ["ash", "cedar"])
    painted = stylizer(photo, ["ash", "cedar"], strength=0.4, colours="luminance")
    for picture, pastiche in zip(painted, pastiches, strict=True):
        expected = images.mix(photo, images.keep_colours(photo, pastiche, "luminance"), 0.4)
        np.testing.assert_allclose(picture, expected, atol=1e-6)
    np.testing.assert_array_equal(stylizer(photo, "ash", strength=0), photo)
    # Of a map, of an embedding, and of several photos.
    half = np.broadcast_to(np.float32([1, 0, 0]), (*photo.shape[:2], 3))
    expected = images.mix(photo, stylizer(photo, "ash"), 0.5)
    embedding = stylizer.network.get_style_embeddings()[0]
    for picture in (
        stylizer(photo, half, strength=0.5),
        stylizer(photo, embedding=embedding, strength=0.5),
        stylizer([photo], "ash", strength=0.5)[0],
        stylizer(photo[None], "ash", strength=0.5)[0],
    ):
        np.testing.assert_allclose(picture, expected, atol=1e-5)


def test_strength_and_colours_are_checked_before_painting(stylizer, photo, monkeypatch):
    monkeypatch.setattr(stylizing, "_run", None)
    with pytest.raises(UserError, match="`strength` must be from 0 to 1. Received: 1.5"):
        stylizer(photo, "ash", strength=1.5)
    with pytest.raises(UserError, match="`colours` must be one of style, luminance, histogram"):
        stylizer(photo, "ash", colours="sepia")


def test_what_a_stylizer_says_of_itself(stylizer, tiny_network):
    assert stylizer.styles == ("ash", "birch", "cedar")
    assert repr(stylizer) == "<Stylizer of 3 styles: ash, birch, cedar; grain 0>"
    four = Stylizer(
        tiny_network.append(["elm"], tiny_network.get_style_embeddings()[:1]), grain=0.1
    )
    assert repr(four) == "<Stylizer of 4 styles: ash, birch, cedar, ...; grain 0.1>"


# === Embeddings and maps ===


def test_embeddings_in_place_of_styles(stylizer, tiny_network, photo):
    embeddings = tiny_network.get_style_embeddings()
    np.testing.assert_array_equal(
        stylizer(photo, embedding=embeddings), stylizer(photo, ["ash", "birch", "cedar"])
    )
    half = 0.5 * embeddings[0] + 0.5 * embeddings[2]
    blend = stylizer(photo, {"ash": 0.5, "cedar": 0.5})
    np.testing.assert_allclose(stylizer(photo, embedding=half), blend, atol=1e-5)
    for arguments, message in [
        ({}, "give either `styles` or `embedding`"),
        ({"styles": "ash", "embedding": half}, "give either `styles` or `embedding`"),
        ({"embedding": half[:-1]}, r"`embedding` must be \(\d+,\) or \(count, \d+\)"),
        ({"embedding": embeddings[:0]}, "`embedding` must be"),
        ({"embedding": half * np.nan}, "`embedding` holds numbers that are not finite"),
    ]:
        with pytest.raises(UserError, match=message):
            stylizer(photo, **arguments)


def test_a_map_gives_every_pixel_its_blend(stylizer, photo):
    blend = np.float32([0.25, 0, 0.75])
    constant = np.broadcast_to(blend, (*photo.shape[:2], 3))
    expected = stylizer(photo, blend)
    np.testing.assert_allclose(stylizer(photo, constant), expected, atol=1e-6)
    halves = np.zeros((*photo.shape[:2], 3), "float32")
    halves[:, :20, 0], halves[:, 20:, 1] = 1, 1
    painted = stylizer(photo, halves)
    ash, birch = stylizer(photo, ["ash", "birch"])
    assert np.abs(painted - ash)[:, :5].mean() < np.abs(painted - birch)[:, :5].mean()
    assert np.abs(painted - birch)[:, -5:].mean() < np.abs(painted - ash)[:, -5:].mean()
    with pytest.raises(UserError, match=r"\(30, 41, 3\). Received: shape \(30, 40, 3\)"):
        stylizer(photo, halves[:, :-1])


# === No state ===


def test_eight_threads_paint_what_each_would_alone(tiny_network, make_photo):
    embeddings = np.random.default_rng(4).normal(1, 0.4, (8, tiny_network.embedding_size))
    network = tiny_network.with_styles([f"s{index}" for index in range(8)], embeddings)
    # Of two sizes: JAX compiles anew for each.
    photos = [make_photo(30 + 3 * (index % 2), 40, index) for index in range(8)]
    rows = np.eye(8, dtype="float32")

    def job(stylizer, index):
        # Maps of one style and of two, blends and single styles, all at once.
        size = photos[index].shape[:2]
        half = np.broadcast_to((rows[index] + rows[(index + 1) % 8]) / 2, (*size, 8))
        whole = np.broadcast_to(rows[index], (*size, 8))
        kinds = (index, {index: 0.5, (index + 3) % 8: 0.5}, half, whole)
        return [stylizer(photos[index], kind) for kind in kinds]

    # Nobody else uses it.
    other = Stylizer(network)
    alone = [job(other, index) for index in range(8)]
    shared = Stylizer(network)
    before = [np.array(keras.ops.convert_to_numpy(weight)) for weight in network.weights]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            together = list(pool.map(functools.partial(job, shared), range(8)))
            for mine, theirs in zip(together, alone, strict=True):
                for one, other in zip(mine, theirs, strict=True):
                    np.testing.assert_allclose(one, other, atol=1e-6)
    for old, new in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))


def test_pictures_stay_when_the_network_is_trained_on(tiny_network, photo):
    network = tiny_network.select(["ash", "birch"])
    stylizer = Stylizer(network)
    before = stylizer(photo, ["ash", "birch"])
    for layer in network.convolutions:
        layer.kernel.assign(keras.ops.convert_to_numpy(layer.kernel) * 2)
    network.set_style_embeddings(network.get_style_embeddings() + 1)
    np.testing.assert_array_equal(stylizer(photo, ["ash", "birch"]), before)
    assert abs(Stylizer(network)(photo, "ash") - before[0]).max() > 0.01
    # Nor does a Stylizer leave traces on the network.
    assert len(network.get_layer("contract_1_conv")._inbound_nodes) == 1


def test_ten_thousand_styles_cost_what_one_costs(tiny_network, photo, monkeypatch):
    """What is painted with holds as many styles as the picture wants, not as the network has."""
    embedding = tiny_network.get_style_embeddings()
    many = tiny_network.with_styles(
        [f"s{index}" for index in range(10_000)], np.resize(embedding, (10_000, embedding.shape[1]))
    )
    given, run = [], stylizing._run

    def noting(paint, photos, *inputs):
        given.append([value.shape for value in inputs])
        return run(paint, photos, *inputs)

    monkeypatch.setattr(stylizing, "_run", noting)
    picture = Stylizer(many)(photo, {"s0": 0.5, "s9998": 0.5})
    assert given == [[(1, 1, embedding.shape[1]), (1, 1)]]
    expected = Stylizer(tiny_network)(photo, {"ash": 0.5, "cedar": 0.5})
    np.testing.assert_allclose(picture, expected, atol=1e-5)


def test_another_dtype_policy(tiny_network, photo):
    coarse = Stylizer(tiny_network, dtype="mixed_bfloat16")(photo, "ash")
    difference = np.abs(coarse - Stylizer(tiny_network)(photo, "ash"))
    assert 0 < difference.max() and difference.mean() < 0.02
    assert {layer.compute_dtype for layer in tiny_network.layers} == {"float32"}


def test_in_a_notebook_it_is_a_picture(tiny_network):
    pytest.importorskip("skimage")
    for shown in (tiny_network, Stylizer(tiny_network)):
        picture = Image.open(io.BytesIO(shown._repr_jpeg_()))
        assert picture.format == "JPEG" and picture.width > 4 * 128
