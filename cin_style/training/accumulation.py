"""Training steps in parts: the gradients of a batch that does not fit into memory at once."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops, tree


def parts_of(batch: Any, count: int) -> Any:
    """Takes a batch apart, every so many-th example into the same part.

    So that devices among which the examples are shared out, each a stretch of them, have as many of
    each part, and need not send any.

    Args:
        batch: a structure of tensors (batch, ...).
        count: of parts.

    Returns:
        The structure, of tensors (count, batch / count, ...).

    Example:

        >>> ops.convert_to_numpy(parts_of(ops.arange(6), 3)).tolist()
        [[0, 3], [1, 4], [2, 5]]
    """

    def take_apart(tensor: Any) -> Any:
        shape = (-1, count, *tensor.shape[1:])
        return ops.moveaxis(ops.reshape(tensor, shape), 1, 0)

    return tree.map_structure(take_apart, batch)


def jax_step(trainer: Any, state: Any, data: Any) -> tuple[dict[str, Any], Any]:
    """What `train_step` is on JAX, a part after the other; see `keras.Model.train_step`."""
    import jax

    trainable, others, optimizer, metrics = state
    batch, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    slope = jax.value_and_grad(trainer.compute_loss_and_updates, has_aux=True)

    def add(sums: Any, part: Any) -> Any:
        others, metrics, total = sums
        (_, (loss, outputs, others, metrics)), gradients = slope(
            *(trainable, others, metrics, part, None, None),
            training=True,
            optimizer_variables=optimizer,
        )
        logs, metrics = trainer._update_metrics_variables(metrics, loss, part, None, outputs, None)
        return (others, metrics, [a + b for a, b in zip(total, gradients, strict=True)]), logs

    # A loop of XLA's: written out, the parts would be in memory together. (Slow on processors.)
    sums = others, metrics, [ops.zeros_like(variable) for variable in trainable]
    (others, metrics, total), logs = jax.lax.scan(add, sums, parts_of(batch, trainer.parts))
    gradients = [gradient / trainer.parts for gradient in total]
    trainable, optimizer = trainer.optimizer.stateless_apply(optimizer, gradients, trainable)
    return {name: values[-1] for name, values in logs.items()}, (
        trainable,
        others,
        optimizer,
        metrics,
    )


def tensorflow_step(trainer: Any, data: Any) -> dict[str, Any]:
    """What `train_step` is on TensorFlow, a part after the other."""
    import tensorflow as tf

    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    batch, _, _ = keras.utils.unpack_x_y_sample_weight(data)
    parts = parts_of(batch, trainer.parts)
    weights = trainer.trainable_weights
    total: list[Any] = []
    for index in range(trainer.parts):
        # Not before the part before it, or all would be in memory together.
        with tf.control_dependencies(total):
            part = tree.map_structure(lambda tensor, i=index: tf.identity(tensor[i]), parts)
        with tf.GradientTape() as tape:
            loss = trainer.compute_loss(x=part, y_pred=trainer(part, training=True))
            scaled = trainer.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, weights)
        examples = tf.shape(tree.flatten(part)[0])[0]
        trainer._loss_tracker.update_state(loss * replicas, sample_weight=examples)
        total = [a + b for a, b in zip(total, gradients, strict=True)] if total else gradients
    gradients = [gradient / trainer.parts for gradient in total]
    trainer.optimizer.apply_gradients(zip(gradients, weights, strict=True))
    return trainer.get_metrics_result()


STEPS: dict[str, Callable[..., Any]] = {"jax": jax_step, "tensorflow": tensorflow_step}
