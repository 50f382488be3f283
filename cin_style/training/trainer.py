"""One training step: the network's pastiches under the objective, through Keras' `fit`."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from cin_style.losses.objective import StyleObjective
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.training import accumulation
from cin_style.training.teacher import Teacher


class ObjectiveTrainer(keras.Model):
    """What trainers by a `StyleObjective` share: a mean of each term of the loss.

    Args:
        network: what is trained.
        objective: a `StyleObjective`, which never is.
        more: names of terms that are not the objective's.

    Attributes:
        network, objective: as given.
        parts: in how many parts the gradients of a batch are computed, one after the other. To be
            set before the first step.
    """

    def __init__(
        self, network: keras.Model, objective: StyleObjective, more: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self.parts = 1
        names = [*objective.term_names, *more]
        self.term_metrics = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The mean of the loss and of each of its terms over the epoch so far."""
        return [self._loss_tracker, *self.term_metrics.values()]

    def train_step(self, *arguments: Any) -> Any:
        if self.parts == 1:
            return super().train_step(*arguments)
        return accumulation.STEPS[keras.backend.backend()](self, *arguments)

    def mean_loss(self, losses: Any, terms: dict[str, Any]) -> Any:
        """The mean of a batch's losses, a scalar; notes the terms that they are made from.

        Args:
            losses: (batch,).
            terms: dict of names to (count,); counts may differ from term to term.
        """
        for name, values in terms.items():
            self.term_metrics[name].update_state(values)
        return ops.mean(losses) / _replicas()


class StyleTrainer(ObjectiveTrainer):
    """Trains a network on batches `(images, style_ids)`.

    Args:
        network: a `StyleTransferNetwork`. All that is trainable in it is trained.
        objective: a `StyleObjective` with the same styles in the same order.
        teacher: a `Teacher` of these styles, whose pictures are to be met as well, or `None`.

    Attributes:
        network, objective, teacher: as given. Only the network is trained.

    Example:

        >>> import numpy as np
        >>> from cin_style import VGG16, StyleObjective, StyleTransferNetwork
        >>> layers, image = {"block1_conv1": 1.0}, np.eye(16, dtype="float32")
        >>> network = StyleTransferNetwork(["waves"], widths=(4, 6, 8), residual_blocks=1)
        >>> objective = StyleObjective(
        ...     VGG16(layers, "random"),
        ...     [np.stack([image] * 3, axis=-1)],
        ...     content_layers=layers,
        ...     style_layers=layers,
        ... )
        >>> trainer = StyleTrainer(network, objective)
        >>> trainer.compile(optimizer="adam")
        >>> images = np.stack([image] * 3, axis=-1)[None]
        >>> logs = trainer.train_on_batch((images, np.int32([0])), return_dict=True)
        >>> sorted(logs)
        ['content_loss', 'loss', 'style_loss']
    """

    def __init__(
        self,
        network: StyleTransferNetwork,
        objective: StyleObjective,
        teacher: Teacher | None = None,
    ) -> None:
        super().__init__(network, objective, [Teacher.TERM] if teacher else [])
        self.teacher = teacher
        # The same layers once more, showing what goes into the normalizations.
        looked_at = network.convolutions if objective.needs_activations else []
        self._forward = keras.Model(
            network.inputs, [network.output, [layer.output for layer in looked_at]]
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        images, style_ids = inputs
        return self._forward([images, ops.one_hot(style_ids, self.network.num_styles)])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean total loss of the batch, a scalar."""
        images, style_ids = x
        pastiches, activations = y_pred
        terms = self.objective.terms(images, style_ids, pastiches, activations)
        if self.teacher is not None:
            wanted = self.teacher([images, style_ids])
            terms[Teacher.TERM] = self.teacher.loss(pastiches, wanted, self.objective.margin)
        return self.mean_loss(sum(terms.values()), terms)


def _replicas() -> int:
    """Over how many replicas the step's gradients will be summed.

    Keras divides its own losses by this number under `tf.distribute`, but not the result of
    an overridden `compute_loss`.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync
