"""What a `.keras` file says of itself, read without Keras, which takes seconds to import."""

import os
import pathlib
import zipfile
from typing import Any

from cin_style.errors import UserError
from cin_style.files import check_format, parse_json
from cin_style.networks.bundled import bundled
from cin_style.networks.styled import FORMAT
from cin_style.styles.style import Style, unique

# Of a network's file when it is unpacked: room for 80,000 styles; and of what it says of itself.
_LARGEST, _LARGEST_CONFIG = 10**9, 64 * 10**6


def find(path: str | os.PathLike) -> pathlib.Path:
    """The file of a network: the path itself, or that of a network in the package by its name.

    Raises:
        UserError: there is no such file.
    """
    found = bundled().get(str(path), pathlib.Path(path))
    if not found.is_file():
        raise UserError(
            f"no such model file: {found}. Give a .keras file that `train` wrote, or one "
            f"of the networks in the package: {', '.join(bundled()) or 'none'}."
        )
    return found


def name_of(path: pathlib.Path) -> str:
    """What a network's file is called; that of a training run like its folder."""
    return path.parent.resolve().name if path.name == "model.keras" else path.stem


def read_config(path: str | os.PathLike) -> dict[str, Any]:
    """The configuration of the network in a `.keras` file, whose whole content is checked.

    Args:
        path: see `find`.

    Raises:
        UserError: a file that is missing, damaged or not a network of this package.
    """
    path = find(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive)
            damaged = archive.testzip()
            config = parse_json(archive.read("config.json"))
            if not isinstance(config, dict):
                raise ValueError("its config.json holds no object")
    except Exception as error:  # zipfile raises many kinds; each means a bad file
        raise UserError(
            f"{path} is not a model file, or is cut short ({error}). Copy it again."
        ) from error
    if damaged:
        raise UserError(f"{path} is damaged at {damaged}. Copy it again.")
    names = config.get("class_name"), config.get("registered_name")
    if names != ("StyleTransferNetwork", "cin_style>StyleTransferNetwork"):
        raise UserError(
            f"{path} holds a {config.get('class_name')}, not a StyleTransferNetwork. "
            "Give a model that `train` wrote."
        )
    inside = config.get("config")
    try:
        check_format(inside.get("format", 1) if isinstance(inside, dict) else 1, FORMAT)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return config


def _check_size(archive: zipfile.ZipFile) -> None:
    """Raises a `ValueError` for a file that unpacks to what no network is, such as a zip bomb."""
    sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    if sum(sizes.values()) > _LARGEST:
        raise ValueError(f"it unpacks to more than {_LARGEST // 10**6} MB")
    if sizes.get("config.json", 0) > _LARGEST_CONFIG:
        raise ValueError(f"its config.json is larger than {_LARGEST_CONFIG // 10**6} MB")


def read_styles(path: str | os.PathLike) -> tuple[Style, ...]:
    """The styles of the network in a `.keras` file, by number.

    Raises:
        UserError: see `read_config`.

    Example:

        >>> [style.title for style in read_styles("varied32")][:2]
        ['At the Moulin Rouge', 'Baby (Cradle)']
    """
    config = read_config(path)
    try:
        return unique(config["config"]["styles"])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(path, error) from error


def unreadable(path: str | os.PathLike, error: Exception) -> UserError:
    """What to raise for a network of this package that can't be made from its file."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UserError(
        f"{path} does not hold a network that this version can load. Copy it again or update "
        f"cin_style. ({reason})"
    )
