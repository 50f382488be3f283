"""Figures of matplotlib, which is slow to import and only needed where one is drawn."""

import os
from typing import Any

from cin_style.files import write_beside


def figure(width: float, height: float) -> Any:
    """A new figure of this size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(drawn: Any, path: str | os.PathLike) -> None:
    """Writes a figure to an image file, atomically."""
    with write_beside(path) as temporary:
        drawn.savefig(temporary, dpi=110)
