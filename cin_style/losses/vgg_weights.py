"""Weights of the loss networks: which there are, from the package, a download or a file."""

import dataclasses
import os
import pathlib
import re

import h5py
import keras
import numpy as np

from cin_style.errors import UserError

_WIDTHS = (64, 128, 256, 512, 512)
_URL = "https://storage.googleapis.com/tensorflow/keras-applications"

# Names of layers to kernel and bias.
Arrays = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """What tells one VGG network from another.

    Attributes:
        keyword: the name that recipes know it by.
        title: its name in texts.
        blocks: how many convolutions each block has.
        url, md5: of what keras.applications downloads, without the layers on top.
        variable: an environment variable, which may name a file of weights.
        bundled: the file of weights in the package, if there is one.
    """

    keyword: str
    title: str
    blocks: tuple[int, ...]
    url: str
    md5: str
    variable: str
    bundled: pathlib.Path | None = None

    @property
    def channels(self) -> dict[str, tuple[int, int]]:
        """The layers, in network order, with the channels that go in and come out."""
        found, before = {}, 3
        for block, (size, width) in enumerate(zip(self.blocks, _WIDTHS, strict=True), start=1):
            for number in range(1, size + 1):
                found[f"block{block}_conv{number}"] = before, width
                before = width
        return found

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in network order."""
        return tuple(self.channels)

    @property
    def default_weights(self) -> str:
        """The file that the environment variable names, else `bundled`, else `imagenet`."""
        return os.environ.get(self.variable) or ("bundled" if self.bundled else "imagenet")


VGG16 = Architecture(
    keyword="vgg16",
    title="VGG16",
    blocks=(2, 2, 3, 3, 3),
    url=f"{_URL}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="6d6bbae143d832006294945121d1f1fc",
    variable="CIN_STYLE_VGG_WEIGHTS",
    bundled=pathlib.Path(__file__).parent / "weights" / "vgg16_block1-3.npz",
)
VGG19 = Architecture(
    keyword="vgg19",
    title="VGG19",
    blocks=(2, 2, 4, 4, 4),
    url=f"{_URL}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="253f8cb515780f3b799900260a226db6",
    variable="CIN_STYLE_VGG19_WEIGHTS",
)
_ALL = (VGG16, VGG19)


def get_weights(
    architecture: Architecture, names: tuple[str, ...], weights: str | os.PathLike, seed: int = 0
) -> Arrays:
    """The weights of some layers.

    Args:
        architecture: of the network.
        names: its layers from the first to the deepest wanted.
        weights: `"bundled"`, `"imagenet"`, `"random"`, or a file (see `read_weights`).
        seed: of random weights.

    Returns:
        A dict of the names to kernel (3, 3, in, out) and bias (out,), float32.

    Raises:
        UserError: weights that can't be read, are another network's, or lack one of the layers.
    """
    title = architecture.title
    if weights == "random":
        return _random_weights(architecture, names, seed)
    source, path = f"the {title} weights {weights}", weights
    if weights == "bundled":
        if architecture.bundled is None:
            raise UserError(
                f"the package has no weights of {title}. Give `vgg_weights`: imagenet, or a file."
            )
        source, path = f"the {title} weights in the package", architecture.bundled
    elif weights == "imagenet":
        path = _download(architecture)
    arrays = read_weights(path, architecture)
    if not arrays.keys() >= set(names):
        raise UserError(
            f"{source} lack the layer {next(name for name in names if name not in arrays)}; they "
            f"have {', '.join(arrays)}. Give `vgg_weights` with deeper layers (imagenet, or a "
            "file), or take shallower `content_layers` and `style_layers`."
        )
    return {name: arrays[name] for name in names}


def deepest_block(architecture: Architecture, weights: str | os.PathLike) -> int:
    """The number of the last block of which weights have the first convolution.

    Args:
        architecture: of the network.
        weights: see `get_weights`.

    Raises:
        UserError: see `read_weights`.

    Example:
        >>> deepest_block(VGG16, "bundled"), deepest_block(VGG16, "random")
        (3, 5)
    """
    path: str | os.PathLike | None = architecture.bundled if weights == "bundled" else weights
    if path is None or weights in ("imagenet", "random"):
        return len(architecture.blocks)
    names = read_weights(path, architecture)
    return max(int(name[5]) for name in names)


def _random_weights(architecture: Architecture, names: tuple[str, ...], seed: int) -> Arrays:
    """He-normal kernels, which keep the scale of activations, and zero biases."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name in names:
        before, width = architecture.channels[name]
        scale = np.sqrt(2 / (9 * before))
        kernel = rng.normal(0, scale, (3, 3, before, width)).astype("float32")
        arrays[name] = kernel, np.zeros(width, "float32")
    return arrays


