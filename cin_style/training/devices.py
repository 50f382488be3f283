"""Several devices, of one machine or of many: each computes its share of every batch.

On JAX by `keras.distribution.DataParallel`, on one machine or several; on TensorFlow by
`tf.distribute.MirroredStrategy`, on one. What is trained lives on all devices alike. Everything
but the steps (styles to begin with, previews, measurements) is computed at home: on one device,
with a network of its own, and with several machines on the first.
"""

import contextlib
import dataclasses
import functools
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np

from cin_style.errors import UserError, reason_of
from cin_style.runtimes import backend

_LOG = logging.getLogger("cin_style")


@dataclasses.dataclass(frozen=True)
class Devices:
    """The devices of a run.

    Attributes:
        count: of all machines together.
        strategy: Keras' or TensorFlow's, of several devices; else `None`.
        host: this machine's number, or rather its process's; 0 writes the files.
        hosts: how many there are.
    """

    count: int = 1
    strategy: Any = None
    host: int = 0
    hosts: int = 1

    def building(self) -> AbstractContextManager:
        """What is made in this context is on all devices."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def stepping(self) -> AbstractContextManager:
        """In this context models that are on all devices are fitted."""
        return self.building() if _on_jax() else nullcontext()

    def at_home(self) -> AbstractContextManager:
        """Within `stepping`: what is computed in this context is computed here."""
        return _undistributed() if self.strategy and _on_jax() else nullcontext()

    def share(self, count: int) -> slice:
        """Which of so many examples of a batch are this machine's."""
        each = count // self.hosts
        return slice(self.host * each, (self.host + 1) * each)

    def from_first(self, values: Any) -> Any:
        """What the first machine's process says, in all of them.

        Args:
            values: a structure of arrays, of the same shapes everywhere; those of the first count.
        """
        if self.hosts == 1:
            return values
        from jax.experimental import multihost_utils

        return multihost_utils.broadcast_one_to_all(values)

    def from_all(self, values: np.ndarray) -> np.ndarray:
        """What all machines' processes say: an array (hosts, ...) of arrays of one shape."""
        if self.hosts == 1:
            return values[None]
        from jax.experimental import multihost_utils

        return np.asarray(multihost_utils.process_allgather(values))

    def copy_weights(self, home: keras.Model, model: keras.Model) -> None:
        """Gives a model on all devices the weights of one of its kind at home, of the first."""
        values = [keras.ops.convert_to_numpy(variable) for variable in home.weights]
        for variable, value in zip(model.weights, self.from_first(values), strict=True):
            variable.assign(np.asarray(value))


# Where there is nothing to share.
ONE = Devices()


def _on_jax() -> bool:
    return keras.backend.backend() == "jax"


@contextlib.contextmanager
def _undistributed() -> Iterator[None]:
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def connect(hosts: str) -> None:
    """Joins the processes of several machines to one run; to be called before JAX computes.

    Args:
        hosts: `auto`, or `ADDRESS:PORT,INDEX,COUNT`, see `RunRecipe.hosts`; nothing for no others.

    Raises:
        UserError: it says something else, or the backend can't; or no scheduler says which, or the
            others don't come.
    """
    if not hosts:
        return
    match = re.fullmatch(r"(\S+:\d+),(\d+),(\d+)", hosts)
    if hosts != "auto" and not match:
        raise UserError(f"`hosts` must be auto or ADDRESS:PORT,INDEX,COUNT. Received: {hosts}")
    if not _on_jax():
        raise UserError(
            f"`hosts` needs JAX: Keras can't share a run out among machines on "
            f"{keras.backend.backend()}. Install cin_style[jax] and set KERAS_BACKEND=jax."
        )
    import jax

    if jax.distributed.is_initialized():
        return
    where: dict[str, Any] = {}
    if match:
        index, count = int(match[2]), int(match[3])
        if index >= count:
            raise UserError(
                f"`hosts`: of {count} the last one's INDEX is {count - 1}, not {index}."
            )
        where = {"coordinator_address": match[1], "process_id": index, "num_processes": count}
    try:
        jax.distributed.initialize(**where)
    except (ValueError, RuntimeError) as error:
        reason = reason_of(error)
        raise UserError(
            f"the machines of `hosts` don't come together: {reason} Without a scheduler, give "
            "ADDRESS:PORT,INDEX,COUNT."
        ) from error
    if jax.process_index():
        _LOG.setLevel(logging.WARNING)  # the first one tells how it goes


def devices_of(asked: str, batch_size: int, parts: int = 1) -> Devices:
    """The devices that a run is to use.

    Args:
        asked: see `RunRecipe.devices`.
        batch_size: examples per step.
        parts: that each batch is computed in.

    Raises:
        UserError: there are not so many, or they can't share a batch out evenly; or nothing was
            tried on this backend of Keras.
    """
    backend.load()
    available = _names()
    count = len(available) if asked == "auto" else int(asked)
    hosts = _hosts()
    if count > len(available):
        raise UserError(
            f"`devices` {count} are more than there are here: {len(available)} ({available[0]}"
            f"{', ...' if len(available) > 1 else ''})."
        )
    if hosts > 1 and count < len(available):
        if asked == "1":  # the default
            count = len(available)
        else:
            raise UserError("with `hosts`, `devices` is auto: all of every machine.")
    if batch_size % (count * parts):
        raise UserError(
            f"`batch_size` {batch_size} can't be shared out evenly among {count} devices"
            + (f", each in {parts} parts" if parts > 1 else "")
            + f". Take a multiple of {count * parts}, or fewer `devices`."
        )
    if count == 1:
        return ONE
    return Devices(count, _strategy(tuple(available[:count])), _host(), hosts)


def _names() -> list[str]:
    """The devices that the backend would use, accelerators before processors."""
    if _on_jax():
        return keras.distribution.list_devices()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("TPU"):
            raise UserError(
                "Keras can't train on TPUs with TensorFlow. Install cin_style[jax] and set "
                "KERAS_BACKEND=jax."
            )
        for kind in ("GPU", "CPU"):
            if devices := tf.config.list_logical_devices(kind):
                return [device.name.removeprefix("/device:") for device in devices]
    return [keras.backend.backend()]


def _hosts() -> int:
    if not _on_jax():
        return 1
    import jax

    return jax.process_count()


def _host() -> int:
    if not _on_jax():
        return 0
    import jax

    return jax.process_index()


@functools.cache  # two of TensorFlow's would take each other's messages for theirs
def _strategy(names: tuple[str, ...]) -> Any:
    if _on_jax():
        return keras.distribution.DataParallel(devices=list(names), auto_shard_dataset=False)
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))
