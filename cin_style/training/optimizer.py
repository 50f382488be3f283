"""Adam with a rate of its own for the styles, and a learning rate that rises and falls."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cin_style.training.recipes import NetworkRecipe, RunRecipe


@keras.saving.register_keras_serializable(package="cin_style")
class StyleAdam(keras.optimizers.Adam):
    """Adam with another learning rate for the styles' gammas and betas.

    Adam moves every weight by about the learning rate per step. Convolutions begin near 0.01
    and are remade within a hundred steps of 1e-3; a gamma begins at 1 and has hardly moved
    after a thousand.

    Args:
        learning_rate: of the convolutions; a number or a schedule.
        style_rate: the gammas' and betas' learning rate, as a multiple of it.
        **kwargs: see `keras.optimizers.Adam`.

    Raises:
        ValueError: when built with a `style_rate` other than 1 on variables of which none is a
            gamma or beta.

    Example:

        >>> optimizer = StyleAdam(1e-3, style_rate=3.0)
        >>> gamma = keras.Variable([1.0], name="gamma")
        >>> kernel = keras.Variable([1.0], name="kernel")
        >>> optimizer.apply([ops.ones(1), ops.ones(1)], [gamma, kernel])
        >>> [round(float(variable[0]), 4) for variable in (gamma, kernel)]
        [0.997, 0.999]
    """

    def __init__(self, learning_rate: Any = 1e-3, style_rate: float = 1.0, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.style_rate = style_rate
        self._of_styles: tuple[bool, ...] = ()

    def build(self, variables: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        # Noted here, where every backend gives Keras' own variables: in a step TensorFlow's are
        # given, which have other names.
        self._of_styles = tuple(variable.name in ("gamma", "beta") for variable in variables)
        if self.style_rate != 1 and not any(self._of_styles):
            raise ValueError(
                f"no variable is named gamma or beta, so style_rate={self.style_rate} would do "
                f"nothing. Received: {[variable.name for variable in variables]}"
            )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if self._of_styles[self._get_variable_index(variable)]:
            learning_rate = learning_rate * self.style_rate
        super().update_step(gradient, variable, learning_rate)

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        # On TensorFlow. To sum over devices registers a gradient with every graph that is traced,
        # which keeps it, some 35 MB, for as long as the process lives: not for a sum of one.
        if self._distribution_strategy.num_replicas_in_sync == 1:
            return list(grads_and_vars)
        return super()._all_reduce_sum_gradients(grads_and_vars)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "style_rate": self.style_rate}


@keras.saving.register_keras_serializable(package="cin_style")
class WarmupAndDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, a plateau, then a cosine fall to zero at the last step.

    Args:
        learning_rate: on the plateau.
        steps: of the whole run.
        warmup_steps: steps from (nearly) 0 to `learning_rate`.
        decay: the share of the run, at its end, over which the rate falls; 0 for none.

    Example:

        >>> schedule = WarmupAndDecay(0.1, steps=100, warmup_steps=10, decay=0.5)
        >>> [round(float(schedule(step)), 3) for step in (0, 9, 50, 75, 100)]
        [0.01, 0.1, 0.1, 0.05, 0.0]
    """

    def __init__(
        self, learning_rate: float, steps: int, warmup_steps: int = 0, decay: float = 0.0
    ) -> None:
        self.learning_rate = learning_rate
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.decay = decay

    def __call__(self, step: Any) -> Any:
        """The rate of the step with this number, counted from 0; a float32 scalar."""
        step = ops.cast(step, "float32")
        rate = ops.convert_to_tensor(self.learning_rate, "float32")
        if self.warmup_steps:
            rate = rate * ops.minimum(1.0, (step + 1) / self.warmup_steps)
        if self.decay:
            length = max(1.0, self.decay * self.steps)
            done = ops.clip((step - (self.steps - length)) / length, 0.0, 1.0)
            rate = rate * 0.5 * (1 + ops.cos(3.141592653589793 * done))
        return rate

    def get_config(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "decay": self.decay,
        }


def make_schedule(recipe: RunRecipe) -> WarmupAndDecay:
    """The learning rate of every step, as a recipe describes it."""
    return WarmupAndDecay(recipe.learning_rate, recipe.steps, recipe.warmup_steps, recipe.decay)


def make_optimizer(recipe: RunRecipe) -> keras.optimizers.Optimizer:
    """Adam as a recipe describes it."""
    optimizer = StyleAdam(
        make_schedule(recipe),
        recipe.style_rate if isinstance(recipe, NetworkRecipe) else 1.0,
        global_clipnorm=recipe.clip_norm or None,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
    )
    if recipe.precision == "mixed_float16":
        # Losses here are in the millions: the usual initial scale of 2^15 would overflow.
        return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    return optimizer
