"""Contact sheets: a grid of pictures with labels, for looking rather than reading."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cin_style import images

_PAPER = (250, 249, 246)
_INK = (40, 40, 44)


def contact_sheet(
    rows, *, column_labels=None, bottom_labels=None, row_labels=None, cell=256, gap=6
):
    """Lays pictures out in a labelled grid.

    Args:
        rows: a list of rows, each a list of images (height, width, 3), uint8 or float in
            [0, 1], of any sizes; `None` leaves a cell empty. Each picture is scaled to fit
            its cell and centred in it.
        column_labels: a text above each column, or `None`.
        bottom_labels: a text below each column, or `None`.
        row_labels: a text at the left of each row, or `None`.
        cell: side of a cell in pixels.
        gap: space between cells in pixels.

    Returns:
        uint8 array (height, width, 3).
    """
    font = ImageFont.load_default(size=max(11, cell // 16))
    line = max(16, cell // 10)
    columns = max(len(row) for row in rows)
    left = gap
    if row_labels:
        left += max(int(font.getlength(label)) for label in row_labels) + 2 * gap
    top = gap + (line if column_labels else 0)
    width = left + columns * (cell + gap)

    scaled = [[_fit(picture, cell) for picture in row] for row in rows]
    heights = [max((p.height for p in row if p), default=cell) for row in scaled]
    height = top + sum(heights) + gap * len(rows) + (line if bottom_labels else 0)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for labels, y in ((column_labels, top // 2), (bottom_labels, height - line // 2 - gap // 2)):
        for column, label in enumerate(labels or []):
            middle = left + column * (cell + gap) + cell // 2
            draw.text((middle, y), _shorten(label, font, cell), _INK, font, anchor="mm")
    y = top
    for index, row in enumerate(scaled):
        if row_labels:
            middle = (left - gap, y + heights[index] // 2)
            draw.text(middle, row_labels[index], _INK, font, anchor="rm")
        for column, picture in enumerate(row):
            if picture:
                x = left + column * (cell + gap) + (cell - picture.width) // 2
                sheet.paste(picture, (x, y + (heights[index] - picture.height) // 2))
        y += heights[index] + gap
    return np.asarray(sheet)


def wrap(pictures, labels, columns):
    """Splits a flat list of pictures into rows of `columns` with a caption under each.

    Returns:
        A list of rows for `contact_sheet`, every picture with its label drawn below it.
    """
    captioned = [caption(picture, label) for picture, label in zip(pictures, labels, strict=True)]
    return [captioned[start : start + columns] for start in range(0, len(captioned), columns)]


def caption(picture, label):
    """Returns the picture (uint8) with a strip below it that carries `label`."""
    image = _as_pil(picture)
    line = max(18, image.width // 9)
    font = ImageFont.load_default(size=max(11, image.width // 14))
    sheet = Image.new("RGB", (image.width, image.height + line), _PAPER)
    sheet.paste(image, (0, 0))
    text = _shorten(label, font, image.width)
    ImageDraw.Draw(sheet).text(
        (image.width // 2, image.height + line // 2), text, _INK, font, anchor="mm"
    )
    return np.asarray(sheet)


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
