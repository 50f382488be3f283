"""Training a network on style images and photos."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from cin_style.errors import UserError
from cin_style.losses.recipe import remember
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.styles.style_set import StyleSet
from cin_style.training.devices import connect
from cin_style.training.network_run import Material, NetworkTask
from cin_style.training.recipes import TrainRecipe
from cin_style.training.run import fingerprint_of_network, run
from cin_style.training.teacher import Teacher, check_teaches

_LOG = logging.getLogger("cin_style")


def train(
    recipe: TrainRecipe, output: str | os.PathLike, *, watchers: Sequence[Any] = ()
) -> StyleTransferNetwork:
    """Trains a network as a recipe says, or goes on where an earlier call stopped.

    The folder `output` gets `model.keras` and all that tells how it came about: `run.json`
    (arguments, versions, machine, styles), `losses.csv` and `losses.png`, `previews/`,
    `tensorboard/`, `evaluation.csv` (losses per style on held-out photos, before and after),
    `skipped_photos.txt` where photos could not be read, and `checkpoint.npz`.

    Args:
        recipe: a `TrainRecipe`.
        output: the run folder; created where needed.
        watchers: Keras callbacks besides the run's own; an epoch is `checkpoint_every` steps.

    Returns:
        The trained `StyleTransferNetwork`, float32.

    Raises:
        UserError: anything wrong with the files that the recipe names, or a run folder that holds
            another run, or this one on other data.

    Example:

        recipe = TrainRecipe(styles="paintings", content="photos", steps=1000, batch_size=4)
        network = train(recipe, "runs/paintings")
        cin_style.Stylizer(network)(photo, "starry_night")
    """
    connect(recipe.hosts)
    if not recipe.styles:
        raise UserError("`styles` is missing: a folder of style images.")
    names = [name.strip() for name in recipe.style_names.split(",") if name.strip()]
    style_set = StyleSet.from_folder(recipe.styles, names or None, recipe.catalogue)
    base = storage.load(recipe.init_from) if recipe.init_from else None
    if base and (base.widths, base.residual_blocks) != (recipe.channels, recipe.residual_blocks):
        raise UserError(
            f"`init_from` is a network of `widths={','.join(map(str, base.widths))}` and "
            f"`residual_blocks={base.residual_blocks}`. Give the same."
        )
    teacher = storage.load(recipe.teacher) if recipe.teacher else None
    if teacher:
        check_teaches(teacher, [style.name for style in style_set.styles])
    return run(Training(recipe, style_set, base, teacher), output, watchers)


@dataclasses.dataclass(frozen=True)
class Training(NetworkTask):
    """Training all of a network, from scratch or from another network's convolutions.

    Attributes:
        teacher: a network whose pictures it is to paint as well, or `None`.
    """

    recipe: TrainRecipe
    teacher: StyleTransferNetwork | None = None

    KIND = "train"
    BASE = "init_from"

    def make_network(self) -> StyleTransferNetwork:
        network = StyleTransferNetwork(
            self.styles,
            self.recipe.channels,
            self.recipe.residual_blocks,
            upsampling=self.recipe.upsampling,
            grain=self.recipe.grain,
            loss_options=remember(self.recipe),
            dtype=self.recipe.precision,
        )
        if self.base:
            network.copy_convolutions(self.base)
            if network.upsampling != self.base.upsampling:
                _LOG.warning(
                    "the network to start from has %s upsampling, this one %s; `upsampling=%s` "
                    "keeps it",
                    self.base.upsampling,
                    network.upsampling,
                    self.base.upsampling,
                )
        return network

    def data(self) -> dict[str, Any]:
        taught = {"teacher": fingerprint_of_network(self.teacher)} if self.teacher else {}
        return super().data() | taught

    def make_teacher(self) -> Teacher | None:
        if self.teacher is None or not self.recipe.teacher_weight:
            return None
        names = [style.name for style in self.styles]
        return Teacher(self.teacher, names, self.recipe.teacher_weight, self.recipe.precision)

    def initialize(self, network: StyleTransferNetwork, material: Material) -> None:
        if self.recipe.palette_start:
            network.set_palettes(material.style_images)
        if self.base:
            _take_over_styles(network, self.base)


def _take_over_styles(network: StyleTransferNetwork, base: StyleTransferNetwork) -> None:
    """Sets the embeddings of the styles that `base` knows by name, and of the others."""
    old = base.get_style_embeddings()
    known = {style.name: row for style, row in zip(base.styles, old, strict=True)}
    embeddings = network.get_style_embeddings()
    # A style it does not know begins as the mean of those it does, with its own palette: a
    # plain 1 and 0 would not fit convolutions that have long been trained.
    unknown = np.mean(old, axis=0)
    palette = network.palette_columns
    for index, style in enumerate(network.styles):
        own = embeddings[index, palette].copy()
        embeddings[index] = known.get(style.name, unknown)
        if style.name not in known:
            embeddings[index, palette] = own
    network.set_style_embeddings(embeddings)
