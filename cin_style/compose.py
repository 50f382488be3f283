"""Blends of one photo as pictures: strips, grids, blends across it, masks, animated walks."""

import logging
import pathlib

import numpy as np
import tqdm
from PIL import Image

from cin_style import blend, images, sheets
from cin_style import styles as style_sets
from cin_style.errors import UserError
from cin_style.files import writable_folder, write_beside
from cin_style.stylize import Stylizer

_LOG = logging.getLogger("cin_style")

_WALK_FRAME_MS = 120


def blend_photo(
    model,
    photo,
    style_names,
    output,
    *,
    steps=None,
    across=None,
    mask=None,
    soften=0.0,
    max_side=None,
):
    """Paints one photo in blends of two or more styles, to a file or a folder.

    - `mask`: one picture, each style where the mask says (`blend.mask_map`).
    - `across`: one picture that changes from the first style to the second.
    - an output that ends in `.webp`: an animation that walks from style to style and back
      to the first, `steps` frames between two.
    - two styles: a strip of `steps` blends from one to the other.
    - four styles: a grid of `steps` x `steps` blends, one style at each corner.

    Args:
        model: see `Stylizer`.
        photo: an image file.
        style_names: names and numbers separated by commas.
        output: an image file, or a folder, which gets every blend by itself and the sheet.
        steps: by default 9, in a grid 5.
        across: `x`, `y` or `radial`.
        mask: an image file of the photo's size.
        soften: of the mask's edges, see `blend.mask_map`.
        max_side: scale the photo down so that its long side has at most this many px.

    Returns:
        The path of the picture, sheet or animation.

    Raises:
        UserError: bad arguments or files.
    """
    output = pathlib.Path(output)
    to_file = bool(output.suffix) and not output.is_dir()
    if to_file:
        images.check_writable_format(output)
    writable_folder(output.parent if to_file else output)
    stylizer = Stylizer(model)
    styles = stylizer.network.styles
    indices = style_sets.find_all(styles, style_names)
    if len(indices) < 2:
        raise UserError(f"a blend needs at least two styles: --styles a,b. Received: {style_names}")
    rows = [blend.weights(styles, index) for index in indices]
    labels = [styles[index].name for index in indices]
    picture = images.load(photo, max_side=max_side)
    target = output if to_file else output / "sheet.png"

    if mask is not None or across is not None:
        if mask is not None:
            maps = blend.mask_map(mask, rows, picture.shape[:2], soften)
        elif len(rows) == 2:
            maps = blend.across(picture.shape[:2], *rows, across)
        else:
            raise UserError(f"--across goes between two styles. Received: {len(rows)}")
        target = output if to_file else output / f"{pathlib.Path(photo).stem}_blend.png"
        images.save(target, stylizer(picture, maps))
    elif target.suffix.lower() == ".webp":
        _save_walk(target, _walk(stylizer, picture, rows, steps or 9))
    elif len(rows) == 2:
        path = blend.path(*rows, steps or 9)
        pictures = _paint(stylizer, picture, path, output, to_file)
        captions = [f"{row[indices[1]]:.0%}" for row in path]
        captions[0], captions[-1] = labels
        images.save(target, sheets.contact_sheet([pictures], column_labels=captions))
    elif len(rows) == 4:
        grid = blend.grid(rows, steps or 5)
        pictures = _paint(stylizer, picture, grid.reshape(-1, len(styles)), output, to_file)
        count = len(grid)
        images.save(
            target,
            sheets.contact_sheet(
                [pictures[start : start + count] for start in range(0, len(pictures), count)],
                column_labels=[labels[0], *[""] * (count - 2), labels[1]],
                bottom_labels=[labels[2], *[""] * (count - 2), labels[3]],
            ),
        )
    else:
        raise UserError(
            f"a strip goes between two styles and a grid between four, but {len(rows)} are given. "
            "For more, walk through them: --output NAME.webp."
        )
    _LOG.info("wrote %s", target)
    return target


def _paint(stylizer, picture, rows, output, to_file):
    pictures = []
    for number, row in enumerate(tqdm.tqdm(rows, unit="picture")):
        pictures.append(images.to_uint8(stylizer(picture, row)))
        if not to_file:
            images.save(output / f"blend_{number:02}.png", pictures[-1])
    return pictures


def _walk(stylizer, picture, rows, steps):
    for start, end in zip(rows, [*rows[1:], rows[0]], strict=True):
        # The end of one leg is the start of the next.
        for row in tqdm.tqdm(blend.path(start, end, steps)[:-1], unit="frame"):
            yield Image.fromarray(images.to_uint8(stylizer(picture, np.asarray(row))))


def _save_walk(target, frames):
    first, *others = frames
    with write_beside(target) as temporary:
        first.save(
            temporary,
            save_all=True,
            append_images=others,
            duration=_WALK_FRAME_MS,
            loop=0,
            quality=88,
        )
