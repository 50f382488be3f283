"""Functions with a gradient that is written out, on each backend."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def with_gradient(gradient: Callable) -> Callable:
    """Decorates a function of tensors that has another gradient than the derived one.

    `ops.custom_gradient` alone would do. But on TensorFlow it registers a gradient anew wherever
    a function is traced, and with it keeps the graph of a training step, some 35 MB, for as long
    as the process lives. Here it is registered once, and finds all that it needs in the graph.

    Args:
        gradient: called with `(upstream, *inputs, *kept)`, all tensors; gives a tuple, the
            gradients of the inputs. It is registered by module and name, so each function is
            given once in a process.

    Returns:
        A decorator of a function of `(*inputs, **options)` that gives a tensor and a tuple of
        tensors, `kept`. What is decorated gives the tensor.

    Example:

        >>> def of_square(upstream, x, double):
        ...     return (upstream * double,)
        >>> @with_gradient(of_square)
        ... def square(x):
        ...     return x * x, (2 * x,)
        >>> float(square(3.0))
        9.0
    """
    name = f"{gradient.__module__}.{gradient.__qualname__}"
    if keras.backend.backend() == "tensorflow":
        _register(name, gradient)

    def decorate(function):
        @functools.wraps(function)
        def decorated(*inputs, **options):
            inputs = tuple(map(ops.convert_to_tensor, inputs))
            if _in_a_graph():
                return _in_graph(name, gradient, functools.partial(function, **options), inputs)

            @ops.custom_gradient
            def once(*inputs):
                result, kept = function(*inputs, **options)

                def pull(*arguments, upstream=None):
                    upstream = arguments[0] if upstream is None else upstream
                    found = gradient(upstream, *inputs, *kept)
                    return found if len(found) > 1 else found[0]

                return result, pull

            return once(*inputs)

        return decorated

    return decorate


def _register(name: str, gradient: Callable) -> None:
    import tensorflow as tf

    @tf.RegisterGradient(name)
    def of_all(operation, upstream, *_):
        """The gradients of the tensors that `_in_graph` passes on."""
        _, *others = operation.inputs
        found = gradient(upstream, *others)
        return [None, *found, *[None] * (len(others) - len(found))]


def _in_a_graph() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.executing_eagerly()


def _in_graph(name: str, gradient: Callable, function: Callable, inputs: tuple) -> Any:
    """What a function gives, with a gradient for tapes in the graph and around it."""
    import tensorflow as tf

    # The way of `tf.custom_gradient` itself. A tape goes by the type of an operation, not by its
    # gradient's name, unless it is told.
    from tensorflow.python.eager import record

    with record.stop_recording():
        result, kept = function(*inputs)
        graph = tf.compat.v1.get_default_graph()
        with graph.gradient_override_map({"IdentityN": name}):
            result = tf.identity_n([result, *inputs, *kept])[0]
    record.record_operation(name, [result], inputs, lambda d: gradient(d, *inputs, *kept))
    return result
