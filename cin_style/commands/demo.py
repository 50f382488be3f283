"""The demonstration: sample photos painted with the network that comes with the package."""

import logging
import pathlib
import shutil

from cin_style import images
from cin_style.files import writable_folder
from cin_style.losses import vgg
from cin_style.losses.terms import NO_PENALTIES
from cin_style.networks import storage
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.painting import blends as compose
from cin_style.painting.folder import stylize_files
from cin_style.painting.stylizer import Stylizer
from cin_style.styles.style_set import StyleSet
from cin_style.training import finetune as finetuning
from cin_style.training import run as training
from cin_style.training.recipes import Recipe

_LOG = logging.getLogger("cin_style")


def run(output, model=DEFAULT_MODEL, train_on=None, steps=150):
    """Paints the sample photos in every style of a network, with a contact sheet.

    Args:
        output: folder for the pictures.
        model: see `Stylizer`; by default the network in the package.
        train_on: a folder of style images. Also trains a small network on some of them for
            about a minute, to see training happen, and adds one to the network.
        steps: of that training; adding a style takes a third of them.

    Raises:
        UserError: when the folder can't be written to.
    """
    output = writable_folder(pathlib.Path(output))
    network = storage.load(model)
    names = [style.name for style in network.styles]
    photos = writable_folder(output / "photos")
    for name, photo in sample_photos().items():
        images.save(photos / f"{name}.png", photo)
    stylize_files(network, [photos], "all", output, sheet=output / "sheet.jpg", file_format="jpg")
    made = [
        (output / "sheet.jpg", "every sample photo in every style"),
        (output / "<photo>_<style>.jpg", "each picture by itself"),
    ]
    if len(names) >= 4:
        corners = ",".join(names[index * len(names) // 8] for index in (1, 3, 5, 7))
        grid = output / "blends.jpg"
        compose.blend_photo(network, photos / "chelsea.png", corners, grid, max_side=384)
        made.append((grid, "blends of four styles, one at each corner"))
    if train_on:
        made += _learn(network, pathlib.Path(train_on), photos, output, steps)
    _LOG.info("\nLook at")
    for path, what in made:
        _LOG.info("  %s  %s", path, what)


def _learn(network, styles, photos, output, steps):
    """Trains a small network, and adds a style to the given one."""
    names = [style.name for style in StyleSet.from_folder(styles).styles]
    weights = vgg.VGG16.at_hand()
    losses = {
        "style_layers": "block1_conv2,block2_conv2,block3_conv3",
        "style_size": 192,
        "gram_normalization": 0.5,
    }
    options = {
        "content": str(photos),
        "vgg_weights": weights or "random",
        "batch_size": 4,
        "image_size": 96,
        "holdout": 1,
        "checkpoint_every": 25,
        "preview_every": 50,
    }
    runs = output / "training", output / "finetuning"
    for folder in runs:
        # Each demonstration trains anew; going on with a finished run would show nothing.
        if (folder / "run.json").is_file():
            shutil.rmtree(folder)
    source = f"from {weights}" if weights else "at RANDOM, as none are at hand (see BUILD.md)"
    _LOG.info("\nTraining a small network on %s, with VGG16's weights %s", styles, source)
    some = ",".join(names[:: max(1, len(names) // 4)][:4])
    recipe = Recipe(styles=str(styles), style_names=some, steps=steps, **losses, **options)
    training.train(recipe, runs[0])

    new = StyleSet.from_folder(styles).paths[-1]
    _LOG.info("\nAdding the style %s to the painted network", new.stem)
    if not weights:
        # The losses that the network remembers are weighed for features that mean something:
        # beside random ones, penalties would be all that counts.
        options |= losses | NO_PENALTIES
    larger = finetuning.finetune(network, new, output=runs[1], steps=max(1, steps // 3), **options)
    photo = images.load(photos / "chelsea.png")
    images.save(output / f"chelsea_{new.stem}.jpg", Stylizer(larger)(photo, new.stem))
    return [
        (runs[0] / "previews", "how the small network came along"),
        (runs[0] / "losses.png", "its loss curves"),
        (output / f"chelsea_{new.stem}.jpg", "a photo in the style that was added"),
    ]
