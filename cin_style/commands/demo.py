"""`cin-style demo`: sample photos painted with the network that comes with the package."""

import argparse
import logging
import os
import pathlib
import shutil
from typing import TYPE_CHECKING, Any

from cin_style.commands import options
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.runtimes import backend

if TYPE_CHECKING:
    from cin_style.networks.style_transfer import StyleTransferNetwork

HELP = "paint sample photos with the network in the package"

_LOG = logging.getLogger("cin_style")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "--output", default="demo", metavar="DIR", help="folder for the pictures (default: demo)"
    )
    parser.add_argument(
        "--train", metavar="STYLES_DIR", help="then also train on these styles, for a minute or two"
    )


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    train_on = options.expand("train", arguments.train, arguments) if arguments.train else None
    output = options.output(arguments)
    backend.load()
    demonstrate(output, train_on=train_on)


def demonstrate(
    output: str | os.PathLike,
    model: Any = DEFAULT_MODEL,
    train_on: str | os.PathLike | None = None,
    **fields: Any,
) -> None:
    """Paints the sample photos in every style of a network, with a contact sheet.

    Args:
        output: folder for the pictures.
        model: see `Stylizer`; by default the network in the package.
        train_on: a folder of style images. Also trains a network on some of them for a minute or
            two (`preset_files.preset("quick")`), and adds one to the given network in 30 steps,
            from where the network's predictor says if it has one.
        **fields: fields of both recipes of that training, such as `steps`.

    Raises:
        UserError: when the folder can't be written to, or there are no styles to train on.
    """
    from cin_style import images
    from cin_style.networks import storage
    from cin_style.painting.blends import blend
    from cin_style.painting.folder import stylize
    from cin_style.painting.recipes import BlendRecipe, StylizeRecipe

    if train_on and not pathlib.Path(train_on).is_dir():
        raise UserError(f"no such folder of style images: {train_on}. Check `train`.")
    output = writable_folder(output)
    network = storage.load(model) if isinstance(model, str | os.PathLike) else model
    photos = writable_folder(output / "photos")
    for name, photo in images.sample_photos().items():
        images.save(photos / f"{name}.png", photo)
    pictures = output / "painted"
    sheet = output / "sheet.jpg"
    recipe = StylizeRecipe(photos=(str(photos),), sheet=str(sheet), format="jpg")
    stylize(recipe, pictures, network=network)
    made = [
        (sheet, "every sample photo in every style"),
        (pictures, "each picture by itself"),
    ]
    names = [style.name for style in network.styles]
    if len(names) >= 4:
        corners = ",".join(names[index * len(names) // 8] for index in (1, 3, 5, 7))
        grid = output / "blends.jpg"
        chelsea = str(photos / "chelsea.png")
        blend(BlendRecipe(photo=chelsea, styles=corners, max_side=384), grid, network=network)
        made.append((grid, "blends of four styles, one at each corner"))
    if train_on:
        made += _learn(network, pathlib.Path(train_on), photos, output, fields)
    _LOG.info("\nLook at")
    for path, what in made:
        _LOG.info("  %s  %s", path, what)


def _learn(
    network: "StyleTransferNetwork",
    styles: pathlib.Path,
    photos: pathlib.Path,
    output: pathlib.Path,
    fields: dict[str, Any],
) -> list[tuple[pathlib.Path, str]]:
    """Trains a network on some styles, and adds another to the given network."""
    from cin_style import images
    from cin_style.painting.stylizer import Stylizer
    from cin_style.styles.style_set import StyleSet
    from cin_style.training.finetune import finetune
    from cin_style.training.preset_files import preset
    from cin_style.training.recipes import FinetuneRecipe, TrainRecipe
    from cin_style.training.train import train

    runs = output / "training", output / "finetuning"
    for folder in runs:
        # Each demonstration trains anew; going on with a finished run would show nothing.
        if (folder / "run.json").is_file():
            shutil.rmtree(folder)
    small: dict[str, Any] = {
        "content": str(photos),
        "steps": 60,
        "warmup_steps": 5,
        "batch_size": 4,
        "image_size": 96,
        "holdout": 1,
        "checkpoint_every": 20,
        "preview_every": 20,
    } | fields
    chosen = StyleSet.from_folder(styles)
    names = [style.name for style in chosen.styles]
    some = ",".join(names[:: max(1, len(names) // 4)][:4])
    _LOG.info("\nTraining a network on %s", some)
    values = preset("quick") | small | {"styles": str(styles), "style_names": some}
    train(TrainRecipe(**values), runs[0])

    new = chosen.paths[-1]
    _LOG.info("\nAdding the style %s to the painted network", names[-1])
    few: dict[str, Any] = {"steps": 30} | fields
    recipe = FinetuneRecipe(styles=(str(new),), **few)
    larger = finetune(recipe, runs[1], network=network)
    picture = output / f"chelsea_{names[-1]}.jpg"
    photo = images.load(photos / "chelsea.png")
    images.save(picture, Stylizer(larger)(photo, larger.num_styles - 1))
    return [
        (runs[0] / "previews", "how the network came along"),
        (runs[0] / "losses.png", "its loss curves"),
        (runs[1] / "before_after.jpg", "the style that was added, at the start and at the end"),
        (picture, "a photo in it"),
    ]
