"""Whole training runs in the small: the run folder, resuming, and what can go wrong."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import hardware, progress, tables
from cin_style.errors import Terminated, UserError
from cin_style.losses.recipe import remember
from cin_style.losses.vgg_weights import VGG16, get_weights
from cin_style.networks import storage
from cin_style.networks.bundled import bundled
from cin_style.training import callbacks, fitting, network_run
from cin_style.training.run_folder import RunFolder
from cin_style.training.train import train
from cin_style.training.trainer import StyleTrainer


def interrupted(step):
    """What stops a run after some steps, in place of `LossLog.on_train_batch_end`."""

    def interrupt(log, batch, logs=None):
        log.step += 1
        if log.step == step:
            raise KeyboardInterrupt

    return interrupt


def log_without_times(folder):
    return [row | {"seconds": 0} for row in tables.read(folder / "losses.csv")]


def test_the_run_folder_tells_what_was_done(train_recipe, finished_run):
    run = json.loads((finished_run / "run.json").read_text())
    assert run["recipe"] == dataclasses.asdict(train_recipe) | {"margin": 4}
    assert run["photos"] == 6
    assert [style["name"] for style in run["styles"]] == ["styles_0", "styles_1"]
    assert run["versions"]["keras"] == keras.__version__
    assert [row["step"] for row in tables.read(finished_run / "losses.csv")] == [1, 2, 4, 6]
    previews = sorted(path.name for path in (finished_run / "previews").iterdir())
    assert previews == [f"step_{step:06}.jpg" for step in (0, 2, 4, 6)]
    lines = (finished_run / "evaluation.csv").read_text().splitlines()
    assert lines[0].startswith(
        "style,content_loss_before,content_loss,style_loss_before,style_loss"
    )
    assert [line.partition(",")[0] for line in lines[1:]] == ["styles_0", "styles_1"]
    assert Image.open(finished_run / "losses.png").width > 400
    network = storage.load(finished_run / "model.keras")
    assert network.styles[0].image_size == 32
    assert network.loss_options == remember(train_recipe)
    assert set(network.loss_options) > {"style_layers", "style_size", "padding"}
    assert not {"vgg_weights", "precision", "steps"} & set(network.loss_options)
    assert [path.name for path in finished_run.glob(".*")] == [".lock"]


def test_a_killed_and_resumed_run_ends_with_the_same_weights(
    train_recipe, finished_run, values, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.LossLog, "on_train_batch_end", interrupted(5))
        with pytest.raises(KeyboardInterrupt):
            train(train_recipe, tmp_path)
    assert not (tmp_path / "model.keras").exists()
    resumed = train(train_recipe, tmp_path)
    for one, other in zip(
        values(storage.load(finished_run / "model.keras").weights),
        values(resumed.weights),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert log_without_times(tmp_path)[-1] == log_without_times(finished_run)[-1]


class Kills(keras.callbacks.Callback):
    """Tells the own process to end, in a step, as a scheduler does."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            self.act()

    def act(self):
        os.kill(os.getpid(), signal.SIGTERM)


class Interrupted(Kills):
    """As by Ctrl-C."""

    def act(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "options, calls, step",
    [
        ({"ema": 0.9}, 3, 3),
        pytest.param({"steps_per_execution": 2}, 2, 4, marks=pytest.mark.slow),
    ],
)
def test_a_run_told_to_end_is_saved_within_an_epoch(
    options, calls, step, train_recipe, values, tmp_path
):
    """It goes on to the same weights, and to the same log: also of the epoch that was cut."""
    recipe = train_recipe.replace(checkpoint_every=6, **options)
    whole = train(recipe, tmp_path / "whole")
    output = tmp_path / "cut"
    with pytest.raises(Terminated) as told:
        train(recipe, output, watchers=[Kills(calls)])
    assert told.value.step == step
    assert int(np.load(output / "checkpoint.npz")["step"]) == step
    resumed = train(recipe, output)
    for one, other in zip(values(whole.weights), values(resumed.weights), strict=True):
        np.testing.assert_array_equal(one, other)
    assert log_without_times(output) == log_without_times(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 6])
def test_a_run_told_to_end_where_an_epoch_ends(step, train_recipe, finished_run, tmp_path):
    with pytest.raises(Terminated) as told:
        train(train_recipe, tmp_path, watchers=[Kills(step)])
    assert told.value.step == step
    assert (tmp_path / "best.npz").is_file()
    train(train_recipe, tmp_path)
    assert log_without_times(tmp_path) == log_without_times(finished_run)


def test_who_is_told_to_end_before_a_step_ends_at_once(train_recipe, tmp_path):
    class KillsEarly(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Terminated) as told:
        train(train_recipe, tmp_path, watchers=[KillsEarly()])
    assert told.value.step is None
    assert not (tmp_path / "checkpoint.npz").exists()


