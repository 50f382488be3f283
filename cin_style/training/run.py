"""A training run of any kind: style images and photos in, a folder with a trained network out."""

import abc
import dataclasses
import hashlib
import json
import logging
import os
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from cin_style import hardware, plots, tables
from cin_style.errors import UserError
from cin_style.files import write_json, write_text
from cin_style.losses.from_recipe import make_objective, weights_of
from cin_style.losses.objective import StyleObjective
from cin_style.losses.per_style import style_losses
from cin_style.losses.vgg import LOSS_NETWORKS
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.styles.style import Style
from cin_style.styles.style_set import StyleSet
from cin_style.training import callbacks
from cin_style.training.batches import TrainingBatches
from cin_style.training.optimizer import make_optimizer, make_schedule
from cin_style.training.photos import Photos, PhotoSubset, center_crops, hold_out, open_photos
from cin_style.training.recipes import RunRecipe, margin_of
from cin_style.training.run_folder import Identity, RunFolder, check_apart
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
class Task(abc.ABC):
    """What a run is for: which network it trains, from where, and what becomes of it.

    Attributes:
        recipe: of the run.
        style_set: the `StyleSet` to learn.
        base: the network to begin with, or `None`.
    """

    recipe: RunRecipe
    style_set: StyleSet
    base: StyleTransferNetwork | None

    # The verb, and the argument that names the base network.
    KIND: ClassVar[str]
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

    def finish(self, trained: StyleTransferNetwork) -> StyleTransferNetwork:
        """The network to save, of the trained one in float32."""
        return trained


@dataclasses.dataclass
class Prepared:
    """A run that is ready to take its steps.

    Attributes:
        task, folder, material: as they say.
        trainer: a compiled `StyleTrainer`, restored to where the run stopped.
        checkpoint: the callback that writes what the run goes on from.
        start: steps done.
    """

    task: Task
    folder: RunFolder
    material: Material
    trainer: StyleTrainer
    checkpoint: callbacks.Checkpoint
    start: int


def run(
    task: Task, output: str | os.PathLike, watchers: Sequence[Any] = ()
) -> StyleTransferNetwork:
    """Carries a task out, or goes on where an earlier call stopped: prepare, fit, conclude.

    Args:
        task: a `Task`.
        output: the run folder; see `train` for what it gets.
        watchers: see `train`.

    Returns:
        The network that was saved.

    Raises:
        UserError: see `train`.
    """
    recipe = task.recipe
    if not recipe.content:
        raise UserError("`content` is missing: a folder of photos, or tfds:NAME.")
    check_apart(output, recipe.content)
    all_photos = open_photos(recipe.content)
    photos, held_out = hold_out(all_photos, recipe.holdout)
    recipe = recipe.replace(
        holdout=len(held_out),
        margin=margin_of(recipe),
        precision=hardware.resolve_precision(recipe.precision),
        vgg_weights=weights_of(recipe),
    )
    task = dataclasses.replace(task, recipe=recipe)
    folder = RunFolder(output)
    identity = Identity(task.KIND, recipe, _data(task, all_photos.fingerprint()))
    state = folder.state(identity)
    if state == "finished":
        _LOG.info("%s is finished; another `output` starts another run.", folder.path)
        return storage.load(folder.model)
    if state == "new":
        folder.begin(identity, len(photos), task.styles)
    prepared = prepare(task, folder, photos, held_out, new=state == "new")
    fit(prepared, watchers)
    return conclude(prepared)


def _data(task: Task, photos: str) -> dict[str, Any]:
    """Fingerprints of what the task's recipe only names; see `Identity`."""
    styles = {}
    for style, path in zip(task.style_set.styles, task.style_set.paths, strict=True):
        try:
            styles[style.name] = _hash(path.read_bytes() + f" {style.weight}".encode())
        except OSError as error:
            raise UserError(f"cannot read the style image {path}: {error.strerror}.") from error
    data: dict[str, Any] = {"content": photos, "styles": styles}
    if task.base:
        # Float16, so that it is the same network whichever way it was stored.
        embeddings = task.base.get_style_embeddings().astype("<f2").tobytes()
        names = " ".join(style.name for style in task.base.styles)
        data[task.BASE] = f"{task.base.fingerprint[:16]} {_hash(embeddings + names.encode())}"
    weights: Any = task.recipe.vgg_weights
    if weights == "bundled":
        weights = LOSS_NETWORKS[task.recipe.loss_network].ARCHITECTURE.bundled
    if weights and pathlib.Path(weights).is_file():
        data["vgg_weights"] = _hash(pathlib.Path(weights).read_bytes())
    return data


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def prepare(
    task: Task, folder: RunFolder, photos: PhotoSubset, held_out: PhotoSubset, new: bool
) -> Prepared:
    """Reads the images, makes the network and brings it to where the run begins or goes on.

    Args:
        task: with all that its recipe leaves open filled in.
        folder: the run's.
        photos, held_out: to train on, and kept out of it.
        new: whether the run begins, or goes on from its checkpoint.
    """
    recipe = task.recipe
    keras.utils.set_random_seed(recipe.seed)
    style_images = task.style_set.load_images(recipe.style_size)
    factors = [style.weight for style in task.styles]
    objective = make_objective(recipe, style_images, factors, margin_of(recipe))
    crops = center_crops(held_out, recipe.image_size) if len(held_out) else None
    material = Material(photos, crops, style_images, objective)
    network = task.make_network()
    if new:
        # Otherwise the checkpoint has it all.
        task.initialize(network, material)
        if crops is not None:
            write_json(folder.before, style_losses(network, objective, crops))
    _LOG.info(
        "computing in %s on %s (%s)", recipe.precision, hardware.device(), keras.backend.backend()
    )
    trainer = StyleTrainer(network, objective)
    trainer.compile(
        optimizer=make_optimizer(recipe),
        jit_compile={"auto": "auto", "on": True, "off": False}[recipe.xla],
    )
    checkpoint = callbacks.Checkpoint(folder.checkpoint)
    start = checkpoint.restore(trainer)
    if start:
        _LOG.info("going on from step %d of %d", start, recipe.steps)
    return Prepared(task, folder, material, trainer, checkpoint, start)


