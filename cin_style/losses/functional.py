"""The losses of style transfer as pure functions, one value per example."""

from typing import Any

import keras
from keras import ops

from cin_style.gradients import with_gradient


def gram_matrix(features: Any) -> Any:
    """Correlations of the feature channels (Gatys et al. 2016, equation 3).

        G_ij = sum over y, x of F_yxi F_yxj / (height * width)

    Divided by the number of positions, so that it does not depend on the image's size, and
    not by the number of channels. Computed in float32: on features of 0-255 images the
    products overflow float16.

    Args:
        features: (batch, height, width, channels).

    Returns:
        float32 (batch, channels, channels).

    Example:
        >>> import numpy as np
        >>> two_pixels = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> np.asarray(gram_matrix(two_pixels)).tolist()
        [[[5.0, 7.0], [7.0, 10.0]]]
    """
    return _gram_matrix(features)


def _gradient_of_gram_matrix(d, features):
    # F (D + D^T), one product; derived by parts, each F of F^T F has one of its own. It is
    # rounded to the features' dtype in any case; of float16 the range would not suffice.
    given = keras.backend.standardize_dtype(features.dtype)
    dtype = given if given == "bfloat16" else "float32"
    rows = _rows(features, dtype)
    both = ops.cast((d + ops.transpose(d, (0, 2, 1))) / _positions(features), dtype)
    product = ops.matmul(rows, both)
    return (ops.cast(ops.reshape(product, ops.shape(features)), features.dtype),)


@with_gradient(_gradient_of_gram_matrix)
def _gram_matrix(features):
    rows = _rows(features, "float32")
    return ops.matmul(ops.transpose(rows, (0, 2, 1)), rows) / _positions(features), ()


def _rows(features, dtype):
    """Features (batch, height, width, channels) as (batch, positions, channels)."""
    _, height, width, channels = ops.shape(features)
    return ops.reshape(ops.cast(features, dtype), (-1, height * width, channels))


def _positions(features):
    return ops.cast(ops.shape(features)[1] * ops.shape(features)[2], "float32")


def content_loss(features: Any, targets: Any) -> Any:
    """Mean squared difference of features (Dumoulin et al. 2017, equation 2).

    Args:
        features, targets: (batch, height, width, channels).

    Returns:
        float32 (batch,).
    """
    difference = ops.cast(features, "float32") - ops.cast(targets, "float32")
    return ops.mean(ops.square(difference), axis=(1, 2, 3))


def style_loss(grams: Any, targets: Any) -> Any:
    """Mean squared difference of Gram matrices (Dumoulin et al. 2017, equation 3).

    Args:
        grams, targets: (batch, channels, channels).

    Returns:
        float32 (batch,).
    """
    return ops.mean(ops.square(grams - targets), axis=(1, 2))


def total_variation(images: Any, exponent: float = 1.0) -> Any:
    """Mean length of the gradient, to a power (Mahendran and Vedaldi 2015, section 3).

        mean over y, x, channels of (down^2 + across^2) ^ (exponent / 2)

    With exponent 1 (Rudin, Osher and Fatemi 1992) a faint ripple costs as much as an edge of
    the same height in all, so that it goes and strokes stay; with 2 (Johnson et al. 2016) high
    edges cost most.

    Args:
        images: (batch, height, width, channels), values in [0, 1].
        exponent: from 1 to 2.

    Returns:
        float32 (batch,).
    """
    images = ops.cast(images, "float32")
    down = images[:, 1:, :-1] - images[:, :-1, :-1]
    across = images[:, :-1, 1:] - images[:, :-1, :-1]
    squared = ops.square(down) + ops.square(across)
    # A hundredth of the range, squared: where it is flat the root has no gradient.
    smooth = 0.0 if exponent == 2 else 1e-4
    return ops.mean((squared + smooth) ** (exponent / 2), axis=(1, 2, 3))


