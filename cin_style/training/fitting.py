"""The steps of a run, and what watches them."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import keras

from cin_style import hardware, plots
from cin_style.errors import Terminated
from cin_style.files import write_text
from cin_style.training import callbacks
from cin_style.training.batches import TrainingBatches
from cin_style.training.checkpoints import termination
from cin_style.training.optimizer import make_schedule
from cin_style.training.run_folder import RunFolder
from cin_style.training.task import Prepared

_LOG = logging.getLogger("cin_style")


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
    progress = callbacks.Progress(recipe.steps, start, shown=not prepared.devices.host)
    watching = callbacks.CallbackList(
        [
            callbacks.EpochEnd(every, start),
            *watchers,
            progress,
            *_own_watchers(prepared, batches),
        ],
        add_history=True,
        at_home=prepared.devices.at_home,
        model=trainer,
        epochs=epochs,
        steps=every,
        verbose=0,
    )

    def nothing_to_save() -> bool:
        return prepared.checkpoint.step == start

    try:
        with (
            prepared.devices.stepping(),
            termination(nothing_to_save, prepared.devices.hosts) as told_to_end,
        ):
            prepared.checkpoint.told_to_end = told_to_end
            trainer.fit(
                batches.for_fit(),
                initial_epoch=start // every,
                epochs=epochs,
                steps_per_epoch=every,
                verbose=0,
                shuffle=False,
                callbacks=watching,
            )
            if prepared.devices.hosts == 1 and told_to_end(recipe.steps):  # since the last step
                raise Terminated(recipe.steps)
    except Exception:
        if batches.failure is not None:  # TensorFlow wraps it into pages of its own
            raise batches.failure from None
        raise
    finally:
        progress.close()
        if not prepared.devices.host:
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
    if prepared.devices.host:
        return watchers[1:]  # no log
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
