"""Tables: lists of dicts with the same keys, as CSV files and as text."""

import csv
import io
import os
import pathlib
from collections.abc import Collection, Sequence
from typing import Any

import tabulate

from cin_style.files import write_text


def write(path: str | os.PathLike, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows as a CSV file, atomically; floats with six digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    write_text(path, text.getvalue())


def read(path: str | os.PathLike, texts: Collection[str] = ()) -> list[dict[str, Any]]:
    """Reads what `write` wrote.

    Args:
        path: the file.
        texts: the columns that hold texts; in the others, what is not empty is a number.

    Returns:
        A list of dicts; empty when there is no such file.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {
                name: value if name in texts or value == "" else _number(value)
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def align(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as aligned text, for a terminal; the first column to the left, floats short.

    Example:
        >>> print(align([{"style": "ash", "loss": 12.34567}, {"style": "oak", "loss": 1.0}]))
        style      loss
        ash       12.35
        oak           1
    """
    first = next(iter(rows[0]))
    cells = [
        {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
    return tabulate.tabulate(
        cells,
        headers="keys",
        tablefmt="plain",
        colalign=["left" if name == first else "right" for name in rows[0]],
        disable_numparse=True,
    )
