"""What a run does besides stepping: progress, loss log, preview sheets."""

import logging
import math
import os
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np

from cin_style import images, progress, tables
from cin_style.errors import UserError

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

    Args:
        callbacks: see `keras.callbacks.CallbackList`.
        at_home: gives a context for the callbacks, see `Devices.at_home`.
        **options: see `keras.callbacks.CallbackList`.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        at_home: Callable[[], AbstractContextManager] = nullcontext,
        **options: Any,
    ) -> None:
        super().__init__(callbacks, **options)
        self._at_home = at_home

    def on_train_begin(self, logs: Any = None) -> None:
        with self._at_home():
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        with self._at_home():
            super().on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        lazy = LazyLogs(logs or {})
        with self._at_home():
            for callback in self.callbacks:
                callback.on_train_batch_end(batch, logs=lazy)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with self._at_home():
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: Any = None) -> None:
        with self._at_home():
            super().on_train_end(logs)


class StepCallback(keras.callbacks.Callback):
    """Counts the steps of a run, wherever in an epoch a process begins.

    Keras calls once for so many steps as `steps_per_execution` says.

    Args:
        start: steps done before this process.

    Attributes:
        step: steps done so far.
    """

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self.step = self._before = start

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._before = self.step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.step = self._before + batch + 1
        self.after_step(logs)

    def after_step(self, logs: Mapping[str, float] | None) -> None:
        """Called where steps are done, and counted."""


class EpochEnd(StepCallback):
    """Ends the first epoch of a process where it would have ended without the interruption.

    To be the first of the callbacks: what others say of stopping comes after it.

    Args:
        every: steps of an epoch.
        start: steps done before this process.
    """

    # What Keras takes for a wish to stop, and nobody else has.
    _HERE = "at the end of this epoch, not of the run"

    def __init__(self, every: int, start: int = 0) -> None:
        super().__init__(start)
        self._end = -(-start // every) * every

    def after_step(self, logs: Mapping[str, float] | None) -> None:
        if self.step == self._end:
            self.model.stop_training = self._HERE

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.model.stop_training is self._HERE:
            self.model.stop_training = False


class Progress(StepCallback):
    """One progress bar over the whole run, and the end of the run at its last step.

    After a few steps it also logs how long the run will take.

    Args:
        steps: of the whole run.
        start: steps done before this process.
        shown: `False`: no bar.
    """

    # Steps of this process between which the time is taken: the first ones compile.
    _TIMED = (3, 10)

    def __init__(self, steps: int, start: int = 0, shown: bool = True) -> None:
        super().__init__(start)
        self.steps = steps
        self.shown = shown
        self._start = self._shown = start
        self._timed: list[tuple[int, float]] = []
        self._bar: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._bar = progress.Bar(self.steps, "step", self._start, self.shown)

    def after_step(self, logs: Mapping[str, float] | None) -> None:
        if self.step >= self.steps:
            self.model.stop_training = True
        if len(self._timed) < 2 and self.step - self._start >= self._TIMED[len(self._timed)]:
            self._take_time(logs or {})
        # Called only where they are shown: reading the logs waits for the device.
        done, self._shown = self.step - self._shown, self.step
        self._bar.update(done, figures=lambda: logs or {})

    def _take_time(self, logs: Mapping[str, float]) -> None:
        _ = logs["loss"]  # waits until the device has done the step
        self._timed.append((self.step, time.monotonic()))
        left = self.steps - self.step
        if len(self._timed) < 2 or not left:
            return
        (first, begun), (last, ended) = self._timed
        if first == last:
            return
        seconds = left * (ended - begun) / (last - first)
        with progress.aside():
            _LOG.info("some %s to go for %s steps", progress.duration(seconds), f"{left:,}")

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the bar, also where the run was stopped."""
        if self._bar is not None:
            self._bar.close()


class LossLog(StepCallback):
    """Logs mean losses to a CSV file: of step 1, then of every epoch.

    Rows after the step at which a resumed run starts are dropped.

    Args:
        path: the CSV file. Columns: step, the loss and its terms, learning_rate (of this step),
            seconds.
        rate: the optimizer's schedule: a function of the count of its steps so far.
        start: the step at which this process starts.
    """

    def __init__(self, path: str | os.PathLike, rate: Callable[[int], Any], start: int = 0) -> None:
        super().__init__(start)
        self.path = pathlib.Path(path)
        self.rate = rate
        self._new = not start
        rows = tables.read(path, needed=("step", "seconds"))
        self.rows = [row for row in rows if row["step"] <= start]

    def on_train_begin(self, logs: Any = None) -> None:
        self._begun = time.monotonic() - (self.rows[-1]["seconds"] if self.rows else 0)

    def after_step(self, logs: Mapping[str, float] | None) -> None:
        if self._new and not self.rows:
            self._add(logs or {})

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


def check_finite(finite: bool, what: str) -> None:
    """Raises a `UserError` that says what is no longer finite, and what to do."""
    if not finite:
        raise UserError(
            f"{what}. Start again in another `output` with a lower "
            "`learning_rate`, with `clip_norm` or with `precision` float32. (The last good "
            "checkpoint, if there was one, is kept.)"
        )


class StopWhenNotFinite(StepCallback):
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
        super().__init__(start)
        self._good = start
        self._look = True
        self._every_step, self._examples = every_step, examples

    def after_step(self, logs: Mapping[str, float] | None) -> None:
        if self._look:
            self._check(logs or {})
        self._look = self._every_step

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
        check_finite(finite, f"the loss is no longer finite{where}")
        self._good = self.step


class Previews(StepCallback):
    """Draws a sheet of what the network does by now, every so often.

    Drawn before the run's first step and at epoch ends: on JAX, variables reach the Keras objects
    only there. The run's first epoch gets one, too, however long the others are to wait.

    Args:
        folder: gets `step_000000.jpg`, `step_000500.jpg` and so on.
        paint: a function of the network that is trained: the sheet, uint8 (height, width, 3).
        every: steps between sheets.
        steps: the last step, which always gets one.
        start: the step at which this process starts.
        network: gives the network that is trained, as it is now.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        paint: Callable[[Any], np.ndarray],
        every: int,
        steps: int,
        start: int,
        network: Callable[[], Any],
    ) -> None:
        super().__init__(start)
        self.folder = pathlib.Path(folder)
        self.paint = paint
        self.every = every
        self.steps = steps
        self.network = network
        self._last = start

    def on_train_begin(self, logs: Any = None) -> None:
        if self.step == 0 or not self._drawn_since(max(1, self.step // self.every * self.every)):
            self._draw()

    def _drawn_since(self, step: int) -> bool:
        """Whether there is a sheet of this step or a later one, up to where the run goes on.

        There is none where the process stopped between its checkpoint and the sheet.
        """
        return any((self.folder / _sheet(one)).is_file() for one in range(step, self.step + 1))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        due = self.step // self.every > self._last // self.every
        if due or self._last == 0 or self.step >= self.steps:
            self._last = self.step
            self._draw()

    def _draw(self) -> None:
        self.folder.mkdir(exist_ok=True)
        sheet = self.paint(self.network())
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
