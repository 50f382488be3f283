"""The demonstration: sample photos painted with the network that comes with the package."""

import logging
import pathlib

import numpy as np

from cin_style import images, sheets
from cin_style import network as networks
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.stylize import Stylizer

_LOG = logging.getLogger("cin_style")

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")


def sample_photos():
    """The photos that scikit-image carries under free licences.

    Returns:
        A dict of names to float32 arrays (height, width, 3) in [0, 1].
    """
    import skimage.data  # slow to import, and only needed here

    return {name: images.from_uint8(np.asarray(getattr(skimage.data, name)())) for name in SAMPLES}


def run(output, model=None):
    """Paints the sample photos in every style of a network, with a contact sheet.

    Args:
        output: folder for the pictures.
        model: see `Stylizer`; by default the network in the package.

    Raises:
        UserError: when the folder can't be written to.
    """
    output = writable_folder(pathlib.Path(output))
    if model is None:
        if not networks.bundled():
            raise UserError("this installation holds no trained network; give --model.")
        model = next(iter(networks.bundled()))
    stylizer = Stylizer(model)
    names = [style.name for style in stylizer.network.styles]
    rows = []
    for name, photo in sample_photos().items():
        pastiches = stylizer(photo, names)
        for style, pastiche in zip(names, pastiches, strict=True):
            images.save(output / f"{name}_{style}.jpg", pastiche)
        rows.append([photo, *pastiches])
    images.save(output / "sheet.jpg", sheets.contact_sheet(rows, column_labels=["photo", *names]))
    _LOG.info("%d pictures are in %s; sheet.jpg shows them all", len(rows) * len(names) + 1, output)
