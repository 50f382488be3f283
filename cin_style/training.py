"""A training run: style images and photos in, a folder with a trained network out."""

import dataclasses
import datetime
import json
import logging
import shutil

import keras
import numpy as np

from cin_style import callbacks, data, evaluate, hardware, plots, storage, styles, tables, vgg
from cin_style import objective as objectives
from cin_style.errors import UserError
from cin_style.files import writable_folder, write_json, write_text
from cin_style.network import StyleTransferNetwork
from cin_style.recipe import Recipe, check, remember
from cin_style.trainer import StyleAdam, StyleTrainer, WarmupAndDecay

_LOG = logging.getLogger("cin_style")


def train(recipe, output, watchers=()):
    """Trains a network as a recipe says, or goes on where an earlier call stopped.

    The folder `output` gets `model.keras` and all that tells how it came about: `run.json`
    (arguments, versions, machine, styles), `losses.csv` and `losses.png`, `previews/`,
    `tensorboard/`, `evaluation.csv` (losses per style on held-out photos, before and after),
    `skipped_photos.txt` where photos could not be read, and `checkpoint.npz`.

    Args:
        recipe: a `Recipe`.
        output: the run folder; created where needed.
        watchers: Keras callbacks besides the run's own; an epoch is `checkpoint_every` steps.

    Returns:
        The trained `StyleTransferNetwork`, float32.

    Raises:
        UserError: anything wrong with the recipe, the files it names or the run folder.
    """
    check(recipe)
    names = [name.strip() for name in recipe.style_names.split(",") if name.strip()]
    style_set = styles.StyleSet.from_folder(recipe.styles, names or None, recipe.catalogue)
    other = storage.load(recipe.init_from) if recipe.init_from else None

    def make_network(recipe, new_styles):
        return StyleTransferNetwork(
            new_styles,
            upsampling=recipe.upsampling,
            grain=recipe.grain,
            loss_options=remember(recipe),
            dtype=recipe.precision,
        )

    def initialize(network, recipe, style_images, objective, photos):
        if recipe.palette_start:
            network.set_palettes(style_images)
        if other:
            _start_from(network, other)

    return run(recipe, output, style_set, make_network, initialize, watchers=watchers)


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


def make_objective(recipe, style_images, style_factors=None, activation_penalty=0.0):
    """The `StyleObjective` that a recipe of any kind describes, for these style images."""
    content = objectives.parse_layers(recipe.content_layers, recipe.content_weight)
    style = objectives.parse_layers(recipe.style_layers, recipe.style_weight)
    network = vgg.LOSS_NETWORKS[recipe.loss_network]
    weights = weights_of(recipe)
    if weights == "random":
        _LOG.warning(
            "the loss network has RANDOM weights: good for trying the machinery out, not for "
            f"pictures. Give {network.TITLE}'s weights with --vgg_weights for real use."
        )
    precision = hardware.resolve_precision(recipe.precision)
    loss_network = network(
        objectives.layers_to_see([*content, *style]),
        weights,
        recipe.pooling,
        precision,
        padding=recipe.padding,
    )
    return objectives.StyleObjective(
        loss_network,
        style_images,
        content_layers=content,
        style_layers=style,
        style_factors=style_factors,
        total_variation_weight=recipe.total_variation_weight,
        total_variation_exponent=recipe.total_variation_exponent,
        checkerboard_weight=recipe.checkerboard_weight,
        blockiness_weight=recipe.blockiness_weight,
        gram_normalization=recipe.gram_normalization,
        activation_penalty=activation_penalty,
    )


def weights_of(recipe):
    """Where the loss network's weights come from, by a recipe of any kind."""
    return recipe.vgg_weights or vgg.LOSS_NETWORKS[recipe.loss_network].default_weights()


def make_optimizer(recipe):
    """Adam as a recipe describes it."""
    optimizer = StyleAdam(
        WarmupAndDecay(recipe.learning_rate, recipe.steps, recipe.warmup_steps, recipe.decay),
        recipe.style_rate,
        global_clipnorm=recipe.clip_norm or None,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
    )
    if recipe.precision == "mixed_float16":
        # Losses here are in the millions: the usual initial scale of 2^15 would overflow.
        return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    return optimizer


def _start_from(network, other):
    """Takes over another network's convolutions, and its embeddings of styles of equal name."""
    network.copy_convolutions(other)
    if network.upsampling != other.upsampling:
        _LOG.warning(
            "the network to start from has %s upsampling, this one %s; --upsampling=%s keeps it",
            other.upsampling,
            network.upsampling,
            other.upsampling,
        )
    known = {
        style.name: row
        for style, row in zip(other.styles, other.get_style_embeddings(), strict=True)
    }
    embeddings = network.get_style_embeddings()
    # A style it does not know begins as the mean of those it does, with its own palette: a
    # plain 1 and 0 would not fit convolutions that have long been trained.
    unknown = np.mean(list(known.values()), axis=0)
    palette = network.palette_columns
    for index, style in enumerate(network.styles):
        own = embeddings[index, palette].copy()
        embeddings[index] = known.get(style.name, unknown)
        if style.name not in known:
            embeddings[index, palette] = own
    network.set_style_embeddings(embeddings)


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