def test_a_checkpoint_by_the_clock(train_recipe, tmp_path):
    """At every step here; what a kill then loses is the step that it came in."""
    recipe = train_recipe.replace(checkpoint_every=6, checkpoint_minutes=1e-9)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path, watchers=[Interrupted(5)])
    assert int(np.load(tmp_path / "checkpoint.npz")["step"]) == 4


@pytest.mark.slow
def test_several_steps_a_call_are_the_same_run(train_recipe, finished_run, values, tmp_path):
    network = train(train_recipe.replace(steps_per_execution=2), tmp_path)
    finished = storage.load(finished_run / "model.keras")
    for one, other in zip(values(finished.weights), values(network.weights), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row["step"] for row in tables.read(tmp_path / "losses.csv")] == [2, 4, 6]
    with pytest.raises(UserError, match="`steps_per_execution` must divide"):
        train_recipe.replace(steps_per_execution=4)


def test_a_finished_run_is_not_run_again(train_recipe, finished_run):
    before = (finished_run / "checkpoint.npz").stat().st_mtime_ns
    network = train(train_recipe, finished_run)
    assert (finished_run / "checkpoint.npz").stat().st_mtime_ns == before
    assert network.num_styles == 2


def test_a_finished_model_outlives_its_checkpoint(train_recipe, finished_run, values, tmp_path):
    for name in ("run.json", "model.keras", "losses.csv"):
        shutil.copy(finished_run / name, tmp_path / name)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match="with `seed`=0, not 1. .*choose another `output`"):
        train(train_recipe.replace(seed=1, steps=2), tmp_path)
    network = train(train_recipe, tmp_path)
    (tmp_path / ".lock").unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    trained = storage.load(finished_run / "model.keras")
    for one, two in zip(values(network.weights), values(trained.weights), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_survives_its_lost_log(train_recipe, finished_run, tmp_path):
    """Stopped after its last checkpoint, it only has the model to write, and nothing to draw."""
    for name in ("run.json", "checkpoint.npz"):
        shutil.copy(finished_run / name, tmp_path / name)
    train(train_recipe, tmp_path)
    assert storage.load(tmp_path / "model.keras").num_styles == 2
    assert (tmp_path / "evaluation.csv").is_file()
    assert not (tmp_path / "losses.png").exists()


def test_a_run_survives_its_lost_last_sheet(train_recipe, finished_run, tmp_path):
    """Stopped between its last checkpoint and the sheet of that step."""
    for name in ("run.json", "checkpoint.npz", "losses.csv"):
        shutil.copy(finished_run / name, tmp_path / name)
    train(train_recipe, tmp_path)
    last = f"previews/step_{train_recipe.steps:06}.jpg"
    assert (tmp_path / last).read_bytes() == (finished_run / last).read_bytes()


def test_what_earlier_processes_skipped_stays_noted(tmp_path, caplog):
    folder = RunFolder(tmp_path)
    fitting._note_skipped({}, folder)
    assert not folder.skipped.exists()
    fitting._note_skipped({"b.png": "cannot read b.png: ö", "a.png": "cannot read a.png"}, folder)
    fitting._note_skipped({}, folder)
    fitting._note_skipped({"c.png": "cannot read c.png", "a.png": "cannot read a.png"}, folder)
    assert folder.skipped.read_text(encoding="utf-8").splitlines() == [
        "cannot read a.png",
        "cannot read b.png: ö",
        "cannot read c.png",
    ]
    assert [message[:9] for message in caplog.messages] == ["2 photos ", "3 photos "]


class Unread:
    """A scalar on a device that cannot be read without waiting for it."""

    def __init__(self, value, on_read):
        self._value = value
        self._on_read = on_read

    def __array__(self, dtype=None, copy=None):
        self._on_read()
        return np.asarray(keras.ops.convert_to_numpy(self._value), dtype)

    def __float__(self):
        return float(self.__array__())


def test_few_steps_of_a_run_are_waited_for(train_recipe, tmp_path, monkeypatch):
    """By whatever watches it: Keras' own list of callbacks and TensorBoard would read every one."""
    taken, waited_for = [], set()

    class Watched(StyleTrainer):
        def make_train_function(self, force=False):
            super().make_train_function(force)
            take = self.train_function

            def watched(*arguments):
                taken.append(1)
                step = len(taken)
                result = take(*arguments)
                logs, *state = result if isinstance(result, tuple) else (result,)  # JAX: and state
                logs = {
                    name: Unread(value, lambda: waited_for.add(step))
                    for name, value in logs.items()
                }
                return (logs, *state) if state else logs

            self.train_function = watched

    # On a processor, whose steps end before the next begins anyway, each is looked at.
    monkeypatch.setattr(hardware, "accelerators", lambda: ["a chip"])
    # It is never time for a line that shows losses.
    monkeypatch.setattr(progress, "EVERY", 1e9)
    monkeypatch.setattr(network_run, "StyleTrainer", Watched)
    train(train_recipe.replace(steps=12, checkpoint_every=6, holdout=0), tmp_path)
    assert len(taken) == 12
    assert (tmp_path / "tensorboard").is_dir() == (keras.backend.backend() == "tensorflow")
    # The first is looked at, and two are timed.
    assert waited_for == {1, 3, 10}


def test_a_run_does_not_go_on_with_other_data(train_recipe, finished_run, tmp_path, monkeypatch):
    for name in ("styles", "content"):
        shutil.copytree(getattr(train_recipe, name), tmp_path / name)
    base = pathlib.Path(shutil.copy(finished_run / "model.keras", tmp_path / "base.keras"))
    weights = tmp_path / "weights.npz"
    arrays = get_weights(VGG16, ("block1_conv1", "block1_conv2"), "random")
    parts = {f"{name}/kernel": kernel for name, (kernel, _) in arrays.items()}
    np.savez(weights, **parts, **{f"{name}/bias": bias for name, (_, bias) in arrays.items()})
    recipe = train_recipe.replace(
        styles=str(tmp_path / "styles"),
        content=str(tmp_path / "content"),
        init_from=str(base),
        vgg_weights=str(weights),
    )
    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.LossLog, "on_train_batch_end", interrupted(3))
        with pytest.raises(KeyboardInterrupt):
            train(recipe, output)
    photo, painting = tmp_path / "content" / "photos_3.png", tmp_path / "styles" / "styles_1.png"
    for path, other, named in [
        (photo, painting.read_bytes(), r"`content` \(8 photos, .*; now 8 photos, .*\)\."),
        (photo, None, r"`content` \(8 photos, .*; now 7 photos, .*\)\."),
        (painting, photo.read_bytes(), "styles_1 of `styles`."),
        (
            tmp_path / "base.keras",
            bundled()["varied32"].read_bytes(),
            r"`init_from` \(.*; now .*\)",
        ),
    ]:
        kept = path.read_bytes()
        path.unlink() if other is None else path.write_bytes(other)
        with pytest.raises(UserError, match=f"other data. Changed since it was begun: {named}"):
            train(recipe, output)
        path.write_bytes(kept)
    # All back in place, it goes on; what was measured before training is lost meanwhile.
    (output / "before.json").unlink()
    train(recipe, output)
    assert not (output / "before.json").exists()
    columns = (output / "evaluation.csv").read_text().splitlines()[0].split(",")
    assert columns == ["style", "content_loss", "style_loss", "block1_conv2"]


