"""The statistics of a style image that its embedding is predicted from."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from cin_style.errors import UserError
from cin_style.losses.features import see
from cin_style.losses.functional import gram_matrix
from cin_style.losses.recipe import layers_to_see, split_layer
from cin_style.losses.vgg import LOSS_NETWORKS
from cin_style.recipes import SMALLEST_SIDE

# The layers that the style loss compares by default (`LossRecipe.style_layers`).
LAYERS = ("block1_conv2", "block2_conv2", "block3_conv3", "block3_conv3/2")


@dataclasses.dataclass(frozen=True)
class StyleView:
    """How style images are looked at.

    Attributes:
        loss_network: `vgg16` or `vgg19`.
        pooling, padding: of the loss network, see `cin_style.losses.vgg.LossNetwork`.
        layers: whose statistics are taken, in this order; names as `losses.features.see` has them.
        size: short side in px that style images are scaled to.

    Raises:
        UserError: a value that may not be.

    Example:

        >>> StyleView().num_statistics
        1408
    """

    loss_network: str = "vgg16"
    pooling: str = "avg"
    padding: str = "zeros"
    layers: tuple[str, ...] = LAYERS
    size: int = 256

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.loss_network not in LOSS_NETWORKS:
            raise UserError(
                f"`loss_network` must be one of {', '.join(LOSS_NETWORKS)}. Received: "
                f"{self.loss_network}"
            )
        known = LOSS_NETWORKS[self.loss_network].ARCHITECTURE.channels
        for layer in layers_to_see(self.layers):
            if layer not in known:
                raise UserError(f"{self.loss_network} has no layer {layer}.")
        if not (isinstance(self.size, int) and SMALLEST_SIDE <= self.size <= 2048):
            raise UserError(
                f"`size` must be from {SMALLEST_SIDE} to 2048 px. Received: {self.size}"
            )

    @property
    def num_statistics(self) -> int:
        """How many numbers `measure` finds in an image: two for each channel."""
        channels = LOSS_NETWORKS[self.loss_network].ARCHITECTURE.channels
        return sum(2 * channels[split_layer(layer)[0]][1] for layer in self.layers)

    def make_loss_network(self, weights: str = "", dtype: str = "float32") -> keras.Model:
        """The loss network that gives these layers.

        Args:
            weights, dtype: see `cin_style.losses.vgg.LossNetwork`.

        Raises:
            UserError: weights that can't be read or lack a layer.
        """
        return LOSS_NETWORKS[self.loss_network](
            layers_to_see(self.layers), weights, self.pooling, dtype, padding=self.padding
        )


def measure(features: dict[str, Any], layers: Iterable[str] = LAYERS) -> Any:
    """The statistics of style images, which are those of their features' channels.

        log(1 + mean), log(1 + standard deviation)

    of each channel, layer by layer. Instance normalization takes out these very numbers of the
    network's own features and puts a style's in their place; and features span four orders of
    magnitude, hence the logarithms.

    Args:
        features: dict of the layers to (batch, height, width, channels), at least 0.
        layers: which of them, in which order.

    Returns:
        float32 (batch, 2 x the channels of all layers).

    Example:
        >>> import numpy as np
        >>> two_pixels = np.array([[[[1.0, 4.0], [3.0, 4.0]]]])
        >>> statistics = np.asarray(measure({"layer": two_pixels}, ["layer"]))
        >>> np.round(np.expm1(statistics)).tolist()
        [[2.0, 4.0, 1.0, 0.0]]
    """
    found = []
    for layer in layers:
        values = ops.cast(features[layer], "float32")
        mean = ops.mean(values, axis=(1, 2))
        deviation = ops.std(values, axis=(1, 2))
        found += [ops.log1p(mean), ops.log1p(deviation)]
    return ops.concatenate(found, axis=-1)


def look(
    loss_network: keras.Model, images: Any, layers: Iterable[str], style_layers: Iterable[str]
) -> tuple[Any, dict[str, Any]]:
    """The statistics and the Gram matrices of style images, of a single look at them.

    Args:
        loss_network: gives all the layers.
        images: float32 (batch, height, width, 3) in [0, 1].
        layers: of the statistics.
        style_layers: of the Gram matrices; both as `losses.features.see` has them.

    Returns:
        `measure`'s statistics; and a dict of style layers to float32 (batch, channels, channels).

    Example:
        >>> import numpy as np
        >>> from cin_style import VGG16
        >>> image, layers = np.random.rand(1, 16, 16, 3), ["block1_conv2"]
        >>> statistics, grams = look(VGG16(layers), image, layers, ["block1_conv2/2"])
        >>> tuple(statistics.shape), tuple(grams["block1_conv2/2"].shape)
        ((1, 128), (1, 64, 64))
    """
    layers, style_layers = list(layers), list(style_layers)
    features = see(loss_network, images, [*layers, *style_layers])
    grams = {layer: gram_matrix(features[layer]) for layer in style_layers}
    return measure(features, layers), grams
