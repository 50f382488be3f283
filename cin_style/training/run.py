"""A run of any kind: a recipe in, a folder with what was trained out."""

import abc
import dataclasses
import hashlib
import logging
import os
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from cin_style import hardware, plots, tables
from cin_style.errors import UserError
from cin_style.files import write_text
from cin_style.losses.from_recipe import weights_of
from cin_style.losses.vgg import LOSS_NETWORKS
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.styles.style import Style
from cin_style.training import callbacks
from cin_style.training.batches import TrainingBatches
from cin_style.training.optimizer import make_optimizer, make_schedule
from cin_style.training.photos import (
    Collection,
    Photos,
    PhotoSubset,
    center_crops,
    hold_out,
    open_photos,
    spread,
)
from cin_style.training.recipes import RunRecipe, margin_of
from cin_style.training.run_folder import Identity, RunFolder, check_apart

_LOG = logging.getLogger("cin_style")


# Of the sample photos: two of four teach a style as well as three do, and two say more than one.
_HELD_OUT_SAMPLES = 2


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """What a run is for: what it trains, on which data, and what becomes of it.

    Attributes:
        recipe: of the run.
    """

    recipe: RunRecipe

    # The verb, and the name of the file that the run ends with.
    KIND: ClassVar[str]
    RESULT: ClassVar[str]

    # Whether the sample photos do where the recipe names none.
    SAMPLES_DO: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def styles(self) -> tuple[Style, ...]:
        """The styles that the record of the run names."""

    @abc.abstractmethod
    def data(self) -> dict[str, Any]:
        """Fingerprints of what the recipe only names, besides photos and loss network."""

    @abc.abstractmethod
    def load(self, path: pathlib.Path) -> Any:
        """What a finished run ended with, of its file."""

    @abc.abstractmethod
    def make_trainer(
        self, photos: Photos, crops: np.ndarray | None, folder: RunFolder, new: bool
    ) -> tuple[Any, keras.Model]:
        """What the run learns from, and the model whose `fit` learns it.

        Args:
            photos: to train on.
            crops: float32 (count, size, size, 3) in [0, 1] of photos kept out of it, or `None`.
            folder: the run's.
            new: whether the run begins; if not, all weights come from its checkpoint.

        Returns:
            The material, which the task alone reads; and a model that is not compiled yet, whose
            `network` is what is trained.
        """

    @abc.abstractmethod
    def make_batches(self, prepared: "Prepared") -> TrainingBatches:
        """The batches of the steps that are left."""

    @abc.abstractmethod
    def previews(self, prepared: "Prepared") -> keras.callbacks.Callback | None:
        """What draws the preview sheets, if there are to be any."""

    @abc.abstractmethod
    def conclude(self, prepared: "Prepared") -> Any:
        """Measures what was trained, writes the result's file and returns the result."""


@dataclasses.dataclass
class Prepared:
    """A run that is ready to take its steps.

    Attributes:
        task, folder: as they say.
        material: what it learns from, see `Task.make_trainer`.
        trainer: a compiled model, restored to where the run stopped.
        checkpoint: the callback that writes what the run goes on from.
        start: steps done.
    """

    task: Task
    folder: RunFolder
    material: Any
    trainer: keras.Model
    checkpoint: callbacks.Checkpoint
    start: int


def run(task: Task, output: str | os.PathLike, watchers: Sequence[Any] = ()) -> Any:
    """Carries a task out, or goes on where an earlier call stopped: prepare, fit, conclude.

    Args:
        task: a `Task`.
        output: the run folder; see `train` for what it gets.
        watchers: see `train`.

    Returns:
        What the task's `conclude` returned, now or then.

    Raises:
        UserError: see `train`.
    """
    recipe = task.recipe
    if not recipe.content and not task.SAMPLES_DO:
        raise UserError("`content` is missing: a folder of photos, or tfds:NAME.")
    check_apart(output, recipe.content)
    all_photos = open_photos(recipe.content)
    holdout = recipe.holdout
    if not recipe.content:
        holdout = _HELD_OUT_SAMPLES if holdout < 0 else holdout
    photos, held_out = hold_out(all_photos, holdout)
    if not recipe.content:
        _LOG.info(
            "no `content` given: learning on %d of the %d sample photos of scikit-image. Photos "
            "like those to be painted are better",
            len(photos),
            len(all_photos),
        )
    recipe = recipe.replace(
        holdout=len(held_out),
        margin=margin_of(recipe),
        precision=hardware.resolve_precision(recipe.precision),
        vgg_weights=weights_of(recipe),
    )
    task = dataclasses.replace(task, recipe=recipe)
    folder = RunFolder(output, task.RESULT)
    with folder.locked():
        return _run_in(folder, task, all_photos, photos, held_out, watchers)


