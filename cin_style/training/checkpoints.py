"""What a run goes on from: by epochs, by the clock, and when the process is told to end."""

import contextlib
import itertools
import math
import os
import pathlib
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from cin_style.errors import Terminated, UserError
from cin_style.files import write_beside
from cin_style.training.callbacks import StepCallback, check_finite


class Checkpoint(StepCallback):
    """Saves all that a run needs to go on, in one file: at every epoch's end, and by the clock.

    One file written beside and then renamed cannot be half of one step and half of another
    (Keras' BackupAndRestore writes two), and it leaves the loss network out.

    Args:
        path: ends in `.npz`. Holds the network's weights and the optimizer's variables in
            their order, and the count of steps (which is not the optimizer's: in float16 it
            leaves out the steps whose gradients overflow); within an epoch also its mean losses
            so far.
        best: gets a copy of the checkpoint of the epoch with the least mean loss so far.
        minutes: so many after the last one, another is written where the run is.
        every, steps: of an epoch, and of the run; where an epoch ends, it is saved as a whole.
        told_to_end: says of a step whether the process is to end at it, see `termination`. Then
            the run is saved, and ends.

    Attributes:
        step: steps done so far.

    Raises:
        Terminated: in `fit`, when it was told to end.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        best: str | os.PathLike | None = None,
        minutes: float = math.inf,
        every: int = 0,
        steps: int = 0,
        told_to_end: Callable[[int], bool] = lambda step: False,
    ) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.best = None if best is None else pathlib.Path(best)
        self.minutes = minutes
        self.every, self.steps = every, steps
        self.told_to_end = told_to_end
        self._told = False
        self._least = math.inf
        self._sums: dict[str, np.ndarray] = {}
        self._saved = time.monotonic()

    def on_train_begin(self, logs: Any = None) -> None:
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch)
        # Keras has set them to zero, and a part of this epoch is done.
        for name, metric in _sums(self.model):
            if name in self._sums:
                metric.assign(self._sums[name])
        self._sums = {}

    def after_step(self, logs: Mapping[str, float] | None) -> None:
        self._told |= self.told_to_end(self.step)
        if self.every and (self.step % self.every == 0 or self.step >= self.steps):
            return  # the epoch ends here, and has to be logged first
        if self._told or time.monotonic() - self._saved >= 60 * self.minutes:
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            self._save(self.path, {name: _numpy(value) for name, value in _sums(self.model)})
        if self._told:
            raise Terminated(self.step)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        loss = (logs or {}).get("loss", math.nan)
        better = loss < self._least
        if better:
            self._least = loss
        # The best one first: what the other one says of the least loss, it has to have.
        if better and self.best is not None:
            self._save(self.best)
        self._save(self.path)
        if self._told:
            raise Terminated(self.step)

    def _save(self, path: pathlib.Path, sums: Mapping[str, np.ndarray] | None = None) -> None:
        arrays: dict[str, Any] = {name: _numpy(value) for name, value in _variables(self.model)}
        # The epoch's losses were taken before its last update; and a moment that has overflowed
        # stops its weight for good, which no loss would tell.
        finite = all(np.isfinite(array).all() for array in arrays.values())
        check_finite(
            finite,
            f"the weights or the optimizer's moments are no longer finite at step {self.step}",
        )
        arrays |= {"step": np.int64(self.step), "least": np.float64(self._least), **(sums or {})}
        with write_beside(path) as temporary:
            np.savez(temporary, **arrays)
        self._saved = time.monotonic()

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
            step, least = int(arrays.pop("step")), float(arrays.pop("least", math.inf))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"the checkpoint {self.path} can't be read: {error}. Delete it to start again."
            ) from error
        sums = {name: arrays.pop(name) for name, _ in _sums(trainer) if name in arrays}
        variables = _variables(trainer)
        shapes = {name: tuple(variable.shape) for name, variable in variables}
        if shapes != {name: array.shape for name, array in arrays.items()}:
            raise UserError(
                f"the checkpoint {self.path} is of another network or optimizer. Choose another "
                "`output`, or delete it to start again."
            )
        for name, variable in variables:
            variable.assign(arrays[name])
        self.step, self._least, self._sums = step, least, sums
        return step


def _numpy(value: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(value)


def _variables(trainer: Any) -> list[tuple[str, Any]]:
    groups = {"network": trainer.network.weights, "optimizer": trainer.optimizer.variables}
    return [
        (f"{group}/{index}", variable)
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    ]


def _sums(trainer: Any) -> list[tuple[str, Any]]:
    """What the mean losses of an epoch are made of."""
    return [
        (f"epoch/{metric.name}/{index}", variable)
        for metric in trainer.metrics
        for index, variable in enumerate(metric.variables)
    ]


@contextlib.contextmanager
def termination(
    nothing_to_save: Callable[[], bool], hosts: int = 1
) -> Iterator[Callable[[int], bool]]:
    """Notes that the process is told to end (SIGTERM), as schedulers do a while before they kill.

    Args:
        nothing_to_save: where this is so, the process ends at once.
        hosts: processes that step together. All of them end at one step when any of them is told.

    Yields:
        Whether it is to end at a step, to be asked at each. Always `False` outside of the main
        thread, which alone is told.
    """
    if hosts > 1:
        from jax.experimental import multihost_utils

        # It wants numbers that go up by one from 1; all hosts ask equally often.
        calls = itertools.count(1)
        yield lambda step: multihost_utils.reached_preemption_sync_point(next(calls))
        return
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield lambda step: False
        return

    def note(number: int, frame: Any) -> None:
        if nothing_to_save():
            raise Terminated()
        told.set()

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield lambda step: told.is_set()
    finally:
        signal.signal(signal.SIGTERM, before)
