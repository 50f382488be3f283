"""Adding styles to a trained network by learning only their gammas and betas."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.losses.recipe import complete
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction import files
from cin_style.prediction.predictor import StylePredictor
from cin_style.styles.style_set import StyleSet
from cin_style.training import callbacks
from cin_style.training.devices import connect
from cin_style.training.nearest import nearest
from cin_style.training.network_run import Material, NetworkTask
from cin_style.training.photos import Photos
from cin_style.training.recipes import FinetuneRecipe, by_length
from cin_style.training.run import run
from cin_style.training.run_folder import RunFolder
from cin_style.training.task import Prepared
from cin_style.training.trainer import StyleTrainer

_LOG = logging.getLogger("cin_style")

# What `before_after.jpg` shows: styles at most, and photos in all of them together.
_SHOWN_STYLES, _SHOWN_PHOTOS = 8, 4


def finetune(
    recipe: FinetuneRecipe,
    output: str | os.PathLike,
    *,
    network: StyleTransferNetwork | None = None,
    watchers: Sequence[Any] = (),
) -> StyleTransferNetwork:
    """Adds styles to a trained network (Dumoulin et al. 2017, section 3.2).

    A network of just the new styles, which has the trained convolutions, learns their 3,206
    numbers each; the convolutions are frozen. Then the new embeddings are appended to the old
    ones, which nothing has touched.

    Args:
        recipe: a `FinetuneRecipe`. Fields of the loss that are `None` are what the network was
            trained with; what depends on the number of steps, see `FinetuneRecipe`, is filled in.
        output: the run folder, see `train`; its `model.keras` has the old styles and the new ones,
            in float16 if `half` says so or, where it is `None`, if the trained network was.
            Besides, `before_after.jpg` and `start.npy`, the embeddings that the run began with.
        network: the trained network, in place of the one that `recipe.model` names.
        watchers: see `train`.

    Returns:
        A new `StyleTransferNetwork` with the old styles and the new ones.

    Raises:
        UserError: a new style's name is taken; and see `train`.

    Example:

        recipe = FinetuneRecipe(styles=("irises.jpg",), content="photos", steps=500)
        network = finetune(recipe, "runs/irises")
        cin_style.Stylizer(network)(photo, "irises")
    """
    connect(recipe.hosts)
    model = None
    if network is None:
        model, base = recipe.model, storage.load(recipe.model)
    else:
        base = network
        recipe = recipe.replace(model=base.fingerprint)
    recipe = by_length(complete(recipe, base.loss_options))
    if not recipe.styles:
        raise UserError("`styles` is missing: style images, or folders of them.")
    style_set = StyleSet.from_paths(recipe.styles)
    _check_new(style_set, base)
    recipe, predictor = _choose_start(recipe, base, model)
    _LOG.info(
        "%d steps, crops of %d px, %d a step, at a rate of %g: `steps`, `image_size`, `batch_size` "
        "and `learning_rate` choose others",
        recipe.steps,
        recipe.image_size,
        recipe.batch_size,
        recipe.learning_rate,
    )
    return run(Finetuning(recipe, style_set, base, predictor), output, watchers)


def _check_new(style_set: StyleSet, base: StyleTransferNetwork) -> None:
    for style in style_set.styles:
        if style.name in [old.name for old in base.styles]:
            raise UserError(
                f"the network has a style named {style.name} already. Rename the image or the "
                "old style."
            )


def _choose_start(
    recipe: FinetuneRecipe, base: StyleTransferNetwork, model: str | None
) -> tuple[FinetuneRecipe, StylePredictor | None]:
    """What `init` comes to, and the predictor where it is one.

    Args:
        recipe: of the run.
        base: the trained network.
        model: its file, or `None` where it was handed in.
    """
    predictor = None
    if recipe.init == "predicted" or recipe.predictor:
        if recipe.init not in ("auto", "predicted"):
            raise UserError(f"`predictor` goes with `init` predicted, not {recipe.init}.")
        predictor = files.get(recipe.predictor, model, base, recipe.vgg_weights)
    elif recipe.init == "auto":
        predictor = files.find(model, base, recipe.vgg_weights)
    elif recipe.init not in ("nearest", "ones"):
        base.find_style(recipe.init)
    if recipe.init == "auto":
        # Noted as what it came to, so that the run goes on as it was begun.
        recipe = recipe.replace(init="predicted" if predictor else "nearest")
    return recipe, predictor


@dataclasses.dataclass(frozen=True)
class Finetuning(NetworkTask):
    """Learning the embeddings of new styles, on the convolutions of a trained network."""

    recipe: FinetuneRecipe
    base: StyleTransferNetwork
    predictor: StylePredictor | None = None

    KIND = "finetune"
    BASE = "model"
    SAMPLES_DO = True

    def make_network(self) -> StyleTransferNetwork:
        network = self.base.with_styles(self.styles, dtype=self.recipe.precision)
        for layer in network.convolutions:
            layer.trainable = False
        return network

    def initialize(self, network: StyleTransferNetwork, material: Material) -> None:
        init, images = self.recipe.init, material.style_images
        if init == "nearest":
            crops: Any = material.crops  # never `None`, see `FinetuneRecipe.check`
            nearest(network, self.base, images, material.objective, crops[:4])
            return
        if self.predictor is not None:
            paths = self.style_set.paths
            network.set_style_embeddings(
                np.stack([self.predictor.predict_embedding(path) for path in paths])
            )
            return
        if init != "ones":
            embedding = self.base.get_style_embedding(init)
            network.set_style_embeddings(np.tile(embedding, (network.num_styles, 1)))
        if self.recipe.palette_start:
            network.set_palettes(images)

    def data(self) -> dict[str, Any]:
        found = super().data()
        if self.predictor is not None:
            found["predictor"] = self.predictor.digest[:16]
        return found

    def make_trainer(
        self, photos: Photos, crops: np.ndarray | None, folder: RunFolder, new: bool
    ) -> tuple[Material, StyleTrainer]:
        material, trainer = super().make_trainer(photos, crops, folder, new)
        if new and crops is not None:
            with write_beside(folder.start) as temporary:
                np.save(temporary, trainer.network.get_style_embeddings())
        return material, trainer

    def finish(self, trained: StyleTransferNetwork) -> StyleTransferNetwork:
        return self.base.append(trained.styles, trained.get_style_embeddings())

    def conclude(self, prepared: Prepared) -> StyleTransferNetwork:
        material, folder = prepared.material, prepared.folder
        # Without the file, nobody knows by now where the run began.
        if material.crops is not None and self.recipe.preview_every and folder.start.is_file():
            sheet = _before_after(prepared.network_now(), material, np.load(folder.start))
            images.save(folder.before_after, sheet)
            _LOG.info("wrote %s", folder.before_after)
        return super().conclude(prepared)


def _before_after(
    network: StyleTransferNetwork, material: Material, start: np.ndarray
) -> np.ndarray:
    """Draws photos in the styles that a run began with, beside those that it learned.

    Args:
        network: of the new styles, as learned.
        material: of the run.
        start: the embeddings (num_styles, embedding_size) that it began with.

    Returns:
        A contact sheet, uint8 (height, width, 3).
    """
    count = min(_SHOWN_STYLES, network.num_styles)
    photos = material.crops[: max(1, _SHOWN_PHOTOS // count)]  # type: ignore[index]
    learned = network.get_style_embeddings()
    found = []
    for embeddings in (start, learned):
        network.set_style_embeddings(embeddings)
        found.append([callbacks.paint_all(network, photos, index) for index in range(count)])
    rows: list[list[np.ndarray | None]] = []
    for image, before, after in zip(material.style_images, *found, strict=False):
        beside = [image, *[None] * (len(photos) - 1)]
        rows += [list(row) for row in zip(beside, photos, before, after, strict=True)]
    return images.contact_sheet(rows, column_labels=["style", "photo", "start", "end"], cell=200)
