"""Networks as files: saving, loading with clear errors, and those in the package."""

import io
import json
import pathlib
import zipfile

import h5py
import keras
import numpy as np

from cin_style.errors import UserError
from cin_style.files import write_beside


def save(network, path, half=False):
    """Saves a network as one `.keras` file, atomically.

    Args:
        network: a `StyleTransferNetwork`.
        path: ends in `.keras`.
        half: store the weights in float16 (half the size; they load as float32).

    Raises:
        UserError: a path with another suffix.
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise UserError(f"a model file must end in .keras. Received: {path}")
    with write_beside(path) as temporary:
        network.save(temporary)
        if half:
            _halve(temporary)


def _halve(path):
    """Rewrites the weights inside a `.keras` archive in float16."""
    with write_beside(path) as temporary:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(temporary, "w") as target:
            for entry in source.infolist():
                data = source.read(entry)
                if entry.filename.endswith(".weights.h5"):
                    data = _halve_h5(data)
                target.writestr(entry, data)


def _halve_h5(data):
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


def load(path):
    """Loads a network from a `.keras` file, in Keras' safe mode.

    Args:
        path: the file, or the name of a network that comes with the package (see
            `bundled`).

    Returns:
        A `StyleTransferNetwork`, float32.

    Raises:
        UserError: a file that is missing, damaged or not a network of this package.
    """
    path = bundled().get(str(path), pathlib.Path(path))
    if not path.is_file():
        raise UserError(
            f"no such model file: {path}. Give a .keras file that cin-style train wrote, or one "
            f"of the networks in the package: {', '.join(bundled()) or 'none'}."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            config = json.loads(archive.read("config.json"))
            if not isinstance(config, dict):
                raise ValueError("its config.json holds no object")
    except Exception as error:  # zipfile raises many kinds; each means a bad file
        raise UserError(
            f"{path} is not a model file, or is cut short ({error}). Copy it again."
        ) from error
    if damaged:
        raise UserError(f"{path} is damaged at {damaged}. Copy it again.")
    if config.get("registered_name") != "cin_style>StyleTransferNetwork":
        raise UserError(
            f"{path} holds a {config.get('class_name')}, not a StyleTransferNetwork. "
            "Give a model that cin-style train wrote."
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds; each means a bad file
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{path} does not hold a network that this version can load. Copy it again or update "
            f"cin_style. ({reason})"
        ) from error


def bundled():
    """The networks that come with the package: names to paths."""
    folder = pathlib.Path(__file__).parent / "models"
    return {path.stem: path for path in sorted(folder.glob("*.keras"))}
