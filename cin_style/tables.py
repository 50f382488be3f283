"""Tables: lists of dicts with the same keys, as CSV files and as text."""

import csv
import io
import os
import pathlib
from collections.abc import Collection, Sequence
from typing import Any

import tabulate

from cin_style.errors import UserError
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


def read(
    path: str | os.PathLike, texts: Collection[str] = (), needed: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Reads what `write` wrote.

    Args:
        path: the file.
        texts: the columns that hold texts; in the others, what is not empty is a number.
        needed: columns that hold a number in every row.

    Returns:
        A list of dicts; empty when there is no such file.

    Raises:
        UserError: a damaged table.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {
                    name: value if name in texts or value == "" else _number(value)
                    for name, value in row.items()
                }
                for row in csv.DictReader(file, strict=True)
            ]
        if not all(isinstance(row.get(name), int | float) for row in rows for name in needed):
            raise ValueError(f"it lacks some of {', '.join(needed)}")
    except (OSError, TypeError, ValueError, csv.Error) as error:
        raise UserError(
            f"{path} is damaged ({error}). Put back what was there, or take it away to do without."
        ) from error
    return rows


def _number(text: str | None) -> int | float:
    if text is None:
        raise ValueError("a line is cut short")
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
