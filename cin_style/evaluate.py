"""Content and style losses per style on photos that training never saw."""

import csv
import io

import numpy as np
from keras import ops

from cin_style.files import write_text


def style_losses(network, objective, photos, batch_size=8):
    """Measures a network's pastiches of all photos in all its styles.

    Args:
        network: a `StyleTransferNetwork`.
        objective: a `StyleObjective` with the same styles.
        photos: float32 (count, height, width, 3) in [0, 1].
        batch_size: photos per pass.

    Returns:
        A list with a dict per style: `style`, `content_loss`, `style_loss` (weighted, mean
        over the photos) and one unweighted style loss for each style layer.
    """
    rows = []
    for index, style in enumerate(network.styles):
        sums = {}
        for start in range(0, len(photos), batch_size):
            batch = photos[start : start + batch_size]
            ids = np.full(len(batch), index, "int32")
            weights = np.eye(network.num_styles, dtype="float32")[ids]
            pastiches = network.predict_on_batch([batch, weights])
            terms = objective.terms(batch, ids, pastiches)
            values = {
                **{name: terms[name] for name in ("content_loss", "style_loss")},
                **objective.layer_losses(batch, ids, pastiches)[1],
            }
            for name, value in values.items():
                total = float(np.sum(ops.convert_to_numpy(value), dtype="float64"))
                sums[name] = sums.get(name, 0.0) + total
        rows.append({"style": style.name, **{name: v / len(photos) for name, v in sums.items()}})
    return rows


def write_table(path, rows):
    """Writes rows (dicts with the same keys) as a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    )
    write_text(path, text.getvalue())


def format_table(rows):
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
