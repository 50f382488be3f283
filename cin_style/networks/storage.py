"""Networks as files: saving, and loading with clear errors."""

import io
import os
import pathlib
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

import h5py
import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.networks import archive
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.networks.styled import Styled

_WEIGHTS = "model.weights.h5"


def save(network: StyleTransferNetwork, path: str | os.PathLike, half: bool | None = None) -> None:
    """Saves a network as one `.keras` file, atomically.

    Args:
        network: a `StyleTransferNetwork`.
        path: ends in `.keras`.
        half: store the weights in float16 (half the size; they load as float32); by default as
            the file did that the network came from (`StyleTransferNetwork.stored_half`).

    Raises:
        UserError: a path with another suffix.

    Example:

        >>> network = StyleTransferNetwork(["sea"], widths=(4, 6, 8), residual_blocks=1)
        >>> save(network, "sea.keras", half=True)
        >>> load("sea.keras").styles[0].name
        'sea'
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise UserError(f"a model file must end in .keras. Received: {path}")
    with write_beside(path) as temporary:
        network.save(temporary)
        if network.stored_half if half is None else half:
            _halve(temporary)


def _halve(path: pathlib.Path) -> None:
    """Rewrites the weights inside a `.keras` archive in float16."""
    with write_beside(path) as temporary:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(temporary, "w") as target:
            for entry in source.infolist():
                data = source.read(entry)
                if entry.filename.endswith(".weights.h5"):
                    data = _halve_h5(data)
                target.writestr(entry, data)


def _halve_h5(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as source, h5py.File(buffer, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                copied = target.create_dataset(name, data=item[()].astype(np.float16))
            else:
                copied = target.require_group(name)
            copied.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return buffer.getvalue()


def load(path: str | os.PathLike) -> StyleTransferNetwork:
    """Loads a network from a `.keras` file, in Keras' safe mode.

    Args:
        path: the file, or the name of a network that comes with the package (see
            `bundled.bundled`).

    Returns:
        A `StyleTransferNetwork`, float32.

    Example:

        >>> network = load("varied32")
        >>> network.num_styles, network.embedding_size
        (32, 3206)

    Raises:
        UserError: a file that is missing, damaged or not a network of this package.
    """
    path = archive.find(path)
    archive.read_config(path)
    try:
        half = _is_half(path)
    except Exception as error:  # h5py raises many kinds; each means a bad file
        raise UserError(
            f"{path} is not a model file, or is cut short ({error}). Copy it again."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an error says it, too
            network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds; each means a bad file
        raise archive.unreadable(path, error) from error
    if not all(np.isfinite(ops.convert_to_numpy(weight)).all() for weight in network.weights):
        raise archive.unreadable(path, ValueError("it holds numbers that are not finite"))
    network.stored_half, network.origin = half, archive.name_of(path)
    return network


def thaw(
    network: Styled, styles: Sequence[Any] | None = None, dtype: str | None = None
) -> StyleTransferNetwork:
    """A Keras network with the convolutions of a network of any kind, copied.

    Args:
        network: a `StyleTransferNetwork`, a `FrozenNetwork` or the like.
        styles: of the new network, with gamma 1 and beta 0; by default the network's own.
        dtype: see `StyleTransferNetwork`.

    Raises:
        UserError: a network whose convolutions nobody can read.
    """
    embeddings = network.get_style_embeddings() if styles is None else None
    thawed = StyleTransferNetwork(
        network.styles if styles is None else styles,
        network.widths,
        network.residual_blocks,
        network.upsampling,
        network.grain,
        network.loss_options,
        dtype=dtype,
    )
    for layer, kernel in zip(thawed.convolutions, network.kernels(), strict=True):
        # A copy: on JAX, variables would share an array that the first step gives away.
        layer.kernel.assign(np.array(kernel))
    if embeddings is not None:
        thawed.set_style_embeddings(embeddings)
    return thawed._came_from(network)


def _is_half(path: pathlib.Path) -> bool:
    """Whether the weights in a `.keras` archive are float16."""
    found = []

    def look(name: str, item: h5py.Group | h5py.Dataset) -> bool | None:
        if isinstance(item, h5py.Dataset):
            found.append(item.dtype)
        return bool(found) or None  # anything but None ends the visit

    with zipfile.ZipFile(path) as opened, opened.open(_WEIGHTS) as file:
        with h5py.File(file) as weights:
            weights.visititems(look)
    return found == [np.float16]
