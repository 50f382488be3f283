"""The losses of style transfer as pure functions, one value per example."""

from keras import ops


def gram_matrix(features):
    """Correlations of the feature channels (Gatys et al. 2016, equation 3).

        G_ij = sum over y, x of F_yxi F_yxj / (height * width)

    Divided by the number of positions, so that it does not depend on the image's size, and
    not by the number of channels. Computed in float32: on features of 0-255 images the
    products overflow float16.

    Args:
        features: (batch, height, width, channels).

    Returns:
        float32 (batch, channels, channels).
    """
    features = ops.cast(features, "float32")
    _, height, width, channels = ops.shape(features)
    flat = ops.reshape(features, (-1, height * width, channels))
    positions = ops.cast(height * width, "float32")
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / positions


def content_loss(features, targets):
    """Mean squared difference of features (Dumoulin et al. 2017, equation 2).

    Args:
        features, targets: (batch, height, width, channels).

    Returns:
        float32 (batch,).
    """
    difference = ops.cast(features, "float32") - ops.cast(targets, "float32")
    return ops.mean(ops.square(difference), axis=(1, 2, 3))


def style_loss(grams, targets):
    """Mean squared difference of Gram matrices (Dumoulin et al. 2017, equation 3).

    Args:
        grams, targets: (batch, channels, channels).

    Returns:
        float32 (batch,).
    """
    return ops.mean(ops.square(grams - targets), axis=(1, 2))


def total_variation(images):
    """Mean squared difference of neighbouring pixels, down plus across.

    Args:
        images: (batch, height, width, channels).

    Returns:
        float32 (batch,).
    """
    images = ops.cast(images, "float32")
    down = ops.mean(ops.square(images[:, 1:] - images[:, :-1]), axis=(1, 2, 3))
    across = ops.mean(ops.square(images[:, :, 1:] - images[:, :, :-1]), axis=(1, 2, 3))
    return down + across


def extreme_activations(features, limit=4.0):
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
