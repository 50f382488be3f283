"""A training run: style images and photos in, a folder with a trained network out."""

import dataclasses
import datetime
import json
import logging
import shutil

import keras

from cin_style import hardware, plots, tables
from cin_style.errors import UserError
from cin_style.files import writable_folder, write_json, write_text
from cin_style.losses import per_style as evaluate
from cin_style.networks import storage
from cin_style.training import callbacks
from cin_style.training import photos as data
from cin_style.training.recipes import Recipe
from cin_style.training.trainer import StyleTrainer

_LOG = logging.getLogger("cin_style")


def run(recipe, output, style_set, make_network, initialize, finish=None, watchers=()):
    """A run of any kind: what `train` and `finetune` have in common.

    Args:
        recipe: a checked `Recipe`.
        output: the run folder; see `train` for what it gets.
        style_set: the `StyleSet` to learn.
        make_network: called with the recipe (its `precision` resolved) and the styles;
            returns the network to train, all that is trainable in it.
        initialize: called, unless the run goes on from a checkpoint, with the network, the
            recipe, the style images, the objective and the held-out photos (or `None`); sets
            the weights to begin with.
        finish: called with the trained network in float32; returns the network to save.
        watchers: see `train`.

    Returns:
        The network that was saved.
    """
    photos = data.open_photos(recipe.content)
    photos, held_out = data.hold_out(photos, recipe.holdout)
    recipe = dataclasses.replace(recipe, holdout=len(held_out))
    output = writable_folder(output)
    checkpoint = callbacks.Checkpoint(output / "checkpoint.npz")
    recipe = dataclasses.replace(
        recipe,
        precision=hardware.resolve_precision(recipe.precision),
        vgg_weights=weights_of(recipe),
    )
    resumed = checkpoint.path.is_file()
    if resumed:
        _check_same(recipe, output)
    model_path = output / "model.keras"
    if resumed and model_path.is_file():
        _LOG.info("%s is finished; another --output starts another run.", output)
        return storage.load(model_path)

    keras.utils.set_random_seed(recipe.seed)
    new_styles = [dataclasses.replace(s, image_size=recipe.style_size) for s in style_set.styles]
    style_images = style_set.load_images(recipe.style_size)
    weights = [style.weight for style in new_styles]
    objective = make_objective(recipe, style_images, weights, recipe.activation_penalty)
    crops = data.center_crops(held_out, recipe.image_size) if recipe.holdout else None
    network = make_network(recipe, new_styles)
    if not resumed:
        # On resuming, the checkpoint has it all.
        initialize(network, recipe, style_images, objective, crops)
        _note_run(recipe, new_styles, photos, output)
    _LOG.info(
        "computing in %s on %s (%s)", recipe.precision, hardware.device(), keras.backend.backend()
    )
    trainer = StyleTrainer(network, objective)
    trainer.compile(
        optimizer=make_optimizer(recipe),
        jit_compile={"auto": "auto", "on": True, "off": False}[recipe.xla],
    )
    before_path = output / "before.json"
    if crops is not None and not before_path.is_file():
        write_json(before_path, evaluate.style_losses(network, objective, crops))

    start = checkpoint.restore(trainer)
    if start:
        _LOG.info("going on from step %d of %d", start, recipe.steps)
    batches = data.TrainingBatches(
        photos,
        len(style_set),
        recipe.batch_size,
        recipe.image_size,
        recipe.seed,
        start,
        grain=network.grain,
    )
    own = _watchers(recipe, output, checkpoint, start, crops, style_images)
    _fit(recipe, output, trainer, batches, start, [*watchers, *own])

    trained = network.with_styles(new_styles, network.get_style_embeddings())
    plot_losses(tables.read(output / "losses.csv"), output / "losses.png")
    if crops is not None:
        _evaluate(trained, objective, crops, output)
    result = finish(trained) if finish else trained
    storage.save(result, model_path, half=recipe.half)
    _LOG.info("wrote %s", model_path)
    return result


