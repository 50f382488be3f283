"""Training a style predictor: batches, a step, whole runs in the small, and what is refused."""

import json
import shutil

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from cin_style import tables
from cin_style.errors import UserError
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.objective import StyleObjective
from cin_style.losses.recipe import complete
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import LAYERS, StyleView, look
from cin_style.styles.style_set import StyleSet
from cin_style.training import callbacks
from cin_style.training.photos import FolderPhotos
from cin_style.training.predict import evaluate, train_predictor
from cin_style.training.predictor_recipe import PredictorRecipe
from cin_style.training.predictor_trainer import (
    KnownStyles,
    PredictorBatches,
    PredictorTrainer,
    embedding_distance,
    warm_up,
)
from cin_style.training.style_images import (
    Pictures,
    StyleImages,
    open_paintings,
    recolour,
    with_colours_of,
)

OPTIONS = {
    "steps": 4,
    "batch_size": 2,
    "image_size": 32,
    "style_size": 32,
    "style_crop": 32,
    "generated": 2,
    "vgg_weights": "random",
    "precision": "float32",
    "holdout": 2,
    "warm_steps": 5,
    "learning_rate": 1e-3,
    "checkpoint_every": 2,
    "preview_every": 2,
}


@pytest.fixture(scope="module")
def painting_folder(tmp_path_factory, make_photo):
    """Five paintings, two of which are called like styles of `tiny_network`."""
    folder = tmp_path_factory.mktemp("paintings")
    for seed, name in enumerate(("ash", "birch", "dune", "elm", "fog")):
        Image.fromarray(make_photo(60, 44, 30 + seed)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def recipe(painting_folder, photo_folder):
    """Four steps on four of the paintings."""
    return PredictorRecipe(
        styles=(painting_folder,),
        held_out_styles=(painting_folder / "fog.png",),
        content=photo_folder,
        **OPTIONS,
    )


@pytest.fixture(scope="module")
def finished(tiny_network, recipe, tmp_path_factory):
    """The run folder of an uninterrupted run, and the predictor it returned."""
    output = tmp_path_factory.mktemp("predictor") / "run"
    return output, train_predictor(recipe, output, network=tiny_network)


@pytest.fixture
def known():
    """Two styles that differ, as statistics and as embeddings."""
    rng = np.random.default_rng(3)
    statistics = rng.normal(size=(2, 3, StyleView().num_statistics)).astype("float32")
    return KnownStyles(statistics, rng.normal(size=(2, 10)).astype("float32"))


# === Data ===


def batches(photo_folder, painting_folder, known=None, start=0):
    photos = FolderPhotos(photo_folder)
    paintings = Pictures(sorted(painting_folder.iterdir()))
    style_images = StyleImages([(paintings, 2.0), (photos, 1.0)], size=24)
    options = {"batch_size": 3, "image_size": 32, "seed": 5, "start": start, "grain": 0.1}
    return PredictorBatches(photos, style_images, known, **options)


def test_a_batch_depends_on_seed_and_step_alone(photo_folder, painting_folder, known):
    whole = batches(photo_folder, painting_folder, known)
    ((photos, style_images, statistics, embeddings),) = whole[0]
    assert photos.shape == (3, 32, 32, 3) and style_images.shape == (3, 24, 24, 3)
    assert len(statistics) == len(embeddings) == 16
    assert 0 <= style_images.min() and style_images.max() <= 1
    later = batches(photo_folder, painting_folder, known, start=2)
    for one, other in zip(whole[2][0], later[0][0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(np.any(one != other) for one, other in zip(whole[3][0], later[0][0], strict=True))


def test_without_known_styles_there_is_nothing_to_regress_on(photo_folder, painting_folder):
    (batch,) = batches(photo_folder, painting_folder)[0]
    assert len(batch) == 2


def test_held_out_images_are_left_out_by_whatever_name(painting_folder, tmp_path):
    link = tmp_path / "another_name.png"
    link.symlink_to(painting_folder / "dune.png")
    pictures, all_paintings, held_out = open_paintings([str(painting_folder)], [str(link)])
    assert [path.stem for path in pictures.paths] == ["ash", "birch", "elm", "fog"]
    assert len(all_paintings) == 4 and held_out == [link]
    many = [str(painting_folder / "ash.png")] * 20
    assert len(open_paintings(many)[2]) == 2


def test_unreadable_style_images_are_skipped(painting_folder, tmp_path):
    for name in ("ash", "birch"):
        shutil.copy(painting_folder / f"{name}.png", tmp_path)
    (tmp_path / "broken.png").write_text("no image")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    source, _, _ = open_paintings([str(tmp_path)], [str(painting_folder / "dune.png")])
    assert source.fingerprint().startswith("4 pictures, ")
    style_images = StyleImages([(source, 1.0)], size=16)
    for seed in range(12):
        assert style_images.draw(np.random.default_rng(seed)).shape == (16, 16, 3)
    assert set(style_images.skipped) == {
        str(tmp_path / name) for name in ("broken.png", "gone.png")
    }
    with pytest.raises(UserError, match="none of the 1 style images can be read"):
        StyleImages([(Pictures([tmp_path / "broken.png"]), 1.0)], 16).draw(np.random.default_rng(0))


def test_other_colours_are_in_range_and_leave_the_drawing(make_photo):
    image = make_photo(30, 20, 1).astype("float32") / 255
    changed = recolour(image, np.random.default_rng(1))
    assert changed.dtype == np.float32 and changed.shape == image.shape
    assert 0 <= changed.min() and changed.max() <= 1
    assert np.abs(changed - image).mean() > 0.02


def test_an_image_takes_the_colours_of_another(make_photo):
    image, other = (make_photo(30, 20, seed).astype("float32") / 255 for seed in (1, 2))
    changed = with_colours_of(image, 0.3 + 0.4 * other)
    assert changed.dtype == np.float32 and changed.shape == image.shape
    expected = (0.3 + 0.4 * other).mean(axis=(0, 1))
    np.testing.assert_allclose(changed.mean(axis=(0, 1)), expected, atol=0.03)


def test_collages_are_two_images_side_by_side(tmp_path):
    for name, colour in {"red": (200, 0, 0), "blue": (0, 0, 200)}.items():
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{name}.png")
    source = Pictures(sorted(tmp_path.iterdir()))

    def draw(seed, share):
        style_images = StyleImages([(source, 1.0)], 20, colour_share=0, collage_share=share)
        return style_images.draw(np.random.default_rng(seed))

    def width_of_the_first(image):
        assert np.ptp(image, axis=0).max() == 0
        return np.argmax(np.any(image[0] != image[0, 0], axis=-1))

    assert not any(width_of_the_first(draw(seed, 0)) for seed in range(8))
    widths = {width_of_the_first(draw(seed, 1)) for seed in range(8)} - {0}
    assert widths and all(5 <= width <= 15 for width in widths)


def test_mixtures_lie_between_the_known_styles(known):
    statistics, embeddings = known.draw(np.random.default_rng(1), 64)
    first, second = known.embeddings
    share = (embeddings - second) @ (first - second) / np.sum((first - second) ** 2)
    assert -1e-5 < share.min() and share.max() < 1 + 1e-5
    assert ((share > 0.01) & (share < 0.99)).any() and (share > 0.999).any()
    np.testing.assert_allclose(
        embeddings, share[:, None] * first + (1 - share[:, None]) * second, atol=1e-4
    )


def test_known_styles_without_their_image_are_left_out(painting_folder, tmp_path, tiny_network):
    (tmp_path / "broken.png").write_text("no image")
    pictures = Pictures([tmp_path / "broken.png", painting_folder / "ash.png"])
    crops = StyleImages([(pictures, 1.0)], size=32)
    objective = make_objective(complete(PredictorRecipe(content="x", **OPTIONS), {}), [])
    layers = ("block1_conv2",)
    known = KnownStyles.of(tiny_network, [1, 0], pictures, crops, 0.5, objective, layers, seed=3)
    np.testing.assert_array_equal(known.embeddings, tiny_network.get_style_embeddings()[:1])
    assert len(known.statistics) == 1


# === Learning ===


def test_warming_up_learns_the_known_styles(tiny_network):
    keras.utils.set_random_seed(3)
    view = StyleView(layers=("block1_conv2",), size=32)
    predictor = StylePredictor.of(tiny_network, view)
    rng = np.random.default_rng(3)
    statistics = rng.normal(size=(3, 2, view.num_statistics)).astype("float32")
    known = KnownStyles(statistics, tiny_network.get_style_embeddings())
    assert warm_up(predictor, known, 40, seed=0) < 0.3


def test_targets_of_a_batch_are_those_of_the_table(make_photo):
    """The loss against style images that come along is the one against a table of them."""
    recipe = complete(PredictorRecipe(content="x", **OPTIONS), {"gram_normalization": 0.7})
    paintings = np.stack([make_photo(32, 32, seed) for seed in (1, 2)]).astype("float32") / 255
    photos = np.stack([make_photo(32, 32, seed) for seed in (3, 4)]).astype("float32") / 255
    table = make_objective(recipe, paintings)
    fresh = make_objective(recipe, [], also=LAYERS)
    assert isinstance(fresh, StyleObjective) and not fresh.grams
    _, grams = look(fresh.loss_network, paintings, LAYERS, fresh.style_layers)
    expected = table.terms(photos, np.int32([0, 1]), photos[::-1])
    found = fresh.terms(photos, fresh.targets_of_grams(grams), photos[::-1])
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (found[name], values)), rtol=1e-3)


def test_a_step_trains_the_predictor_and_nothing_else(tiny_network, make_photo, values):
    keras.utils.set_random_seed(3)
    recipe = complete(PredictorRecipe(content="x", **OPTIONS), {})
    objective = make_objective(recipe, [], also=LAYERS)
    predictor = StylePredictor.of(tiny_network, StyleView(size=32), "random")
    painter = tiny_network.with_styles(["any"])
    trainer = PredictorTrainer(predictor, painter, objective, regression_weight=10.0)
    trainer.compile(optimizer="adam")
    assert len(trainer.trainable_variables) == 6
    batch = np.stack([make_photo(32, 32, seed) for seed in (1, 2)]).astype("float32") / 255
    known = np.ones((3, 1408), "float32"), np.ones((3, tiny_network.embedding_size), "float32")
    frozen = [*painter.weights, *objective.loss_network.weights, *predictor.non_trainable_weights]
    before, learned = values(frozen), values(trainer.trainable_variables)
    logs = [
        trainer.train_on_batch((batch, batch[::-1], *known), return_dict=True) for _ in range(3)
    ]
    assert set(logs[0]) == {"loss", "content_loss", "style_loss", "embedding_loss"}
    for one, other in zip(before, values(frozen), strict=True):
        np.testing.assert_array_equal(one, other)
    # Every layer, so that the gradient comes through the painting network.
    for one, other in zip(learned, values(trainer.trainable_variables), strict=True):
        assert np.any(one != other)


def test_style_images_count_by_the_logarithm_of_their_losses(tiny_network, make_photo):
    recipe = complete(PredictorRecipe(content="x", **OPTIONS), {})
    objective = make_objective(recipe, [], also=LAYERS)
    predictor = StylePredictor.of(tiny_network, StyleView(size=32), "random")
    trainer = PredictorTrainer(predictor, tiny_network.with_styles(["any"]), objective, 10.0)
    trainer.compile(optimizer=keras.optimizers.SGD(0.0))
    batch = np.stack([make_photo(32, 32, seed) for seed in (1, 2)]).astype("float32") / 255
    known = np.ones((3, 1408), "float32"), np.ones((3, tiny_network.embedding_size), "float32")
    expected = []
    for one in (batch[:1], batch[1:]):
        trainer.reset_metrics()
        logs = trainer.train_on_batch((one, one, *known), return_dict=True)
        expected.append(np.log(logs["content_loss"] + logs["style_loss"]) + logs["embedding_loss"])
    trainer.reset_metrics()
    logs = trainer.train_on_batch((batch, batch, *known), return_dict=True)
    np.testing.assert_allclose(logs["loss"], np.mean(expected), rtol=1e-4)


def test_the_distance_is_in_units_of_the_spread(tiny_network):
    predictor = StylePredictor.of(tiny_network, StyleView(layers=("block1_conv2",)))
    known = tiny_network.get_style_embeddings()
    off = known + 2 * np.maximum(known.std(axis=0), 1e-3)
    found = ops.convert_to_numpy(embedding_distance(predictor, known, off))
    np.testing.assert_allclose(found, 4, rtol=1e-3)


# === Runs ===


def test_the_run_folder_has_the_predictor(finished, tiny_network, painting_folder):
    output, predictor = finished
    loaded = StylePredictor.load(output / "predictor.npz", "random")
    loaded.check(tiny_network)
    assert loaded.view == StyleView(size=32)
    image = painting_folder / "fog.png"
    np.testing.assert_allclose(
        loaded.predict_embedding(image), predictor.predict_embedding(image), atol=5e-3
    )
    assert [row["step"] for row in tables.read(output / "losses.csv")] == [1, 2, 4]
    assert "embedding_loss" in tables.read(output / "losses.csv")[0]
    previews = sorted(path.name for path in (output / "previews").iterdir())
    assert previews == ["step_000000.jpg", "step_000002.jpg", "step_000004.jpg"]
    lines = (output / "evaluation.csv").read_text().splitlines()
    assert lines[0].startswith("style,nearest,content_loss_nearest,content_loss,style_loss_near")
    assert lines[1].startswith("fog,") and len(lines) == 2
    record = json.loads((output / "run.json").read_text())
    assert record["kind"] == "train_predictor"
    assert list(record["data"]["held_out_styles"]) == ["fog"]


def test_no_style_is_measured_beside_itself(finished, tiny_network, painting_folder, make_photo):
    _, predictor = finished
    recipe = complete(PredictorRecipe(content="x", **OPTIONS), {})
    paintings = [painting_folder / f"{name}.png" for name in ("ash", "birch", "fog")]
    style_set = StyleSet.from_paths(paintings)
    pictures = style_set.load_images(32)
    photos = make_photo(32, 32, 7)[None].astype("float32") / 255
    rows = evaluate(
        predictor,
        tiny_network,
        style_set,
        pictures,
        make_objective(recipe, pictures),
        photos,
    )
    assert [row["style"] for row in rows] == ["ash", "birch", "fog"]
    assert all(row["nearest"] != row["style"] for row in rows)


@pytest.mark.slow
def test_a_killed_and_resumed_run_ends_with_the_same_weights(
    tiny_network, recipe, finished, tmp_path, monkeypatch
):
    def interrupt(log, batch, logs=None):
        log.step += 1
        if log.step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.LossLog, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_predictor(recipe, tmp_path, network=tiny_network)
    assert not (tmp_path / "predictor.npz").exists()
    train_predictor(recipe, tmp_path, network=tiny_network)
    whole, _ = finished
    assert (tmp_path / "predictor.npz").read_bytes() == (whole / "predictor.npz").read_bytes()


def test_a_finished_run_is_not_run_again(tiny_network, recipe, finished):
    output, predictor = finished
    before = (output / "checkpoint.npz").stat().st_mtime_ns
    again = train_predictor(recipe, output, network=tiny_network)
    assert again.fingerprint == predictor.fingerprint
    assert (output / "checkpoint.npz").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="with `painting_share`=0.4, not 0.5"):
        train_predictor(recipe.replace(painting_share=0.5), output, network=tiny_network)