def inner(images: Any, margin: int) -> Any:
    """Images (batch, height, width, channels) without so many pixels on each side."""
    return images[:, margin:-margin, margin:-margin] if margin else images


def checkerboard(images: Any, period: int = 4, window: int = 32) -> Any:
    """Energy of what repeats every few pixels; checkerboard artifacts (Odena et al. 2016).

    A network that upsamples twice by two can do something else at each of 4 x 4 positions, and
    paints a regular grid with it where it wants texture. In windows, averages the pixels of
    equal position modulo the period: in that average strokes cancel out, and a grid stays.

        mean over windows, positions, channels of (average - mean(average))^2

    Args:
        images: (batch, height, width, channels), values in [0, 1]; sides of known size. What
            is left over at the right and bottom by whole windows is not looked at.
        period: in pixels.
        window: side of a window in pixels, a multiple of the period; smaller in small images.

    Returns:
        float32 (batch,).
    """
    images = ops.cast(images, "float32")
    _, height, width, channels = images.shape
    window = min(window, height // period * period, width // period * period)
    rows, columns, repeats = height // window, width // window, window // period
    whole = images[:, : rows * window, : columns * window]
    cells = ops.reshape(whole, (-1, rows, repeats, period, columns, repeats, period, channels))
    average = ops.mean(cells, axis=(2, 5))
    average = average - ops.mean(average, axis=(2, 4), keepdims=True)
    return ops.mean(ops.square(average), axis=(1, 2, 3, 4, 5))


def blockiness(images: Any, period: int = 4) -> Any:
    """How unevenly edges are spread over a grid of squares: near 0 where they lie anywhere.

    A network whose coarsest layers work at a quarter of the size decides there where one patch of
    colour ends and the next begins, and so paints patches with edges in steps of four pixels. They
    differ from square to square, so that `checkerboard` does not see them. (JPEG's blocks are
    found in a similar way: Wang, Bovik, Evans 2000.) With e[p] the mean squared difference between
    pixels x and x + 1 over all x of equal position p modulo the period, and likewise down:

        sum over both directions of  mean_p (e[p] - mean(e))^2 / (mean(e) + 1e-6)

    Unlike the measure of this name in `evaluation.artefacts`, it grows with the picture's contrast.

    Args:
        images: (batch, height, width, channels), values in [0, 1]; sides of known size, more
            than the period. What is left over by whole periods is not looked at.
        period: in pixels.

    Returns:
        float32 (batch,).
    """
    images = ops.cast(images, "float32")
    total: Any = 0.0
    for rows in (images, ops.transpose(images, (0, 2, 1, 3))):
        squares = ops.square(rows[:, 1:] - rows[:, :-1])
        _, height, width, channels = squares.shape
        repeats = height // period
        cells = squares[:, : repeats * period]
        energy = ops.mean(
            ops.reshape(cells, (-1, repeats, period, width, channels)), axis=(1, 3, 4)
        )
        mean, variance = ops.moments(energy, axes=(1,))
        total = total + variance / (mean + 1e-6)
    return total


def extreme_activations(features: Any, limit: float = 4.0) -> Any:
    """Mean squared excess of normalized activations over a limit; not in any paper.

        z = (F - mean(F)) / sqrt(var(F));  mean over y, x, channels of max(|z| - limit, 0)^2

    Pushed hard towards a style, a network with instance normalization learns *droplets*: it
    paints one saturated blob in a flat region, whose activations, a dozen standard deviations
    out, set the statistics of whole channels and so the contrast of the rest of the picture.
    Photos without one rarely exceed 5 or 6.

    Args:
        features: (batch, height, width, channels), what a normalization layer is given.
        limit: in standard deviations.

    Returns:
        float32 (batch,).
    """
    features = ops.cast(features, "float32")
    mean, variance = ops.moments(features, axes=(1, 2), keepdims=True)
    z = (features - mean) * ops.rsqrt(variance + 1e-5)
    return ops.mean(ops.square(ops.relu(ops.abs(z) - limit)), axis=(1, 2, 3))
