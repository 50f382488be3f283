"""Checkpoints and the loss log, apart from a whole run."""

import keras
import numpy as np
import pytest
from test_trainer import fit, make_trainer, values

from cin_style import tables
from cin_style.errors import UserError
from cin_style.training.callbacks import Checkpoint


def test_a_checkpoint_counts_all_steps_and_restores_to_the_bit(tmp_path):
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


def test_weights_that_are_not_finite_do_not_replace_a_good_checkpoint(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    trainer = make_trainer(keras.optimizers.Adam(1e-3))
    fit(trainer, 1)
    checkpoint.set_model(trainer)
    checkpoint.on_epoch_end(0)
    before = checkpoint.path.read_bytes()
    gamma = trainer.network.normalizations[0].gamma
    gamma.assign(np.full(gamma.shape, np.nan))
    with pytest.raises(UserError, match="no longer finite"):
        checkpoint.on_epoch_end(1)
    assert checkpoint.path.read_bytes() == before


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz")
    assert checkpoint.restore(make_trainer(keras.optimizers.Adam(1e-3))) == 0
    np.savez(checkpoint.path, step=3, a=np.zeros(2))
    with pytest.raises(UserError, match="is of another network or optimizer"):
        checkpoint.restore(make_trainer(keras.optimizers.Adam(1e-3)))


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert tables.read(tmp_path / "losses.csv") == []
