"""What the loss network sees in pictures, at layers that may be those of a smaller copy."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from cin_style.losses.recipe import split_layer


def see(loss_network: keras.Model, images: Any, layers: Iterable[str]) -> dict[str, Any]:
    """The features of images at layers; one look for every size.

    Args:
        loss_network: a `cin_style.VGG16` or `VGG19` that gives all the layers
            (`recipe.layers_to_see`).
        images: float32 (batch, height, width, 3) in [0, 1].
        layers: names such as `block3_conv3`, or `block3_conv3/2`: of the images at half their
            size.

    Returns:
        A dict of the layers to (batch, height / 2^k, width / 2^k, channels).

    Example:
        >>> import numpy as np
        >>> from cin_style import VGG16
        >>> layers = ["block1_conv2", "block1_conv2/2"]
        >>> found = see(VGG16(["block1_conv2"]), np.zeros((1, 32, 24, 3)), layers)
        >>> {layer: tuple(features.shape) for layer, features in found.items()}
        {'block1_conv2': (1, 32, 24, 64), 'block1_conv2/2': (1, 16, 12, 64)}
    """
    parts = {layer: split_layer(layer) for layer in layers}
    seen = {}
    for divisor in sorted({divisor for _, divisor in parts.values()}):
        # Strides have to be given: with JAX, Keras 3.15 gets their default wrong.
        scaled = ops.average_pool(images, divisor, divisor) if divisor > 1 else images
        seen[divisor] = loss_network(scaled)
    return {layer: seen[divisor][name] for layer, (name, divisor) in parts.items()}