def _run_in(
    folder: RunFolder,
    task: Task,
    all_photos: Collection,
    photos: PhotoSubset,
    held_out: PhotoSubset,
    watchers: Sequence[Any],
) -> Any:
    """Carries a task out in a folder that no other process works in; see `run`."""
    recipe = task.recipe
    data = {"content": all_photos.fingerprint(), **task.data(), **_loss_weights(recipe)}
    identity = Identity(task.KIND, recipe, data)
    state = folder.state(identity)
    if state == "finished":
        _LOG.info("%s is finished; another `output` starts another run.", folder.path)
        return task.load(folder.result)
    if state == "new":
        folder.begin(identity, len(photos), task.styles)
    prepared = prepare(task, folder, photos, held_out, new=state == "new")
    fit(prepared, watchers)
    plot_losses(tables.read(folder.losses), folder.curves)
    result = task.conclude(prepared)
    _LOG.info("wrote %s", folder.result)
    return result


def _loss_weights(recipe: RunRecipe) -> dict[str, str]:
    """The fingerprint of the loss network's weights, where they are a file."""
    weights: Any = recipe.vgg_weights
    if weights == "bundled":
        weights = LOSS_NETWORKS[recipe.loss_network].ARCHITECTURE.bundled
    if weights and pathlib.Path(weights).is_file():
        return {"vgg_weights": hash_of(pathlib.Path(weights).read_bytes())}
    return {}


def fingerprint_of_network(network: StyleTransferNetwork) -> str:
    """What tells a network with its styles from others, for the record of a run."""
    # Float16, so that it is the same network whichever way it was stored.
    embeddings = network.get_style_embeddings().astype("<f2").tobytes()
    names = " ".join(style.name for style in network.styles)
    return f"{network.fingerprint[:16]} {hash_of(embeddings + names.encode())}"


def read_bytes(path: pathlib.Path) -> bytes:
    """The bytes of a style image; a `UserError` where it can't be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the style image {path}: {error.strerror}.") from error


def hash_of(data: bytes) -> str:
    """A short hash for the record of a run."""
    return hashlib.sha256(data).hexdigest()[:16]


def prepare(
    task: Task, folder: RunFolder, photos: PhotoSubset, held_out: PhotoSubset, new: bool
) -> Prepared:
    """Reads the images, makes what is trained and brings it to where the run begins or goes on.

    Args:
        task: with all that its recipe leaves open filled in.
        folder: the run's.
        photos, held_out: to train on, and kept out of it.
        new: whether the run begins, or goes on from its checkpoint.
    """
    recipe = task.recipe
    keras.utils.set_random_seed(recipe.seed)
    most = min(recipe.most_measured, len(held_out))
    measured = PhotoSubset(held_out, spread(most, len(held_out)))
    crops = center_crops(measured, recipe.image_size) if len(measured) else None
    material, trainer = task.make_trainer(photos, crops, folder, new)
    _LOG.info(
        "computing in %s on %s (%s)", recipe.precision, hardware.device(), keras.backend.backend()
    )
    trainer.compile(
        optimizer=make_optimizer(recipe),
        jit_compile={"auto": "auto", "on": True, "off": False}[recipe.xla],
    )
    # Here, not in the first step: TensorFlow traces a step that makes variables twice.
    trainer.optimizer.build(trainer.trainable_variables)
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
        previews = prepared.task.previews(prepared)
        if previews is not None:
            previews.set_model(trainer)
            previews.on_train_begin()
        trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
        return
    every = min(recipe.checkpoint_every, recipe.steps)
    epochs = -(-recipe.steps // every)
    batches = prepared.task.make_batches(prepared)
    progress = callbacks.Progress(recipe.steps, start)
    watching = callbacks.CallbackList(
        [*watchers, progress, *_own_watchers(prepared, batches)],
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
    except Exception:
        if batches.failure is not None:  # TensorFlow wraps it into pages of its own
            raise batches.failure from None
        raise
    finally:
        progress.close()
        _note_skipped(batches.skipped, prepared.folder)


def _own_watchers(prepared: Prepared, batches: TrainingBatches) -> list[keras.callbacks.Callback]:
    """The callbacks of every run, besides its progress."""
    task, folder, start = prepared.task, prepared.folder, prepared.start
    watchers = [
        callbacks.LossLog(folder.losses, make_schedule(task.recipe), start),
        callbacks.StopWhenNotFinite(
            start,
            every_step=not hardware.accelerators(),
            examples=lambda step: batches.describe(step, [style.name for style in task.styles]),
        ),
        prepared.checkpoint,
    ]
    previews = task.previews(prepared)
    if previews is not None:
        watchers.append(previews)
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
