"""pixels.py: gradients that are those of the loss, and pictures whose loss falls."""

import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.losses.objective import StyleObjective
from cin_style.losses.vgg import VGG16
from cin_style.painting import descent, pixels
from cin_style.painting.pixels import PixelLoss
from cin_style.painting.recipes import OptimizeRecipe

RNG = np.random.default_rng(4)
LAYERS = {"block1_conv1": 1.0, "block1_conv2": 1.0}


@pytest.fixture(scope="module")
def photo(make_photo):
    return images.from_uint8(make_photo(24, 20, 5))


@pytest.fixture(scope="module")
def objective(make_photo):
    styles = [images.from_uint8(make_photo(32, 32, seed)) for seed in (6, 7)]
    return StyleObjective(
        VGG16(LAYERS, "random", "avg", "float32"),
        styles,
        content_layers={"block1_conv2": 1.0},
        style_layers=LAYERS,
        penalties={"total_variation": (100.0, {"exponent": 1.0})},
    )


def test_the_gradient_is_that_of_finite_differences(objective, photo):
    search = descent.Search(PixelLoss(objective).of(photo, 1))
    picture = (0.5 * photo + 0.25).astype("float32")
    loss, gradient = search.look_at(picture)
    gradient = gradient.astype("float64")
    for _ in range(3):
        # Mostly uphill, so that the difference stands out from float32's rounding.
        direction = np.sign(gradient) * RNG.uniform(-0.2, 1, photo.shape)
        step = 1e-3 * direction
        ahead, behind = (
            search.look_at((picture + sign * step).astype("float32"))[0] for sign in (1, -1)
        )
        assert (ahead - behind) / 2e-3 == pytest.approx((gradient * direction).sum(), rel=0.02)
    assert loss > 0 and abs(gradient).max() > 0


def test_the_loss_is_the_objectives(objective, photo):
    result = pixels.minimize(PixelLoss(objective), photo, photo, 3, style_index=1)
    terms = objective.terms(photo[None], np.int32([1]), result.picture[None])
    assert set(result.terms) == set(terms)
    for name, value in terms.items():
        assert result.terms[name] == pytest.approx(float(value[0]), rel=1e-4)
    assert result.loss == pytest.approx(sum(result.terms.values()), rel=1e-5)
    assert result.loss <= min(result.losses)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("start", ["photo", "noise"])
def test_the_loss_falls_within_the_range_of_pixels(objective, photo, optimizer, start):
    begin = photo if start == "photo" else RNG.random(photo.shape, "float32")
    seen = []
    result = pixels.minimize(
        PixelLoss(objective),
        photo,
        begin,
        40,
        optimizer=optimizer,
        watch=lambda loss, terms: seen.append((loss, dict(terms))),
    )
    assert len(result.losses) == 41 and [loss for loss, _ in seen] == result.losses[1:]
    assert result.losses[-1] < 0.5 * result.losses[0]
    assert set(seen[0][1]) == {"content_loss", "style_loss", "total_variation"}
    assert result.picture.shape == photo.shape and result.picture.dtype == np.float32
    assert 0 <= result.picture.min() and result.picture.max() <= 1
    assert not result.interrupted


def test_one_compiled_loss_serves_several_photos_and_styles(objective, photo):
    pixel_loss = PixelLoss(objective)
    for picture in (photo, photo[:, ::-1]):
        for style in (0, 1):
            found = pixels.minimize(pixel_loss, picture, photo, 1, style_index=style).losses[0]
            terms = objective.terms(picture[None], np.int32([style]), photo[None])
            expected = sum(float(value[0]) for value in terms.values())
            assert found == pytest.approx(expected, rel=1e-4)


def test_a_photo_is_looked_at_once(objective, photo, monkeypatch):
    looked_at = []
    original = objective.content_targets

    def count(images):
        looked_at.append(images.shape)
        return original(images)

    monkeypatch.setattr(objective, "content_targets", count)
    for optimizer in ("lbfgs", "adam"):
        pixels.minimize(PixelLoss(objective), photo, 1 - photo, 5, optimizer=optimizer)
    assert looked_at == [(1, 20, 24, 3)] * 2


def test_a_loss_that_is_not_finite_is_an_error(objective, photo):
    objective = StyleObjective(
        objective.loss_network, [photo], content_layers={"block1_conv2": 3e38}, style_layers=LAYERS
    )
    with pytest.raises(UserError, match="no longer finite"):
        pixels.minimize(PixelLoss(objective), photo, 1 - photo, 3)


# === From files ===


