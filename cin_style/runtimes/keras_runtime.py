"""Painting with Keras, on TensorFlow, JAX or PyTorch."""

import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cin_style.networks.storage import thaw
from cin_style.networks.styled import Styled


class KerasRuntime:
    """Computes `StyleTransferNetwork.painting_graph`; see `Runtime`.

    It paints with a copy: what becomes of the network that was handed in changes no picture.

    Args:
        network: of any kind.
        dtype: dtype policy to paint in; by default Keras' global one.
    """

    name = "keras"
    has_maps = True

    def __init__(self, network: Styled, dtype: str | None = None) -> None:
        self.network = thaw(network, ["any"], dtype=dtype)
        # Compiled graphs by the number of styles in a map, made when they are first needed.
        self._painters: dict[int | None, Callable[..., np.ndarray]] = {}
        self._lock = threading.Lock()

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        num_maps = weights.shape[-1] if weights.ndim == 4 else None
        with self._lock:
            if num_maps not in self._painters:
                self._painters[num_maps] = _compile(self.network.painting_graph(num_maps))
            paint = self._painters[num_maps]
        return paint(photos, embeddings, weights)


def _compile(graph: keras.Model) -> Callable[..., np.ndarray]:
    """The graph as a function of arrays, for many threads at once.

    On TensorFlow it is compiled once for all sizes, on JAX anew for each image size.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec(tensor.shape, tf.float32) for tensor in graph.inputs]

        # XLA would compile for seconds at every new image size.
        @tf.function(input_signature=signature, jit_compile=False)
        def paint(*inputs: Any) -> Any:
            return graph(list(inputs), training=False)

        # Traced here: while it is being traced, a graph is not for several threads.
        concrete = paint.get_concrete_function()
        return lambda *inputs: concrete(*map(tf.constant, inputs)).numpy()
    if keras.backend.backend() == "jax":
        import jax

        variables = [variable.value for variable in graph.trainable_variables]
        others = [variable.value for variable in graph.non_trainable_variables]
        jitted = jax.jit(
            lambda *arguments: graph.stateless_call(
                arguments[0], arguments[1], list(arguments[2:]), training=False
            )[0]
        )
        return lambda *inputs: np.asarray(jitted(variables, others, *inputs))
    return lambda *inputs: keras.ops.convert_to_numpy(graph(list(inputs), training=False))
