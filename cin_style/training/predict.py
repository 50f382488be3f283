"""Training a style predictor for a network."""

import dataclasses
import logging
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cin_style import images, tables
from cin_style.errors import UserError
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.objective import StyleObjective
from cin_style.losses.per_style import losses_of_nearest, style_losses
from cin_style.losses.recipe import complete
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction import files
from cin_style.prediction.looking import style_image
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView, look
from cin_style.styles.style import Style
from cin_style.styles.style_set import StyleSet
from cin_style.training import callbacks
from cin_style.training.devices import connect
from cin_style.training.photos import Photos
from cin_style.training.predictor_recipe import PredictorRecipe
from cin_style.training.predictor_trainer import (
    KnownStyles,
    PredictorBatches,
    PredictorTrainer,
    warm_up,
)
from cin_style.training.recipes import margin_of
from cin_style.training.run import fingerprint_of_network, hash_of, read_bytes, run
from cin_style.training.run_folder import RunFolder
from cin_style.training.style_images import (
    Generated,
    Joined,
    Pictures,
    StyleImages,
    open_paintings,
)
from cin_style.training.task import Prepared, Task

_LOG = logging.getLogger("cin_style")

# Style images whose statistics, besides those of known styles, say what is usual.
_MEASURED = 64

# Held-out style images and photos that are shown, and photos that are measured on.
_SHOWN_STYLES, _SHOWN_PHOTOS, _MEASURED_PHOTOS = 8, 3, 4


def train_predictor(
    recipe: PredictorRecipe,
    output: str | os.PathLike,
    *,
    network: StyleTransferNetwork | None = None,
    watchers: Sequence[Any] = (),
) -> StylePredictor:
    """Trains a style predictor for a network, or goes on where an earlier call stopped.

    The network's convolutions are frozen. Each step predicts an embedding for each of a few style
    images, paints a photo in it, and measures the picture as the network's own training did
    (`StyleObjective`), against the style image's own Gram matrices.

    The folder `output` gets `predictor.npz`, and else what `train` writes: `evaluation.csv` has the
    losses on style images kept out of training, beside those of the nearest of the network's
    styles; `generated/` the images that the generator painted.

    Args:
        recipe: a `PredictorRecipe`. Fields of the loss that are `None` are what the network was
            trained with.
        output: the run folder; created where needed. `predictor.npz` becomes the network's own
            as `<model>.predictor.npz` beside `<model>.keras`.
        network: the trained network, in place of the one that `recipe.model` names.
        watchers: see `train`.

    Returns:
        The trained `StylePredictor`.

    Raises:
        UserError: anything wrong with the files that the recipe names, or a run folder that holds
            another run, or this one on other data.

    Example:

        recipe = PredictorRecipe(styles=["paintings"], content="photos")
        predictor = train_predictor(recipe, "runs/predictor")
        embedding = predictor.predict_embedding("painting.jpg")
    """
    connect(recipe.hosts)
    if network is None:
        base = storage.load(recipe.model)
    else:
        base = network
        recipe = recipe.replace(model=base.fingerprint)
    if base.num_styles < 2:
        raise UserError(
            "a predictor needs a network of two styles or more: it predicts in units of what they "
            "differ by."
        )
    recipe = complete(recipe, base.loss_options)
    pictures, paintings, held_out = _open_paintings(recipe)
    held_out_set = StyleSet.from_paths(held_out) if held_out else None
    start = _load_start(recipe, base)
    task = PredictorTask(recipe, base, pictures, paintings, held_out_set, start)
    return run(task, output, watchers)


def _open_paintings(recipe: PredictorRecipe) -> tuple[Pictures, Joined, list[pathlib.Path]]:
    if recipe.painting_share and not recipe.styles:
        raise UserError("`styles` is missing: paintings. Without any, give `painting_share` 0.")
    pictures, paintings, held_out = open_paintings(recipe.styles, recipe.held_out_styles)
    if recipe.painting_share and not len(paintings):
        raise UserError(
            "every painting of `styles` is held out of training. Give more `styles`, or fewer "
            "`held_out_styles`."
        )
    return pictures, paintings, held_out


def _view(recipe: PredictorRecipe) -> StyleView:
    return StyleView(recipe.loss_network, recipe.pooling, recipe.padding, size=recipe.style_size)


def _load_start(recipe: PredictorRecipe, base: StyleTransferNetwork) -> StylePredictor | None:
    if not recipe.init:
        return None
    predictor = files.load(recipe.init, base, str(recipe.vgg_weights))
    if predictor.view != _view(recipe):
        raise UserError(
            f"{recipe.init} looks at style images in another way than the recipe: "
            f"{predictor.view}, not {_view(recipe)}. Begin without `init`."
        )
    return predictor


