"""Trains on one and on several devices that a processor stands in for; a script, as backends
fix their devices when they begin.

Arguments: how many, a folder, and `steps` or `runs`. Prints as JSON what the tests look at.
"""

import contextlib
import json
import os
import pathlib
import sys

COUNT, FOLDER = int(sys.argv[1]), pathlib.Path(sys.argv[2])
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={COUNT}"

import keras  # noqa: E402
import numpy as np  # noqa: E402
from conftest import Batches, _make_trainer, _recipe, _values  # noqa: E402

from cin_style import tables  # noqa: E402
from cin_style.training.callbacks import CallbackList  # noqa: E402
from cin_style.training.devices import Devices, devices_of  # noqa: E402
from cin_style.training.train import train  # noqa: E402

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * COUNT
    )


def steps(devices: Devices) -> tuple[list, dict, list]:
    """Weights before and after five steps of SGD, and the logs."""
    with devices.building():
        trainer = _make_trainer(keras.optimizers.SGD(5e-8))
    before = _values(trainer.network.weights)
    with devices.stepping():
        history = trainer.fit(
            Batches(8).for_fit(), steps_per_epoch=5, verbose=0, shuffle=False
        ).history
    return before, history, _values(trainer.network.weights)


def ahead(devices: Devices) -> list[int]:
    """How many steps sent to the devices are not done when the next batch is asked for; on JAX."""
    losses: list = []
    counts: list[int] = []

    class Collect(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs._logs["loss"])

    def batches():
        for batch in Batches(8).for_fit():
            counts.append(sum(not loss.is_ready() for loss in losses))
            yield batch

    with devices.building():
        trainer = _make_trainer(keras.optimizers.SGD(5e-8))
    watching = CallbackList([Collect()], model=trainer, steps=12, add_history=True)
    with devices.stepping():
        trainer.fit(batches(), steps_per_epoch=12, verbose=0, shuffle=False, callbacks=watching)
    return counts


def difference(ones, others) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(ones, others, strict=True))


def log(folder: pathlib.Path) -> list[dict]:
    return [row | {"seconds": 0} for row in tables.read(folder / "losses.csv")]


def compare_runs() -> dict:
    """The same run on one, on several, and begun on several and ended on one."""
    recipe = _recipe(FOLDER).replace(batch_size=8, accumulate=1)
    names = ("one", "several", "mixed")
    for name, asked in (("one", "1"), ("several", "auto")):
        train(recipe.replace(devices=asked), FOLDER / name)
    with contextlib.suppress(KeyboardInterrupt):

        class Interrupt(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                if epoch == 1:
                    raise KeyboardInterrupt

        train(recipe.replace(devices="auto"), FOLDER / "mixed", watchers=[Interrupt()])
    train(recipe, FOLDER / "mixed")
    return {
        "logs": {name: log(FOLDER / name) for name in names},
        "files": {name: sorted(path.name for path in (FOLDER / name).iterdir()) for name in names},
        "checkpoints": {
            name: {
                key: list(array.shape)
                for key, array in np.load(FOLDER / name / "checkpoint.npz").items()
            }
            for name in names
        },
    }


def compare_steps() -> dict:
    """Steps on one and on several."""
    devices = devices_of("auto", 8)
    before, history, alone = steps(Devices())
    _, history_of_several, together = steps(devices)
    return {
        "devices": devices.count,
        "ahead": [ahead(Devices()), ahead(devices)] if keras.backend.backend() == "jax" else [],
        "moved": difference(before, alone),
        "difference": difference(alone, together),
        "losses": [history["loss"][0], history_of_several["loss"][0]],
    }


print(json.dumps({"steps": compare_steps, "runs": compare_runs}[sys.argv[3]]()))
