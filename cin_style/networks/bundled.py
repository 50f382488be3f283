"""The networks that come with the package."""

import pathlib

# What commands and recipes take unless told otherwise.
DEFAULT_MODEL = "varied32"


def bundled() -> dict[str, pathlib.Path]:
    """The networks that come with the package: names to paths."""
    folder = pathlib.Path(__file__).parent / "pretrained"
    return {path.stem: path for path in sorted(folder.glob("*.keras"))}