def test_a_run_begins_with_a_given_predictor(tiny_network, recipe, finished, tmp_path):
    output, _ = finished
    start = output / "predictor.npz"
    more = recipe.replace(init=start, learning_rate=1e-9, steps=1)
    found = train_predictor(more, tmp_path / "more", network=tiny_network)
    given = StylePredictor.load(start, "random")
    for one, other in zip(found.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_run_begins_with_no_predictor_of_another_kind(tiny_network, recipe, finished, tmp_path):
    start = finished[0] / "predictor.npz"
    with pytest.raises(UserError, match="predictor.npz looks at style images in another way"):
        train_predictor(recipe.replace(init=start, style_size=40), tmp_path, network=tiny_network)
    keras.utils.set_random_seed(9)
    other = StyleTransferNetwork(["ash", "birch"], widths=(4, 6, 8), residual_blocks=1)
    with pytest.raises(UserError, match="predictor.npz: .*belongs to another network"):
        train_predictor(recipe.replace(init=start), tmp_path, network=other)
    with pytest.raises(UserError, match=r"no such predictor: nowhere\.npz"):
        train_predictor(recipe.replace(init="nowhere.npz"), tmp_path, network=tiny_network)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"styles": ()}, "`styles` is missing"),
        ({"styles": ("nowhere",)}, "no such file or folder: nowhere"),
        ({"held_out_styles": ("nowhere.png",)}, "no such file or folder: nowhere.png"),
        ({"content": ""}, "`content` is missing"),
    ],
)
def test_bad_recipes_are_refused(tiny_network, recipe, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        train_predictor(recipe.replace(**changes), tmp_path, network=tiny_network)


def test_some_painting_is_left_to_train_on(tiny_network, recipe, tmp_path):
    with pytest.raises(UserError, match="every painting of `styles` is held out"):
        train_predictor(
            recipe.replace(held_out_styles=recipe.styles), tmp_path, network=tiny_network
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"smallest_style_crop": 1.5}, "`smallest_style_crop` must be at most 1"),
        ({"painting_share": 0, "generated_share": 0, "photo_share": 0}, "must be above 0"),
        ({"colour_share": 2}, "`colour_share` must be from 0 to 1"),
    ],
)
def test_recipes_check_themselves(recipe, changes, message):
    with pytest.raises(UserError, match=message):
        recipe.replace(**changes)


def test_a_network_of_one_style_has_no_spread(tiny_network, recipe, tmp_path):
    with pytest.raises(UserError, match="a network of two styles or more"):
        train_predictor(recipe, tmp_path, network=tiny_network.select(["ash"]))


@pytest.mark.parametrize("count, held_out", [(1, 0), (2, 1), (5, 1)])
def test_of_few_paintings_one_is_kept_out(count, held_out, painting_folder, tmp_path):
    for path in sorted(painting_folder.iterdir())[:count]:
        (tmp_path / path.name).symlink_to(path)
    pictures, _, kept_out = open_paintings([str(tmp_path)], [])
    assert (len(pictures), len(kept_out)) == (count - held_out, held_out)


@pytest.mark.slow
def test_a_predictor_of_a_single_painting(recipe, painting_folder, tiny_network, tmp_path):
    single = recipe.replace(styles=(str(painting_folder / "ash.png"),), held_out_styles=())
    predictor = train_predictor(single.replace(steps=1), tmp_path, network=tiny_network)
    assert predictor.fits(tiny_network)
    assert not (tmp_path / "evaluation.csv").exists()
