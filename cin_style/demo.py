"""The demonstration: sample photos painted with the network that comes with the package."""

import logging
import pathlib
import shutil

import numpy as np
import tqdm

from cin_style import images, sheets, storage, training, vgg
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.recipe import Recipe
from cin_style.styles import StyleSet
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


def run(output, model=None, train_on=None):
    """Paints the sample photos in every style of a network, with a contact sheet.

    Args:
        output: folder for the pictures.
        model: see `Stylizer`; by default the network in the package.
        train_on: a folder of style images to train a small network on afterwards, for about
            a minute, to see training happen.

    Raises:
        UserError: when the folder can't be written to.
    """
    output = writable_folder(pathlib.Path(output))
    photos = sample_photos()
    if model is None:
        if not storage.bundled():
            raise UserError("this installation holds no trained network.")
        model = next(iter(storage.bundled()))
    stylizer = Stylizer(model)
    names = [style.name for style in stylizer.network.styles]
    rows = []
    for name, photo in tqdm.tqdm(photos.items(), unit="photo"):
        pastiches = stylizer(photo, names)
        for style, pastiche in zip(names, pastiches, strict=True):
            images.save(output / f"{name}_{style}.jpg", pastiche)
        rows.append([photo, *pastiches])
    images.save(output / "sheet.jpg", sheets.contact_sheet(rows, column_labels=["photo", *names]))
    if train_on:
        _train(train_on, photos, output)
    _LOG.info("\nLook at")
    _LOG.info("  %s  every sample photo in every style", output / "sheet.jpg")
    _LOG.info("  %s  each picture by itself", output / "<photo>_<style>.jpg")
    if train_on:
        _LOG.info("  %s  how the small network came along", output / "training" / "previews")
        _LOG.info("  %s  its loss curves", output / "training" / "losses.png")


def _train(styles, photos, output):
    folder = writable_folder(output / "photos")
    for name, photo in photos.items():
        images.save(folder / f"{name}.png", photo)
    weights = vgg.at_hand()
    run = output / "training"
    # Each demonstration trains anew; going on with a finished run would show nothing.
    shutil.rmtree(run, ignore_errors=True)
    names = [style.name for style in StyleSet.from_folder(styles).styles]
    recipe = Recipe(
        styles=str(styles),
        style_names=",".join(names[:: max(1, len(names) // 4)][:4]),
        content=str(folder),
        vgg_weights=weights or "random",
        style_layers="block1_conv2,block2_conv2,block3_conv3",
        steps=150,
        batch_size=4,
        image_size=96,
        style_size=192,
        gram_normalization=0.5,
        holdout=1,
        preview_every=50,
        checkpoint_every=25,
    )
    _LOG.info(
        "\nTraining a small network on %s for about a minute, with VGG16's weights %s",
        styles,
        f"from {weights}" if weights else "at RANDOM since none are at hand (see BUILD.md)",
    )
    training.train(recipe, run)
