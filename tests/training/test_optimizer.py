"""The optimizer: a rate for the styles on every backend, and rates that rise and fall."""

import keras
import numpy as np
import pytest
from keras import ops

from cin_style.training.optimizer import StyleAdam, WarmupAndDecay, make_optimizer
from cin_style.training.recipes import TrainRecipe


def moves_in_a_step(optimizer, network, values):
    """How far a first step with gradients of 1 and -1 moves each weight: arrays by name."""
    network = network.with_styles(["a", "b"])
    variables = network.trainable_variables
    before = values(variables)
    rng = np.random.default_rng(3)
    gradients = [ops.array(rng.choice([-1.0, 1.0], v.shape), "float32") for v in variables]
    if keras.backend.backend() == "jax":
        optimizer.build(variables)
        state = [variable.value for variable in optimizer.variables]
        after, _ = optimizer.stateless_apply(state, gradients, [v.value for v in variables])
        after = values(after)
    else:
        optimizer.apply(gradients, variables)
        after = values(variables)
    names = [variable.path for variable in variables]
    return {name: new - old for name, new, old in zip(names, after, before, strict=True)}


@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss_scale"])
def test_gammas_and_betas_move_style_rate_times_as_far(scaled, tiny_network, values):
    def optimizer(style_rate):
        adam = StyleAdam(1e-3, style_rate)
        return keras.optimizers.LossScaleOptimizer(adam, initial_scale=1.0) if scaled else adam

    plain = moves_in_a_step(optimizer(1.0), tiny_network, values)
    fast = moves_in_a_step(optimizer(5.0), tiny_network, values)
    tables = [name for name in plain if name.rpartition("/")[2] in ("gamma", "beta")]
    assert len(tables) == 2 * len(tiny_network.normalizations) < len(plain)
    for name, move in plain.items():
        # Adam's first step moves each weight by the learning rate; near 1 it is rounded to 6e-8.
        np.testing.assert_allclose(abs(move), 1e-3, rtol=1e-3)
        np.testing.assert_allclose(fast[name], (5 if name in tables else 1) * move, atol=1e-6)


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
