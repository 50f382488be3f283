"""The network as a row of stages that paint parts of a picture, statistics given from outside."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cin_style.networks.convolutions import convolve
from cin_style.networks.layers import modulate, select
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting.sources import Span


@dataclasses.dataclass(frozen=True)
class Stage:
    """A convolution with what comes before and after it.

    Attributes:
        name: as in the network's layers, without `_conv`. Stages that are alike but for it are
            equal, and compiled once.
        level: it makes a map at 1 / 2^level of the picture's size.
        inputs, filters: channels in and out.
        size, stride: of the kernel.
        upsample: whether its input is enlarged by 2 before.
        smooth: whether that is averaged twice over 2 x 2 pixels then.
        activation: `relu`, or nothing.
        role: `branch` where its input is added to what the next stage makes, which is a `join`.
        epsilon: of its normalization.
        dtype: in which it computes.
    """

    name: str = dataclasses.field(compare=False)
    level: int
    inputs: int
    filters: int
    size: int
    stride: int
    upsample: bool
    smooth: bool
    activation: str
    role: str
    epsilon: float
    dtype: str

    def reads(self, made: Span) -> Span:
        """What it reads, at the size to which its input is enlarged, to make something."""
        around = self.size // 2 + self.smooth
        start, length = made
        return start * self.stride - around, (length - 1) * self.stride + 1 + 2 * around

    def source(self, made: Span) -> Span:
        """What it reads of the map before it to make something."""
        start, length = self.reads(made)
        if not self.upsample:
            return start, length
        return start // 2, (start + length - 1) // 2 - start // 2 + 1

    def indices(self, made: Span, source: Span, whole: int) -> np.ndarray:
        """Where in the part `source` of the map before stands what is read; int32.

        The picture's borders are mirrored, as the network's padding does it.

        Args:
            made, source: what is made, and of what.
            whole: the size of the whole map before.
        """
        start, length = self.reads(made)
        whole *= 1 + self.upsample
        places = np.abs(np.arange(start, start + length))
        places = np.minimum(places, 2 * (whole - 1) - places)
        places = places // (1 + self.upsample) - source[0]
        return np.clip(places, 0, source[1] - 1).astype("int32")


def of(network: StyleTransferNetwork) -> tuple[Stage, ...]:
    """A network's stages, in its order: those that `StyleTransferNetwork` connects."""
    widths, depth = network.widths, len(network.widths) - 1
    smooth = network.upsampling == "bilinear"
    # name, level, filters, size, stride, upsample, activation, role
    rows: list[tuple] = [("contract_1", 0, widths[0], 9, 1, False, "relu", "")]
    for k in range(1, depth + 1):
        rows.append((f"contract_{k + 1}", k, widths[k], 3, 2, False, "relu", ""))
    for index in range(1, network.residual_blocks + 1):
        for half, activation, role in (("a", "relu", "branch"), ("b", "", "join")):
            name = f"residual_{index}{half}"
            rows.append((name, depth, widths[-1], 3, 1, False, activation, role))
    for k in reversed(range(depth)):
        rows.append((f"expand_{depth - k}", k, widths[k], 3, 1, True, "relu", ""))
    rows.append((f"expand_{depth + 1}", 0, 3, 9, 1, False, "", ""))
    stages, inputs = [], 3
    for name, level, filters, size, stride, upsample, activation, role in rows:
        stages.append(
            Stage(
                name=name,
                level=level,
                inputs=inputs,
                filters=filters,
                size=size,
                stride=stride,
                upsample=upsample,
                smooth=upsample and smooth,
                activation=activation,
                role=role,
                epsilon=network.get_layer(f"{name}_norm").epsilon,
                dtype=network.get_layer(f"{name}_conv").compute_dtype,
            )
        )
        inputs = filters
    return tuple(stages)


def spans(chain: Sequence[Stage], made: Span) -> list[Span]:
    """What the stages of a chain read and make along one axis, so that the last makes `made`.

    Returns:
        A span more than there are stages: the first is what is read, the last `made`.
    """
    found = [made]
    for stage in reversed(chain):
        found.insert(0, stage.source(found[0]))
    return found


@dataclasses.dataclass(frozen=True)
class Normalization:
    """What a stage's normalization needs besides its input.

    Attributes:
        gammas, betas: float32 (1, k, channels).
        mean, variance: float32 (channels,), of the whole picture.
        weights: float32 (1, k), or a map (1, height, width, k) of the input's size.
    """

    gammas: np.ndarray
    betas: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    weights: np.ndarray

    def as_tuple(self) -> tuple[np.ndarray, ...]:
        """What `runner` takes."""
        return self.gammas, self.betas, self.mean, self.variance, self.weights


