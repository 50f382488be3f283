"""Objects set into photos and paintings: what changes, what stays, and what is refused."""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.images.cutouts import Cutout
from cin_style.painting import compositing, descent, placing
from cin_style.painting.recipes import CompositeRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.prediction import files
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView

LAYERS = {"content_layers": "block1_conv2", "style_layers": "block1_conv1,block1_conv2"}


@pytest.fixture(scope="module")
def model(tiny_network, tiny_model, tmp_path_factory):
    """The file of a network that has a predictor beside it."""
    path = tmp_path_factory.mktemp("composites") / "mine.keras"
    shutil.copy(tiny_model, path)
    keras.utils.set_random_seed(5)
    predictor = StylePredictor.of(tiny_network, StyleView(layers=("block1_conv2",), size=64))
    rng = np.random.default_rng(5)
    predictor.set_statistics(rng.normal(2, 0.5, (8, predictor.view.num_statistics)))
    predictor.save(files.beside(path))
    return path


@pytest.fixture(scope="module")
def background(make_photo):
    return make_photo(200, 150, 11)


@pytest.fixture(scope="module")
def cutout(make_photo):
    """A disc of 40 px with a soft edge."""
    down, across = np.mgrid[0:40, 0:40] - 19.5
    alpha = (20.5 - np.hypot(down, across)).clip(0, 1).astype("float32")
    return Cutout(make_photo(40, 40, 12), alpha)


def compose(cutout, background, model, **options):
    recipe = CompositeRecipe(model=str(model), **LAYERS | options)
    return compositing.compose(cutout, background, recipe, progress=False)


def test_outside_of_the_band_a_painting_stays_to_the_bit(cutout, background, model):
    result = compose(cutout, background, model, kind="painting", at="60,70", steps=2, band=0.1)
    assert result.kind == "painting" and result.picture.shape == background.shape
    down, across = np.mgrid[0:150, 0:200]
    away = np.hypot(down - 69.5, across - 59.5) - 20
    np.testing.assert_array_equal(result.picture[away > 5], background[away > 5])
    inside = away < -2
    for other in (background, result.pasted):
        assert np.abs(result.picture[inside].astype(int) - other[inside]).mean() > 3
    # In the band it is neither.
    band = (away > 0.6) & (away < 2)
    assert np.any(result.picture[band] != background[band])


def test_the_sticker_is_the_object_itself(cutout, background):
    placed = placing.Placed.of(background, cutout, (60, 70))
    np.testing.assert_array_equal(placed.pasted[60:80, 50:70], cutout.colours[10:30, 10:30])
    np.testing.assert_array_equal(placed.pasted[placed.alpha == 0], background[placed.alpha == 0])
    assert placed.alpha.sum() == pytest.approx(cutout.alpha.sum())


@pytest.mark.parametrize("slow", ["steps", "refine"])
def test_steps_bring_its_style_nearer(cutout, background, model, slow):
    placed = placing.Placed.of(background, cutout, (60, 70))
    canvas = compositing.Canvas.of(placed, 64)
    losses = {}
    for count in (0, 12):
        options = {"steps": 0, "refine": 0, slow: count, "kind": "painting"}
        result = compose(cutout, background, model, at="60,70", **options)
        part = images.from_uint8(result.picture[canvas.where])
        small = compositing.scaling.scale(part, canvas.content.shape[:2])
        recipe = compositing.complete(CompositeRecipe(**LAYERS), {})
        losses[count] = canvas.objective(recipe).style_losses(small.clip(0, 1))["object"]
    assert losses[12] < 0.8 * losses[0]


def test_into_a_photo_it_takes_the_light(cutout, background, model):
    dark = (background * 0.3).astype("uint8")
    result = compose(cutout, dark, model, kind="photo", at="60,70", relight=1.0)
    inside = result.alpha == 1
    lightness = result.picture[inside].mean(), result.pasted[inside].mean(), dark.mean()
    assert lightness[0] < 0.5 * lightness[1]
    assert abs(lightness[0] - lightness[2]) < 8
    np.testing.assert_array_equal(result.picture[result.alpha == 0], dark[result.alpha == 0])
    half = compose(cutout, dark, model, kind="photo", at="60,70", relight=0.5)
    assert lightness[0] < half.picture[inside].mean() < lightness[1]
    none = compose(cutout, dark, model, kind="photo", at="60,70", relight=0.0)
    assert np.abs(none.picture.astype(int) - none.pasted).max() <= 1


