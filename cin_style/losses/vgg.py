"""VGG16 and VGG19 (Simonyan & Zisserman 2014), frozen: losses are taken in their features."""

import os
import pathlib

import h5py
import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.networks.layers import ReflectionPadding2D

_WIDTHS = {"block1": 64, "block2": 128, "block3": 256, "block4": 512, "block5": 512}
_URL = "https://storage.googleapis.com/tensorflow/keras-applications"


def _layers(*blocks):
    """The names of convolutions, given how many each block has."""
    return tuple(
        f"block{block}_conv{number + 1}"
        for block, size in enumerate(blocks, start=1)
        for number in range(size)
    )


# Of ImageNet's training images, blue, green, red, on the scale 0-255.
_MEANS = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable(package="cin_style")
class Preprocess(keras.layers.Layer):
    """RGB in [0, 1] to what VGG16 was trained on: BGR, 0-255, minus ImageNet's means."""

    def call(self, inputs):
        means = ops.convert_to_tensor(_MEANS, dtype="float32")
        return ops.flip(ops.cast(inputs, "float32"), axis=-1) * 255.0 - means

    def compute_output_shape(self, input_shape):
        return input_shape


class VGG16(keras.Model):
    """Frozen features of VGG16, only as deep as the deepest layer asked for.

    Call it with images, float32 RGB in [0, 1], (batch, height, width, 3).

    Returns a dict of the activations (after ReLU) of each layer asked for:
    (batch, height / 2^k, width / 2^k, channels), k poolings before it.

    Args:
        layers: names such as `"block3_conv3"`.
        weights: `"imagenet"` (downloaded once by Keras), a file (see `read_weights`), or
            `"random"` (seeded; for smoke runs and tests only, pastiches mean nothing).
        pooling: `"avg"` (Gatys et al. 2016, section 2) or `"max"`.
        dtype: dtype policy of the convolutions.
        seed: of the random weights.
        padding: `"zeros"`, as VGG was trained, or `"reflect"`. Zeros look like an edge around
            the picture, a larger share of a training crop than of a painting, and networks
            learn to weaken it by painting a pale border; mirrored pictures have no edge.

    Raises:
        UserError: an unknown layer, or weights that can't be read or lack a layer.
    """

    TITLE = "VGG16"
    LAYERS = _layers(2, 2, 3, 3, 3)
    # Names a file of weights.
    VARIABLE = "CIN_STYLE_VGG_WEIGHTS"
    # What keras.applications.VGG16(weights="imagenet", include_top=False) downloads.
    IMAGENET_URL = f"{_URL}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    IMAGENET_MD5 = "6d6bbae143d832006294945121d1f1fc"

    def __init__(
        self,
        layers,
        weights="imagenet",
        pooling="avg",
        dtype=None,
        seed=0,
        padding="zeros",
        **kwargs,
    ):
        layers = tuple(dict.fromkeys(layers))
        for layer in layers:
            if layer not in self.LAYERS:
                raise UserError(
                    f"{self.TITLE} has no layer {layer}. Choose from {', '.join(self.LAYERS)}."
                )
        if not layers:
            raise UserError("the loss network needs at least one layer to look at.")
        if pooling not in ("avg", "max"):
            raise UserError(f"pooling must be avg or max. Received: {pooling}")
        if padding not in ("zeros", "reflect"):
            raise UserError(f"padding must be zeros or reflect. Received: {padding}")
        names = self.LAYERS[: max(map(self.LAYERS.index, layers)) + 1]

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
                _WIDTHS[name[:6]],
                3,
                padding="same" if padding == "zeros" else "valid",
                activation="relu",
                name=name,
                dtype=dtype,
            )(x)
            if name in layers:
                features[name] = x
        super().__init__(inputs=images, outputs=features, **kwargs)

        # === Config ===
        self.weights_from = str(weights)
        self.pooling = pooling
        self._fill(names, weights, seed)
        self.trainable = False

    def _fill(self, names, weights, seed):
        if weights == "random":
            arrays = _random_weights(names, seed)
        else:
            path = self._imagenet_file() if weights == "imagenet" else weights
            arrays = read_weights(path, type(self))
        for name in names:
            layer = self.get_layer(name)
            if name not in arrays:
                raise UserError(
                    f"the weights {weights} lack the layer {name}; they have "
                    f"{', '.join(n for n in self.LAYERS if n in arrays) or 'none'}. Ask for "
                    "shallower layers (--content_layers, --style_layers) or give complete weights."
                )
            kernel, bias = arrays[name]
            for what, array in (("kernel", kernel), ("bias", bias)):
                expected = tuple(getattr(layer, what).shape)
                if array.shape != expected:
                    raise UserError(
                        f"the weights {weights}: layer {name} has a {what} of shape "
                        f"{array.shape}, expected {expected}. Are these {self.TITLE}'s weights?"
                    )
            layer.kernel.assign(kernel)
            layer.bias.assign(bias)

    @classmethod
    def default_weights(cls):
        """The file that the environment variable `VARIABLE` names, or `imagenet`."""
        return os.environ.get(cls.VARIABLE) or "imagenet"

    @classmethod
    def at_hand(cls):
        """What `weights` can be used without a download: a file, or `None`."""
        if os.environ.get(cls.VARIABLE):
            return os.environ[cls.VARIABLE]
        home = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
        cached = pathlib.Path(home, "models", cls.IMAGENET_URL.rpartition("/")[2])
        return str(cached) if cached.is_file() else None

    @classmethod
    def _imagenet_file(cls):
        try:
            return keras.utils.get_file(
                cls.IMAGENET_URL.rpartition("/")[2],
                cls.IMAGENET_URL,
                cache_subdir="models",
                file_hash=cls.IMAGENET_MD5,
            )
        except Exception as error:  # whatever the network layer raises, the advice is the same
            raise UserError(
                f"could not download {cls.TITLE}'s weights: {error}. Check the connection, or give "
                f"a file with --vgg_weights or the environment variable {cls.VARIABLE}."
            ) from error


