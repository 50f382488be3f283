"""What a run does besides stepping: progress, loss log, checkpoints, preview sheets."""

import logging
import math
import os
import pathlib
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from cin_style import images, progress, tables
from cin_style.errors import UserError
from cin_style.files import write_beside

_LOG = logging.getLogger("cin_style")


class LazyLogs(Mapping):
    """A step's logs as floats, each read from the device when it is asked for.

    Args:
        logs: a dict of names to scalars of the backend.

    Example:

        >>> logs = LazyLogs({"loss": keras.ops.array(2.5)})
        >>> logs["loss"], dict(logs)
        (2.5, {'loss': 2.5})
    """

    def __init__(self, logs: Mapping[str, Any]) -> None:
        self._logs = logs

    def __getitem__(self, name: str) -> float:
        return float(keras.ops.convert_to_numpy(self._logs[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._logs)

    def __len__(self) -> int:
        return len(self._logs)


class CallbackList(keras.callbacks.CallbackList):
    """Callbacks for `fit` that don't make every step wait for the device.

    Keras' own list turns all logs to floats after every step, for which an accelerator has to end
    the step before the next one can be sent to it. Here they stay where they are until a callback
    looks (`LazyLogs`).
    """

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        lazy = LazyLogs(logs or {})
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs=lazy)


class Progress(keras.callbacks.Callback):
    """One progress bar over the whole run, and the end of the run at its last step.

    After a few steps it also logs how long the run will take.

    Args:
        steps: of the whole run.
        start: steps done before this process.
    """

    # Steps of this process between which the time is taken: the first ones compile.
    _TIMED = (3, 10)

    def __init__(self, steps: int, start: int = 0) -> None:
        super().__init__()
        self.steps = steps
        self.step = start
        self._start = start
        self._timed_from = 0.0
        self._bar: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._bar = progress.Bar(self.steps, "step", self._start)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        if self.step >= self.steps:
            self.model.stop_training = True
        if self.step - self._start in self._TIMED:
            self._take_time(logs)
        # Called only where they are shown: reading the logs waits for the device.
        self._bar.update(figures=lambda: logs)

    def _take_time(self, logs: Mapping[str, float]) -> None:
        _ = logs["loss"]  # waits until the device has done the step
        now = time.monotonic()
        first, last = self._TIMED
        if self.step - self._start == first:
            self._timed_from = now
            return
        left = self.steps - self.step
        seconds = left * (now - self._timed_from) / (last - first)
        if left:
            with progress.aside():
                _LOG.info("some %s to go for %s steps", progress.duration(seconds), f"{left:,}")

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the bar, also where the run was stopped."""
        if self._bar is not None:
            self._bar.close()


class LossLog(keras.callbacks.Callback):
    """Logs mean losses to a CSV file: of step 1, then of every epoch.

    Rows after the step at which a resumed run starts are dropped.

    Args:
        path: the CSV file. Columns: step, the loss and its terms, learning_rate (of this step),
            seconds.
        rate: the optimizer's schedule: a function of the count of its steps so far.
        start: the step at which this process starts.
    """

    def __init__(self, path: str | os.PathLike, rate: Callable[[int], Any], start: int = 0) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.rate = rate
        self.step = start
        rows = tables.read(path, needed=("step", "seconds"))
        self.rows = [row for row in rows if row["step"] <= start]

    def on_train_begin(self, logs: Any = None) -> None:
        self._begun = time.monotonic() - (self.rows[-1]["seconds"] if self.rows else 0)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        if self.step == 1:
            self._add(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._add(logs)

    def _add(self, logs: Mapping[str, float]) -> None:
        row = {"step": self.step, **{name: float(value) for name, value in logs.items()}}
        # The optimizer's own rate is that of the step to come.
        done = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.rate(max(0, done - 1))))
        row["seconds"] = round(time.monotonic() - self._begun, 1)
        if self.rows and set(self.rows[0]) != set(row):
            raise UserError(
                f"{self.path} has other columns than this run's. Put back what was there, or take "
                "it away to do without."
            )
        if self.rows and self.rows[-1]["step"] == self.step:
            self.rows.pop()
        self.rows.append(row)
        tables.write(self.path, self.rows)


def _check_finite(finite: bool, what: str) -> None:
    if not finite:
        raise UserError(
            f"{what}. Start again in another `output` with a lower "
            "`learning_rate`, with `clip_norm` or with `precision` float32. (The last good "
            "checkpoint, if there was one, is kept.)"
        )


class StopWhenNotFinite(keras.callbacks.Callback):
    """Ends the run with a `UserError` when the loss is NaN or infinite.

    Looks at the first step of this process and at every epoch's end, before a checkpoint is
    written; or at every step.

    Args:
        start: the step at which this process starts.
        every_step: look at every step: an accelerator would have to end each before the next.
        examples: says in words what a step learned from.
    """

    def __init__(
        self, start: int = 0, every_step: bool = False, examples: Callable[[int], str] | None = None
    ) -> None:
        super().__init__()
        self.step = self._good = start
        self._first = start + 1
        self._every_step, self._examples = every_step, examples

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        if self._every_step or self.step == self._first:
            self._check(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._check(logs)

    def _check(self, logs: Mapping[str, float]) -> None:
        finite = math.isfinite(float(logs["loss"]))
        if self.step > self._good + 1:
            where = f" after step {self._good}, at step {self.step} at the latest"
        else:
            where = f" at step {self.step}"
            if self._examples and not finite:
                where += f" ({self._examples(self.step)})"
        _check_finite(finite, f"the loss is no longer finite{where}")
        self._good = self.step


class Checkpoint(keras.callbacks.Callback):
    """Saves all that a run needs to go on, in one file, at every epoch's end.

    One file written beside and then renamed cannot be half of one step and half of another
    (Keras' BackupAndRestore writes two), and it leaves the loss network out.

    Args:
        path: ends in `.npz`. Holds the network's weights and the optimizer's variables in
            their order, and the count of steps (which is not the optimizer's: in float16 it
            leaves out the steps whose gradients overflow).

    Attributes:
        step: steps done so far.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        arrays = {name: keras.ops.convert_to_numpy(value) for name, value in _variables(self.model)}
        # The epoch's losses were taken before its last update; and a moment that has overflowed
        # stops its weight for good, which no loss would tell.
        finite = all(np.isfinite(array).all() for array in arrays.values())
        _check_finite(
            finite,
            f"the weights or the optimizer's moments are no longer finite at step {self.step}",
        )
        arrays["step"] = np.int64(self.step)
        with write_beside(self.path) as temporary:
            np.savez(temporary, **arrays)

    def restore(self, trainer: Any) -> int:
        """Loads the file into a compiled `StyleTrainer`.

        Returns:
            The number of steps done; 0 when there is no file yet.

        Raises:
            UserError: a file that can't be read or is of another network or optimizer.
        """
        if not self.path.is_file():
            return 0
        trainer.optimizer.build(trainer.trainable_variables)
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = dict(file)
            step = int(arrays.pop("step"))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"the checkpoint {self.path} can't be read: {error}. Delete it to start again."
            ) from error
        variables = _variables(trainer)
        shapes = {name: tuple(variable.shape) for name, variable in variables}
        if shapes != {name: array.shape for name, array in arrays.items()}:
            raise UserError(
                f"the checkpoint {self.path} is of another network or optimizer. Choose another "
                "`output`, or delete it to start again."
            )
        for name, variable in variables:
            variable.assign(arrays[name])
        self.step = step
        return step


def _variables(trainer: Any) -> list[tuple[str, Any]]:
    groups = {"network": trainer.network.weights, "optimizer": trainer.optimizer.variables}
    return [
        (f"{group}/{index}", variable)
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    ]


class Previews(keras.callbacks.Callback):
    """Draws a sheet of what the network does by now, every so often.

    Drawn before the run's first step and at epoch ends: on JAX, variables reach the Keras objects
    only there. The run's first epoch gets one, too, however long the others are to wait.

    Args:
        folder: gets `step_000000.jpg`, `step_000500.jpg` and so on.
        paint: a function of the network that is trained: the sheet, uint8 (height, width, 3).
        every: steps between sheets.
        steps: the last step, which always gets one.
        start: the step at which this process starts.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        paint: Callable[[Any], np.ndarray],
        every: int,
        steps: int,
        start: int = 0,
    ) -> None:
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.paint = paint
        self.every = every
        self.steps = steps
        self.step = self._last = start

    def on_train_begin(self, logs: Any = None) -> None:
        if self.step == 0 or not self._drawn_since(max(1, self.step // self.every * self.every)):
            self._draw()

    def _drawn_since(self, step: int) -> bool:
        """Whether there is a sheet of this step or a later one, up to where the run goes on.

        There is none where the process stopped between its checkpoint and the sheet.
        """
        return any((self.folder / _sheet(one)).is_file() for one in range(step, self.step + 1))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        due = self.step // self.every > self._last // self.every
        if due or self._last == 0 or self.step >= self.steps:
            self._last = self.step
            self._draw()

    def _draw(self) -> None:
        self.folder.mkdir(exist_ok=True)
        sheet = self.paint(self.model.network)
        images.save(self.folder / _sheet(self.step), sheet)


def _sheet(step: int) -> str:
    """The name of the sheet of a step."""
    return f"step_{step:06}.jpg"


def network_sheet(
    photos: np.ndarray, style_images: Sequence[np.ndarray], most_styles: int = 8
) -> Callable[[Any], np.ndarray]:
    """What `Previews` draws of a style transfer network: a few photos in a few styles.

    Args:
        photos: float32 (count, size, size, 3) in [0, 1].
        style_images: one image per style, shown above its column.
        most_styles: columns; with more styles, evenly spread ones are shown.
    """
    count = min(most_styles, len(style_images))
    columns = [index * len(style_images) // count for index in range(count)]

    def paint(network: Any) -> np.ndarray:
        names = [network.styles[index].name for index in columns]
        pastiches = [paint_all(network, photos, index) for index in columns]
        rows = [[None, *(style_images[index] for index in columns)]]
        rows += [[photo, *row] for photo, *row in zip(photos, *pastiches, strict=True)]
        return images.contact_sheet(rows, column_labels=["photo", *names], cell=160)

    return paint


def paint_all(network: Any, photos: np.ndarray, index: int) -> np.ndarray:
    """Photos in one style of a network.

    Args:
        network: a `StyleTransferNetwork`.
        photos: float32 (count, height, width, 3) in [0, 1].
        index: the style's number.

    Returns:
        float32 like `photos`.
    """
    weights = np.eye(network.num_styles, dtype="float32")[[index] * len(photos)]
    return network.predict_on_batch([photos, weights])
