"""Checkpoints, the loss log and progress, apart from a whole run."""

import logging
import types

import keras
import numpy as np
import pytest

from cin_style import tables
from cin_style.errors import UserError
from cin_style.training import callbacks
from cin_style.training.checkpoints import Checkpoint
from cin_style.training.optimizer import StyleAdam, WarmupAndDecay


def test_a_checkpoint_counts_all_steps_and_restores_to_the_bit(tmp_path, make_trainer, fit, values):
    """In float16 the optimizer does not count steps whose gradients overflowed."""
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    trainer = make_trainer(keras.optimizers.Adam(1e-3))
    fit(trainer, 3)
    trainer.optimizer.iterations.assign(2)
    checkpoint.set_model(trainer)
    checkpoint.step = 3
    checkpoint.on_epoch_end(0)

    other = make_trainer(keras.optimizers.Adam(1e-3))
    again = Checkpoint(tmp_path / "checkpoint.npz")
    assert again.restore(other) == again.step == 3
    assert int(other.optimizer.iterations) == 2
    for one, two in zip(
        values(trainer.network.weights), values(other.network.weights), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(trainer.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(*values([one, two]))


@pytest.mark.parametrize("of", ["the weights", "Adam's moments"])
def test_what_is_not_finite_does_not_replace_a_good_checkpoint(of, tmp_path, make_trainer, fit):
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    trainer = make_trainer(keras.optimizers.Adam(1e-3))
    fit(trainer, 1)
    checkpoint.set_model(trainer)
    checkpoint.on_epoch_end(0)
    before = checkpoint.path.read_bytes()
    moments = [v for v in trainer.optimizer.variables if "velocity" in v.path]
    broken = trainer.network.normalizations[0].gamma if of == "the weights" else moments[0]
    broken.assign(np.full(broken.shape, np.inf))
    with pytest.raises(UserError, match="no longer finite.*`learning_rate`"):
        checkpoint.on_epoch_end(1)
    assert checkpoint.path.read_bytes() == before


def test_the_best_epoch_is_kept(tmp_path, make_trainer, fit, values):
    trainer = make_trainer(keras.optimizers.Adam(1e-3))
    fit(trainer, 1)
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz", tmp_path / "best.npz")
    checkpoint.set_model(trainer)
    for step, loss in enumerate([5.0, 3.0, 4.0], start=1):
        checkpoint.step = step
        checkpoint.on_epoch_end(step - 1, {"loss": loss})
    assert Checkpoint(tmp_path / "checkpoint.npz").restore(trainer) == 3
    assert Checkpoint(tmp_path / "best.npz").restore(trainer) == 2
    # Also where the process is another one since.
    again = Checkpoint(tmp_path / "checkpoint.npz", tmp_path / "best.npz")
    again.set_model(trainer)
    again.restore(trainer)
    again.on_epoch_end(3, {"loss": 3.5})
    assert Checkpoint(tmp_path / "best.npz").restore(trainer) == 2


def test_a_checkpoint_of_another_network_is_refused(tmp_path, make_trainer):
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    assert checkpoint.restore(make_trainer(keras.optimizers.Adam(1e-3))) == 0
    np.savez(checkpoint.path, step=3, a=np.zeros(2))
    with pytest.raises(UserError, match="is of another network or optimizer"):
        checkpoint.restore(make_trainer(keras.optimizers.Adam(1e-3)))


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert tables.read(tmp_path / "losses.csv") == []


def test_the_logged_learning_rate_is_that_of_the_step(tmp_path, make_trainer, fit):
    schedule = WarmupAndDecay(1e-4, steps=8, warmup_steps=4)
    trainer = make_trainer(StyleAdam(schedule))
    log = callbacks.LossLog(tmp_path / "losses.csv", schedule)
    fit(trainer, 2, epochs=3, callbacks=[log])
    rows = tables.read(tmp_path / "losses.csv")
    assert [row["step"] for row in rows] == [1, 2, 4, 6]
    # A quarter of the rate more each step, from the first on.
    rates = [row["learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, [0.25e-4, 0.5e-4, 1e-4, 1e-4], rtol=1e-5)


class Unread:
    """A scalar that counts how often it is read."""

    def __init__(self, value=2.5):
        self.value = value
        self.reads = 0

    def __array__(self, dtype=None, copy=None):
        self.reads += 1
        return np.array(self.value, dtype or "float32")

    def __float__(self):
        return float(self.__array__())


def test_a_step_is_not_waited_for():
    """Reading a step's logs waits for the device; Keras' own list of callbacks reads them all."""

    class Looks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.seen = dict(logs), logs.get("loss"), "penalty" in logs

    looks = Looks()
    watching = callbacks.CallbackList([looks, keras.callbacks.Callback()])
    read, unread = Unread(), Unread()
    watching.on_train_batch_end(0, {"loss": unread})
    watching.on_train_batch_end(1, {"loss": read})
    assert unread.reads == 0 and read.reads > 0
    assert looks.seen == ({"loss": 2.5}, 2.5, False)


def test_the_callbacks_of_a_run_read_few_steps(tmp_path, make_trainer, fit, monkeypatch):
    steps_read, step = set(), []
    read = callbacks.LazyLogs.__getitem__

    def noted(logs, name):
        steps_read.add(len(step))
        return read(logs, name)

    class Counts(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            step.append(batch)

    monkeypatch.setattr(callbacks.LazyLogs, "__getitem__", noted)
    trainer = make_trainer(StyleAdam(1e-4))
    watchers = [
        Counts(),
        callbacks.Progress(12),
        callbacks.LossLog(tmp_path / "losses.csv", lambda step: 1e-4),
        callbacks.StopWhenNotFinite(),
        Checkpoint(tmp_path / "checkpoint.npz"),
    ]
    watching = callbacks.CallbackList(watchers, add_history=True, model=trainer)
    fit(trainer, 12, callbacks=watching)
    assert len(step) == 12
    # The first is looked at, two are timed, the last is shown.
    assert steps_read <= {1, 3, 10, 12}


def test_of_all_steps_the_first_is_looked_at_for_not_being_finite():
    """Also where an epoch begins anew."""
    stop = callbacks.StopWhenNotFinite()
    losses = [Unread() for _ in range(6)]
    for step, loss in enumerate(losses):
        stop.on_train_batch_end(step % 2, callbacks.LazyLogs({"loss": loss}))
    assert [loss.reads > 0 for loss in losses] == [True, *[False] * 5]
    stop = callbacks.StopWhenNotFinite()
    with pytest.raises(UserError, match="the loss is no longer finite"):
        stop.on_train_batch_end(0, callbacks.LazyLogs({"loss": Unread(np.nan)}))


@pytest.mark.parametrize("start", [0, 400])
def test_the_time_to_expect_after_ten_steps(start, monkeypatch, caplog):
    """Of steps of 1.1 s each after slow first ones."""
    now = iter([20.0, 20.0 + 7 * 1.1])
    progress = callbacks.Progress(1500, start)
    progress._bar = types.SimpleNamespace(update=lambda *_, **__: None)
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: next(now))
    with caplog.at_level(logging.INFO, "cin_style"):
        for batch in range(30):
            progress.on_train_batch_end(batch, {"loss": 1.0})
    expected = {0: "some 27 min to go for 1,490 steps", 400: "some 20 min to go for 1,090 steps"}
    assert caplog.messages == [expected[start]]
