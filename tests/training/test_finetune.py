"""Adding styles: the old ones stay as they are, and only the new rows learn."""

import json
import logging
import pathlib

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.painting.stylizer import Stylizer
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView
from cin_style.styles.style_set import StyleSet
from cin_style.training import callbacks, network_run
from cin_style.training.finetune import finetune
from cin_style.training.nearest import nearest
from cin_style.training.photos import center_crops, hold_out, open_photos
from cin_style.training.recipes import FinetuneRecipe, by_length
from cin_style.training.trainer import StyleTrainer

OPTIONS = {
    "steps": 4,
    "batch_size": 2,
    "image_size": 32,
    "style_size": 32,
    "content_layers": "block1_conv2",
    "style_layers": "block1_conv2",
    "vgg_weights": "random",
    "precision": "float32",
    "holdout": 2,
    "checkpoint_every": 2,
    "preview_every": 2,
}


@pytest.fixture(scope="module")
def new_styles(tmp_path_factory, make_photo):
    """Two new style images."""
    folder = tmp_path_factory.mktemp("new")
    for index, name in enumerate(("dusk", "elm")):
        Image.fromarray(make_photo(40, 36, 50 + index)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def recipe(new_styles, photo_folder):
    """Adds the two styles in four steps."""
    return FinetuneRecipe(styles=(new_styles,), content=photo_folder, **OPTIONS)


@pytest.fixture(scope="module")
def finished(tiny_network, recipe, tmp_path_factory):
    """The run folder of a run that added two styles, and the network it returned."""
    output = tmp_path_factory.mktemp("finetuned")
    return output, finetune(recipe, output, network=tiny_network)


def test_the_old_styles_are_untouched_to_the_bit(tiny_network, finished):
    _, network = finished
    names = [style.name for style in network.styles]
    assert names == ["ash", "birch", "cedar", "dusk", "elm"]
    old = tiny_network.get_style_embeddings()
    np.testing.assert_array_equal(network.get_style_embeddings()[:3], old)
    for mine, theirs in zip(network.convolutions, tiny_network.convolutions, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(mine.kernel), ops.convert_to_numpy(theirs.kernel)
        )
    photo = np.random.default_rng(0).random((30, 35, 3), dtype="float32")
    for name in names[:3]:
        np.testing.assert_array_equal(
            Stylizer(network)(photo, name), Stylizer(tiny_network)(photo, name)
        )


def test_the_run_folder_holds_the_whole_network(finished):
    output, network = finished
    loaded = storage.load(output / "model.keras")
    np.testing.assert_array_equal(loaded.get_style_embeddings(), network.get_style_embeddings())
    assert (output / "evaluation.csv").read_text().splitlines()[1].startswith("dusk,")
    assert (output / "previews" / "step_000004.jpg").is_file()


def test_losses_are_by_default_what_the_network_was_trained_with(
    tiny_network, recipe, new_styles, tmp_path
):
    base = tiny_network.select(["ash", "birch"])
    given = {"content_layers", "style_layers", "style_size"}
    trained_with = {"padding": "reflect", "gram_normalization": 0.7, "style_weight": 3e-4}
    base.loss_options = trained_with | dict.fromkeys(given, "not these") | {"pooling": 3}
    recipe = recipe.replace(
        styles=(new_styles / "elm.png",), steps=1, style_weight=2e-4, init="ones", holdout=0
    )
    storage.save(base, tmp_path / "base.keras")
    for number, network in enumerate((base, None)):
        output = tmp_path / str(number)
        named = recipe if network else recipe.replace(model=tmp_path / "base.keras")
        result = finetune(named, output, network=network)
        noted = json.loads((output / "run.json").read_text())["recipe"]
        assert noted["model"] == (base.fingerprint if network else str(tmp_path / "base.keras"))
        assert noted["padding"] == "reflect" and noted["gram_normalization"] == 0.7
        assert noted["style_weight"] == 2e-4 and noted["pooling"] == "avg"
        assert {name: noted[name] for name in given} == {name: OPTIONS[name] for name in given}
        # The grown network still knows what the convolutions were trained with.
        assert result.loss_options == base.loss_options


def test_previews_before_the_first_step_and_after_the_last(finished):
    output, _ = finished
    names = sorted(path.name for path in (output / "previews").iterdir())
    assert names == ["step_000000.jpg", "step_000002.jpg", "step_000004.jpg"]


def test_before_and_after_stand_side_by_side(tiny_network, finished, new_styles):
    """A row a photo: style image, photo, its pastiche at the start and at the end."""
    output, network = finished
    start = np.load(output / "start.npy")
    assert start.shape == (2, network.embedding_size)
    with Image.open(output / "before_after.jpg") as sheet:
        # Two styles on two photos each, of 200 px a picture.
        assert sheet.size == (6 + 4 * 206, 6 + 20 + 4 * 206)
        pixels = np.asarray(sheet, "float32") / 255
    cells = pixels[26:, 6:].reshape(4, 206, -1, 3)[:, :200].reshape(4, 200, -1, 3)
    cells = cells[:, :, : 4 * 206].reshape(4, 200, 4, 206, 3)[..., :200, :].swapaxes(1, 2)
    _, held_out = hold_out(open_photos(finished_content(output)), 2)
    photos = center_crops(held_out, 32)
    ends = network.get_style_embeddings()[3:]
    for row, (style, photo) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        for column, embeddings in ((2, start), (3, ends)):
            painter = tiny_network.with_styles(["any"], embeddings[style : style + 1])
            (expected,) = painter.predict_on_batch([photos[photo : photo + 1], np.ones((1, 1))])
            found = cells[row, column].reshape(8, 25, 8, 25, 3).mean(axis=(1, 3))
            coarse = expected.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
            np.testing.assert_allclose(found, coarse, atol=0.06)


def finished_content(output):
    """The folder of photos of a run."""
    return json.loads((output / "run.json").read_text())["recipe"]["content"]


@pytest.mark.slow
def test_without_previews_no_before_and_after(tiny_network, recipe, new_styles, tmp_path):
    recipe = recipe.replace(styles=(new_styles / "elm.png",), steps=1, init="ones", preview_every=0)
    finetune(recipe, tmp_path, network=tiny_network)
    assert not (tmp_path / "before_after.jpg").exists()
    assert not (tmp_path / "previews").exists()


@pytest.mark.slow
def test_without_photos_it_learns_on_samples(
    tiny_network, recipe, new_styles, tmp_path, caplog, monkeypatch
):
    recipe = recipe.replace(
        styles=(new_styles / "elm.png",), content="", holdout=-1, init="ones", steps=3
    )

    def interrupt(log, batch, logs=None):
        log.step += 1
        if log.step == 3:
            raise KeyboardInterrupt

    with caplog.at_level(logging.INFO, "cin_style"), monkeypatch.context() as patch:
        patch.setattr(callbacks.LossLog, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            finetune(recipe, tmp_path, network=tiny_network)
    assert sum("4 sample photos of scikit-image" in line for line in caplog.messages) == 1
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["data"]["content"] == "4 photos, samples astronaut chelsea coffee rocket"
    assert (record["photos"], record["recipe"]["holdout"]) == (2, 2)
    with pytest.raises(UserError, match=r"a run with `content`=\(none\), not .*Give the same"):
        finetune(recipe.replace(content=new_styles), tmp_path, network=tiny_network)
    finetune(recipe, tmp_path, network=tiny_network)
    assert (tmp_path / "before_after.jpg").is_file()
    assert "loss" in (tmp_path / "evaluation.csv").read_text()


def test_what_a_recipe_leaves_to_the_number_of_its_steps(
    tiny_network, recipe, new_styles, tmp_path, caplog
):
    for steps, batch, rate, measured in [
        (30, 1, 0.02, 4),
        (100, 1, 0.02, 4),
        (101, 4, 0.01, 16),
    ]:
        found = by_length(FinetuneRecipe(steps=steps, holdout=16))
        assert (found.image_size, found.batch_size) == (256, batch)
        assert (found.learning_rate, found.most_measured) == (rate, measured)
    given = by_length(FinetuneRecipe(batch_size=3, steps=500))
    assert (given.batch_size, given.learning_rate) == (3, 0.01)
    recipe = recipe.replace(
        styles=(new_styles / "elm.png",), steps=1, init="ones", holdout=6, batch_size=None
    )
    with caplog.at_level(logging.INFO, "cin_style"):
        finetune(recipe, tmp_path, network=tiny_network)
    noted = json.loads((tmp_path / "run.json").read_text())["recipe"]
    assert (noted["batch_size"], noted["image_size"], noted["holdout"]) == (1, 32, 6)
    assert any("crops of 32 px, 1 a step, at a rate of 0.02" in line for line in caplog.messages)
    assert any("kept out of training (4)" in line for line in caplog.messages)


def test_an_interrupted_run_goes_on(tiny_network, recipe, finished, tmp_path, monkeypatch):
    def interrupt(log, batch, logs=None):
        log.step += 1
        if log.step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.LossLog, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            finetune(recipe, tmp_path, network=tiny_network)
    network = finetune(recipe, tmp_path, network=tiny_network)
    np.testing.assert_array_equal(
        network.get_style_embeddings(), finished[1].get_style_embeddings()
    )


def test_only_gammas_and_betas_have_optimizer_state(tiny_network, recipe, tmp_path, monkeypatch):
    trainers = []

    class Noted(StyleTrainer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            trainers.append(self)

    monkeypatch.setattr(network_run, "StyleTrainer", Noted)
    finetune(recipe.replace(init="ones", steps=1, holdout=0), tmp_path, network=tiny_network)
    names = {variable.name for variable in trainers[0].trainable_variables}
    assert names == {"gamma", "beta"}
    numbers = 2 * tiny_network.get_style_embeddings().shape[1]
    assert sum(np.prod(v.shape) for v in trainers[0].trainable_variables) == numbers
    # Adam holds two moments of each, and the count of steps and the learning rate.
    held = sum(int(np.prod(v.shape)) for v in trainers[0].optimizer.variables)
    assert held <= 2 * numbers + 2


def test_a_half_network_stays_one_and_is_never_its_own_output(
    tiny_network, recipe, new_styles, tmp_path
):
    """The folder of a trained network is no place for another run."""
    model = tmp_path / "model.keras"
    storage.save(tiny_network, model, half=True)
    before = model.read_bytes()
    recipe = recipe.replace(
        model=model, styles=(new_styles / "elm.png",), steps=1, init="ones", holdout=0
    )
    with pytest.raises(UserError, match="holds a model.keras but no run.json.*another `output`"):
        finetune(recipe, tmp_path)
    assert model.read_bytes() == before
    finetune(recipe, tmp_path / "run")
    larger = tmp_path / "run" / "model.keras"
    assert storage.load(larger).stored_half
    assert larger.stat().st_size < 1.2 * len(before)


@pytest.mark.parametrize("base_is_half", [True, False])
def test_how_weights_are_stored_can_be_said(
    tiny_network, recipe, new_styles, tmp_path, base_is_half
):
    base = tiny_network.select(["ash", "birch"])
    base.stored_half = base_is_half
    recipe = recipe.replace(
        styles=(new_styles / "elm.png",), steps=1, init="ones", holdout=0, half=not base_is_half
    )
    finetune(recipe, tmp_path, network=base)
    assert storage.load(tmp_path / "model.keras").stored_half is not base_is_half


def test_nearest_finds_the_style_a_new_one_is_made_of(tiny_network, photo_folder):
    """A "painting" that is a pastiche in an old style is closest to that style."""
    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16

    photos = np.random.default_rng(1).random((2, 32, 32, 3), dtype="float32")
    painting = Stylizer(tiny_network)(photos[0], "birch")
    layers = {"block1_conv2": 1.0}
    objective = StyleObjective(
        VGG16(layers, "random"), [painting], content_layers={}, style_layers=layers
    )
    network = tiny_network.with_styles(["new"])
    names = nearest(network, tiny_network, [painting], objective, photos)
    assert "birch" in names[0]
    last = 2 * network.normalizations[-1].gamma.shape[1]
    mixed = np.mean([tiny_network.get_style_embedding(name) for name in names[0]], axis=0)
    found = network.get_style_embeddings()[0]
    np.testing.assert_allclose(found[:-last], mixed[:-last], atol=1e-6)


def test_nearest_looks_at_the_photos_once(tiny_network, monkeypatch):
    """Not anew for every old style and mixture."""
    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16

    photos = np.random.default_rng(1).random((2, 32, 32, 3), dtype="float32")
    layers = {"block1_conv2": 1.0}
    objective = StyleObjective(
        VGG16(layers, "random"), [photos[0]], content_layers=layers, style_layers=layers
    )
    looks = []
    see = StyleObjective.content_targets
    monkeypatch.setattr(
        StyleObjective, "content_targets", lambda *given: looks.append(1) or see(*given)
    )
    nearest(tiny_network.with_styles(["new"]), tiny_network, [photos[0]], objective, photos)
    assert len(looks) == 1


@pytest.mark.parametrize(("count", "painted"), [(1, 3 + 4), (3, 3 + 3 * 3 + 4 * 3)])
def test_nearest_counts_what_it_paints(tiny_network, monkeypatch, caplog, count, painted):
    """A photo in each of three styles, all in the best of them and in four mixtures."""
    from cin_style import progress
    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16

    bars = []

    class Noted(progress.Bar):
        def close(self):
            bars.append((self.unit, self.count, self.total))

    monkeypatch.setattr(progress, "Bar", Noted)
    photos = np.random.default_rng(1).random((count, 32, 32, 3), dtype="float32")
    layers = {"block1_conv2": 1.0}
    objective = StyleObjective(
        VGG16(layers, "random"), [photos[0]], content_layers=layers, style_layers=layers
    )
    with caplog.at_level(logging.INFO, "cin_style"):
        nearest(tiny_network.with_styles(["new"]), tiny_network, [photos[0]], objective, photos)
    assert bars == [("picture", painted, painted)]
    assert caplog.messages[0].startswith("no prediction: trying the network's 3 styles")
    assert caplog.messages[1].startswith("new begins as ")


@pytest.mark.parametrize("palette", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("init", ["ones", "cedar"])
def test_other_beginnings(tiny_network, recipe, new_styles, tmp_path, init, palette):
    changes = {"styles": (new_styles / "elm.png",), "init": init, "holdout": 0}
    changes["palette_start"] = palette
    slow = recipe.replace(steps=1, learning_rate=1e-12, **changes)
    network = finetune(slow, tmp_path, network=tiny_network)
    assert network.styles[-1].name == "elm"
    expected = tiny_network.with_styles(["x"])
    if init != "ones":
        expected.set_style_embeddings(tiny_network.get_style_embeddings()[None, 2])
    if palette:
        expected.set_palettes(StyleSet.from_paths(changes["styles"]).load_images(32))
    np.testing.assert_allclose(
        network.get_style_embeddings()[-1:], expected.get_style_embeddings(), atol=1e-6
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"styles": ()}, "`styles` is missing"),
        ({"styles": ("none.png",)}, "no such style image or folder"),
        ({"init": "oak"}, "no style named oak"),
        ({"holdout": 0}, "`init` nearest needs held-out photos"),
        ({"model": "none.keras"}, "no such model file"),
    ],
)
def test_errors(changes, message, tiny_network, recipe, tmp_path):
    network = None if "model" in changes else tiny_network
    with pytest.raises(UserError, match=message):
        finetune(recipe.replace(**changes), tmp_path, network=network)


@pytest.fixture(scope="module")
def predictor(tiny_network, tmp_path_factory):
    """The file of an untrained predictor for `tiny_network`."""
    path = tmp_path_factory.mktemp("predictor") / "any.npz"
    view = StyleView(layers=("block1_conv2",), size=32)
    StylePredictor.of(tiny_network, view, "random").save(path)
    return path


def test_a_new_style_begins_as_it_is_predicted(tiny_network, recipe, predictor, tmp_path):
    starts = []

    class Noted(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            starts.append(self.model.network.get_style_embeddings())

    recipe = recipe.replace(predictor=predictor, steps=2, holdout=0)
    finetune(recipe, tmp_path, network=tiny_network, watchers=[Noted()])
    loaded = StylePredictor.load(predictor, "random")
    folder = pathlib.Path(recipe.styles[0])
    expected = [loaded.predict_embedding(folder / f"{name}.png") for name in ("dusk", "elm")]
    np.testing.assert_array_equal(starts[0], expected)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["recipe"]["init"] == "predicted"
    assert record["data"]["predictor"] == loaded.digest[:16]


def test_without_a_predictor_it_searches(finished, recipe):
    output, _ = finished
    assert recipe.init == "auto"
    assert json.loads((output / "run.json").read_text())["recipe"]["init"] == "nearest"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init": "predicted"}, "has no predictor.*`train_predictor`"),
        ({"init": "ones", "predictor": "any.npz"}, "goes with `init` predicted, not ones"),
        ({"predictor": "none.npz"}, "no such predictor: none.npz"),
    ],
)
def test_predictors_that_are_not_there(changes, message, tiny_network, recipe, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        finetune(recipe.replace(**changes), tmp_path, network=tiny_network)
    assert "\n" not in str(error.value)


def test_nearest_needs_a_photo_kept_out_of_training(tiny_network, recipe, make_photo, tmp_path):
    """With one photo, `holdout` -1 is 0; the run folder is not even made."""
    with pytest.raises(UserError, match="`init` nearest needs held-out photos: give a `holdout`"):
        FinetuneRecipe(holdout=0, init="nearest")
    FinetuneRecipe(holdout=0, init="ones")
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(make_photo(48, 40, 1)).save(photos / "one.png")
    with pytest.raises(UserError, match="`init` nearest needs held-out photos: give a `holdout`"):
        finetune(recipe.replace(content=photos, holdout=-1), tmp_path / "run", network=tiny_network)
    assert not (tmp_path / "run").exists()


def test_a_name_that_is_taken(tiny_network, recipe, style_folder, tmp_path):
    renamed = tiny_network.rename("birch", "dots")
    with pytest.raises(UserError, match="has a style named dots already. Rename the image"):
        finetune(recipe.replace(styles=(style_folder,)), tmp_path, network=renamed)
