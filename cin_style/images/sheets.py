"""Contact sheets: a grid of pictures with labels, for looking rather than reading."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cin_style import images

_PAPER = (250, 249, 246)
_INK = (40, 40, 44)


# WebP ends at 16,383 px.
_LARGEST = 16_000

# Defaults, in px: the side of a cell, and the space between cells.
CELL = 256
_GAP = 6


def contact_sheet(rows, *, column_labels=None, bottom_labels=None, cell=CELL, gap=_GAP):
    """Lays pictures out in a labelled grid.

    Args:
        rows: a list of rows, each a list of images (height, width, 3), uint8 or float in
            [0, 1], of any sizes; `None` leaves a cell empty. Each picture is scaled to fit
            its cell and centred in it.
        column_labels: a text above each column, or `None`.
        bottom_labels: a text below each column, or `None`.
        cell: side of a cell in pixels; less where the sheet would be too large for a file.
        gap: space between cells in pixels.

    Returns:
        uint8 array (height, width, 3).
    """
    columns = max(len(row) for row in rows)
    cell = max(1, min(cell, _LARGEST // (max(columns, len(rows)) + 1) - gap))
    font = ImageFont.load_default(size=max(11, cell // 16))
    line = max(16, cell // 10)
    top = gap + (line if column_labels else 0)
    width = gap + columns * (cell + gap)

    scaled = [[_fit(picture, cell) for picture in row] for row in rows]
    heights = [max((p.height for p in row if p), default=cell) for row in scaled]
    height = top + sum(heights) + gap * len(rows) + (line if bottom_labels else 0)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for labels, y in ((column_labels, top // 2), (bottom_labels, height - line // 2 - gap // 2)):
        for column, label in enumerate(labels or []):
            middle = gap + column * (cell + gap) + cell // 2
            draw.text((middle, y), _shorten(label, font, cell), _INK, font, anchor="mm")
    y = top
    for index, row in enumerate(scaled):
        for column, picture in enumerate(row):
            if picture:
                x = gap + column * (cell + gap) + (cell - picture.width) // 2
                sheet.paste(picture, (x, y + (heights[index] - picture.height) // 2))
        y += heights[index] + gap
    return np.asarray(sheet)


def style_sheet(rows, names, columns=8, cell=CELL):
    """Photos in many styles: as one grid, or as several below each other.

    Args:
        rows: a list for each photo: the photo, then its picture in each style.
        names: of the styles.
        columns: styles side by side; the photo stands before them each time.
        cell: see `contact_sheet`.

    Returns:
        uint8 array (height, width, 3).
    """
    blocks = -(-len(names) // columns)
    columns = -(-len(names) // blocks)
    cell = max(1, min(cell, _LARGEST // (blocks * (len(rows) + 1)) - _GAP))
    grids = []
    for start in range(0, len(names), columns):
        missing = [None] * (start + columns - len(names))
        grids.append(
            contact_sheet(
                [[row[0], *row[1 + start : 1 + start + columns], *missing] for row in rows],
                column_labels=["photo", *names[start : start + columns]],
                cell=cell,
            )
        )
    return np.concatenate(grids)


def _as_pil(picture):
    picture = np.asarray(picture)
    return Image.fromarray(picture if picture.dtype == np.uint8 else images.to_uint8(picture))


def _fit(picture, cell):
    if picture is None:
        return None
    picture = _as_pil(picture)
    scale = cell / max(picture.size)
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    return picture.resize(size, Image.Resampling.LANCZOS)


def _shorten(label, font, width):
    while len(label) > 4 and font.getlength(label) > width:
        label = label[:-2].rstrip(" .…") + "…"
    return label
