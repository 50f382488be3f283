"""Whole training runs in the small: the run folder, resuming, and what can go wrong."""

import dataclasses
import json
import shutil
import types

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from cin_style import hardware, tables
from cin_style.errors import UserError
from cin_style.losses.recipe import remember, remembered
from cin_style.networks import storage
from cin_style.training import callbacks
from cin_style.training import run as training
from cin_style.training.recipes import FinetuneRecipe, Recipe


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Six steps at 32 px on two styles and eight photos, all generated."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(5)
    for name, count in (("styles", 2), ("photos", 8)):
        (folder / name).mkdir()
        for index in range(count):
            pixels = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((48, 40), Image.Resampling.BICUBIC)
            image.save(folder / name / f"{name}_{index}.png")
    return Recipe(
        styles=str(folder / "styles"),
        content=str(folder / "photos"),
        steps=6,
        batch_size=2,
        image_size=32,
        style_size=32,
        content_layers="block1_conv2",
        style_layers="block1_conv2",
        vgg_weights="random",
        precision="float32",
        holdout=2,
        checkpoint_every=2,
        preview_every=4,
    )


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    """The run folder of an uninterrupted run."""
    output = tmp_path_factory.mktemp("finished") / "run"
    training.train(recipe, output)
    return output


def values(network):
    return [ops.convert_to_numpy(variable) for variable in network.weights]


def log_without_times(folder):
    return [row | {"seconds": 0} for row in tables.read(folder / "losses.csv")]


def test_the_run_folder_tells_what_was_done(recipe, finished):
    run = json.loads((finished / "run.json").read_text())
    assert run["recipe"] == dataclasses.asdict(recipe)
    assert run["photos"] == 6
    assert [style["name"] for style in run["styles"]] == ["styles_0", "styles_1"]
    assert run["versions"]["keras"] == keras.__version__
    assert [row["step"] for row in tables.read(finished / "losses.csv")] == [1, 2, 4, 6]
    previews = sorted(path.name for path in (finished / "previews").iterdir())
    assert previews == ["step_000004.jpg", "step_000006.jpg"]
    lines = (finished / "evaluation.csv").read_text().splitlines()
    assert lines[0].startswith(
        "style,content_loss_before,content_loss,style_loss_before,style_loss"
    )
    assert [line.partition(",")[0] for line in lines[1:]] == ["styles_0", "styles_1"]
    assert Image.open(finished / "losses.png").width > 400
    network = storage.load(finished / "model.keras")
    assert network.styles[0].image_size == 32
    assert network.loss_options == remember(recipe)
    assert set(network.loss_options) > {"style_layers", "style_size", "padding"}
    assert not {"vgg_weights", "precision", "steps"} & set(network.loss_options)
    assert not list(finished.glob(".*"))


def test_what_a_network_remembers_has_the_kinds_of_the_options():
    """Whole numbers given for others are remembered, and by fine-tuning."""
    options = remember(Recipe(gram_normalization=1, style_weight=2, style_size=64))
    network = types.SimpleNamespace(loss_options=json.loads(json.dumps(options)))
    recipe = FinetuneRecipe(**remembered(network))
    assert (recipe.gram_normalization, recipe.style_weight, recipe.style_size) == (1.0, 2.0, 64)


