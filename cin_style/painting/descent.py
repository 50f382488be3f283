"""Descending a loss by L-BFGS or Adam, on either backend; the best found so far is kept."""

import dataclasses
import logging
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import scipy.optimize
from keras import ops

from cin_style.errors import UserError

_LOG = logging.getLogger("cin_style")

# How many of its last steps L-BFGS remembers.
_MEMORY = 20

# What is called after every iteration, with its loss and the terms of what was last looked at.
Watch = Callable[[float, dict[str, float]], Any]


@dataclasses.dataclass(frozen=True)
class Found:
    """What a descent came to.

    Attributes:
        values: float32, those of least loss that were looked at.
        loss: their total loss.
        terms: dict of the weighted terms of their loss.
        losses: the total loss at the start and after every iteration; that of the values may be
            lower, since an iteration may look at several.
        interrupted: whether it ended by Ctrl-C, before its last iteration.
    """

    values: np.ndarray
    loss: float
    terms: dict[str, float]
    losses: list[float]
    interrupted: bool = False


def with_gradient(function: Callable) -> Callable:
    """Compiles a function that gives a scalar and an extra value, with its gradient.

    Returns:
        A function of the same arguments that gives `((scalar, extra), gradient)`, the gradient
        with respect to the first argument, a NumPy array.

    Raises:
        UserError: for a backend other than TensorFlow and JAX.

    Example:
        >>> square = with_gradient(lambda x: (ops.sum(x**2), {}))
        >>> (value, _), gradient = square(np.float32([1, 3]))
        >>> float(value), np.asarray(gradient).tolist()
        (10.0, [2.0, 6.0])
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.value_and_grad(function, has_aux=True))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=False)
        def evaluate(array, *others):
            with tf.GradientTape() as tape:
                tape.watch(array)
                result = function(array, *others)
            return result, tape.gradient(result[0], array)

        return lambda array, *others: evaluate(tf.constant(array), *others)
    raise UserError(
        "optimizing pixels needs the TensorFlow or the JAX backend. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}"
    )


class Search:
    """Looks at values, and remembers the best, the last one's terms and the losses.

    Args:
        evaluate: a function of values that gives `((loss, terms), gradient)`.
        watch: see `Watch`.

    Attributes:
        best: a `Found`, once values were looked at.
        terms: of the last that were looked at.
        losses: at the start, and after every iteration.
    """

    def __init__(self, evaluate: Callable, watch: Watch | None = None) -> None:
        self._evaluate = evaluate
        self._watch = watch
        self.best: Any = None
        self.terms: dict[str, float] = {}
        self.losses: list[float] = []

    def look_at(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of values and its gradient."""
        (loss, terms), gradient = self._evaluate(values)
        loss, gradient = float(loss), np.asarray(gradient)
        if not (np.isfinite(loss) and np.isfinite(gradient).all()):
            raise UserError(
                "the loss is no longer finite. Take smaller weights (`style_weight`), or "
                "float32 as `precision`."
            )
        self.terms = {name: float(value) for name, value in terms.items()}
        if self.best is None or loss < self.best.loss:
            self.best = Found(np.array(values), loss, self.terms, self.losses)
        return loss, gradient

    def step_done(self, loss: float) -> None:
        """Notes the loss at the start, and after every iteration."""
        self.losses.append(float(loss))
        if self._watch and len(self.losses) > 1:
            self._watch(self.losses[-1], self.terms)


def descend(
    evaluate: Callable,
    start: np.ndarray,
    iterations: int,
    *,
    optimizer: str = "lbfgs",
    learning_rate: float = 0.02,
    bounds: tuple[float, float] | None = None,
    watch: Watch | None = None,
) -> Found:
    """Changes values so that their loss falls.

    Args:
        evaluate: a function of values that gives `((loss, terms), gradient)`.
        start: float32, the values to begin with.
        iterations: so many; L-BFGS may end earlier, where float32 knows nothing better.
        optimizer: `lbfgs` (L-BFGS-B; an iteration looks at one place or a few) or `adam`.
        learning_rate: Adam's.
        bounds: least and largest of every value; by default none.
        watch: see `Watch`.

    Returns:
        A `Found`; also after Ctrl-C, with the best so far.

    Raises:
        UserError: a loss that is not finite.
        KeyboardInterrupt: after Ctrl-C before anything was looked at.

    Example:
        >>> square = with_gradient(lambda x: (ops.sum((x - 2.0) ** 2), {}))
        >>> descend(square, np.zeros(3, "float32"), 5, bounds=(0, 1)).values.tolist()
        [1.0, 1.0, 1.0]
    """
    search = Search(evaluate, watch)
    method = {"lbfgs": _lbfgs, "adam": _adam}[optimizer]
    try:
        method(search, np.asarray(start, "float32"), iterations, learning_rate, bounds)
    except KeyboardInterrupt:
        if search.best is None:
            raise
        return dataclasses.replace(search.best, interrupted=True)
    return search.best


def in_stages(stage: Callable[..., Found], arguments: Iterable[tuple]) -> Found:
    """Descends in stages, each from where the one before ended.

    Args:
        stage: a function of some arguments and what the stage before found (`None` in the first)
            that gives a `Found`.
        arguments: those of each stage.

    Returns:
        What the last stage found; after Ctrl-C, also between stages, the best so far.

    Raises:
        KeyboardInterrupt: after Ctrl-C before anything was found.
    """
    found: Any = None
    try:
        for own in arguments:
            found = stage(*own, found)
            if found.interrupted:
                break
    except KeyboardInterrupt:
        if found is None:
            raise
        found = dataclasses.replace(found, interrupted=True)
    return found


def _lbfgs(
    search: Search,
    start: np.ndarray,
    iterations: int,
    learning_rate: float,
    bounds: tuple[float, float] | None,
) -> None:
    def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = search.look_at(flat.reshape(start.shape).astype("float32"))
        return loss, gradient.astype("float64").ravel()

    search.step_done(search.look_at(start)[0])
    result = scipy.optimize.minimize(
        evaluate,
        start.ravel().astype("float64"),
        jac=True,
        method="L-BFGS-B",
        bounds=None if bounds is None else scipy.optimize.Bounds(*bounds),
        callback=lambda intermediate_result: search.step_done(intermediate_result.fun),
        # It ends by the number of iterations, not by how slowly the loss falls.
        options={
            "maxiter": iterations,
            "maxfun": 20 * iterations,
            "maxcor": _MEMORY,
            "ftol": 0,
            "gtol": 0,
        },
    )
    if result.nit < iterations:
        _LOG.info("L-BFGS ended after %d iterations: %s", result.nit, result.message)


def _adam(
    search: Search,
    start: np.ndarray,
    iterations: int,
    learning_rate: float,
    bounds: tuple[float, float] | None,
) -> None:
    variable = keras.Variable(start, dtype="float32")
    adam = keras.optimizers.Adam(learning_rate)
    adam.build([variable])
    loss, gradient = search.look_at(start)
    search.step_done(loss)
    for _ in range(iterations):
        adam.apply([ops.convert_to_tensor(gradient)], [variable])
        if bounds is not None:
            variable.assign(ops.clip(variable, *bounds))
        loss, gradient = search.look_at(ops.convert_to_numpy(variable))
        search.step_done(loss)
