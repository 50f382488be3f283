"""What is measured of styles that training never saw: the setting of `predicted.py`, and losses."""

import argparse
import dataclasses
import json
import pathlib
import statistics

import keras
import numpy as np
from options import losses_of

from cin_style import FinetuneRecipe, StylePredictor, StyleSet, load, tables
from cin_style.commands import main as command_line
from cin_style.commands import options as command_options
from cin_style.files import write_json
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.per_style import losses_of_nearest, style_losses
from cin_style.prediction import files
from cin_style.prediction.statistics import StyleView
from cin_style.training.photos import center_crops, hold_out, open_photos
from cin_style.training.predictor_recipe import PredictorRecipe
from cin_style.training.recipes import margin_of

LOSSES = ("content_loss", "style_loss")


@dataclasses.dataclass
class Experiment:
    """What all parts share.

    Attributes:
        arguments: of the command line.
        recipe: the `PredictorRecipe` that says which network, photos and paintings.
        network: that network.
        paintings: the held-out paintings.
        photos: float32 (count, size, size, 3) in [0, 1], kept out of training.
        finetuning: a `FinetuneRecipe` without styles and start.
    """

    arguments: argparse.Namespace
    recipe: PredictorRecipe
    network: keras.Model
    paintings: StyleSet
    photos: np.ndarray
    finetuning: FinetuneRecipe

    @property
    def output(self):
        return self.arguments.output

    @property
    def predictor_file(self):
        """The predictor that this folder's measurements are of."""
        return self.output / "predictor.npz"

    def group(self, name):
        """Whether a painting is new to the network or left out of the predictor's training."""
        return "left_out" if name in {style.name for style in self.network.styles} else "new"

    def base(self, name):
        """The network without the painting."""
        return self.network if self.group(name) == "new" else self.network.remove([name])

    def run_steps(self, name, start):
        """For how many steps fine-tuning of a painting goes."""
        if start != "predicted":
            return max(self.arguments.steps)
        shown = self.arguments.show_steps if name in self.shown else []
        reference = [self.arguments.reference_steps] if name in self.referenced else []
        return max([*self.arguments.steps, *shown, *reference])

    def run_folder(self, name, start):
        return self.output / "runs" / f"{name}_{start}_{self.run_steps(name, start)}"

    @property
    def referenced(self):
        """The paintings that are fine-tuned for `reference_steps`, evenly spread."""
        names = [style.name for style in self.paintings.styles]
        count = min(self.arguments.references, len(names))
        return [names[(2 * place + 1) * len(names) // (2 * count)] for place in range(count)]

    @property
    def shown(self):
        """The paintings of the strip."""
        return self.arguments.show or self.referenced


def prepare(arguments):
    """Reads the recipe, the network and the data."""
    fixed = [f"--flagfile={arguments.recipe}", "--output", str(arguments.output)]
    parsed = command_line.parse(["cin-style", "train-predictor", *fixed])
    recipe = command_options.recipe(parsed, PredictorRecipe)
    network = load(recipe.model)
    _, held_out = hold_out(open_photos(recipe.content), recipe.holdout)
    losses = losses_of(network)
    losses["style_size"] = arguments.style_size or losses["style_size"]
    finetuning = FinetuneRecipe(
        content=recipe.content,
        holdout=recipe.holdout,
        image_size=arguments.image_size,
        margin=arguments.margin,
        batch_size=arguments.batch_size,
        decay=0.0,
        preview_every=0,
        precision="float32",
        **losses,
    )
    paintings = StyleSet.from_paths(recipe.held_out_styles)
    experiment = Experiment(
        arguments,
        recipe,
        network,
        paintings,
        center_crops(held_out, arguments.photo_size),
        finetuning,
    )
    unknown = set(arguments.show) - {style.name for style in paintings.styles}
    if unknown:
        raise SystemExit(f"--show: no held-out painting is called {', '.join(sorted(unknown))}.")
    keep_settings(experiment)
    return experiment


def keep_settings(experiment):
    """Notes what the folder's measurements are of; a later call has to be the same."""
    path, arguments = experiment.output / "settings.json", experiment.arguments
    settings = {
        "model": experiment.network.fingerprint[:16],
        "content": experiment.recipe.content,
        "paintings": [style.name for style in experiment.paintings.styles],
        "photo_size": arguments.photo_size,
        "steps": [arguments.steps, arguments.show_steps, arguments.reference_steps],
        "finetuning": json.loads(json.dumps(dataclasses.asdict(experiment.finetuning))),
    }
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != settings:
        raise SystemExit(f"{path} is of another experiment. Choose another --output.")
    write_json(path, settings)


# === The predictor ===


def keep_predictor(experiment):
    """Copies the predictor into the folder, all whose measurements are of this one."""
    kept = experiment.predictor_file
    given = experiment.arguments.predictor
    if given and pathlib.Path(given).is_dir():
        predictor = at_checkpoint(pathlib.Path(given), experiment.network)
    else:
        predictor = files.get(given, experiment.recipe.model, experiment.network)
    if not kept.is_file():
        predictor.save(kept)
    elif StylePredictor.load(kept).digest != predictor.digest:
        raise SystemExit(
            f"{kept}, which this folder's measurements are of, is another predictor. Give it as "
            "--predictor to go on, or choose another --output."
        )


def at_checkpoint(run, network):
    """The predictor of a run of `train_predictor` at its last checkpoint."""
    recipe = json.loads((run / "run.json").read_text(encoding="utf-8"))["recipe"]
    view = StyleView(
        recipe["loss_network"], recipe["pooling"], recipe["padding"], size=recipe["style_size"]
    )
    predictor = StylePredictor.of(network, view)
    with np.load(run / "checkpoint.npz", allow_pickle=False) as file:
        for index, variable in enumerate(predictor.weights):
            variable.assign(file[f"network/{index}"])
    return predictor


# === Losses at once ===


def judge(experiment, style_set):
    """The objective of style images, as fine-tuning has it."""
    recipe = experiment.finetuning
    return make_objective(
        recipe,
        style_set.load_images(recipe.style_size),
        [style.weight for style in style_set.styles],
        margin_of(recipe),
    )


def measure_old(experiment, style_set, objective):
    """A dict a style image: its nearest old style and that one's losses."""
    found = losses_of_nearest(experiment.network, objective, experiment.photos, style_set.styles)
    return [
        {"painting": row["style"], "old_style": row["nearest"]}
        | {name: row[name] for name in LOSSES}
        for row in found
    ]


def old_styles(experiment):
    """The rows of `old.csv`, which `measure_old` finds for the held-out paintings, by painting."""
    path, texts = experiment.output / "old.csv", ("painting", "old_style")
    if not path.is_file():
        objective = judge(experiment, experiment.paintings)
        tables.write(path, measure_old(experiment, experiment.paintings, objective))
    return {row["painting"]: row for row in tables.read(path, texts)}


def predict(predictor, style_set):
    """The predicted embeddings of style images, (count, size)."""
    return np.stack([predictor.predict_embedding(path) for path in style_set.paths])


def measure_embeddings(experiment, embeddings, style_set, objective):
    """The losses of pastiches in these styles, a dict a style image."""
    network = experiment.network.with_styles(style_set.styles, embeddings)
    return style_losses(network, objective, experiment.photos)


def held_out_losses(experiment, predictor):
    """What is predicted for each held-out painting: losses over the nearest old style's."""
    paintings, old = experiment.paintings, old_styles(experiment)
    embeddings = predict(predictor, paintings)
    objective = judge(experiment, paintings)
    return [
        {
            "painting": row["style"],
            "group": experiment.group(row["style"]),
            "ratio": row["style_loss"] / old[row["style"]]["style_loss"],
            "content_ratio": row["content_loss"] / old[row["style"]]["content_loss"],
        }
        for row in measure_embeddings(experiment, embeddings, paintings, objective)
    ]


def held_out_ratios(experiment, predictor):
    """Mean and worst ratios of what is predicted for the held-out paintings, by groups."""
    rows = held_out_losses(experiment, predictor)
    found = mean_and_worst("ratio", [row["ratio"] for row in rows])
    for group in ("new", "left_out"):
        those = [row["ratio"] for row in rows if row["group"] == group]
        found |= mean_and_worst(f"ratio_{group}", those)
    return found


def mean_and_worst(name, values):
    """Both as a part of a table's row; empty without values."""
    if not values:
        return {f"{name}_mean": "", f"{name}_worst": ""}
    return {f"{name}_mean": statistics.fmean(values), f"{name}_worst": max(values)}
