"""Contact sheets: a grid of pictures with labels, for looking rather than reading."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cin_style.images.files import to_uint8

_PAPER = (250, 249, 246)
_INK = (40, 40, 44)

# WebP ends at 16,383 px.
_LARGEST = 16_000

# Defaults, in px: the side of a cell, and the space between cells.
CELL = 256
_GAP = 6


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    *,
    column_labels: Sequence[str] | None = None,
    bottom_labels: Sequence[str] | None = None,
    cell: int = CELL,
    gap: int = _GAP,
) -> np.ndarray:
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

    Example:

        >>> sky, sea = np.full((20, 40, 3), 0.9), np.full((40, 40, 3), 0.3)
        >>> contact_sheet([[sky, sea], [sea, None]], cell=40, gap=2).shape
        (86, 86, 3)
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


def style_sheet(
    rows: Sequence[Sequence[np.ndarray]],
    names: Sequence[str],
    columns: int = 8,
    cell: int = CELL,
) -> np.ndarray:
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


def _fit(picture: np.ndarray | None, cell: int) -> Image.Image | None:
    if picture is None:
        return None
    array = np.asarray(picture)
    image = Image.fromarray(array if array.dtype == np.uint8 else to_uint8(array))
    scale = cell / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _shorten(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    while len(label) > 4 and font.getlength(label) > width:
        label = label[:-2].rstrip(" .…") + "…"
    return label