@dataclasses.dataclass(frozen=True)
class _Material:
    """What a predictor learns from and is measured by.

    Attributes:
        photos, crops: see `Task.make_trainer`.
        style_images: draws style images.
        known: the known styles, or `None`.
        held_out: float32 (height, width, 3) style images that training does not see.
    """

    photos: Photos
    crops: np.ndarray | None
    style_images: StyleImages
    known: KnownStyles | None
    held_out: list[np.ndarray]


@dataclasses.dataclass(frozen=True)
class PredictorTask(Task):
    """Training a style predictor for a network that stays as it is.

    Attributes:
        recipe: of the run.
        base: the network.
        pictures: the files of paintings to train on.
        paintings: these and what comes from elsewhere.
        held_out: style images kept out of training, if any.
        start: the predictor to begin with, or `None`.
    """

    recipe: PredictorRecipe
    base: StyleTransferNetwork
    pictures: Pictures
    paintings: Joined
    held_out: StyleSet | None
    start: StylePredictor | None

    KIND = "train_predictor"
    RESULT = "predictor.npz"

    @property
    def styles(self) -> tuple[Style, ...]:
        return self.base.styles

    def _held_out(self) -> list[tuple[Style, pathlib.Path]]:
        found = self.held_out
        return list(zip(found.styles, found.paths, strict=True)) if found else []

    def data(self) -> dict[str, Any]:
        held_out = self._held_out()
        return {
            "styles": self.paintings.fingerprint(),
            "held_out_styles": {s.name: hash_of(read_bytes(path)) for s, path in held_out},
            "model": fingerprint_of_network(self.base),
        } | ({"init": hash_of(read_bytes(pathlib.Path(self.recipe.init)))} if self.start else {})

    def load(self, path: pathlib.Path) -> StylePredictor:
        return StylePredictor.load(path, str(self.recipe.vgg_weights))

    def make_trainer(
        self, photos: Photos, crops: np.ndarray | None, folder: RunFolder, new: bool
    ) -> tuple[_Material, PredictorTrainer]:
        recipe = self.recipe
        view = _view(recipe)
        objective = make_objective(recipe, [], margin=margin_of(recipe), also=view.layers)
        style_images = StyleImages(
            [
                (self.paintings, recipe.painting_share),
                (Generated(recipe.generated, folder.generated), recipe.generated_share),
                (photos, recipe.photo_share),
            ],
            recipe.style_crop,
            recipe.smallest_style_crop,
            recipe.colour_share,
            recipe.collage_share,
        )
        known = self._measure_known(style_images, objective, view)
        # Not the one at hand: with several devices two are made.
        predictor = self.start and _load_start(recipe, self.base)
        predictor = predictor or StylePredictor.of(self.base, view, str(recipe.vgg_weights))
        if new and not self.start:
            # Otherwise the checkpoint has it all, or the predictor to begin with.
            self._initialize(predictor, style_images, known, objective)
        held_out = [style_image(path, recipe.style_size) for _, path in self._held_out()]
        network = self.base.with_styles(["any"], dtype=recipe.precision)
        weight = recipe.regression_weight if known else 0.0
        material = _Material(photos, crops, style_images, known, held_out)
        return material, PredictorTrainer(predictor, network, objective, weight)

    def _measure_known(
        self, crops: StyleImages, objective: StyleObjective, view: StyleView
    ) -> KnownStyles | None:
        """The network's own styles, as far as their images are among the paintings."""
        numbers = {style.name: row for row, style in enumerate(self.base.styles)}
        paths = {numbers[path.stem]: path for path in self.pictures.paths if path.stem in numbers}
        _LOG.info(
            "%d style images to train on, %d held out; %d of the network's %d styles among them",
            len(self.paintings),
            len(self._held_out()),
            len(paths),
            self.base.num_styles,
        )
        if not paths:
            return None
        sources = Pictures(paths.values())
        # As large as their images were when the network learned them.
        share = min(1.0, self.recipe.style_crop / view.size)
        seed = self.recipe.seed
        return KnownStyles.of(
            self.base, list(paths), sources, crops, share, objective, view.layers, seed
        )

    def _initialize(
        self,
        predictor: StylePredictor,
        style_images: StyleImages,
        known: KnownStyles | None,
        objective: StyleObjective,
    ) -> None:
        """What a new run begins with: the usual statistics, and the known styles learned."""
        seed, found = self.recipe.seed, []
        for index in range(_MEASURED):
            image = style_images.draw(np.random.default_rng([seed, index, 0, 5]))
            statistics, _ = look(objective.loss_network, image[None], predictor.view.layers, [])
            found.append(ops.convert_to_numpy(statistics))
        if known is not None:
            found.append(known.statistics.reshape(-1, known.statistics.shape[-1]))
        predictor.set_statistics(np.concatenate(found))
        if known is not None and self.recipe.warm_steps:
            distance = warm_up(predictor, known, self.recipe.warm_steps, seed)
            _LOG.info(
                "begins %.2g of the known embeddings' variance away from them, after %d steps",
                distance,
                self.recipe.warm_steps,
            )

    def make_batches(self, prepared: Prepared) -> PredictorBatches:
        recipe, material = self.recipe, prepared.material
        return PredictorBatches(
            material.photos,
            material.style_images,
            material.known,
            batch_size=recipe.batch_size,
            image_size=recipe.image_size,
            seed=recipe.seed,
            start=prepared.start,
            devices=prepared.devices,
            parts=recipe.accumulate,
            grain=self.base.grain,
        )

    def previews(self, prepared: Prepared) -> keras.callbacks.Callback | None:
        material, recipe = prepared.material, self.recipe
        if material.crops is None or not material.held_out or not recipe.preview_every:
            return None
        return callbacks.Previews(
            prepared.folder.previews,
            _sheet(
                prepared.home.painter,
                material.crops[:_SHOWN_PHOTOS],
                material.held_out[:_SHOWN_STYLES],
                [style.name for style, _ in self._held_out()],
            ),
            recipe.preview_every,
            recipe.steps,
            prepared.start,
            prepared.network_now,
        )

    def conclude(self, prepared: Prepared) -> StylePredictor:
        predictor, material = prepared.network_now(), prepared.material
        if material.crops is not None and self.held_out is not None:
            crops = material.crops[:_MEASURED_PHOTOS]
            objective = make_objective(
                self.recipe, material.held_out, margin=margin_of(self.recipe)
            )
            rows = evaluate(
                predictor, self.base, self.held_out, material.held_out, objective, crops
            )
            tables.write(prepared.folder.evaluation, rows)
            share = np.mean([row["style_loss"] / row["style_loss_nearest"] for row in rows])
            _LOG.info(
                "mean losses on %d photos, in styles kept out of training; the style loss is %.2f "
                "of the nearest old style's in the mean:\n%s",
                len(crops),
                share,
                tables.align(rows),
            )
        # Last: where there is a result, the run is over.
        predictor.save(prepared.folder.result)
        return predictor