@pytest.fixture
def recipe(tmp_path, make_photo):
    for name, size in (("photo.png", (70, 50)), ("style.png", (40, 48))):
        Image.fromarray(make_photo(*size, 3)).save(tmp_path / name)
    return {
        "content": str(tmp_path / "photo.png"),
        "style": str(tmp_path / "style.png"),
        "content_layers": "block1_conv2",
        "style_layers": "block1_conv1,block1_conv2",
        "style_size": 32,
        "vgg_weights": "random",
        "iterations": 5,
    }


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("init", ["content", "noise"])
def test_a_file_in_a_file_out(recipe, tmp_path, stages, init):
    options = recipe | {"stages": stages, "init": init, "iterations": 7}
    result = pixels.optimize(OptimizeRecipe(**options), tmp_path / "new" / "out.png")
    assert len(result.losses) == (8 if stages == 1 else 4)  # of the last stage
    picture = Image.open(tmp_path / "new" / "out.png")
    assert picture.size == (70, 50)
    np.testing.assert_allclose(
        images.from_uint8(np.asarray(picture)), result.picture, atol=0.5 / 255 + 1e-6
    )


def test_a_large_photo_is_scaled_down(recipe):
    result = pixels.optimize_pixels(OptimizeRecipe(**recipe, max_side=56))
    assert result.picture.shape == (40, 56, 3)


@pytest.mark.parametrize(("stage", "call"), [(1, 3), (2, 3), (2, 1)])
def test_interrupted_it_writes_the_best_picture_so_far(recipe, tmp_path, monkeypatch, stage, call):
    searches = []
    original = descent.Search

    class Interrupted(original):
        def __init__(self, *arguments):
            searches.append(self)
            self.calls = 0
            super().__init__(*arguments)

        def look_at(self, picture):
            self.calls += 1
            if len(searches) == stage and self.calls == call:
                raise KeyboardInterrupt
            return super().look_at(picture)

    monkeypatch.setattr(descent, "Search", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        pixels.optimize(OptimizeRecipe(**recipe), tmp_path / "out.png")
    assert len(searches) == stage
    picture = images.load(tmp_path / "out.png")
    assert picture.shape == (50, 70, 3)
    # Of a stage that has looked at nothing yet, the one before counts.
    best = searches[stage - 1 if call > 1 else stage - 2].best.values
    np.testing.assert_allclose(picture, pixels._resize(best, 50, 70), atol=0.51 / 255)


def test_interrupted_before_anything_it_writes_nothing(recipe, tmp_path, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(pixels.PixelLoss, "of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pixels.optimize(OptimizeRecipe(**recipe), tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"iterations": 0}, "`iterations` must be at least 1"),
        ({"iterations": 1}, "`iterations` must be at least `stages`, one for each. Received: 1"),
        ({"stages": 4}, "short side would be 6 px in the first of 4 stages.*fewer `stages`"),
        ({"max_side": 3}, "`max_side` must be at least 16 px"),
        ({"optimizer": "sgd"}, "`optimizer` must be one of lbfgs, adam. Received: sgd"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive"),
        ({"style_size": 8}, "`style_size` must be at least 16 px"),
        ({"style": "gone.png"}, "gone.png"),
        ({"style_layers": "block1_conv9"}, "no layer block1_conv9"),
        ({"loss_network": "vgg19", "vgg_weights": "gone.npz"}, "VGG19 weights: gone.npz"),
    ],
)
def test_bad_arguments(recipe, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        pixels.optimize(OptimizeRecipe(**recipe | change), tmp_path / "out.png")
    with pytest.raises(UserError, match="out.txt"):
        pixels.optimize(OptimizeRecipe(**recipe), tmp_path / "out.txt")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("name", ["content", "style"])
def test_a_file_to_read_is_not_overwritten(recipe, name):
    given = pathlib.Path(recipe[name])
    before = given.read_bytes()
    link = given.with_name("link.png")
    link.symlink_to(given)
    for output in (given, link):
        with pytest.raises(UserError, match=f"would overwrite {given}, .*another `output`"):
            pixels.optimize(OptimizeRecipe(**recipe), output)
        assert given.read_bytes() == before and link.is_symlink()


def test_vgg19_is_another_loss_network(recipe):
    deep = recipe | {"content_layers": "block3_conv4"}
    result = pixels.optimize_pixels(OptimizeRecipe(**deep, loss_network="vgg19", stages=1))
    assert result.losses[-1] < result.losses[0]
    with pytest.raises(UserError, match="VGG16 has no layer block3_conv4"):
        pixels.optimize_pixels(OptimizeRecipe(**deep))


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(UserError, match="TensorFlow or the JAX backend.*KERAS_BACKEND=numpy"):
        descent.with_gradient(lambda array: (array.sum(), {}))
