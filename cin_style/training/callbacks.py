"""What a run does besides stepping: progress, loss log, checkpoints, preview sheets."""

import math
import pathlib
import sys
import time
import zipfile

import keras
import numpy as np
import tqdm

from cin_style import images, tables
from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.images import sheets


class Progress(keras.callbacks.Callback):
    """One progress bar over the whole run, and the end of the run at its last step.

    Args:
        steps: of the whole run.
        start: steps done before this process.
    """

    def __init__(self, steps, start=0):
        super().__init__()
        self.steps = steps
        self.step = start
        self._start = start

    def on_train_begin(self, logs=None):
        # In a log file, a line every half minute; on a terminal, a bar that moves.
        interval = 0.5 if sys.stderr.isatty() else 30
        self._bar = tqdm.tqdm(
            total=self.steps,
            initial=self._start,
            unit="step",
            mininterval=interval,
            dynamic_ncols=True,
        )

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step >= self.steps:
            self.model.stop_training = True
        if self._bar.update() or self.step == self.steps:
            # Only now: reading the logs waits for the device.
            terms = {name: f"{float(value):.3g}" for name, value in logs.items()}
            self._bar.set_postfix(terms)

    def on_train_end(self, logs=None):
        self._bar.close()


class LossLog(keras.callbacks.Callback):
    """Logs mean losses to a CSV file: of step 1, then of every epoch.

    Rows after the step at which a resumed run starts are dropped.

    Args:
        path: the CSV file. Columns: step, the loss and its terms, learning_rate, seconds.
        start: the step at which this process starts.
    """

    def __init__(self, path, start=0):
        super().__init__()
        self.path = pathlib.Path(path)
        self.step = start
        self.rows = [row for row in tables.read(path) if row["step"] <= start]

    def on_train_begin(self, logs=None):
        self._begun = time.monotonic() - (self.rows[-1]["seconds"] if self.rows else 0)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step == 1:
            self._add(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._add(logs)

    def _add(self, logs):
        row = {"step": self.step, **{name: float(value) for name, value in logs.items()}}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = round(time.monotonic() - self._begun, 1)
        if self.rows and self.rows[-1]["step"] == self.step:
            self.rows.pop()
        self.rows.append(row)
        tables.write(self.path, self.rows)


def _check_finite(finite):
    if not finite:
        raise UserError(
            "the loss is no longer finite. Start again in another --output with a lower "
            "--learning_rate, with --clip_norm or with --precision float32. (The last good "
            "checkpoint, if there was one, is kept.)"
        )


class StopWhenNotFinite(keras.callbacks.Callback):
    """Ends the run with a `UserError` when the loss is NaN or infinite.

    Looks at step 1 and at every epoch's end, before a checkpoint is written.
    """

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            self._check(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs)

    def _check(self, logs):
        _check_finite(math.isfinite(float(logs["loss"])))


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

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)
        self.step = 0

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1

    def on_epoch_end(self, epoch, logs=None):
        arrays = {name: keras.ops.convert_to_numpy(value) for name, value in _variables(self.model)}
        # The epoch's losses were taken before its last update.
        weights = [array for name, array in arrays.items() if name.startswith("network/")]
        _check_finite(all(np.isfinite(array).all() for array in weights))
        arrays["step"] = np.int64(self.step)
        with write_beside(self.path) as temporary:
            np.savez(temporary, **arrays)

    def restore(self, trainer):
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
                "--output, or delete it to start again."
            )
        for name, variable in variables:
            variable.assign(arrays[name])
        self.step = step
        return step


def _variables(trainer):
    groups = {"network": trainer.network.weights, "optimizer": trainer.optimizer.variables}
    return [
        (f"{group}/{index}", variable)
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    ]


class Previews(keras.callbacks.Callback):
    """Paints a few held-out photos in a few styles every so often, as a contact sheet.

    Drawn at epoch ends: on JAX, variables reach the Keras objects only there.

    Args:
        folder: gets `step_000500.jpg` and so on.
        photos: float32 (count, size, size, 3) in [0, 1].
        style_images: one image per style, shown above its column.
        every: steps between sheets.
        steps: the last step, which always gets one.
        start: the step at which this process starts.
        most_styles: columns; with more styles, evenly spread ones are shown.
    """

    def __init__(self, folder, photos, style_images, every, steps, start=0, most_styles=8):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.photos = photos
        self.style_images = style_images
        self.every = every
        self.steps = steps
        self.step = self._last = start
        count = min(most_styles, len(style_images))
        self.columns = [index * len(style_images) // count for index in range(count)]

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1

    def on_epoch_end(self, epoch, logs=None):
        due = self.step // self.every > self._last // self.every
        if due or self.step >= self.steps:
            self._last = self.step
            self.folder.mkdir(exist_ok=True)
            images.save(self.folder / f"step_{self.step:06}.jpg", self.paint())

    def paint(self):
        """The sheet for the network as it is now; uint8 (height, width, 3)."""
        network = self.model.network
        weights = np.eye(network.num_styles, dtype="float32")[self.columns]
        names = [network.styles[index].name for index in self.columns]
        rows = [[None, *(self.style_images[index] for index in self.columns)]]
        for photo in self.photos:
            batch = np.repeat(photo[None], len(weights), axis=0)
            rows.append([photo, *network.predict_on_batch([batch, weights])])
        return sheets.contact_sheet(rows, column_labels=["photo", *names], cell=160)
