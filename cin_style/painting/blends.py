"""Blends of one photo as pictures: strips, grids, blends across it, masks, animated walks."""

import logging
import pathlib

import numpy as np
import tqdm
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.files import writable_folder, write_beside
from cin_style.images import sheets
from cin_style.painting.folder import check_max_side
from cin_style.painting.stylizer import Stylizer
from cin_style.styles import blends as blend
from cin_style.styles import style as style_sets

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
    if sum(value is not None for value in (mask, across, steps)) > 1:
        raise UserError("give only one of --mask, --across and --steps: each is another picture.")
    if soften and mask is None:
        raise UserError("--soften is for the edges of a --mask.")
    stylizer = Stylizer(model)
    indices = style_sets.find_all(stylizer.network.styles, style_names)
    if len(indices) < 2:
        raise UserError(f"a blend needs at least two styles: --styles a,b. Received: {style_names}")
    # Maps hold a weight for every style and pixel, so only these few styles.
    chosen = list(dict.fromkeys(indices))
    stylizer = Stylizer(stylizer.network.select(chosen))
    rows = [np.eye(len(chosen), dtype="float32")[chosen.index(index)] for index in indices]
    labels = [stylizer.network.styles[chosen.index(index)].name for index in indices]
    walks = to_file and output.suffix.lower() == ".webp" and mask is None and across is None
    if mask is None and across is None and not walks:
        if len(rows) not in (2, 4):
            raise UserError(
                f"a strip goes between two styles and a grid between four, but {len(rows)} are "
                "given. For more, walk through them: --output NAME.webp."
            )
    elif across is not None and len(rows) != 2:
        raise UserError(f"--across goes between two styles. Received: {len(rows)}")
    check_max_side(max_side)
    picture = images.load(photo, max_side=max_side)
    if mask is not None:
        maps = blend.mask_map(_mask_of(mask, photo, picture), rows, picture.shape[:2], soften)
    elif across is not None:
        maps = blend.across(picture.shape[:2], *rows, across)
    else:
        maps = None
        if steps is None:
            steps = 9 if walks or len(rows) == 2 else 5
        blends = blend.grid(rows, steps) if len(rows) == 4 else blend.path(*rows[:2], steps)

    writable_folder(output.parent if to_file else output)
    name = "sheet.png" if maps is None else f"{pathlib.Path(photo).stem}_blend.png"
    target = output if to_file else output / name
    if maps is not None:
        images.save(target, stylizer(picture, maps))
    elif walks:
        _save_walk(target, _walk(stylizer, picture, rows, steps))
    else:
        pictures = _paint(stylizer, picture, blends.reshape(-1, len(chosen)), output, to_file)
        inner = [""] * (steps - 2)
        if len(rows) == 4:
            sheet = sheets.contact_sheet(
                [pictures[start : start + steps] for start in range(0, len(pictures), steps)],
                column_labels=[labels[0], *inner, labels[1]],
                bottom_labels=[labels[2], *inner, labels[3]],
            )
        else:
            shares = [f"{index / (steps - 1):.0%}" for index in range(1, steps - 1)]
            captions = [labels[0], *shares, labels[1]]
            sheet = sheets.contact_sheet([pictures], column_labels=captions)
        images.save(target, sheet)
    _LOG.info("wrote %s", target)
    return target


def _mask_of(mask, photo, picture):
    """The mask, scaled like the photo has been."""
    image = blend.open_mask(mask)
    size = images.open_rgb(photo).size
    if image.size != size:
        raise UserError(
            f"the mask is {image.width} x {image.height} px, but the photo is {size[0]} x "
            f"{size[1]} px. Scale the mask to the photo's size."
        )
    method = Image.Resampling.NEAREST if image.mode == "P" else Image.Resampling.LANCZOS
    return image.resize(picture.shape[1::-1], method)


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
