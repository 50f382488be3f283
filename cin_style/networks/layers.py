"""The layers that the network is made of, but for its convolutions."""

from typing import Any

import keras
from keras import ops

from cin_style.errors import UserError
from cin_style.gradients import with_gradient


@keras.saving.register_keras_serializable(package="cin_style")
class ReflectionPadding2D(keras.layers.Layer):
    """Mirrors the borders of an image, without repeating the edge pixel.

    Zero padding shows as a frame in every pastiche; mirroring does not (Dumoulin et al.
    2017, appendix A).

    Args:
        padding: pixels to add; an int for all four sides or
            `((top, bottom), (left, right))`.

    Shapes: (batch, height, width, channels) to (batch, height + top + bottom,
    width + left + right, channels). Each side must be longer than its padding.

    Example:

        >>> tuple(ReflectionPadding2D(1)(ops.ones((1, 4, 5, 2))).shape)
        (1, 6, 7, 2)
    """

    def __init__(
        self, padding: int | tuple[tuple[int, int], tuple[int, int]], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(padding, int):
            padding = ((padding, padding), (padding, padding))
        self.padding = tuple(tuple(int(side) for side in pair) for pair in padding)

    def _check_size(self, shape):
        for axis, name, pair in ((1, "height", self.padding[0]), (2, "width", self.padding[1])):
            if shape[axis] is not None and shape[axis] <= max(pair):
                raise UserError(
                    f"the image is too small: reflection padding of {max(pair)} needs a "
                    f"{name} of at least {max(pair) + 1} px here. Received: {shape[axis]}"
                )

    def call(self, inputs):
        self._check_size(inputs.shape)
        return ops.pad(inputs, ((0, 0), *self.padding, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        self._check_size(input_shape)
        batch, height, width, channels = input_shape
        if height is not None:
            height += sum(self.padding[0])
        if width is not None:
            width += sum(self.padding[1])
        return batch, height, width, channels

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


def select(table: Any, style_weights: Any) -> Any:
    """Blends rows of gammas or betas by style weights: the first half of the normalization.

        style_weights @ table

    Written as a sum of products because a matrix product may round its float32 inputs to TF32 or
    bfloat16 on accelerators.

    Args:
        table: float32 (k, channels) for all examples, or (batch, k, channels).
        style_weights: (batch, k), a blend for each example; or a map (batch, height, width, k)
            with k known, a blend for each pixel.

    Returns:
        float32 (batch, 1, 1, channels) or (batch, height, width, channels).
    """
    style_weights = ops.cast(style_weights, "float32")
    if len(style_weights.shape) == 2:
        blend = ops.sum(ops.expand_dims(style_weights, -1) * table, axis=1)
        return ops.expand_dims(ops.expand_dims(blend, 1), 1)
    if len(table.shape) == 3:
        table = ops.expand_dims(ops.expand_dims(table, 1), 1)
    # Style by style: one (batch, height, width, channels) map at a time in memory.
    blend = style_weights[..., :1] * table[..., 0, :]
    for index in range(1, style_weights.shape[-1]):
        blend = blend + style_weights[..., index : index + 1] * table[..., index, :]
    return blend


def modulate(
    x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5, moments: tuple[Any, Any] | None = None
) -> Any:
    """Normalizes features, then scales and shifts them: the second half of the normalization.

        z = gamma * (x - mean(x)) / sqrt(var(x) + epsilon) + beta

    with mean and variance over height and width (Dumoulin et al. 2017, equation 5).

    Args:
        x: (batch, height, width, channels).
        gamma, beta: what `select` returns.
        epsilon: added to the variance.
        moments: mean and variance, float32 (channels,), where `x` is a part of a larger picture;
            or that were summed more exactly; by default those of `x`.

    Returns:
        float32, shaped like `x`.
    """
    x = ops.cast(x, "float32")
    mean, variance = moments or _moments(x)
    scale = gamma * ops.rsqrt(variance + epsilon)
    return x * scale + (beta - mean * scale)


def normalize(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5, exact: bool = False) -> Any:
    """`modulate` by the moments of `x`, with a gradient that goes over the maps less often.

    Derived by parts, the gradient of mean and variance visits `x` nine times. With d the gradient
    that comes in, n the number of pixels, x^ the normalized features and sums over them,

        dx = gamma / sqrt(var + epsilon) * (d - sum(d) / n - x^ * sum(d x^) / n)

    is a multiply-add of d and x (Ioffe, Szegedy 2015, section 3, written out). Of `x`, only `x`
    itself is kept for it.

    Args:
        x: (batch, height, width, channels).
        gamma, beta: float32 (batch, 1, 1, channels).
        epsilon: added to the variance.
        exact: take `exact_moments`.

    Returns:
        Shaped like `x` and of its dtype.
    """

    return _normalized(x, gamma, beta, epsilon=epsilon, exact=exact)


def _gradient_of_normalized(d, x, gamma, _, mean, inverse):
    # Cast again, as it was: one that is kept would be kept in memory.
    d, features = ops.cast(d, "float32"), ops.cast(x, "float32")
    total = ops.sum(d, axis=(1, 2), keepdims=True)
    d_gamma = (ops.sum(d * features, axis=(1, 2), keepdims=True) - mean * total) * inverse
    pixels = ops.cast(ops.shape(x)[1] * ops.shape(x)[2], "float32")
    scale = gamma * inverse
    of_x = -scale * inverse * d_gamma / pixels
    d_x = d * scale + (features * of_x - (scale * total / pixels + of_x * mean))
    return ops.cast(d_x, x.dtype), d_gamma, total


@with_gradient(_gradient_of_normalized)
def _normalized(x, gamma, beta, epsilon, exact):
    features = ops.cast(x, "float32")
    moments = exact_moments(features) if exact else _moments(features)
    result = ops.cast(modulate(features, gamma, beta, epsilon, moments), x.dtype)
    return result, (moments[0], ops.rsqrt(moments[1] + epsilon))


def _moments(x):
    return ops.moments(x, axes=(1, 2), keepdims=True)


def exact_moments(x: Any) -> tuple[Any, Any]:
    """Means and variances of large pictures over height and width, (batch, 1, 1, channels).

    Summed along columns, then along the row of sums. `ops.moments` adds value after value on
    TensorFlow: of two megapixels, its variances are wrong in the fourth digit. Training has small
    crops, and keeps ops.moments, whose gradient needs less memory.

    Args:
        x: float32 (batch, height, width, channels).
    """
    mean = ops.mean(ops.mean(x, axis=1, keepdims=True), axis=2, keepdims=True)
    squares = ops.square(x - mean)
    return mean, ops.mean(ops.mean(squares, axis=1, keepdims=True), axis=2, keepdims=True)


@keras.saving.register_keras_serializable(package="cin_style")
class ConditionalInstanceNormalization(keras.layers.Layer):
    """Instance normalization with a scale and shift for each of N styles.

        z = gamma_s * (x - mean(x)) / sqrt(var(x) + epsilon) + beta_s

    with mean and variance over height and width, for each example and channel (Dumoulin,
    Shlens, Kudlur 2017, equation 5). A blend of styles uses the same blend of gammas and of
    betas (section 3.3): gamma = style_weights @ gamma_table.

    Call it as `layer([x, style_weights])`:

    - x: (batch, height, width, channels).
    - style_weights: (batch, num_styles), each row one style (one-hot) or a blend; or a map
      (batch, height, width, num_styles) that gives every pixel its own blend.

    Statistics, gamma, beta and their product are computed in float32 whatever the dtype
    policy; the output has the policy's compute dtype.

    Args:
        num_styles: N, at least 1.
        epsilon: added to the variance.

    Attributes:
        gamma: (num_styles, channels), initially 1.
        beta: (num_styles, channels), initially 0.

    Example:

        >>> layer = ConditionalInstanceNormalization(num_styles=2)
        >>> x, half_and_half = ops.ones((1, 4, 4, 8)), ops.convert_to_tensor([[0.5, 0.5]])
        >>> tuple(layer([x, half_and_half]).shape)
        (1, 4, 4, 8)
    """

    def __init__(self, num_styles: int, epsilon: float = 1e-5, **kwargs: Any) -> None:
        # Autocasting would round blend weights: 0.3 is 0.30078 in bfloat16.
        super().__init__(autocast=False, **kwargs)
        if not isinstance(num_styles, int) or num_styles < 1:
            raise ValueError(
                f"num_styles must be an integer of at least 1. Received: num_styles={num_styles}"
            )
        self.num_styles = num_styles
        self.epsilon = epsilon

    def build(self, input_shape):
        images_shape, weights_shape = input_shape
        if len(images_shape) != 4 or images_shape[-1] is None:
            raise ValueError(
                "the first input must be (batch, height, width, channels) with a known number "
                f"of channels. Received: shape {tuple(images_shape)}"
            )
        self._check_style_weights(weights_shape)
        shape = (self.num_styles, images_shape[-1])
        options = {"shape": shape, "dtype": "float32", "autocast": False}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **options)
        self.beta = self.add_weight(name="beta", initializer="zeros", **options)

    def _check_style_weights(self, shape):
        if len(shape) not in (2, 4) or shape[-1] not in (None, self.num_styles):
            raise ValueError(
                "style_weights must be (batch, num_styles) or (batch, height, width, "
                f"num_styles) with num_styles={self.num_styles}. Received: shape {tuple(shape)}"
            )

    def call(self, inputs, training=None):
        x, style_weights = inputs
        self._check_style_weights(style_weights.shape)
        gamma = select(ops.convert_to_tensor(self.gamma), style_weights)
        beta = select(ops.convert_to_tensor(self.beta), style_weights)
        if training and len(style_weights.shape) == 2:
            return normalize(ops.cast(x, self.compute_dtype), gamma, beta, self.epsilon)
        moments = None if training else exact_moments(ops.cast(x, "float32"))
        return ops.cast(modulate(x, gamma, beta, self.epsilon, moments), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "num_styles": self.num_styles,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable(package="cin_style")
class EmbeddedInstanceNormalization(keras.layers.Layer):
    """A `ConditionalInstanceNormalization` whose gammas and betas are an input.

    Call it as `layer([x, embeddings, style_weights])`:

    - x: (batch, height, width, channels).
    - embeddings: float32 (batch, k, size), k styles' embeddings for each example
      (`StyleTransferNetwork.get_style_embeddings`); `channels` gammas from column `start` on,
      then as many betas.
    - style_weights: (batch, k), or a map (batch, height, width, k).

    Args:
        start: see above.
        epsilon: added to the variance.
    """

    def __init__(self, start: int, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.start = start
        self.epsilon = epsilon

    def call(self, inputs, training=None):
        x, embeddings, style_weights = inputs
        middle = self.start + x.shape[-1]
        gamma = select(embeddings[..., self.start : middle], style_weights)
        beta = select(embeddings[..., middle : middle + x.shape[-1]], style_weights)
        if training and len(style_weights.shape) == 2:
            return normalize(ops.cast(x, self.compute_dtype), gamma, beta, self.epsilon, exact=True)
        moments = exact_moments(ops.cast(x, "float32"))
        painted = modulate(x, gamma, beta, self.epsilon, moments)
        return ops.cast(painted, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "start": self.start, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="cin_style")
class PadToMultiple(keras.layers.Layer):
    """Mirrors rows and columns onto the bottom and right until both are multiples.

    Args:
        multiple: of which height and width shall be multiples.
    """

    def __init__(self, multiple: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, inputs):
        # Side lengths that are known when the graph is traced stay plain integers.
        shape = ops.shape(inputs)
        bottom, right = (-shape[1] % self.multiple, -shape[2] % self.multiple)
        if isinstance(bottom, int) and isinstance(right, int) and bottom + right == 0:
            return inputs
        return ops.pad(inputs, ((0, 0), (0, bottom), (0, right), (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height, width = (
            None if side is None else side + -side % self.multiple for side in (height, width)
        )
        return batch, height, width, channels

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable(package="cin_style")
class CropLike(keras.layers.Layer):
    """Crops the first input at the bottom and right to the size of the second."""

    def call(self, inputs):
        images, like = inputs
        shape = ops.shape(like)
        return images[:, : shape[1], : shape[2], :]

    def compute_output_shape(self, input_shape):
        images, like = input_shape
        return (images[0], like[1], like[2], images[3])


@keras.saving.register_keras_serializable(package="cin_style")
class HalveMap(keras.layers.Layer):
    """Averages over 2 x 2 pixels; a constant map stays the same to the bit.

    (Summing four equal floats before dividing, as a pooling layer does, may round.)
    """

    def call(self, inputs):
        rows = 0.5 * (inputs[:, ::2] + inputs[:, 1::2])
        return 0.5 * (rows[:, :, ::2] + rows[:, :, 1::2])

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (
            batch,
            None if height is None else height // 2,
            None if width is None else width // 2,
            channels,
        )
