"""What a report is about: photos, and the styles whose images are at hand."""

import dataclasses
import logging
import pathlib
from typing import Any

import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.losses.objective import StyleObjective
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.styles.style_set import StyleSet
from cin_style.training import photos

_LOG = logging.getLogger("cin_style")


@dataclasses.dataclass(frozen=True)
class Subjects:
    """What a report is about: names and pictures of styles and photos, and the objective."""

    styles: list[str]
    paintings: list[np.ndarray]
    photo_names: list[str]
    photos: np.ndarray
    objective: StyleObjective


def open_photos(recipe: EvaluateRecipe) -> tuple[list[str], np.ndarray]:
    """Photos evenly spread over those to take.

    Returns:
        Their names, and their central squares, float32 (count, size, size, 3) in [0, 1].

    Raises:
        UserError: fewer photos than asked for, or one that can't be read.
    """
    every = photos.open_photos(recipe.content)
    source: photos.Photos = every
    if recipe.holdout:
        _, source = photos.hold_out(every, recipe.holdout)
    if recipe.photos > len(source):
        there = f"there are only {len(every)}. Take fewer, or give more"
        if recipe.holdout:
            there = (
                f"only {len(source)} of the {len(every)} there are kept out of training (`holdout` "
                f"{recipe.holdout}). Take fewer, or `holdout` 0, which takes of all photos"
            )
        raise UserError(f"`photos` asks for {recipe.photos}, and {there}.")
    chosen = [index * len(source) // recipe.photos for index in range(recipe.photos)]
    crops = photos.center_crops(photos.PhotoSubset(source, chosen), recipe.image_size)
    if len(crops) < len(chosen):
        names = ", ".join(source.name(index) for index in chosen)
        raise UserError(f"not all of these photos can be read: {names}. Replace the bad ones.")
    stems = [pathlib.Path(source.name(index)).stem for index in chosen]
    return [f"{number:02}_{stem}" for number, stem in enumerate(stems)], crops


def open_paintings(
    recipe: EvaluateRecipe, network: StyleTransferNetwork
) -> tuple[StyleTransferNetwork, list[np.ndarray]]:
    """The styles to judge: those asked for, or all whose image is in the folder.

    Returns:
        The network with just these styles, and the style image of each, float32 (height, width,
        3) in [0, 1], of the size asked for or else the one that it had in training.

    Raises:
        UserError: a style asked for of which the folder has no image, or images of none at all.
    """
    style_set = StyleSet.from_folder(recipe.styles, catalogue=recipe.catalogue or None)
    paths = {s.name: path for s, path in zip(style_set.styles, style_set.paths, strict=True)}
    asked = [name.strip() for name in recipe.style_names.split(",") if name.strip()]
    if asked:
        network = network.select(asked)
    missing = [style.name for style in network.styles if style.name not in paths]
    if asked and missing:
        raise UserError(
            f"{recipe.styles} has no image of the style {missing[0]}; it has {_some(paths)}. Name "
            "the file after the style, or give a `catalogue` of the folder's images."
        )
    if len(missing) == network.num_styles:
        raise UserError(
            f"{recipe.styles} has images of none of the network's styles: it has {_some(paths)}, "
            f"the network {_some(missing)}. Name the files after the styles, or give a `catalogue` "
            "of the folder's images."
        )
    if missing:
        _LOG.info("left out, for %s has no image of them: %s", recipe.styles, _some(missing, 40))
        network = network.remove(missing)
    return network, [
        images.load(paths[style.name], short_side=recipe.style_size or style.image_size or 512)
        for style in network.styles
    ]


def _some(names: Any, most: int = 8) -> str:
    """The first of some names."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
