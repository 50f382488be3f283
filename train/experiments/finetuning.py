"""What a good start is worth: loss against steps for fine-tuning and for training from scratch.

    python train/experiments/finetuning.py --model MODEL --styles DIR --content DIR --output DIR

Learns each style of the folder in three ways, all with the losses that the model was trained
with, the same data and batch size: `scratch` trains a network of this one style; `ones` learns
only the style's gammas and betas on the trained network, from gamma 1, beta 0 and the painting's
palette; `nearest` the same from the old styles that come closest. Training from scratch has its
command's learning rate, fine-tuning 1e-2. At set steps it measures the total loss on photos kept
out of training.

Writes `losses.csv` (a row per style, way and step), `losses.png` and `steps.csv`: at which step
each way of fine-tuning had the least loss that training from scratch came to. The runs lie in
`OUTPUT/runs`; the same command again goes on where it stopped.
"""

import argparse
import pathlib

import keras
import options

from cin_style import FinetuneRecipe, StyleSet, TrainRecipe, finetune, load, plots, tables, train
from cin_style.files import writable_folder
from cin_style.losses.per_style import losses_of_style
from cin_style.losses.terms import NO_PENALTIES
from cin_style.training.photos import center_crops, hold_out, open_photos

WAYS = {"scratch": "from scratch", "ones": "fine-tuned from ones", "nearest": "... from nearest"}
COLOURS = {"scratch": "tab:gray", "ones": "tab:orange", "nearest": "tab:blue"}
MEASURED = (5, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500)
# Steps between checkpoints, at which losses can be measured: whole networks take long to write.
EVERY = {"scratch": 50, "ones": 5, "nearest": 5}


class HeldOutLosses(keras.callbacks.Callback):
    """Measures the losses on held-out photos before step 1 and at set steps, into a CSV file."""

    def __init__(self, path, photos, steps, every):
        super().__init__()
        self.path, self.photos, self.steps, self.every = path, photos, steps, every
        self.rows = tables.read(path)

    def on_train_begin(self, logs=None):
        if not self.rows:
            self._measure(0)

    def on_epoch_end(self, epoch, logs=None):
        step = min((epoch + 1) * self.every, max(self.steps))
        if step in self.steps:
            self._measure(step)

    def _measure(self, step):
        trainer = self.model
        losses = losses_of_style(trainer.network, trainer.objective, self.photos, 0)
        row = {"step": step, "loss": losses["content_loss"] + losses["style_loss"]}
        # What a run that was interrupted measured after its last checkpoint is measured anew.
        self.rows = [old for old in self.rows if old["step"] < step]
        self.rows.append(row | losses)
        tables.write(self.path, self.rows)


def measure(way, style, image, arguments, photos, base):
    """Carries one run out, or the rest of it; returns what `HeldOutLosses` measured."""
    steps = arguments.scratch_steps if way == "scratch" else arguments.steps
    every = min(EVERY[way], steps)
    output = writable_folder(arguments.output / "runs" / f"{style}_{way}")
    run = {
        "content": arguments.content,
        "steps": steps,
        "batch_size": arguments.batch_size,
        "image_size": arguments.image_size,
        "margin": 0,
        "decay": 0.0,
        "checkpoint_every": every,
        "preview_every": steps,
        # What is measured is what is minimized.
        **options.losses_of(base),
        **NO_PENALTIES,
    }
    late = range(600, steps + 1, 100)
    measured = {*MEASURED, *late, steps}
    watcher = HeldOutLosses(output / "held_out.csv", photos, measured, every)
    if way == "scratch":
        run |= {"grain": base.grain, "upsampling": base.upsampling, "warmup_steps": 20}
        recipe = TrainRecipe(styles=arguments.styles, style_names=style, **run)
        train(recipe, output, watchers=[watcher])
    else:
        run |= {"model": arguments.model, "styles": (image,), "learning_rate": 1e-2}
        recipe = FinetuneRecipe(init=way, **run)
        finetune(recipe, output, watchers=[watcher])
    return watcher.rows


def first_step_at(rows, loss):
    """The first step, interpolated between those measured, with at most this loss, or None."""
    for before, after in zip([rows[0], *rows], rows, strict=False):
        if after["loss"] <= loss:
            if before is after:
                return after["step"]
            share = (before["loss"] - loss) / (before["loss"] - after["loss"])
            return before["step"] + share * (after["step"] - before["step"])
    return None


def least(rows):
    """The row of least loss."""
    return min(rows, key=lambda row: row["loss"])


def plot(curves, path):
    """Draws a panel a style, with its three curves."""
    names = list(dict.fromkeys(style for style, _ in curves))
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = plots.figure(4 * columns, 3 * lines + 0.5)
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for axes, name in zip(panels, names, strict=False):
        for way, label in WAYS.items():
            rows = curves[name, way]
            steps = [max(row["step"], 2.5) for row in rows]  # step 0 at the edge of the log axis
            axes.plot(steps, [row["loss"] for row in rows], color=COLOURS[way], label=label)
        axes.axhline(least(curves[name, "scratch"])["loss"], color="tab:gray", ls=":", lw=1)
        axes.set(title=name, xscale="log", yscale="log", xlabel="training step")
        axes.grid(alpha=0.3, which="both")
    panels = list(figure.axes)
    panels[0].set_ylabel("total loss, held-out photos")
    panels[0].legend(frameon=False)
    for axes in panels[len(names) :]:
        axes.remove()
    plots.save(figure, path)


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--styles", required=True, help="folder of paintings new to the model")
    parser.add_argument("--content", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=100, help="of fine-tuning")
    parser.add_argument("--scratch_steps", type=int, default=1000, help="of training from scratch")
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--image_size", type=int, default=128)
    arguments = parser.parse_args()

    base = load(arguments.model)
    output = writable_folder(arguments.output)
    _, held_out = hold_out(open_photos(arguments.content))
    photos = center_crops(held_out, arguments.image_size)
    style_set = StyleSet.from_folder(arguments.styles)
    curves = {}
    for style, image in zip(style_set.styles, style_set.paths, strict=True):
        for way in WAYS:
            curves[style.name, way] = measure(way, style.name, image, arguments, photos, base)

    losses = [
        {"style": style, "way": way, **row} for (style, way), rows in curves.items() for row in rows
    ]
    tables.write(output / "losses.csv", losses)
    plot(curves, output / "losses.png")
    table = []
    for name in dict.fromkeys(style for style, _ in curves):
        goal = least(curves[name, "scratch"])
        row = {"style": name, "scratch_steps": goal["step"], "loss": goal["loss"]}
        for way in ("ones", "nearest"):
            step = first_step_at(curves[name, way], goal["loss"])
            row[f"steps_{way}"] = "-" if step is None else float(round(step, 1))
        table.append(row)
    tables.write(output / "steps.csv", table)
    print(tables.align(table))


if __name__ == "__main__":
    main()
