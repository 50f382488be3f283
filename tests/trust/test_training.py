"""What happens in the middle of a training: photos that vanish or turn to garbage, NaN."""

import pathlib
import shutil

import keras
import numpy as np
import pytest

from cin_style import FinetuneRecipe, finetune
from cin_style.errors import UserError


@pytest.fixture
def recipe(photo_folder, style_folder, tmp_path):
    shutil.copytree(photo_folder, tmp_path / "photos")
    return FinetuneRecipe(
        styles=(str(style_folder / "waves.png"), str(style_folder / "dots.png")),
        content=str(tmp_path / "photos"),
        style_layers="block1_conv1",
        content_layers="block1_conv1",
        vgg_weights="random",
        steps=12,
        checkpoint_every=2,
        batch_size=2,
        image_size=32,
        style_size=32,
        holdout=0,
        preview_every=0,
        precision="float32",
        init="ones",
    )


class At(keras.callbacks.Callback):
    """Does something after a step."""

    def __init__(self, step, action):
        super().__init__()
        self.left, self.action = step, action

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.action(self.model)


def photos_of(recipe):
    return [path for path in pathlib.Path(recipe.content).rglob("*.*") if path.is_file()]


def test_photos_that_all_vanish(recipe, tiny_network, tmp_path):
    vanish = At(3, lambda model: shutil.rmtree(recipe.content))
    with pytest.raises(UserError, match="none of the 7 content photos can be read") as caught:
        finetune(recipe, tmp_path / "run", network=tiny_network, watchers=[vanish])
    assert str(caught.value).isprintable()
    assert (tmp_path / "run" / "checkpoint.npz").is_file()
    assert not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.parametrize("change", ["garbage", "cut", "gone"])
def test_photos_that_break_are_skipped_and_named(recipe, tiny_network, tmp_path, change):
    def damage(model):
        for path in photos_of(recipe)[:3]:
            if change == "gone":
                path.unlink()
            else:
                path.write_bytes(b"garbage" if change == "garbage" else path.read_bytes()[:60])

    run = tmp_path / "run"
    finetune(recipe, run, network=tiny_network, watchers=[At(2, damage)])
    assert (run / "model.keras").is_file()
    assert 1 <= len((run / "skipped_photos.txt").read_text().splitlines()) <= 3


def test_nan_names_step_photos_and_styles_and_keeps_the_checkpoint(recipe, tiny_network, tmp_path):
    def spoil(model):
        # Not NaN, of which a ReLU makes 0 on some processors.
        for weight in model.objective.loss_network.weights:
            weight.assign(np.full(weight.shape, 1e30))

    run = tmp_path / "run"
    with pytest.raises(UserError, match="no longer finite at step 6 ") as caught:
        finetune(recipe, run, network=tiny_network, watchers=[At(5, spoil)])
    message = str(caught.value)
    named = [path for path in photos_of(recipe) if str(path) in message]
    assert len(named) == 2 and ("waves" in message or "dots" in message)
    with np.load(run / "checkpoint.npz") as checkpoint:
        assert int(checkpoint["step"]) == 4
        assert all(np.isfinite(checkpoint[name]).all() for name in checkpoint)
    # Started again without what spoiled it, it goes on from there.
    finetune(recipe, run, network=tiny_network)
    assert (run / "model.keras").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("learning_rate", "rate"), "has other columns than this run's"),
        (lambda text: text[:-8], "losses.csv is damaged"),
        (lambda text: text.replace("step", "stop"), "losses.csv is damaged .it lacks some of step"),
        (lambda text: "\udcff" + text, "losses.csv is damaged"),
    ],
)
def test_a_log_that_is_damaged_is_named(recipe, tiny_network, tmp_path, change, message):
    run = tmp_path / "run"

    def stop(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(recipe, run, network=tiny_network, watchers=[At(3, stop)])
    log = run / "losses.csv"
    log.write_text(change(log.read_text()), errors="surrogateescape")
    with pytest.raises(UserError, match=message):
        finetune(recipe, run, network=tiny_network)
    log.unlink()
    finetune(recipe, run, network=tiny_network)