def test_an_output_among_the_photos(train_recipe):
    output = f"{train_recipe.content}/run"
    with pytest.raises(UserError, match="lies in the content folder"):
        train(train_recipe, output)
    assert not pathlib.Path(output).exists()


def test_a_damaged_checkpoint_is_named(train_recipe, finished_run, values, tmp_path):
    for name in ("run.json", "checkpoint.npz"):
        (tmp_path / name).write_bytes((finished_run / name).read_bytes())
    (tmp_path / "checkpoint.npz").write_bytes((finished_run / "checkpoint.npz").read_bytes()[:9999])
    with pytest.raises(UserError, match="checkpoint.npz can't be read"):
        train(train_recipe, tmp_path)


def test_one_style_started_from_another_network(train_recipe, finished_run, values, tmp_path):
    single = train_recipe.replace(
        style_names="styles_1",
        init_from=str(finished_run / "model.keras"),
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
    network = train(single, tmp_path)
    trained = storage.load(finished_run / "model.keras")
    assert [style.name for style in network.styles] == ["styles_1"]
    assert (network.grain, network.upsampling) == (0.02, "bilinear")
    assert {"checkerboard", "blockiness"} < tables.read(tmp_path / "losses.csv")[0].keys()
    np.testing.assert_allclose(
        network.get_style_embeddings()[0], trained.get_style_embeddings()[1], atol=1e-6
    )
    for mine, theirs in zip(network.convolutions, trained.convolutions, strict=True):
        np.testing.assert_allclose(*values([mine.kernel, theirs.kernel]), atol=1e-6)
    assert (tmp_path / "model.keras").stat().st_size < 4e6


def test_a_loss_that_is_not_finite_stops_the_run(train_recipe, tmp_path):
    wild = train_recipe.replace(learning_rate=1e30, holdout=0)
    with pytest.raises(UserError, match="no longer finite.*`clip_norm`"):
        train(wild, tmp_path)
    assert not (tmp_path / "model.keras").exists()
    assert not (tmp_path / "checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holdout": 8}, "`holdout` 8 leaves none of the 8 content photos"),
        ({"content": ""}, "`content` is missing"),
        ({"styles": ""}, "`styles` is missing"),
        ({"style_names": "styles_0,stiles_1"}, "Did you mean styles_1"),
        ({"style_layers": "block9_conv1"}, "VGG16 has no layer block9_conv1"),
        ({"init_from": "missing.keras"}, "no such model file"),
    ],
)
def test_a_bad_recipe_is_refused(train_recipe, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        train(train_recipe.replace(**change), tmp_path / "run")
    assert not (tmp_path / "run" / "model.keras").exists()
