"""stylizer.py: any size in, the same size out, in any styles."""

import keras
import numpy as np
import pytest

from cin_style import images
from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.painting import stylizer as stylizing
from cin_style.painting.stylizer import Stylizer


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    return Stylizer(tiny_network)


@pytest.fixture
def photo(make_photo):
    return images.from_uint8(make_photo(41, 30, 11))


def directly(network, photo, *rows):
    """The network called by hand, once for each row of style weights, with a margin around."""
    wide = np.pad(photo, ((16, 16), (16, 16), (0, 0)), mode="reflect")[None]
    painted = [keras.ops.convert_to_numpy(network([wide, np.float32([row])]))[0] for row in rows]
    return np.stack(painted)[:, 16:-16, 16:-16]


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
        with pytest.raises(UserError, match="--grain must be at least 0"):
            Stylizer(network, grain=bad)


@pytest.mark.parametrize("pixels", [1, 30 * 41, 2 * 30 * 41 + 1, 3 * 30 * 41])
def test_large_jobs_are_done_in_parts(tiny_network, photo, monkeypatch, pixels):
    stylizer = Stylizer(tiny_network)
    whole = stylizer(photo, [0, 1, 2, 1])
    sizes, paint = [], stylizer._paint_rows

    def noting(painter, photo, rows):
        sizes.append(len(rows))
        return paint(painter, photo, rows)

    monkeypatch.setattr(stylizing, "_PIXELS_AT_ONCE", pixels)
    monkeypatch.setattr(stylizer, "_paint_rows", noting)
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

    compile_ = stylizing._compile
    monkeypatch.setattr(stylizing, "_compile", lambda model: compile_(Counting(model)))
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
        (np.zeros((40, 40)), r"array \(height, width, 3\). Received: shape \(40, 40\)"),
        (np.zeros((1, 40, 40, 3)), "Received: shape"),
        (np.zeros((40, 40, 4)), "Received: shape"),
        (np.zeros((40, 40, 3), "uint8"), "floats in .0, 1.. Received: .* uint8; .*from_uint8"),
    ]:
        with pytest.raises(UserError, match=message):
            stylizer(bad, "ash")