def test_a_killed_and_resumed_run_ends_with_the_same_weights(
    recipe, finished, tmp_path, monkeypatch
):
    def interrupt(log, batch, logs=None):
        log.step += 1
        if log.step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.LossLog, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            training.train(recipe, tmp_path)
    assert not (tmp_path / "model.keras").exists()
    resumed = training.train(recipe, tmp_path)
    for one, other in zip(
        values(storage.load(finished / "model.keras")), values(resumed), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert log_without_times(tmp_path)[-1] == log_without_times(finished)[-1]


def test_a_finished_run_is_not_run_again(recipe, finished):
    before = (finished / "checkpoint.npz").stat().st_mtime_ns
    network = training.train(recipe, finished)
    assert (finished / "checkpoint.npz").stat().st_mtime_ns == before
    assert network.num_styles == 2


def test_a_run_that_was_begun_before_an_option_existed(recipe, finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    del record["recipe"]["blockiness_weight"]
    (run / "run.json").write_text(json.dumps(record))
    assert training.train(recipe, run).num_styles == 2
    with pytest.raises(UserError, match="--blockiness_weight=0.0, not 2.0"):
        training.train(dataclasses.replace(recipe, blockiness_weight=2.0), run)


def test_other_arguments_do_not_go_on_with_a_run(recipe, finished):
    other = dataclasses.replace(recipe, learning_rate=0.5)
    with pytest.raises(UserError, match="holds a run with --learning_rate=0.001, not 0.5"):
        training.train(other, finished)


def test_a_damaged_checkpoint_is_named(recipe, finished, tmp_path):
    for name in ("run.json", "checkpoint.npz"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    (tmp_path / "checkpoint.npz").write_bytes((finished / "checkpoint.npz").read_bytes()[:9999])
    with pytest.raises(UserError, match="checkpoint.npz can't be read"):
        training.train(recipe, tmp_path)


def test_a_run_started_over_leaves_nothing_of_the_earlier_one(recipe, finished, tmp_path):
    """Without its checkpoint a run begins again; its model must not pass for the new one."""
    for name in ("run.json", "model.keras", "losses.csv"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    other = dataclasses.replace(recipe, seed=1, holdout=0, steps=2)
    network = training.train(other, tmp_path)
    assert [row["step"] for row in tables.read(tmp_path / "losses.csv")] == [1, 2]
    for one, two in zip(
        values(network), values(storage.load(finished / "model.keras")), strict=True
    ):
        assert np.any(one != two)


def test_one_style_started_from_another_network(recipe, finished, tmp_path):
    single = dataclasses.replace(
        recipe,
        style_names="styles_1",
        init_from=str(finished / "model.keras"),
        steps=2,
        learning_rate=1e-9,
        ema=0.9,
        clip_norm=1.0,
        gram_normalization=0.5,
        total_variation_weight=1e-3,
        checkerboard_weight=1.0,
        blockiness_weight=1.0,
        upsampling="bilinear",
        grain=0.02,
        half=True,
    )
    network = training.train(single, tmp_path)
    trained = storage.load(finished / "model.keras")
    assert [style.name for style in network.styles] == ["styles_1"]
    assert (network.grain, network.upsampling) == (0.02, "bilinear")
    assert {"checkerboard", "blockiness"} < tables.read(tmp_path / "losses.csv")[0].keys()
    np.testing.assert_allclose(
        network.get_style_embeddings()[0], trained.get_style_embeddings()[1], atol=1e-6
    )
    for mine, theirs in zip(network.convolutions, trained.convolutions, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(mine.kernel), ops.convert_to_numpy(theirs.kernel), atol=1e-6
        )
    assert (tmp_path / "model.keras").stat().st_size < 4e6


def test_a_loss_that_is_not_finite_stops_the_run(recipe, tmp_path):
    wild = dataclasses.replace(recipe, learning_rate=1e30, holdout=0)
    with pytest.raises(UserError, match="the loss is no longer finite.*--clip_norm"):
        training.train(wild, tmp_path)
    assert not (tmp_path / "model.keras").exists()
    assert not (tmp_path / "checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "--steps must be at least 1. Received: 0"),
        ({"image_size": 8}, "--image_size must be at least 16 px"),
        ({"learning_rate": -1.0}, "--learning_rate must be positive"),
        ({"decay": 1.5}, "--decay must be from 0 to 1"),
        ({"grain": -0.1}, "--grain must be at least 0"),
        ({"total_variation_exponent": 3.0}, "--total_variation_exponent must be from 1 to 2"),
        ({"ema": 1.0}, "--ema must be at least 0 and below 1"),
        ({"holdout": 8}, "--holdout 8 leaves none of the 8 content photos"),
        ({"style_names": "styles_0,stiles_1"}, "Did you mean styles_1"),
        ({"style_layers": "block9_conv1"}, "VGG16 has no layer block9_conv1"),
        ({"init_from": "missing.keras"}, "no such model file"),
    ],
)
def test_a_bad_recipe_is_refused(recipe, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        training.train(dataclasses.replace(recipe, **change), tmp_path / "run")
    assert not (tmp_path / "run" / "model.keras").exists()


def test_precision_is_chosen_by_the_hardware():
    assert hardware.resolve_precision("mixed_float16") == "mixed_float16"
    assert hardware.resolve_precision("auto") in ("float32", "mixed_bfloat16")
