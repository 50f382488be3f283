"""photorealism.py and recolouring.py: a photo in another light, from arrays and from files."""

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import segments
from cin_style.images.segments import Segments
from cin_style.painting import descent, photorealism, recolouring
from cin_style.painting.recipes import PhotorealRecipe
from cin_style.painting.recolouring import Scene

RNG = np.random.default_rng(0)
LAYERS = {"content_layers": "block1_conv2", "style_layers": "block1_conv1,block1_conv2"}
QUICK = {"work_side": 64, "iterations": 8, **LAYERS}


def halves(height, width):
    share = np.zeros((height, width, 2), "float32")
    share[: height // 2, :, 0] = share[height // 2 :, :, 1] = 1
    return share


@pytest.fixture(scope="module")
def photos(make_photo):
    """Content, style image and truth: the upper half becomes red and dark, the lower half pale."""
    content = images.from_uint8(make_photo(72, 60, 3))
    truth = content.copy()
    truth[:30] *= np.float32([0.8, 0.4, 0.3])
    truth[30:] = 0.4 * truth[30:] + 0.55
    return content, np.ascontiguousarray(truth[:, ::-1]), truth


@pytest.fixture(scope="module")
def both():
    return Segments(halves(60, 72), halves(60, 72), ("up", "down"))


def distance(one, other):
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("method", ["colours", "grid", "pixels"])
def test_it_comes_near_the_truth(photos, both, method):
    content, style, truth = photos
    recipe = PhotorealRecipe(method=method, **QUICK | {"iterations": 20})
    result = photorealism.transfer(content, style, recipe, found=both, progress=False)
    assert result.picture.shape == content.shape and result.picture.dtype == np.uint8
    # Pixels go far in hundreds of iterations.
    near = 0.6 if method == "pixels" else 0.35
    assert distance(result.picture / 255, truth) < near * distance(content, truth)
    assert not result.interrupted and result.scores is None
    if method == "colours":
        assert result.terms == {}
    else:
        last = {"grid": {"smoothness", "range"}, "pixels": {"matting"}}[method]
        assert set(result.terms) == {"content_loss", "style_loss", *last}


def test_without_segments_it_comes_less_near(photos, both):
    content, style, truth = photos
    recipe = PhotorealRecipe(method="colours", segments="none")
    whole = photorealism.transfer(content, style, recipe).picture / 255
    apart = photorealism.transfer(content, style, recipe, found=both).picture / 255
    assert distance(apart, truth) < 0.5 * distance(whole, truth)


@pytest.mark.parametrize("method", ["grid", "pixels"])
def test_the_loss_falls(photos, both, method):
    seen = []
    scene = Scene.of(photos[0], photos[1], both, 48)
    make = photorealism.objective_maker(PhotorealRecipe(**LAYERS))
    by = {"grid": recolouring.by_grid, "pixels": recolouring.by_pixels}[method]
    _, found = by(scene, make, 8, watch=lambda loss, terms: seen.append(loss))
    assert len(seen) == 8
    assert found.losses[-1] < found.losses[0]


@pytest.mark.parametrize("method", ["colours", "grid", "pixels"])
def test_a_large_photo_stays_sharp_and_equals_its_tiles(photos, both, method, monkeypatch):
    content, style, _ = photos
    large = np.repeat(np.repeat(images.to_uint8(content), 4, axis=0), 4, axis=1)
    large = np.clip(large.astype(int) + RNG.integers(-20, 20, (240, 288, 1)), 0, 255).astype(
        "uint8"
    )
    recipe = PhotorealRecipe(method=method, **QUICK)
    result = photorealism.transfer(large, style, recipe, found=both, progress=False)
    assert result.picture.shape == large.shape
    # What is finer than the size at which was learned is in the picture.
    both_ways = (large.mean(axis=-1), result.picture.mean(axis=-1))
    ours, theirs = (np.diff(one, axis=1).ravel() for one in both_ways)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.7
    monkeypatch.setattr("cin_style.images.guided._TILE", 50)
    again = result.recolouring.apply(large)
    assert np.abs(again.astype(int) - result.picture).max() <= 1


@pytest.mark.parametrize("where", ["in the first stage", "between stages"])
def test_interrupted_it_keeps_the_best_so_far(photos, both, monkeypatch, where):
    original, calls = descent.Search.look_at, []

    def look_at(self, values):
        if where == "between stages":
            stop = bool(calls) and self.best is None and calls[-1] is not self
        else:
            stop = len(calls) == 3
        calls.append(self)
        if stop:
            raise KeyboardInterrupt
        return original(self, values)

    monkeypatch.setattr(descent.Search, "look_at", look_at)
    recipe = PhotorealRecipe(**QUICK)
    result = photorealism.transfer(*photos[:2], recipe, found=both, progress=False)
    assert result.interrupted and result.picture.shape == photos[0].shape


def test_a_callable_finds_the_segments(photos):
    names = ["sky", "sea"]

    def segmenter(photo):
        return halves(*photo.shape[:2]).argmax(-1), names

    recipe = PhotorealRecipe(method="colours")
    result = photorealism.transfer(*photos[:2], recipe, segmenter=segmenter)
    assert result.segments.names == ("sky", "sea")


def test_nima_scores_and_counts(photos, both):
    recipe = PhotorealRecipe(**QUICK | {"iterations": 2}, nima="random", nima_weight=1e3)
    result = photorealism.transfer(*photos[:2], recipe, found=both, progress=False)
    assert result.terms["nima"] > 0
    assert all(1 < score < 10 for score in result.scores)


# === From files ===


@pytest.fixture
def desk(photos, tmp_path):
    """Two photos and their masks as files, and the recipe that names them."""
    for name, photo in zip(("day", "dusk"), photos, strict=False):
        images.save(tmp_path / f"{name}.png", photo)
        segments.save(tmp_path / f"{name}_mask.png", halves(60, 72))
    names = {
        "content": "day",
        "style": "dusk",
        "content_mask": "day_mask",
        "style_mask": "dusk_mask",
    }
    return {key: str(tmp_path / f"{name}.png") for key, name in names.items()}


def test_files_in_a_file_out(desk, tmp_path, photos):
    recipe = PhotorealRecipe(**desk, method="colours", save_masks=str(tmp_path / "masks"))
    result = photorealism.photoreal(recipe, tmp_path / "new" / "out.png")
    picture = np.asarray(Image.open(tmp_path / "new" / "out.png"))
    np.testing.assert_array_equal(picture, result.picture)
    assert distance(picture / 255, photos[2]) < 0.02
    again = recipe.replace(
        content_mask=str(tmp_path / "masks" / "content.png"),
        style_mask=str(tmp_path / "masks" / "style.png"),
        save_masks="",
    )
    np.testing.assert_allclose(
        photorealism.photoreal(again, tmp_path / "again.png").picture, picture, atol=1
    )


def test_interrupted_the_best_so_far_is_written(desk, tmp_path, monkeypatch):
    original = descent.Search.look_at
    calls = []

    def look_at(self, values):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(self, values)

    monkeypatch.setattr(descent.Search, "look_at", look_at)
    with pytest.raises(KeyboardInterrupt):
        photorealism.photoreal(PhotorealRecipe(**desk, **QUICK), tmp_path / "out.png")
    assert Image.open(tmp_path / "out.png").size == (72, 60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content": "gone.png"}, "gone.png"),
        ({"style_mask": ""}, "give `content_mask` and `style_mask`, in which"),
        ({"segments": "40"}, "`segments` must be from 1 to 12. Received: 40"),
        ({"method": "magic"}, "`method` must be one of grid, pixels, colours"),
        ({"nima": "gone.h5"}, "no such file of NIMA weights: gone.h5"),
        ({"nima_weight": 1.0}, "`nima_weight` needs the weights of NIMA"),
        ({"nima_weight": 1.0, "nima": "a.h5", "method": "colours"}, "learns nothing"),
        ({"style_layers": "block4_conv1"}, "lack the layer block4_conv1"),
        ({"work_side": 8}, "`work_side` must be at least 64 px"),
    ],
)
def test_bad_arguments(desk, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        photorealism.photoreal(PhotorealRecipe(**desk | change), tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_nothing_that_is_read_is_overwritten(desk, tmp_path):
    for output, more in [
        (desk["content"], {}),
        (desk["style_mask"], {}),
        (tmp_path / "out.png", {"save_masks": str(tmp_path / "masks")}),
    ]:
        (tmp_path / "masks").mkdir(exist_ok=True)
        link = tmp_path / "masks" / "content.png"
        if not link.exists():
            link.symlink_to(desk["content"])
        with pytest.raises(UserError, match="would overwrite"):
            photorealism.photoreal(PhotorealRecipe(**desk, **more, method="colours"), output)


def test_layers_are_as_deep_as_the_weights():
    def layers(**options):
        maker = photorealism.objective_maker(PhotorealRecipe(**options))
        white = np.ones((64, 64, 3), "float32")
        scene = Scene(white, white, Segments.whole((64, 64), (64, 64)))
        objective = maker(scene)
        return [*objective.content_layers], [*objective.style_layers]

    assert layers() == (["block3_conv1"], [f"block{k}_conv1" for k in (1, 2, 3)])
    deep = layers(vgg_weights="random")
    assert deep == (["block4_conv2"], [f"block{k}_conv1" for k in (1, 2, 3, 4, 5)])