def _download(architecture: Architecture) -> str:
    """The file that Keras downloads, once."""
    try:
        return keras.utils.get_file(
            architecture.url.rpartition("/")[2],
            architecture.url,
            cache_subdir="models",
            file_hash=architecture.md5,
        )
    except Exception as error:  # whatever the network layer raises, the advice is the same
        raise UserError(
            f"could not download {architecture.title}'s weights: {error}. Check the connection, or "
            f"give a file with `vgg_weights` or the environment variable {architecture.variable}."
        ) from error


def read_weights(path: str | os.PathLike, architecture: Architecture = VGG16) -> Arrays:
    """Reads the convolutions of VGG16 or VGG19 from a file.

    Args:
        path: `.npz` of `<layer>/kernel` and `<layer>/bias`, the legacy `.h5` that Keras
            downloads, or a `.weights.h5` of `keras.applications.VGG16`. Kernels are
            (height, width, in, out), the first layer's input in BGR order.
        architecture: `VGG16` or `VGG19`.

    Returns:
        A dict of the layers in the file, from the first on, to kernel and bias, float32.

    Raises:
        UserError: when the file is missing, of none of these layouts, or another network's.
    """
    path, title = pathlib.Path(path), architecture.title
    if not path.is_file():
        raise UserError(
            f"no such file of {title} weights: {path}. Give bundled, imagenet, random, or a .npz "
            "or .h5 file."
        )
    read = _read_npz if path.suffix == ".npz" else _read_h5
    try:
        arrays = read(path, architecture.layers)
    except Exception as error:  # NumPy and h5py raise many kinds; each means a bad file
        raise UserError(
            f"cannot read {title} weights from {path}: {error}. Expected a .npz of "
            f"<layer>/kernel and <layer>/bias, or an .h5 of keras.applications.{title}."
        ) from error
    if not arrays:
        raise UserError(f"{path} holds no layer of {title}. Give another file.")
    problem = _misfit(arrays, architecture)
    if problem:
        theirs = [
            f"These are {other.title}'s weights: give {title}'s, or take {other.keyword} as the "
            "`loss_network`."
            for other in _ALL
            if other is not architecture and not _misfit(read(path, other.layers), other)
        ]
        advice = theirs[0] if theirs else "Give another file."
        raise UserError(f"{path} does not hold the weights of {title}: {problem}. {advice}")
    return {
        name: (kernel.astype("float32"), bias.astype("float32"))
        for name, (kernel, bias) in arrays.items()
    }


def _misfit(arrays: Arrays, architecture: Architecture) -> str:
    """What keeps arrays from being a network's first layers, in words; empty if nothing does.

    Files of VGG19 have layers of the same names and shapes as VGG16, up to block3_conv3.
    """
    for name, (kernel, bias) in arrays.items():
        if name not in architecture.channels:
            return f"it has a layer {name}, and {architecture.title} has none"
        before, width = architecture.channels[name]
        for what, array, shape in (
            ("kernel", kernel, (3, 3, before, width)),
            ("bias", bias, (width,)),
        ):
            if array.dtype.kind != "f" or not np.isfinite(array).all():
                return f"layer {name} has a {what} that is no finite floats"
            if array.shape != shape:
                return f"layer {name} has a {what} of shape {array.shape}, expected {shape}"
    *before_it, deepest = (name for name in architecture.layers if name in arrays)
    for name in architecture.layers[: architecture.layers.index(deepest)]:
        if name not in before_it:
            return f"it lacks the layer {name}, and has {deepest}"
    return ""


def _is_layer(name: str) -> bool:
    return re.fullmatch(r"block\d_conv\d", name) is not None


def _read_npz(path: pathlib.Path, layers: tuple[str, ...]) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        names = [key.removesuffix("/kernel") for key in file if key.endswith("/kernel")]
        return {
            name: (file[f"{name}/kernel"], file[f"{name}/bias"])
            for name in sorted(filter(_is_layer, names))
            if f"{name}/bias" in file
        }


def _read_h5(path: pathlib.Path, layers: tuple[str, ...]) -> Arrays:
    with h5py.File(path) as file:
        if "layer_names" in file.attrs:
            # Legacy layout: a group per layer, its weights named in an attribute.
            arrays = {
                name: tuple(file[name][weight][()] for weight in file[name].attrs["weight_names"])
                for name in sorted(filter(_is_layer, file))
            }
            for name, layer_arrays in arrays.items():
                if len(layer_arrays) != 2:
                    raise ValueError(
                        f"layer {name} has {len(layer_arrays)} arrays, not a kernel and a bias"
                    )
            return arrays
        # Keras 3 layout: layers/conv2d, layers/conv2d_1, ... in network order, without names.
        arrays = {}
        while (group := "conv2d" + (f"_{len(arrays)}" if arrays else "")) in file["layers"]:
            beyond = len(arrays) >= len(layers)
            name = f"number {len(arrays) + 1}" if beyond else layers[len(arrays)]
            variables = file["layers"][group]["vars"]
            arrays[name] = variables["0"][()], variables["1"][()]
        return arrays
