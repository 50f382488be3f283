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
