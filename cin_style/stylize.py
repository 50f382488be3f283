"""Painting photos: load a network once, then any photo of any size in any of its styles."""

import collections
import itertools
import logging
import os
import pathlib

import keras
import numpy as np
import tqdm

from cin_style import images, sheets, styles
from cin_style import network as networks
from cin_style.errors import UserError
from cin_style.files import writable_folder

_LOG = logging.getLogger("cin_style")

# Pixels painted at a time when one photo is wanted in many styles: bounds the memory.
_PIXELS_AT_ONCE = 2**20


class Stylizer:
    """Paints photos with one network.

    Args:
        model: a `StyleTransferNetwork`, a `.keras` file, or the name of a network in the
            package.

    Attributes:
        network: the network.
    """

    def __init__(self, model):
        if isinstance(model, str | os.PathLike):
            model = networks.load(model)
        self.network = model
        self._paint = _compile(model)

    def style_weights(self, style):
        """The row of weights that stands for a style.

        Args:
            style: a name, a number, or an array (num_styles,) of blend weights.

        Returns:
            float32 (num_styles,).

        Raises:
            UserError: an unknown style, or weights of another shape.
        """
        if isinstance(style, str | int | np.integer):
            key = style if isinstance(style, str) else int(style)
            row = np.zeros(self.network.num_styles, "float32")
            row[self.network.find_style(key)] = 1
            return row
        row = np.asarray(style, "float32")
        if row.shape != (self.network.num_styles,):
            raise UserError(
                f"blend weights must have the shape ({self.network.num_styles},), one weight "
                f"for each style. Received: shape {row.shape}"
            )
        return row

    def __call__(self, photo, styles):
        """Paints one photo.

        Args:
            photo: float array (height, width, 3), RGB in [0, 1], of 16 px or more each way.
            styles: one style (see `style_weights`) or a list of them.

        Returns:
            float32 in [0, 1], of the photo's size: (height, width, 3), or for a list of
            styles (len(styles), height, width, 3).

        Raises:
            UserError: a photo that is too small or no RGB image, or an unknown style.
        """
        if np.asarray(photo).dtype.kind != "f":
            raise UserError(
                "a photo must be floats in [0, 1]. Received: values of type "
                f"{np.asarray(photo).dtype}; cin_style.images.from_uint8 converts them."
            )
        photo = np.asarray(photo, "float32")
        if photo.ndim != 3 or photo.shape[-1] != 3:
            raise UserError(
                f"a photo must be an array (height, width, 3). Received: shape {photo.shape}"
            )
        if min(photo.shape[:2]) < networks.SMALLEST_SIDE:
            height, width = photo.shape[:2]
            raise UserError(
                f"the photo is {width} x {height} px, but the network needs at least "
                f"{networks.SMALLEST_SIDE} px each way. Take a larger photo."
            )
        several = isinstance(styles, list | tuple)
        if several and not styles:
            raise UserError("no style given: at least one is needed.")
        rows = np.stack([self.style_weights(style) for style in (styles if several else [styles])])
        at_once = max(1, _PIXELS_AT_ONCE // (photo.shape[0] * photo.shape[1]))
        painted = np.concatenate(
            [
                self._paint(np.repeat(photo[None], len(part), axis=0), part)
                for part in np.split(rows, range(at_once, len(rows), at_once))
            ]
        )
        return painted if several else painted[0]


def _compile(network):
    """The network as a function of arrays that is not compiled anew for each image size."""
    if keras.backend.backend() != "tensorflow":
        return lambda photos, rows: network.predict_on_batch([photos, rows])

    import tensorflow as tf

    signature = [
        tf.TensorSpec((None, None, None, 3), tf.float32),
        tf.TensorSpec((None, network.num_styles), tf.float32),
    ]

    # XLA would compile for seconds at every new image size.
    @tf.function(input_signature=signature, jit_compile=False)
    def paint(photos, rows):
        return network([photos, rows], training=False)

    return lambda photos, rows: paint(photos, rows).numpy()


def stylize_files(
    model, photos, style, output, *, sheet=None, file_format="png", quality=95, max_side=None
):
    """Paints photos from files in one or more styles, to files.

    Args:
        model: see `Stylizer`.
        photos: files, and folders to search.
        style: names and numbers of styles separated by commas, or `all`.
        output: a folder, which gets `<photo>_<style>.<file_format>` for each; or, for one
            photo in one style, a file name.
        sheet: also write a contact sheet, photos by styles, to this file.
        file_format: `png`, `jpg` or `webp`, of the files in a folder.
        quality: of JPEG and WebP, 1..100.
        max_side: scale photos down so that their long side has at most this many px.

    Returns:
        The paths of the pictures written.

    Raises:
        UserError: see `images.find`, `Stylizer`; photos that can't be painted are named at
            the end, after all others have been.
    """
    if not 1 <= quality <= 100:
        raise UserError(f"--quality must be from 1 to 100. Received: {quality}")
    if max_side is not None and max_side < networks.SMALLEST_SIDE:
        raise UserError(
            f"--max_side must be at least {networks.SMALLEST_SIDE} px. Received: {max_side}"
        )
    paths = list(dict.fromkeys(images.find(photos)))
    stylizer = Stylizer(model)
    chosen = list(dict.fromkeys(styles.find_all(stylizer.network.styles, style)))
    names = [stylizer.network.styles[index].name for index in chosen]
    targets = _targets(paths, names, pathlib.Path(output), file_format)

    if sheet:
        images.check_writable_format(sheet)
        writable_folder(pathlib.Path(sheet).parent)

    written, failures, rows = [], [], []
    with tqdm.tqdm(paths, unit="photo", disable=len(paths) < 2) as bar:
        for path, row in zip(bar, targets, strict=True):
            try:
                photo = images.load(path, max_side=max_side)
                pastiches = stylizer(photo, chosen)
            except UserError as error:
                failures.append(str(error) if str(path) in str(error) else f"{path}: {error}")
                continue
            for target, pastiche in zip(row, pastiches, strict=True):
                images.save(target, pastiche, quality=quality)
                written.append(target)
            if sheet:
                rows.append([_small(photo), *map(_small, pastiches)])
    if rows:
        images.save(sheet, sheets.contact_sheet(rows, column_labels=["photo", *names]))
        written.append(pathlib.Path(sheet))
    if failures:
        done = f" (the other {len(written)} pictures are written)" if written else ""
        raise UserError("; ".join(failures) + done)
    _LOG.info("wrote %d pictures to %s", len(written), output)
    return written


def _small(image):
    """Keeps sheets of many photos from filling the memory."""
    return images.to_uint8(
        image[:: max(1, image.shape[0] // 512), :: max(1, image.shape[1] // 512)]
    )


def _targets(paths, names, output, file_format):
    """Where each photo's pastiches go, all different."""
    if output.suffix and not output.is_dir():
        images.check_writable_format(output)
        if len(paths) * len(names) != 1:
            raise UserError(
                f"--output {output} is one file, but {len(paths)} photos in {len(names)} styles "
                "are asked for. Give a folder."
            )
        writable_folder(output.parent)
        return [[output]]
    writable_folder(output)
    stems = collections.Counter(path.stem for path in paths)
    rows, taken = [], set()
    for path in paths:
        stem = path.stem
        if stems[stem] > 1:
            # Two photos of one name get their folder's name, too.
            stem = f"{path.absolute().parent.name}_{path.name.replace('.', '_')}"
        numbered = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
        for unique in numbered:
            row = [output / f"{unique}_{name}.{file_format}" for name in names]
            if taken.isdisjoint(row):
                break
        taken.update(row)
        rows.append(row)
    return rows
