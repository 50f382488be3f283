"""Optimizing the pixels themselves (Gatys et al. 2016), under the objective of training."""

import dataclasses
import logging
import pathlib

import keras
import numpy as np
import scipy.optimize
import tqdm
from keras import ops
from PIL import Image

from cin_style import images, training
from cin_style import network as networks
from cin_style.errors import UserError
from cin_style.files import writable_folder

_LOG = logging.getLogger("cin_style")

# How many of its last steps L-BFGS remembers.
_MEMORY = 20


@dataclasses.dataclass(frozen=True)
class Result:
    """What an optimization came to.

    Attributes:
        picture: float32 (height, width, 3) in [0, 1], the one of least loss.
        losses: the total loss at the start and after every iteration.
        terms: dict of the weighted terms of the picture's loss.
        interrupted: whether it ended by Ctrl-C, before its last iteration.
    """

    picture: np.ndarray
    losses: list
    terms: dict
    interrupted: bool = False


class _Problem:
    """The loss of a picture and its gradient; remembers the best picture that was asked for."""

    def __init__(self, objective, photo, style_index):
        photos = ops.convert_to_tensor(photo[None], "float32")
        ids = ops.convert_to_tensor([style_index], "int32")

        def loss(picture):
            terms = objective.terms(photos, ids, picture[None])
            terms = {name: values[0] for name, values in terms.items()}
            return sum(terms.values()), terms

        self._evaluate = _with_gradient(loss)
        self.picture, self.loss, self.terms = None, np.inf, {}

    def __call__(self, picture):
        (loss, terms), gradient = self._evaluate(picture)
        loss = float(loss)
        if not np.isfinite(loss):
            raise UserError(
                "the loss is no longer finite. Take smaller weights (--style_weight), or "
                "--precision float32."
            )
        if loss < self.loss:
            self.picture, self.loss = np.array(picture), loss
            self.terms = {name: float(value) for name, value in terms.items()}
        return loss, gradient