def _check_same(recipe, output):
    """Raises a `UserError` unless the run folder's run has the arguments of the recipe."""
    try:
        text = (output / "run.json").read_text(encoding="utf-8")
        earlier = json.loads(text)["recipe"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{output} holds a checkpoint but no readable run.json. Choose another --output."
        ) from error
    # A run that was begun before an option existed went without it.
    earlier = {field.name: field.default for field in dataclasses.fields(recipe)} | earlier
    for name, value in json.loads(json.dumps(dataclasses.asdict(recipe))).items():
        if name not in Recipe.RESUMABLE and earlier[name] != value:
            raise UserError(
                f"{output} holds a run with --{name}={earlier[name]}, not {value}. Give the same "
                "arguments to go on with it, or choose another --output."
            )


def _note_run(recipe, new_styles, photos, output):
    """Writes run.json, and clears away what an earlier run left that had no checkpoint."""
    if (output / "run.json").is_file():
        files = ("before.json", "losses.csv", "losses.png", "evaluation.csv", "model.keras")
        for name in (*files, "skipped_photos.txt"):
            (output / name).unlink(missing_ok=True)
        for name in ("previews", "tensorboard"):
            shutil.rmtree(output / name, ignore_errors=True)
    write_json(
        output / "run.json",
        {
            "recipe": dataclasses.asdict(recipe),
            "started": datetime.datetime.now().isoformat(timespec="seconds"),
            "photos": len(photos),
            "styles": [style.to_dict() for style in new_styles],
            "versions": hardware.versions(),
        },
    )


def _watchers(recipe, output, checkpoint, start, crops, style_images):
    """The callbacks of every run."""
    watchers = [
        callbacks.Progress(recipe.steps, start),
        callbacks.LossLog(output / "losses.csv", start),
        callbacks.StopWhenNotFinite(),
        checkpoint,
    ]
    if crops is not None and recipe.preview_every:
        watchers.append(
            callbacks.Previews(
                output / "previews",
                crops[:4],
                style_images,
                recipe.preview_every,
                recipe.steps,
                start,
            )
        )
    if keras.backend.backend() == "tensorflow":
        watchers.append(keras.callbacks.TensorBoard(output / "tensorboard", write_graph=False))
    return watchers


def _fit(recipe, output, trainer, batches, start, watchers):
    every = min(recipe.checkpoint_every, recipe.steps)
    if start >= recipe.steps:
        # Stopped between the last checkpoint and the model file: do what `fit` does last.
        trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
        return
    try:
        trainer.fit(
            batches,
            initial_epoch=start // every,
            epochs=-(-recipe.steps // every),
            steps_per_epoch=every,
            verbose=0,
            shuffle=False,
            callbacks=watchers,
        )
    finally:
        _note_skipped(batches, output)


def _note_skipped(batches, output):
    if batches.skipped:
        _LOG.warning(
            "%d photos could not be read; %s names them",
            len(batches.skipped),
            output / "skipped_photos.txt",
        )
        lines = sorted(batches.skipped.values())
        write_text(output / "skipped_photos.txt", "\n".join(lines) + "\n")


def _evaluate(network, objective, crops, output):
    before = json.loads((output / "before.json").read_text(encoding="utf-8"))
    rows = []
    for old, new in zip(before, evaluate.style_losses(network, objective, crops), strict=True):
        row = {"style": new["style"]}
        for name in list(new)[1:]:
            row[f"{name}_before"] = old[name]
            row[name] = new[name]
        rows.append(row)
    tables.write(output / "evaluation.csv", rows)
    shown = ("style", "content_loss_before", "content_loss", "style_loss_before", "style_loss")
    table = tables.align([{name: row[name] for name in shown} for row in rows])
    _LOG.info("mean losses on %d photos kept out of training:\n%s", len(crops), table)


def plot_losses(rows, path):
    """Draws the loss curves of a log (`callbacks.LossLog`) as a picture."""
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
