"""A run of any kind: a recipe in, a folder with what was trained out."""

import contextlib
import dataclasses
import hashlib
import json
import logging
import math
import os
import pathlib
import tempfile
import zlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from cin_style import hardware, tables
from cin_style.errors import UserError
from cin_style.losses.from_recipe import weights_of
from cin_style.losses.vgg import LOSS_NETWORKS
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.training.checkpoints import Checkpoint
from cin_style.training.devices import ONE, Devices, devices_of
from cin_style.training.fitting import fit, plot_losses
from cin_style.training.optimizer import make_optimizer
from cin_style.training.photos import (
    Collection,
    PhotoSubset,
    center_crops,
    hold_out,
    open_photos,
    spread,
)
from cin_style.training.recipes import RunRecipe, margin_of
from cin_style.training.run_folder import NAMING_DATA, Identity, RunFolder, check_apart
from cin_style.training.task import Prepared, Task

_LOG = logging.getLogger("cin_style")


# Of the sample photos: two of four teach a style as well as three do, and two say more than one.
_HELD_OUT_SAMPLES = 2


def run(task: Task, output: str | os.PathLike, watchers: Sequence[Any] = ()) -> Any:
    """Carries a task out, or goes on where an earlier call stopped: prepare, fit, conclude.

    Args:
        task: a `Task`.
        output: the run folder; see `train` for what it gets.
        watchers: see `train`.

    Returns:
        What the task's `conclude` returned, now or then. With `hosts`, of a run that was finished
        before, `None` on others than the first, whose files they need not have.

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
    devices = devices_of(recipe.devices, recipe.batch_size, recipe.accumulate)
    with contextlib.ExitStack() as stack:
        if devices.host:  # the first one's files are the run's
            output = stack.enter_context(tempfile.TemporaryDirectory())
        folder = RunFolder(output, task.RESULT)
        stack.enter_context(folder.locked())
        return _run_in(folder, task, devices, all_photos, photos, held_out, watchers)


def _run_in(
    folder: RunFolder,
    task: Task,
    devices: Devices,
    all_photos: Collection,
    photos: PhotoSubset,
    held_out: PhotoSubset,
    watchers: Sequence[Any],
) -> Any:
    """Carries a task out in a folder that no other process works in; see `run`."""
    recipe = task.recipe
    data = {"content": all_photos.fingerprint(), **task.data(), **_loss_weights(recipe)}
    identity = Identity(task.KIND, recipe, data)
    state = _state(folder, identity, devices)
    if state == "finished":
        if devices.host:
            return None
        _LOG.info("%s is finished; another `output` starts another run.", folder.path)
        return task.load(folder.result)
    if state == "new":
        folder.begin(identity, len(photos), task.styles)
    prepared = prepare(task, folder, photos, held_out, state == "new", devices)
    fit(prepared, watchers)
    plot_losses(tables.read(folder.losses), folder.curves)
    result = task.conclude(prepared)
    _LOG.info("wrote %s", folder.result)
    return result


_STATES = ("new", "begun", "finished")


def _state(folder: RunFolder, identity: Identity, devices: Devices) -> str:
    """How far the run has come in the first machine's folder; see `RunFolder.state`.

    The others get its checkpoint.
    """
    if devices.hosts == 1:
        return folder.state(identity)
    found, failure = -1, None
    try:
        found = _STATES.index(folder.state(identity))
    except UserError as error:
        failure = error
    recipe = {
        field.name: getattr(identity.recipe, field.name)
        for field in dataclasses.fields(identity.recipe)
        if field.name not in ("hosts", *NAMING_DATA)  # which may lie elsewhere
    }
    check = zlib.crc32(json.dumps([identity.data, recipe], sort_keys=True, default=str).encode())
    states, data_of_all = devices.from_all(np.array([found, check - 2**31], "int32")).T
    if failure:
        raise failure
    if states[0] < 0:
        raise UserError("the first of the `hosts` can't begin or go on; it says why.")
    if len(set(data_of_all)) > 1:
        raise UserError(
            "the `hosts` have not the same options or data (photos, styles, networks). Give all of "
            "them the same."
        )
    state = _STATES[states[0]]
    if state == "begun":
        data = b"" if devices.host else folder.checkpoint.read_bytes()
        length = int(devices.from_first(np.int32(len(data))))
        whole = np.frombuffer(data or bytes(length), "uint8")
        whole = np.asarray(devices.from_first(whole))
        if devices.host:
            folder.checkpoint.write_bytes(whole.tobytes())
    return state


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


def _say_where(recipe: RunRecipe, devices: Devices) -> None:
    _LOG.info(
        "computing in %s on %s (%s)%s",
        recipe.precision,
        hardware.device(),
        keras.backend.backend(),
        f", {devices.count} devices together" if devices.count > 1 else "",
    )


def prepare(
    task: Task,
    folder: RunFolder,
    photos: PhotoSubset,
    held_out: PhotoSubset,
    new: bool,
    devices: Devices = ONE,
) -> Prepared:
    """Reads the images, makes what is trained and brings it to where the run begins or goes on.

    Args:
        task: with all that its recipe leaves open filled in.
        folder: the run's.
        photos, held_out: to train on, and kept out of it.
        new: whether the run begins, or goes on from its checkpoint.
        devices: to compute on.
    """
    recipe = task.recipe
    keras.utils.set_random_seed(recipe.seed)
    most = min(recipe.most_measured, len(held_out))
    measured = PhotoSubset(held_out, spread(most, len(held_out)))
    crops = center_crops(measured, recipe.image_size) if len(measured) else None
    material, home = task.make_trainer(photos, crops, folder, new)
    _say_where(recipe, devices)
    with devices.building():
        trainer = home
        if devices.count > 1:
            _, trainer = task.make_trainer(photos, None, folder, new=False)
        trainer.compile(
            optimizer=make_optimizer(recipe),
            jit_compile={"auto": "auto", "on": True, "off": False}[recipe.xla],
            steps_per_execution=recipe.steps_per_execution,
        )
        # Here, not in the first step: TensorFlow traces a step that makes variables twice.
        trainer.optimizer.build(trainer.trainable_variables)
    trainer.parts = recipe.accumulate
    if devices.count > 1:
        devices.copy_weights(home.network, trainer.network)
    checkpoint = Checkpoint(
        folder.checkpoint,
        folder.best,
        # Of the others nobody reads what they save.
        math.inf if devices.host else recipe.checkpoint_minutes,
        min(recipe.checkpoint_every, recipe.steps),
        recipe.steps,
    )
    start = checkpoint.restore(trainer)
    if start:
        _LOG.info("going on from step %d of %d", start, recipe.steps)
    if start % recipe.steps_per_execution:
        raise UserError(
            f"the run was stopped at step {start}, which is no multiple of `steps_per_execution` "
            f"{recipe.steps_per_execution}. Go on with `steps_per_execution` 1."
        )
    return Prepared(task, folder, material, devices, home, trainer, checkpoint, start)