def test_what_shines_through_is_blended_once(background, model):
    half = Cutout(np.full((30, 30, 3), 200, "uint8"), np.full((30, 30), 0.5, "float32"))
    result = compose(half, background // 255, model, kind="photo", relight=0.0)
    assert np.abs(result.picture[65:85, 90:110].astype(int) - 100).max() <= 1


def test_poisson_leaves_no_step_along_the_edge(background, model):
    alpha = np.zeros((60, 60), "float32")
    alpha[10:50, 10:50] = 1
    flat = Cutout(np.full((60, 60, 3), 220, "uint8"), alpha).trimmed()
    grey = np.full((120, 160, 3), 90, "uint8") + (background[:120, :160] // 16)
    options = {"kind": "photo", "relight": 0.0, "at": "80,60"}
    hard = compose(flat, grey, model, **options).picture.astype(int)
    soft = compose(flat, grey, model, edge="poisson", **options).picture.astype(int)
    steps = [np.abs(picture[41:79, 60] - picture[41:79, 59]).mean() for picture in (hard, soft)]
    assert steps[0] > 100 and steps[1] < 12


def test_cut_off_at_the_border(cutout, background, model, caplog):
    caplog.set_level("INFO", logger="cin_style")
    result = compose(cutout, background, model, kind="painting", at="0,100%", steps=0)
    assert "75 % of the object are cut off" in caplog.text
    # Far beyond the border, a large one as well.
    large = Cutout(np.zeros((400, 400, 3), "uint8"), np.ones((400, 400), "float32"))
    with pytest.raises(UserError, match="is outside the picture"):
        compose(large, background, model, kind="photo", at="50%,500")
    assert result.picture.shape == background.shape
    assert np.any(result.picture[-10:, :10] != background[-10:, :10])


def test_large_and_small_pictures(cutout, background, model):
    large = np.repeat(np.repeat(background, 4, axis=0), 4, axis=1)
    result = compose(cutout, large, model, kind="painting", scale=4.0, steps=0)
    assert result.picture.shape == (600, 800, 3)
    tiny = compose(cutout, background[:30, :30], model, kind="painting", steps=0, scale=0.4)
    assert tiny.picture.shape == (30, 30, 3)


def test_the_picture_says_what_it_is(cutout, background, model, monkeypatch):
    seen = []

    def is_painting(picture):
        seen.append(picture.shape)
        return len(seen) == 1

    monkeypatch.setattr(compositing, "is_painting", is_painting)
    kinds = [compose(cutout, background, model, steps=0).kind for _ in range(2)]
    assert kinds == ["painting", "photo"] and seen == [background.shape] * 2


def test_interrupted_it_keeps_the_best_so_far(cutout, background, model, monkeypatch):
    original, calls = descent.Search.look_at, []

    def look_at(self, values):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, values)

    monkeypatch.setattr(descent.Search, "look_at", look_at)
    for at in (1, 3):
        calls[:] = [1] * (3 - at)
        result = compose(cutout, background, model, kind="painting", steps=20)
        assert result.interrupted and np.any(result.picture != background)


def test_a_stylizer_that_is_there_is_used(cutout, background, model):
    expected = compose(cutout, background, model, kind="painting", steps=0).picture
    recipe = CompositeRecipe(kind="painting", steps=0, **LAYERS)
    stylizer = Stylizer(model)
    found = compositing.compose(cutout, background, recipe, stylizer=stylizer, progress=False)
    np.testing.assert_array_equal(found.picture, expected)


def test_on_what_is_blank_there_is_no_style(cutout, background, model):
    with pytest.raises(UserError, match="the picture is blank around the object"):
        compose(cutout, np.full_like(background, 90), model, kind="painting")


# === From files ===


@pytest.fixture
def desk(cutout, background, model, tmp_path):
    alpha = (cutout.alpha * 255).astype("uint8")
    Image.fromarray(np.dstack([cutout.colours, alpha])).save(tmp_path / "disc.png")
    images.save(tmp_path / "ground.png", background)
    files_ = {"object": tmp_path / "disc.png", "into": tmp_path / "ground.png"}
    return {**files_, "model": model, "kind": "painting", "steps": 0, **LAYERS}


def test_files_in_a_file_out(desk, tmp_path):
    output = tmp_path / "new" / "out.png"
    result = compositing.composite(CompositeRecipe(**desk, at="30%,40%"), output)
    np.testing.assert_array_equal(np.asarray(Image.open(output)), result.picture)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"object": "gone.png"}, "gone.png"),
        ({"into": "gone.png"}, "gone.png"),
        ({"at": "900,70"}, "is outside the picture of 200 x 150 px. Give another `at`"),
        ({"at": "here"}, "`at` must be X,Y in px, or in %"),
        ({"at": "nan,3"}, "`at` must be X,Y"),
        ({"mask": "a.png", "box": "1,2,3,4"}, "give `mask` or `box`"),
        ({"scale": 0.0}, "`scale` must be positive"),
        ({"scale": 0.01}, "too small. Give a larger `scale`"),
        ({"scale": 50.0}, "far more than the picture. Give a smaller"),
        ({"kind": "drawing"}, "`kind` must be one of auto, photo, painting"),
        ({"predictor": "gone.npz"}, "no such predictor"),
    ],
)
def test_bad_arguments(desk, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        compositing.composite(CompositeRecipe(**desk | change), tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_nothing_that_is_read_is_overwritten(desk):
    for name in ("object", "into"):
        with pytest.raises(UserError, match="would overwrite"):
            compositing.composite(CompositeRecipe(**desk), desk[name])