@functools.cache
def runner(
    chain: tuple[Stage, ...], before: Stage | None, num_maps: int | None
) -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A function that takes a part of a map through some stages, compiled.

    Args:
        chain: the stages.
        before: the stage whose convolution made what is read, and which is normalized first; or
            `None` for what is read as it is.
        num_maps: k where style weights are maps, else `None`.

    Returns:
        A function of

        - part: float32 (1, height, width, channels), what is read;
        - indices: a (rows, columns) for each stage, see `Stage.indices`;
        - kernels: of each stage;
        - normalizations: what `Normalization.as_tuple` gives, of `before` and of each stage but
          the last;
        - counting: a (rows, columns) of what is made, float32: 1 where it enters into the
          statistics, else 0.

        It returns what the last convolution makes, not normalized, float32 (height, width,
        channels); its mean, and the sum of squared differences from that, float32 (channels,).
    """

    def compute(part, indices, kernels, normalizations, counting):
        x, remaining = part, list(normalizations)
        if before is not None:
            x = _finish(before, x, remaining.pop(0))
        beside = x
        for stage, places, kernel in zip(chain, indices, kernels, strict=True):
            if stage.role == "branch":
                beside = x
            y = _convolve(stage, x, places, kernel)
            if stage is chain[-1]:
                break
            y = _finish(stage, y, remaining.pop(0))
            # Two convolutions of 3 x 3 have made it smaller by two pixels on each side.
            x = beside[:, 2:-2, 2:-2] + y if stage.role == "join" else y
        y = ops.cast(y, "float32")
        rows, columns = counting
        weights = ops.expand_dims(ops.expand_dims(rows, -1) * columns, -1)
        mean = _sum(y[0] * weights) / ops.sum(weights)
        return y[0], mean, _sum(weights * ops.square(y[0] - mean))

    return _compile(compute, chain, before, num_maps)


def _sum(x: Any) -> Any:
    # Row by row: a sum of all at once, one value added to the last, loses two digits.
    return ops.sum(ops.sum(x, axis=0), axis=0)


def _convolve(stage: Stage, x: Any, places: Any, kernel: Any) -> Any:
    rows, columns = places
    x = ops.take(ops.take(x, rows, axis=1), columns, axis=2)
    x = ops.cast(x, stage.dtype)
    if stage.smooth:
        for _ in range(2):
            x = ops.average_pool(x, 2, 1, "valid")
    even = all(side and (side - kernel.shape[0]) % 2 for side in x.shape[1:3])
    return convolve(x, ops.cast(kernel, stage.dtype), stage.stride, even)


def _finish(stage: Stage, x: Any, normalization: tuple) -> Any:
    """Normalizes what a stage's convolution made, and activates it."""
    gammas, betas, mean, variance, weights = normalization
    gamma, beta = select(gammas, weights), select(betas, weights)
    x = modulate(x, gamma, beta, stage.epsilon, moments=(mean, variance))
    return ops.cast(ops.relu(x) if stage.activation else x, stage.dtype)


def _compile(
    compute: Callable, chain: tuple[Stage, ...], before: Stage | None, num_maps: int | None
) -> Callable[..., tuple]:
    """A function of arrays; on TensorFlow traced once for all sizes, on JAX for each."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        def side(dtype="float32"):
            return tf.TensorSpec((None,), dtype)

        def norm(stage):
            table = tf.TensorSpec((1, num_maps or 1, stage.filters))
            weights = (1, None, None, num_maps) if num_maps else (1, 1)
            moment = tf.TensorSpec((stage.filters,))
            return table, table, moment, moment, tf.TensorSpec(weights)

        normalized = [before, *chain[:-1]] if before else chain[:-1]
        signature = [
            tf.TensorSpec((1, None, None, chain[0].inputs)),
            [(side("int32"), side("int32")) for _ in chain],
            [tf.TensorSpec((s.size, s.size, s.inputs, s.filters)) for s in chain],
            [norm(stage) for stage in normalized],
            (side(), side()),
        ]
        graph = tf.function(compute, input_signature=signature, autograph=False, jit_compile=False)
        return lambda *arguments: tuple(value.numpy() for value in graph(*arguments))
    if backend == "jax":
        import jax

        compute = jax.jit(compute)
    return lambda *arguments: tuple(map(ops.convert_to_numpy, compute(*arguments)))
