"""Whether painter and predictor are better trained together.

    python train/experiments/joint.py --steps 120 \\
        --paintings $CIN_STYLE_DATA/styles/train32 --output DIR

Goes on from the predictor of varied32 in two ways, for equally many steps on the same batches:
`alone`, through the frozen network, as `train-predictor` does; and `together`, where the network's
convolutions and embeddings learn, too, from the same photos in its own 32 styles beside.

`joint.csv` has, of both and of the start: the style loss of the held-out paintings as predicted,
over that of the nearest old style of varied32 as it is (`ratio`); and the losses of the 32 styles
over those of varied32 (`old_style_loss`, `old_content_loss`).
"""

import argparse
import dataclasses
import pathlib
import types

import held_out_styles
import keras
from held_out_styles import judge, mean_and_worst, old_styles, predict, prepare
from keras import ops
from predicted import RECIPE

from cin_style import StyleSet, tables
from cin_style.files import writable_folder
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.per_style import style_losses
from cin_style.losses.recipe import complete
from cin_style.prediction import files
from cin_style.training.devices import ONE
from cin_style.training.optimizer import make_optimizer
from cin_style.training.photos import hold_out, open_photos
from cin_style.training.predict import PredictorTask, _open_paintings
from cin_style.training.predictor_trainer import PredictorTrainer
from cin_style.training.recipes import margin_of
from cin_style.training.run_folder import RunFolder

# Photos that the 32 styles are measured on.
MEASURED = 4


class JointTrainer(PredictorTrainer):
    """Trains the painter with the predictor; photos are painted in known styles, too."""

    def __init__(self, predictor, network, objective, regression_weight, known, embeddings):
        super().__init__(predictor, network, objective, regression_weight)
        self.copy, self.known = network, known
        network.trainable = self.painter.trainable = True
        for layer in network.normalizations:  # the painter has its embeddings from outside
            layer.trainable = False
        self.table = self.add_weight(name="table", shape=embeddings.shape, trainable=True)
        self.table.assign(embeddings)
        self.draws = keras.random.SeedGenerator(0)

    def call(self, inputs, training=None):
        predicted, images = super().call(inputs, training), inputs[0]
        styles = keras.random.randint(
            ops.shape(images)[:1], 0, self.table.shape[0], seed=self.draws
        )
        embeddings = ops.take(ops.convert_to_tensor(self.table), styles, axis=0)
        ones = ops.ones_like(embeddings[:, :1])
        return *predicted, styles, self.painter([images, embeddings[:, None], ones])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        *predicted, styles, pastiches = y_pred
        terms = self.known.terms(x[0], styles, pastiches)
        loss = super().compute_loss(x, y, predicted, sample_weight, training)
        return loss + ops.mean(ops.log(sum(terms.values())))


@dataclasses.dataclass(frozen=True)
class Joint(PredictorTask):
    """The task with a trainer of the other kind."""

    known: keras.Model | None = None

    def make_trainer(self, photos, crops, folder, new):
        material, trainer = super().make_trainer(photos, crops, folder, new)
        if self.known is None:
            return material, trainer
        network = self.base.with_styles(["any"], dtype=self.recipe.precision)
        return material, JointTrainer(
            trainer.network,
            network,
            trainer.objective,
            trainer.regression_weight,
            self.known,
            self.base.get_style_embeddings(),
        )


def train(task, folder, photos):
    """Takes the steps; returns the predictor, and the network with its 32 styles."""
    recipe = task.recipe
    keras.utils.set_random_seed(recipe.seed)
    material, trainer = task.make_trainer(photos, None, folder, new=False)
    trainer.compile(optimizer=make_optimizer(recipe), jit_compile=False)
    batches = task.make_batches(types.SimpleNamespace(material=material, start=0, devices=ONE))
    trainer.fit(batches.for_fit(), steps_per_epoch=recipe.steps, verbose=2, shuffle=False)
    network = task.base
    if task.known is not None:
        network = network.with_styles(network.styles, ops.convert_to_numpy(trainer.table))
        network.copy_convolutions(trainer.copy)
    return trainer.network, network


def measure(experiment, predictor, network, known, start):
    """A row of `joint.csv`; `start` has the losses of the 32 styles at the start, or is filled."""
    old, paintings = old_styles(experiment), experiment.paintings
    embeddings = predict(predictor, paintings)
    changed = dataclasses.replace(experiment, network=network)
    objective = judge(experiment, paintings)
    measured = held_out_styles.measure_embeddings(changed, embeddings, paintings, objective)
    ratios = [row["style_loss"] / old[row["style"]]["style_loss"] for row in measured]
    found = mean_and_worst("ratio", ratios)
    losses = style_losses(network, known, experiment.photos[:MEASURED])
    start = start or losses
    for name in ("style_loss", "content_loss"):
        over = [row[name] / before[name] for row, before in zip(losses, start, strict=True)]
        found |= mean_and_worst(f"old_{name}", over)
    return found, start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default=RECIPE, help="a flag file of train-predictor")
    parser.add_argument("--predictor", default="", help="its file; default: the network's own")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch_size", type=int, default=2)
    parser.add_argument("--image_size", type=int, default=192)
    parser.add_argument("--learning_rate", type=float, default=1e-4)
    parser.add_argument(
        "--photo_size", type=int, default=336, help="photos that losses are measured on, px"
    )
    parser.add_argument("--paintings", required=True, help="of the network's styles")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.output = writable_folder(arguments.output)
    nothing = {"show": [], "show_steps": [], "references": 0, "reference_steps": 0}
    # Measured as `predicted.py` does, whatever the crops.
    as_usual = {"steps": [], "style_size": None, "image_size": 256, "margin": None}
    asked = {**vars(arguments), **nothing, **as_usual}
    experiment = prepare(argparse.Namespace(**asked))
    network = experiment.network
    recipe = complete(experiment.recipe, network.loss_options).replace(
        steps=arguments.steps,
        batch_size=arguments.batch_size,
        image_size=arguments.image_size,
        learning_rate=arguments.learning_rate,
        collage_share=0.25,
        precision="mixed_bfloat16",
        margin=None,
    )
    recipe = recipe.replace(margin=margin_of(recipe))
    photos, _ = hold_out(open_photos(recipe.content), recipe.holdout)
    names = [style.name for style in network.styles]
    old = StyleSet.from_folder(arguments.paintings, names)
    size = experiment.finetuning.style_size
    targets = old.load_images(size), [style.weight for style in old.styles]
    measured, learned = (
        make_objective(experiment.finetuning, *targets, margin_of(crops))
        for crops in (experiment.finetuning, recipe)
    )
    pictures, paintings, _ = _open_paintings(recipe)
    start = files.get(arguments.predictor, recipe.model, network)
    found, losses = measure(experiment, start, network, measured, None)
    rows = [{"way": "start", "steps": 0} | found]
    folder = RunFolder(arguments.output / "run", "predictor.npz")
    for way, of_known in (("alone", None), ("together", learned)):
        begun = dataclasses.replace(recipe, init=str(start_file(start, arguments.output)))
        task = Joint(begun, network, pictures, paintings, None, start, of_known)
        predictor, painter = train(task, folder, photos)
        found, _ = measure(experiment, predictor, painter, measured, losses)
        rows.append({"way": way, "steps": arguments.steps} | found)
        tables.write(arguments.output / "joint.csv", rows)
        keras.utils.clear_session()
    print(tables.align(rows))


def start_file(predictor, output):
    """The predictor that both begin with, as a file."""
    path = output / "start.npz"
    if not path.is_file():
        predictor.save(path)
    return path


if __name__ == "__main__":
    main()