def fit(prepared: Prepared, watchers: Sequence[Any] = ()) -> None:
    """Takes the steps that are left, watched by the run's own callbacks and by `watchers`."""
    recipe, trainer, start = prepared.task.recipe, prepared.trainer, prepared.start
    if start >= recipe.steps:
        # Stopped between the last checkpoint and the model file: do what `fit` does last.
        trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
        return
    every = min(recipe.checkpoint_every, recipe.steps)
    epochs = -(-recipe.steps // every)
    batches = TrainingBatches(
        prepared.material.photos,
        len(prepared.task.styles),
        recipe.batch_size,
        recipe.image_size,
        recipe.seed,
        start,
        grain=trainer.network.grain,
    )
    progress = callbacks.Progress(recipe.steps, start)
    watching = callbacks.CallbackList(
        [*watchers, progress, *_own_watchers(prepared)],
        add_history=True,
        model=trainer,
        epochs=epochs,
        steps=every,
        verbose=0,
    )
    try:
        trainer.fit(
            batches,
            initial_epoch=start // every,
            epochs=epochs,
            steps_per_epoch=every,
            verbose=0,
            shuffle=False,
            callbacks=watching,
        )
    finally:
        progress.close()
        _note_skipped(batches.skipped, prepared.folder)


def _own_watchers(prepared: Prepared) -> list[keras.callbacks.Callback]:
    """The callbacks of every run, besides its progress."""
    recipe, folder, start = prepared.task.recipe, prepared.folder, prepared.start
    material = prepared.material
    watchers = [
        callbacks.LossLog(folder.losses, make_schedule(recipe), start),
        callbacks.StopWhenNotFinite(),
        prepared.checkpoint,
    ]
    if material.crops is not None and recipe.preview_every:
        watchers.append(
            callbacks.Previews(
                folder.previews,
                material.crops[:4],
                material.style_images,
                recipe.preview_every,
                recipe.steps,
                start,
            )
        )
    if keras.backend.backend() == "tensorflow":
        watchers.append(keras.callbacks.TensorBoard(folder.tensorboard, write_graph=False))
    return watchers


def _note_skipped(skipped: dict[str, str], folder: RunFolder) -> None:
    """Adds the photos that this process could not read to what earlier ones noted."""
    if not skipped:
        return
    lines = set(skipped.values())
    if folder.skipped.is_file():
        lines |= set(folder.skipped.read_text(encoding="utf-8").splitlines())
    _LOG.warning("%d photos could not be read; %s names them", len(lines), folder.skipped)
    write_text(folder.skipped, "\n".join(sorted(lines)) + "\n")


def conclude(prepared: Prepared) -> StyleTransferNetwork:
    """Draws the loss curves, measures the trained network and saves what the task makes of it."""
    task, folder, material = prepared.task, prepared.folder, prepared.material
    network = prepared.trainer.network
    trained = network.with_styles(task.styles, network.get_style_embeddings())
    plot_losses(tables.read(folder.losses), folder.curves)
    if material.crops is not None:
        _evaluate(trained, material.objective, material.crops, folder)
    result = task.finish(trained)
    storage.save(result, folder.model, half=task.recipe.half)
    _LOG.info("wrote %s", folder.model)
    return result


def _evaluate(
    network: StyleTransferNetwork, objective: StyleObjective, crops: np.ndarray, folder: RunFolder
) -> None:
    """Writes and shows the losses on held-out photos, beside those before training if noted."""
    after = style_losses(network, objective, crops)
    try:
        before = json.loads(folder.before.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # lost: by now the network is another one
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


def plot_losses(rows: Sequence[dict[str, Any]], path: str | os.PathLike) -> None:
    """Draws the loss curves of a log (`callbacks.LossLog`) as a picture; none of an empty log."""
    if not rows:  # the file is lost, and no step was taken since
        return
    figure = plots.figure(8, 4.5)
    axes = figure.subplots()
    names = [name for name in rows[0] if name not in ("step", "learning_rate", "seconds")]
    for name in names:
        axes.plot(
            [row["step"] for row in rows],
            [row[name] for row in rows],
            label=name.replace("_", " "),
            linewidth=2 if name == "loss" else 1.2,
        )
    axes.set(xlabel="training step", ylabel="mean loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    plots.save(figure, path)