def _sheet(
    painter: keras.Model, photos: np.ndarray, style_images: list[np.ndarray], names: list[str]
) -> Callable[[StylePredictor], np.ndarray]:
    """What previews show: photos in the predicted styles of style images, below them."""

    def paint(predictor: StylePredictor) -> np.ndarray:
        embeddings = np.stack([predictor.predict_embedding(image) for image in style_images])
        rows = [[None, *style_images]]
        weights = np.ones((len(embeddings), 1), "float32")
        for photo in photos:
            batch = np.repeat(photo[None], len(embeddings), axis=0)
            pastiches = painter.predict_on_batch([batch, embeddings[:, None], weights])
            rows.append([photo, *pastiches])
        labels = ["photo", *names[: len(style_images)]]
        return images.contact_sheet(rows, column_labels=labels, cell=160)

    return paint


def evaluate(
    predictor: StylePredictor,
    network: StyleTransferNetwork,
    styles: StyleSet,
    style_images: Sequence[np.ndarray],
    objective: StyleObjective,
    photos: np.ndarray,
) -> list[dict[str, Any]]:
    """Measures predicted styles beside the nearest of the network's own.

    Args:
        predictor: for the network.
        network: paints.
        styles: what the style images are called.
        style_images: float32 (height, width, 3) in [0, 1].
        objective: of the style images.
        photos: float32 (count, size, size, 3) in [0, 1].

    Returns:
        A dict for each: `style`; `nearest`, the old style whose pastiches have the least style
        loss against it, other than one of the same name; and the weighted means over the photos
        of `content_loss_nearest`, `content_loss`, `style_loss_nearest`, `style_loss`.
    """
    embeddings = np.stack([predictor.predict_embedding(image) for image in style_images])
    predicted = style_losses(network.with_styles(styles.styles, embeddings), objective, photos)
    nearest = losses_of_nearest(network, objective, photos, styles.styles)
    rows = []
    for of_old, found in zip(nearest, predicted, strict=True):
        row: dict[str, Any] = {"style": found["style"], "nearest": of_old["nearest"]}
        for name in ("content_loss", "style_loss"):
            row |= {f"{name}_nearest": of_old[name], name: found[name]}
        rows.append(row)
    return rows
