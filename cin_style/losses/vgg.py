"""VGG16 and VGG19 (Simonyan & Zisserman 2014), frozen: losses are taken in their features."""

import os
from collections.abc import Iterable
from typing import Any, ClassVar

import keras
from keras import ops

from cin_style.errors import UserError
from cin_style.losses import vgg_weights
from cin_style.networks.layers import ReflectionPadding2D

# Of ImageNet's training images, blue, green, red, on the scale 0-255.
_MEANS = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable(package="cin_style")
class Preprocess(keras.layers.Layer):
    """RGB in [0, 1] to what VGG16 was trained on: BGR, 0-255, minus ImageNet's means."""

    def call(self, inputs: Any) -> Any:
        means = ops.convert_to_tensor(_MEANS, dtype="float32")
        return ops.flip(ops.cast(inputs, "float32"), axis=-1) * 255.0 - means

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape


class LossNetwork(keras.Model):
    """Frozen features of a VGG network, only as deep as the deepest layer asked for.

    Call it with images, float32 RGB in [0, 1], (batch, height, width, 3).

    Returns a dict of the activations (after ReLU) of each layer asked for:
    (batch, height / 2^k, width / 2^k, channels), k poolings before it.

    Which network it is says the class attribute `ARCHITECTURE` of `VGG16` and `VGG19`.

    Args:
        layers: names such as `"block3_conv3"`.
        weights: `"bundled"`, those in the package (VGG16's first three blocks, in float16);
            `"imagenet"`, downloaded once by Keras; a file (see `vgg_weights.read_weights`); or
            `"random"` (seeded; for smoke runs and tests only, pastiches mean nothing). By default
            the file that an environment variable names (`vgg_weights.Architecture`), else
            `"bundled"`, or for VGG19, of which the package has none, `"imagenet"`.
        pooling: `"avg"` (Gatys et al. 2016, section 2) or `"max"`.
        dtype: dtype policy of the convolutions.
        seed: of the random weights.
        padding: `"zeros"`, as VGG was trained, or `"reflect"`. Zeros look like an edge around
            the picture, a larger share of a training crop than of a painting, and networks
            learn to weaken it by painting a pale border; mirrored pictures have no edge.

    Raises:
        UserError: an unknown layer, or weights that can't be read, lack a layer or are another
            network's.
    """

    ARCHITECTURE: ClassVar[vgg_weights.Architecture]

    def __init__(
        self,
        layers: Iterable[str],
        weights: str | os.PathLike | None = None,
        pooling: str = "avg",
        dtype: Any = None,
        seed: int = 0,
        padding: str = "zeros",
        **kwargs: Any,
    ) -> None:
        architecture = self.ARCHITECTURE
        layers = tuple(dict.fromkeys(layers))
        for layer in layers:
            if layer not in architecture.layers:
                raise UserError(
                    f"{architecture.title} has no layer {layer}. Choose from "
                    f"{', '.join(architecture.layers)}."
                )
        if not layers:
            raise UserError("the loss network needs at least one layer to look at.")
        if pooling not in ("avg", "max"):
            raise UserError(f"`pooling` must be avg or max. Received: {pooling}")
        if padding not in ("zeros", "reflect"):
            raise UserError(f"`padding` must be zeros or reflect. Received: {padding}")
        names = architecture.layers[: max(map(architecture.layers.index, layers)) + 1]

        # === Functional Model ===
        images = keras.Input((None, None, 3), name="images", dtype="float32")
        pool = keras.layers.AveragePooling2D if pooling == "avg" else keras.layers.MaxPooling2D
        x = Preprocess(name="preprocess", dtype="float32")(images)
        features = {}
        for index, name in enumerate(names):
            if index and name.endswith("conv1"):
                x = pool(2, name=f"{names[index - 1][:6]}_pool", dtype=dtype)(x)
            if padding == "reflect":
                x = ReflectionPadding2D(1, name=f"{name}_pad", dtype=dtype)(x)
            x = keras.layers.Conv2D(
                architecture.channels[name][1],
                3,
                padding="same" if padding == "zeros" else "valid",
                activation="relu",
                name=name,
                dtype=dtype,
            )(x)
            if name in layers:
                features[name] = x
        super().__init__(inputs=images, outputs=features, **kwargs)

        # === Weights ===
        weights = weights or architecture.default_weights
        arrays = vgg_weights.get_weights(architecture, names, weights, seed)
        for name, (kernel, bias) in arrays.items():
            self.get_layer(name).kernel.assign(kernel)
            self.get_layer(name).bias.assign(bias)
        self.trainable = False


class VGG16(LossNetwork):
    """Frozen features of VGG16, the loss network of Dumoulin et al. 2017; see `LossNetwork`.

    Example:
        >>> import numpy as np
        >>> features = VGG16(["block1_conv2", "block2_conv1"])(np.zeros((1, 32, 24, 3)))
        >>> {name: tuple(value.shape) for name, value in features.items()}
        {'block1_conv2': (1, 32, 24, 64), 'block2_conv1': (1, 16, 12, 128)}
    """

    ARCHITECTURE = vgg_weights.VGG16


class VGG19(LossNetwork):
    """Frozen features of VGG19, the loss network of Gatys et al. 2016; see `LossNetwork`.

    Layers of the same name have other weights than VGG16's.

    Example:
        >>> import numpy as np
        >>> features = VGG19(["block2_conv1"], weights="random")(np.zeros((1, 32, 24, 3)))
        >>> tuple(features["block2_conv1"].shape)
        (1, 16, 12, 128)
    """

    ARCHITECTURE = vgg_weights.VGG19


# By the names that recipes know them by.
LOSS_NETWORKS = {"vgg16": VGG16, "vgg19": VGG19}
