"""Adam with a rate of its own for the styles, and a learning rate that rises and falls."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="cin_style")
class StyleAdam(keras.optimizers.Adam):
    """Adam with another learning rate for the styles' gammas and betas.

    Adam moves every weight by about the learning rate per step. Convolutions begin near 0.01
    and are remade within a hundred steps of 1e-3; a gamma begins at 1 and has hardly moved
    after a thousand. What a style needs of contrast and colour is then taken on by the
    convolutions, for all styles alike (see train/results/README.md on droplets).

    Args:
        learning_rate: of the convolutions; a number or a schedule.
        style_rate: the gammas' and betas' learning rate, as a multiple of it.
        **kwargs: see `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate=1e-3, style_rate=1.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.style_rate = style_rate

    def update_step(self, gradient, variable, learning_rate):
        if variable.name in ("gamma", "beta"):
            learning_rate = learning_rate * self.style_rate
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        return {**super().get_config(), "style_rate": self.style_rate}


@keras.saving.register_keras_serializable(package="cin_style")
class WarmupAndDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, a plateau, then a cosine fall to zero at the last step.

    Args:
        learning_rate: on the plateau.
        steps: of the whole run.
        warmup_steps: steps from (nearly) 0 to `learning_rate`.
        decay: the share of the run, at its end, over which the rate falls; 0 for none.
    """

    def __init__(self, learning_rate, steps, warmup_steps=0, decay=0.0):
        self.learning_rate = learning_rate
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.decay = decay

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = ops.convert_to_tensor(self.learning_rate, "float32")
        if self.warmup_steps:
            rate = rate * ops.minimum(1.0, (step + 1) / self.warmup_steps)
        if self.decay:
            length = max(1.0, self.decay * self.steps)
            done = ops.clip((step - (self.steps - length)) / length, 0.0, 1.0)
            rate = rate * 0.5 * (1 + ops.cos(3.141592653589793 * done))
        return rate

    def get_config(self):
        return {
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "decay": self.decay,
        }


def make_optimizer(recipe):
    """Adam as a recipe describes it."""
    optimizer = StyleAdam(
        WarmupAndDecay(recipe.learning_rate, recipe.steps, recipe.warmup_steps, recipe.decay),
        recipe.style_rate,
        global_clipnorm=recipe.clip_norm or None,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
    )
    if recipe.precision == "mixed_float16":
        # Losses here are in the millions: the usual initial scale of 2^15 would overflow.
        return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    return optimizer
