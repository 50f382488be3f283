"""The optimizer: a rate for the styles on every backend, and rates that rise and fall."""

import keras
import numpy as np
import pytest

from cin_style.training.optimizer import StyleAdam, WarmupAndDecay, make_optimizer
from cin_style.training.recipes import TrainRecipe


def moves_in_a_step(optimizer, make_trainer, fit, values, dtype=None):
    """How far the first step moves convolutions, and gammas and betas: two lists of arrays."""
    trainer = make_trainer(optimizer, dtype)
    layers = trainer.network.normalizations
    groups = (
        [layer.kernel for layer in trainer.network.convolutions],
        [table for layer in layers for table in (layer.gamma, layer.beta)],
    )
    before = [values(group) for group in groups]
    fit(trainer, 1)
    return [
        [new - old for new, old in zip(values(group), old_values, strict=True)]
        for group, old_values in zip(groups, before, strict=True)
    ]


@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss_scale"])
def test_gammas_and_betas_move_style_rate_times_as_far(scaled, make_trainer, fit, values):
    """The gradients of a first step don't depend on the rate."""

    def optimizer(style_rate):
        adam = StyleAdam(1e-4, style_rate)
        return keras.optimizers.LossScaleOptimizer(adam, initial_scale=1.0) if scaled else adam

    kernels, tables = moves_in_a_step(optimizer(1.0), make_trainer, fit, values)
    kernels_too, tables_fast = moves_in_a_step(optimizer(5.0), make_trainer, fit, values)
    for one, other in zip(kernels, kernels_too, strict=True):
        np.testing.assert_array_equal(one, other)
    assert max(np.abs(move).max() for move in tables) > 5e-5
    for one, other in zip(tables, tables_fast, strict=True):
        # Weights near 1 are rounded to 6e-8.
        np.testing.assert_allclose(other, 5 * one, atol=5e-7)


def test_style_rate_without_a_gamma_is_an_error():
    kernel = keras.Variable(np.ones(2, "float32"), name="kernel")
    StyleAdam(1e-3).build([kernel])
    with pytest.raises(ValueError, match="no variable is named gamma or beta.*style_rate=2"):
        StyleAdam(1e-3, style_rate=2.0).build([kernel])


def test_a_recipe_decides_the_optimizer():
    recipe = TrainRecipe(learning_rate=2e-3, style_rate=3.0, clip_norm=4.0, ema=0.9, steps=100)
    optimizer = make_optimizer(recipe)
    assert optimizer.style_rate == 3 and optimizer.global_clipnorm == 4
    assert optimizer.use_ema and optimizer.ema_momentum == 0.9
    assert float(optimizer.learning_rate) == pytest.approx(2e-3)
    again = StyleAdam.from_config(optimizer.get_config())
    assert again.style_rate == 3 and float(again.learning_rate) == pytest.approx(2e-3)
    plain = make_optimizer(TrainRecipe(precision="mixed_float16"))
    assert isinstance(plain, keras.optimizers.LossScaleOptimizer)
    assert plain.inner_optimizer.style_rate == 1 and not plain.inner_optimizer.use_ema


def test_the_learning_rate_rises_stays_and_falls():
    schedule = WarmupAndDecay(0.1, steps=100, warmup_steps=10, decay=0.5)
    rates = [float(schedule(step)) for step in (0, 4, 9, 30, 50, 75, 100)]
    np.testing.assert_allclose(rates, [0.01, 0.05, 0.1, 0.1, 0.1, 0.05, 0], atol=1e-6)
    again = WarmupAndDecay.from_config(schedule.get_config())
    assert float(again(75)) == pytest.approx(rates[5])
    assert float(WarmupAndDecay(0.1, 100)(99)) == pytest.approx(0.1)