class VGG19(VGG16):
    """Frozen features of VGG19, the loss network of Gatys et al. 2016; see `VGG16`.

    Layers of the same name have other weights than VGG16's.
    """

    TITLE = "VGG19"
    LAYERS = _layers(2, 2, 4, 4, 4)
    VARIABLE = "CIN_STYLE_VGG19_WEIGHTS"
    IMAGENET_URL = f"{_URL}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    IMAGENET_MD5 = "253f8cb515780f3b799900260a226db6"


# By the names that recipes know them by.
LOSS_NETWORKS = {"vgg16": VGG16, "vgg19": VGG19}


def _random_weights(names, seed):
    """He-normal kernels, which keep the scale of activations, and zero biases."""
    rng = np.random.default_rng(seed)
    arrays, channels = {}, 3
    for name in names:
        width = _WIDTHS[name[:6]]
        scale = np.sqrt(2 / (9 * channels))
        kernel = rng.normal(0, scale, (3, 3, channels, width)).astype("float32")
        arrays[name] = kernel, np.zeros(width, "float32")
        channels = width
    return arrays


def read_weights(path, network=VGG16):
    """Reads the convolutions of VGG16 or VGG19 from a file.

    Args:
        path: `.npz` of `<layer>/kernel` and `<layer>/bias`, the legacy `.h5` that Keras
            downloads, or a `.weights.h5` of `keras.applications.VGG16`. Kernels are
            (height, width, in, out), the first layer's input in BGR order.
        network: `VGG16` or `VGG19`.

    Returns:
        A dict of layer names to `(kernel, bias)`, float32, of the layers in the file.

    Raises:
        UserError: when the file is missing or of none of these layouts.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(
            f"no such file of {network.TITLE} weights: {path}. Give imagenet, random, or a .npz "
            "or .h5 file."
        )
    try:
        read = _read_npz if path.suffix == ".npz" else _read_h5
        arrays = read(path, network.LAYERS)
    except Exception as error:  # NumPy and h5py raise many kinds; each means a bad file
        raise UserError(
            f"cannot read {network.TITLE} weights from {path}: {error}. Expected a .npz of "
            f"<layer>/kernel and <layer>/bias, or an .h5 of keras.applications.{network.TITLE}."
        ) from error
    if not arrays:
        raise UserError(f"{path} holds no layer of {network.TITLE}. Give another file.")
    return arrays


def _read_npz(path, layers):
    with np.load(path, allow_pickle=False) as file:
        return {
            name: (file[f"{name}/kernel"], file[f"{name}/bias"])
            for name in layers
            if f"{name}/kernel" in file and f"{name}/bias" in file
        }


def _read_h5(path, layers):
    with h5py.File(path) as file:
        if "layer_names" in file.attrs:
            # Legacy layout: a group per layer, its weights named in an attribute.
            arrays = {
                name: tuple(file[name][weight][()] for weight in file[name].attrs["weight_names"])
                for name in layers
                if name in file
            }
            for name, layer_arrays in arrays.items():
                if len(layer_arrays) != 2:
                    raise ValueError(
                        f"layer {name} has {len(layer_arrays)} arrays, not a kernel and a bias"
                    )
            return arrays
        # Keras 3 layout: layers/conv2d, layers/conv2d_1, ... in network order.
        groups = file["layers"]
        names = ["conv2d"] + [f"conv2d_{index}" for index in range(1, len(layers))]
        return {
            layer: (groups[name]["vars"]["0"][()], groups[name]["vars"]["1"][()])
            for layer, name in zip(layers, names, strict=True)
            if name in groups
        }