def _with_gradient(function):
    """Compiles a function of one array that gives a scalar and an extra value.

    Returns:
        A function of a NumPy array that gives `((scalar, extra), gradient)`.

    Raises:
        UserError: for a backend other than TensorFlow and JAX.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.value_and_grad(function, has_aux=True))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=False)
        def evaluate(array):
            with tf.GradientTape() as tape:
                tape.watch(array)
                result = function(array)
            return result, tape.gradient(result[0], array)

        return lambda array: evaluate(tf.constant(array))
    raise UserError(
        "optimizing pixels needs the TensorFlow or the JAX backend. Received: "
        f"KERAS_BACKEND={keras.backend.backend()}"
    )


def minimize(
    objective,
    photo,
    start,
    iterations,
    *,
    style_index=0,
    optimizer="lbfgs",
    learning_rate=0.02,
    watch=None,
    stop_at=None,
):
    """Changes a picture's pixels, within [0, 1], so that its loss falls.

    Args:
        objective: a `StyleObjective`.
        photo: float32 (height, width, 3) in [0, 1], which gives the content.
        start: like `photo`, the picture to begin with.
        iterations: at most so many.
        style_index: which of the objective's styles.
        optimizer: `lbfgs` (L-BFGS-B; an iteration looks at the loss once or a few times) or
            `adam`.
        learning_rate: Adam's.
        watch: called after every iteration with the loss and the dict of its terms.
        stop_at: end early once the loss is no higher than this.

    Returns:
        A `Result`; also after Ctrl-C, with the best picture so far.

    Raises:
        UserError: a loss that is not finite.
    """
    problem = _Problem(objective, photo, style_index)
    losses = []

    def step_done(loss):
        losses.append(float(loss))
        if watch and len(losses) > 1:
            watch(losses[-1], problem.terms)
        return stop_at is not None and loss <= stop_at

    step = {"lbfgs": _lbfgs, "adam": _adam}[optimizer]
    try:
        interrupted = False
        step(problem, np.asarray(start, "float32"), iterations, learning_rate, step_done)
    except KeyboardInterrupt:
        interrupted = True
        if problem.picture is None:
            raise
    return Result(problem.picture, losses, problem.terms, interrupted)


def _lbfgs(problem, start, iterations, learning_rate, step_done):
    def evaluate(flat):
        loss, gradient = problem(flat.reshape(start.shape).astype("float32"))
        return loss, np.asarray(gradient, "float64").ravel()

    def callback(intermediate_result):
        if step_done(intermediate_result.fun):
            raise StopIteration

    step_done(problem(start)[0])
    scipy.optimize.minimize(
        evaluate,
        start.ravel().astype("float64"),
        jac=True,
        method="L-BFGS-B",
        bounds=scipy.optimize.Bounds(0, 1),
        callback=callback,
        # It ends by the number of iterations, not by how slowly the loss falls.
        options={
            "maxiter": iterations,
            "maxfun": 20 * iterations,
            "maxcor": _MEMORY,
            "ftol": 0,
            "gtol": 0,
        },
    )


def _adam(problem, start, iterations, learning_rate, step_done):
    variable = keras.Variable(start, dtype="float32")
    adam = keras.optimizers.Adam(learning_rate)
    adam.build([variable])
    loss, gradient = problem(start)
    for _ in range(iterations):
        if step_done(loss):
            return
        adam.apply([ops.convert_to_tensor(gradient)], [variable])
        variable.assign(ops.clip(variable, 0.0, 1.0))
        loss, gradient = problem(ops.convert_to_numpy(variable))
    step_done(loss)


def check(recipe):
    """Raises a `UserError` for a number in an `OptimizeRecipe` that is out of its range."""
    training.check(recipe)
    for name, least in (("iterations", 1), ("stages", 1), ("max_side", networks.SMALLEST_SIDE)):
        if getattr(recipe, name) < least:
            raise UserError(f"--{name} must be at least {least}. Received: {getattr(recipe, name)}")
    if recipe.iterations < recipe.stages:
        raise UserError(
            f"--iterations must be at least --stages, one for each. Received: {recipe.iterations}"
        )


def optimize(recipe, progress=True):
    """Paints one photo in the style of one image by optimizing the pixels.

    Works at `stages` sizes, each twice the one before, with the style image scaled alike: what
    is large is settled where it costs little (Gatys et al. 2017, section 6).

    Args:
        recipe: an `OptimizeRecipe`.
        progress: show a bar.

    Returns:
        A `Result` of the size of the photo or, where the photo is larger, with a long side of
        `max_side`; its losses are those of the last stage.

    Raises:
        UserError: anything wrong with the recipe or the files it names.
    """
    check(recipe)
    recipe = dataclasses.replace(recipe, activation_penalty=0.0)  # of a network's inside
    whole = images.load(recipe.content, max_side=recipe.max_side)
    smallest = min(whole.shape[:2]) / 2 ** (recipe.stages - 1)
    if smallest < networks.SMALLEST_SIDE:
        raise UserError(
            f"the photo's short side would be {smallest:.0f} px in the first of {recipe.stages} "
            f"stages; at least {networks.SMALLEST_SIDE} px are needed. Take fewer --stages or a "
            "larger photo."
        )
    picture = None
    with tqdm.tqdm(total=recipe.iterations, unit="iteration", disable=not progress) as bar:

        def watch(loss, terms):
            bar.set_postfix({"loss": f"{loss:.3g}"} | {k: f"{v:.3g}" for k, v in terms.items()})
            bar.update()

        for stage in range(recipe.stages):
            scale = 2 ** (recipe.stages - 1 - stage)
            photo = _resize(whole, whole.shape[0] // scale, whole.shape[1] // scale)
            style = images.load(recipe.style, short_side=max(1, recipe.style_size // scale))
            if picture is not None:
                picture = _resize(picture, *photo.shape[:2])
            elif recipe.init == "noise":
                picture = np.random.default_rng(recipe.seed).random(photo.shape, "float32")
            else:
                picture = photo
            # What does not divide by the number of stages goes to the first ones.
            iterations = (recipe.iterations + recipe.stages - 1 - stage) // recipe.stages
            result = minimize(
                training.make_objective(recipe, [style], None),
                photo,
                picture,
                iterations,
                optimizer=recipe.optimizer,
                learning_rate=recipe.learning_rate,
                watch=watch,
            )
            picture = result.picture
            if result.interrupted:
                break
    return dataclasses.replace(result, picture=_resize(picture, *whole.shape[:2]))


def _resize(image, height, width):
    """Scales each channel in float, so that nothing is rounded to 8 bits."""
    if image.shape[:2] == (height, width):
        return image
    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., channel])).resize(
            (width, height), Image.Resampling.LANCZOS
        )
        for channel in range(3)
    ]
    return np.clip(np.stack(channels, axis=-1), 0, 1)


def optimize_file(recipe, output):
    """Carries an `OptimizeRecipe` out into an image file.

    After Ctrl-C the best picture so far is written, and `KeyboardInterrupt` raised again.

    Returns:
        The `Result`.

    Raises:
        UserError: see `optimize`, or a file that can't be written.
    """
    output = pathlib.Path(output)
    images.check_writable_format(output)
    writable_folder(output.parent)
    result = optimize(recipe)
    images.save(output, result.picture, metadata=images.read_metadata(recipe.content))
    terms = ", ".join(f"{name} {value:.4g}" for name, value in result.terms.items())
    _LOG.info("wrote %s (loss %.4g: %s)", output, min(result.losses), terms)
    if result.interrupted:
        raise KeyboardInterrupt
    return result
