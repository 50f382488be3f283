"""Tables: lists of dicts with the same keys, as CSV files and as text."""

import csv
import io
import pathlib

from cin_style.files import write_text


def write(path, rows):
    """Writes rows as a CSV file, atomically; floats with six digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    write_text(path, text.getvalue())


def read(path, texts=()):
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


def _number(text):
    return int(text) if text.lstrip("-").isdigit() else float(text)


def align(rows):
    """The rows as aligned text, for a terminal."""
    cells = [list(rows[0])] + [
        [f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
