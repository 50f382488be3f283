"""Adding styles to a trained network by learning only their gammas and betas."""

import dataclasses
import itertools
import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from cin_style import progress
from cin_style.errors import UserError
from cin_style.losses.objective import StyleObjective
from cin_style.losses.per_style import content_targets, losses_of_style
from cin_style.losses.recipe import complete
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction import files
from cin_style.prediction.predictor import StylePredictor
from cin_style.styles.style_set import StyleSet
from cin_style.training.network_run import Material, NetworkTask
from cin_style.training.recipes import FinetuneRecipe
from cin_style.training.run import run

_LOG = logging.getLogger("cin_style")


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
            trained with.
        output: the run folder, see `train`; its `model.keras` has the old styles and the new ones,
            in float16 if `half` says so or, where it is `None`, if the trained network was.
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
    model = None
    if network is None:
        model, base = recipe.model, storage.load(recipe.model)
    else:
        base = network
        recipe = recipe.replace(model=base.fingerprint)
    recipe = complete(recipe, base.loss_options)
    if not recipe.styles:
        raise UserError("`styles` is missing: style images, or folders of them.")
    style_set = StyleSet.from_paths(recipe.styles)
    for style in style_set.styles:
        if style.name in [old.name for old in base.styles]:
            raise UserError(
                f"the network has a style named {style.name} already. Rename the image or the "
                "old style."
            )
    recipe, predictor = _choose_start(recipe, base, model)
    return run(Finetuning(recipe, style_set, base, predictor), output, watchers)


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

    def finish(self, trained: StyleTransferNetwork) -> StyleTransferNetwork:
        return self.base.append(trained.styles, trained.get_style_embeddings())


@dataclasses.dataclass(frozen=True)
class _Start:
    """A place to begin from: old styles in equal parts, and the loss of its pastiches."""

    rows: tuple[int, ...]
    loss: float


def nearest(
    network: StyleTransferNetwork,
    base: StyleTransferNetwork,
    style_images: Sequence[np.ndarray],
    objective: StyleObjective,
    photos: np.ndarray,
    candidates: int = 3,
) -> list[list[str]]:
    """Begins each new style where old styles come closest to it.

    Paints a few photos with every old style, and with every equal mixture of the best few,
    each with the new painting's palette (`StyleTransferNetwork.set_palettes`), and takes
    those whose pastiches have the least loss against the new painting.

    Args:
        network: of the new styles, on the base's convolutions; its embeddings are set.
        base: the trained network.
        style_images: the new style images.
        objective: of the new styles.
        photos: float32 (count, size, size, 3) in [0, 1].
        candidates: how many of the best old styles to mix.

    Returns:
        For each new style, the names of the old ones that it begins as a mixture of.
    """
    old = base.get_style_embeddings()
    network.set_palettes(style_images)
    embeddings = network.get_style_embeddings()
    palette = network.palette_columns
    palettes = embeddings[:, palette].copy()
    targets = content_targets(objective, photos)
    mixtures = _mixtures(range(min(candidates, len(old))))

    def set_start(index: int, rows: tuple[int, ...]) -> None:
        embeddings[index] = old[list(rows)].mean(axis=0)
        embeddings[index, palette] = palettes[index]
        network.set_style_embeddings(embeddings)

    def measure(index: int, rows: tuple[int, ...]) -> _Start:
        set_start(index, rows)
        losses = losses_of_style(network, objective, photos, index, targets=targets)
        bar.update()
        return _Start(rows, losses["content_loss"] + losses["style_loss"])

    names = []
    with progress.Bar(network.num_styles * (len(old) + len(mixtures)), "start") as bar:
        for index in range(network.num_styles):
            singles = [measure(index, (row,)) for row in range(len(old))]
            singles.sort(key=lambda start: start.loss)
            mixed = [
                measure(index, tuple(singles[place].rows[0] for place in places))
                for places in mixtures
            ]
            best = min([singles[0], *mixed], key=lambda start: start.loss)
            set_start(index, best.rows)
            names.append([base.styles[row].name for row in best.rows])
    for style, parts in zip(network.styles, names, strict=True):
        _LOG.info("%s begins as %s", style.name, " + ".join(parts))
    return names


def _mixtures(places: Sequence[int]) -> list[tuple[int, ...]]:
    """All ways to take two or more of some places."""
    counts = range(2, len(places) + 1)
    return [mixture for count in counts for mixture in itertools.combinations(places, count)]
