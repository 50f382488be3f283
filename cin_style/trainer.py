"""One training step: the network's pastiches under the objective, through Keras' `fit`."""

import keras
from keras import ops


class StyleTrainer(keras.Model):
    """Trains a network on batches `(images, style_ids)`.

    Args:
        network: a `StyleTransferNetwork`. All that is trainable in it is trained.
        objective: a `StyleObjective` with the same styles in the same order.

    Attributes:
        network, objective: as given. The objective is never trained.
    """

    def __init__(self, network, objective):
        super().__init__()
        self.network = network
        self.objective = objective
        self.term_metrics = {name: keras.metrics.Mean(name=name) for name in objective.term_names}
        # The same layers once more, showing what goes into the normalizations.
        looked_at = network.convolutions if objective.activation_penalty else []
        self._forward = keras.Model(
            network.inputs, [network.output, [layer.output for layer in looked_at]]
        )
        self.built = True

    @property
    def metrics(self):
        """The mean of the loss and of each of its terms over the epoch so far."""
        return [self._loss_tracker, *self.term_metrics.values()]

    def call(self, inputs, training=None):
        images, style_ids = inputs
        return self._forward([images, ops.one_hot(style_ids, self.network.num_styles)])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The mean total loss of the batch, a scalar."""
        images, style_ids = x
        pastiches, activations = y_pred
        terms = self.objective.terms(images, style_ids, pastiches, activations)
        for name, values in terms.items():
            self.term_metrics[name].update_state(values)
        return ops.mean(sum(terms.values())) / _replicas()


def _replicas():
    """Over how many replicas the step's gradients will be summed.

    Keras divides its own losses by this number under `tf.distribute`, but not the result of
    an overridden `compute_loss`.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


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
