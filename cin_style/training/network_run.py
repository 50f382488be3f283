"""Runs that train a network to paint in styles: what training and fine-tuning share."""

import abc
import dataclasses
import logging
import pathlib
from typing import Any, ClassVar

import keras
import numpy as np

from cin_style import tables
from cin_style.files import read_json, write_json
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.objective import StyleObjective
from cin_style.losses.per_style import style_losses
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.styles.style import Style
from cin_style.styles.style_set import StyleSet
from cin_style.training import callbacks
from cin_style.training.batches import TrainingBatches
from cin_style.training.photos import Photos
from cin_style.training.recipes import NetworkRecipe, margin_of
from cin_style.training.run import fingerprint_of_network, hash_of, read_bytes
from cin_style.training.run_folder import RunFolder
from cin_style.training.task import Prepared, Task
from cin_style.training.teacher import Teacher
from cin_style.training.trainer import StyleTrainer

_LOG = logging.getLogger("cin_style")


@dataclasses.dataclass(frozen=True)
class Material:
    """What a run learns from and measures itself by.

    Attributes:
        photos: to train on.
        crops: float32 (count, size, size, 3) in [0, 1] of photos kept out of it, or `None`.
        style_images: list of float32 (height, width, 3) in [0, 1].
        objective: the `StyleObjective` of the style images.
    """

    photos: Photos
    crops: np.ndarray | None
    style_images: list[np.ndarray]
    objective: StyleObjective


@dataclasses.dataclass(frozen=True)
class NetworkTask(Task):
    """Learning styles: which network is trained, from where, and what becomes of it.

    Attributes:
        recipe: of the run.
        style_set: the `StyleSet` to learn.
        base: the network to begin with, or `None`.
    """

    recipe: NetworkRecipe
    style_set: StyleSet
    base: StyleTransferNetwork | None

    RESULT = "model.keras"

    # The argument that names the base network.
    BASE: ClassVar[str]

    @property
    def styles(self) -> tuple[Style, ...]:
        """The styles, with the size that their images have in this run."""
        size = self.recipe.style_size
        return tuple(dataclasses.replace(s, image_size=size) for s in self.style_set.styles)

    @abc.abstractmethod
    def make_network(self) -> StyleTransferNetwork:
        """The network to train; what is trainable in it is trained."""

    @abc.abstractmethod
    def initialize(self, network: StyleTransferNetwork, material: Material) -> None:
        """Sets the style embeddings that a new run begins with."""

    def make_teacher(self) -> Teacher | None:
        """A network whose pictures are to be met as well, if any."""
        return None

    def finish(self, trained: StyleTransferNetwork) -> StyleTransferNetwork:
        """The network to save, of the trained one in float32."""
        return trained

    def data(self) -> dict[str, Any]:
        styles = {}
        for style, path in zip(self.style_set.styles, self.style_set.paths, strict=True):
            styles[style.name] = hash_of(read_bytes(path) + f" {style.weight}".encode())
        found: dict[str, Any] = {"styles": styles}
        if self.base:
            found[self.BASE] = fingerprint_of_network(self.base)
        return found

    def load(self, path: pathlib.Path) -> StyleTransferNetwork:
        return storage.load(path)

    def make_trainer(
        self, photos: Photos, crops: np.ndarray | None, folder: RunFolder, new: bool
    ) -> tuple[Material, StyleTrainer]:
        style_images = self.style_set.load_images(self.recipe.style_size)
        factors = [style.weight for style in self.styles]
        objective = make_objective(self.recipe, style_images, factors, margin_of(self.recipe))
        material = Material(photos, crops, style_images, objective)
        network = self.make_network()
        if new:
            # Otherwise the checkpoint has it all.
            self.initialize(network, material)
            if crops is not None:
                write_json(folder.before, style_losses(network, objective, crops))
        return material, StyleTrainer(network, objective, self.make_teacher())

    def make_batches(self, prepared: Prepared) -> TrainingBatches:
        recipe = self.recipe
        return TrainingBatches(
            prepared.material.photos,
            len(self.styles),
            recipe.batch_size,
            recipe.image_size,
            recipe.seed,
            prepared.start,
            share=prepared.devices.share(recipe.batch_size),
            grain=prepared.trainer.network.grain,
        )

    def previews(self, prepared: Prepared) -> keras.callbacks.Callback | None:
        material, recipe = prepared.material, self.recipe
        if material.crops is None or not recipe.preview_every:
            return None
        return callbacks.Previews(
            prepared.folder.previews,
            callbacks.network_sheet(material.crops[:4], material.style_images),
            recipe.preview_every,
            recipe.steps,
            prepared.start,
            prepared.network_now,
        )

    def conclude(self, prepared: Prepared) -> StyleTransferNetwork:
        folder, material = prepared.folder, prepared.material
        trained = network = prepared.network_now()
        if self.recipe.precision != "float32":
            trained = network.with_styles(self.styles, network.get_style_embeddings())
        if material.crops is not None:
            _evaluate(trained, material.objective, material.crops, folder)
        result = self.finish(trained)
        storage.save(result, folder.result, half=self.recipe.half)
        return result


def _evaluate(
    network: StyleTransferNetwork, objective: StyleObjective, crops: np.ndarray, folder: RunFolder
) -> None:
    """Writes and shows the losses on held-out photos, beside those before training if noted."""
    after = style_losses(network, objective, crops)
    try:
        before = read_json(folder.before)
        if [list(row) for row in before] != [list(row) for row in after]:
            raise ValueError("it tells of something else")
    except (OSError, ValueError, TypeError):  # lost: by now the network is another one
        before = [{}] * len(after)
    rows = []
    for old, new in zip(before, after, strict=True):
        row = {"style": new["style"]}
        for name in list(new)[1:]:
            if old:
                row[f"{name}_before"] = old[name]
            row[name] = new[name]
        rows.append(row)
    tables.write(folder.evaluation, rows)
    shown = ("style", "content_loss_before", "content_loss", "style_loss_before", "style_loss")
    table = tables.align([{name: row[name] for name in shown if name in row} for row in rows])
    _LOG.info("mean losses on photos kept out of training (%d):\n%s", len(crops), table)
