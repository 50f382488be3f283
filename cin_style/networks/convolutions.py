"""The network's convolutions, and quicker ways to the same sums."""

from typing import Any

import keras
from keras import ops

# So many filters, times four, are computed in the time of one: `convolve`.
_FEW_FILTERS = 4


def convolve_four_pixels(x: Any, kernel: Any) -> Any:
    """A convolution for a few filters: what four neighbouring pixels get is computed at once.

    Processors compute sixteen filters at a time, and three of them in the time of sixteen. A kernel
    of one pixel more each way, with a copy of `kernel` in each corner and a stride of 2, has four
    times the filters for a quarter of the places: the same sums, in a third of the time.

    Args:
        x: (batch, height, width, channels), of which an even number of rows and columns remain.
        kernel: (size, size, channels, filters).

    Returns:
        (batch, height - size + 1, width - size + 1, filters).
    """
    filters = kernel.shape[-1]
    corners = [
        ops.pad(kernel, ((row, 1 - row), (column, 1 - column), (0, 0), (0, 0)))
        for row in (0, 1)
        for column in (0, 1)
    ]
    fours = ops.conv(x, ops.concatenate(corners, axis=-1), 2, "valid")
    batch, height, width = ops.shape(fours)[:3]
    fours = ops.reshape(fours, (batch, height, width, 2, 2, filters))
    fours = ops.transpose(fours, (0, 1, 3, 2, 4, 5))
    return ops.reshape(fours, (batch, 2 * height, 2 * width, filters))


def convolve(x: Any, kernel: Any, stride: int = 1, even: bool = False) -> Any:
    """A convolution without padding, the quicker way where there is one.

    Args:
        x: (batch, height, width, channels).
        kernel: (size, size, channels, filters).
        stride: in px.
        even: with a stride of 1, an even number of rows and columns remain.
    """
    if even and stride == 1 and kernel.shape[-1] <= _FEW_FILTERS:
        return convolve_four_pixels(x, kernel)
    return ops.conv(x, kernel, stride, "valid")


def enlarge(x: Any) -> Any:
    """Each pixel of (batch, height, width, channels) four times."""
    batch, height, width, channels = ops.shape(x)
    apart = ops.reshape(x, (batch, height, 1, width, 1, channels))
    fours = ops.broadcast_to(apart, (batch, height, 2, width, 2, channels))
    return ops.reshape(fours, (batch, 2 * height, 2 * width, channels))


def convolve_enlarged(x: Any, kernel: Any) -> Any:
    """Nearest upsampling by 2, reflection padding of a pixel and a convolution, all in one.

    Of the nine pixels that a filter of 3 x 3 sees in an enlarged picture, only four differ: the
    three weights along an axis fall on two pixels, as (w0, w1 + w2) or as (w0 + w1, w2). That is a
    transposed convolution by 4 x 4 with a stride of 2, four products in place of nine, and the
    enlarged picture is never made. (Mirrored by one pixel, it begins with its first pixel twice
    more, as the small one does when its border is repeated.)

    Args:
        x: (batch, height, width, channels).
        kernel: (3, 3, channels, filters).

    Returns:
        (batch, 2 * height, 2 * width, filters).
    """
    wide = ops.pad(ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2)), _AROUND)
    fours = wide[1:, 1:] + wide[1:, :-1] + wide[:-1, 1:] + wide[:-1, :-1]
    batch, height, width, _ = ops.shape(x)
    x = ops.conv_transpose(ops.pad(x, _BESIDE, mode="symmetric"), fours, 2, "valid")
    # Not x[:, 3:-3], whose gradient takes longer.
    return ops.slice(x, (0, 3, 3, 0), (batch, 2 * height, 2 * width, kernel.shape[-1]))


# A pixel on each side of a kernel, and of a picture.
_AROUND = ((1, 1), (1, 1), (0, 0), (0, 0))
_BESIDE = ((0, 0), (1, 1), (1, 1), (0, 0))


@keras.saving.register_keras_serializable(package="cin_style")
class Conv2D(keras.layers.Conv2D):
    """Keras' layer, quicker where its filters are few and its output's sides are even.

    Args:
        filters, kernel_size, strides, options: as Keras has them. Without a bias, padding and
            activation.
        even: height and width of the output are even numbers.
        enlarged: enlarge what comes in by 2 and mirror a pixel around it before, see
            `convolve_enlarged`. For kernels of 3 x 3 without strides.

    It is called as Keras' is because files of weights name layers by their class.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        even: bool = False,
        enlarged: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, use_bias=False, **options)
        if enlarged and (self.kernel_size, self.strides) != ((3, 3), (1, 1)):
            raise ValueError(
                "`enlarged` is for kernels of 3 x 3 without strides. Received: "
                f"kernel_size={kernel_size}, strides={strides}"
            )
        self.even = even
        self.enlarged = enlarged

    def call(self, inputs, training=None):
        kernel = ops.convert_to_tensor(self.kernel)
        if not self.enlarged:
            return convolve(inputs, kernel, self.strides[0], self.even)
        if training and keras.backend.backend() == "jax":
            # The gradient of a transposed convolution takes XLA three times as long on processors.
            enlarged = ops.pad(enlarge(inputs), _BESIDE, mode="reflect")
            return ops.conv(enlarged, kernel, 1, "valid")
        return convolve_enlarged(inputs, kernel)

    def compute_output_shape(self, input_shape):
        if not self.enlarged:
            return super().compute_output_shape(input_shape)
        return (*_doubled(input_shape)[:3], self.filters)

    def get_config(self):
        config = super().get_config()
        config.pop("use_bias")
        return {**config, "even": self.even, "enlarged": self.enlarged}


def _doubled(shape):
    """A shape (batch, height, width, channels) of twice the height and width."""
    batch, *sides, channels = shape
    return (batch, *(None if side is None else 2 * side for side in sides), channels)


@keras.saving.register_keras_serializable(package="cin_style")
class Enlarge(keras.layers.Layer):
    """Each pixel four times, as Keras' nearest upsampling by 2, which takes longer."""

    def call(self, inputs):
        return enlarge(inputs)

    def compute_output_shape(self, input_shape):
        return _doubled(input_shape)
