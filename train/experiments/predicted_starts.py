"""Prediction as a start for fine-tuning: losses at set steps; a part of `predicted.py`."""

import collections
import gc
import itertools
import math
import statistics

import keras
import numpy as np
from finetuning import HeldOutLosses
from held_out_styles import LOSSES, mean_and_worst, old_styles

from cin_style import finetune, plots, tables
from cin_style.files import writable_folder

# How fine-tuning begins (`FinetuneRecipe.init`).
STARTS = {"predicted": "predicted", "nearest": "nearest mixture of old styles", "ones": "ones"}
COLOURS = {"predicted": "tab:green", "nearest": "tab:blue", "ones": "tab:orange"}


class Watcher(HeldOutLosses):
    """Measures as `HeldOutLosses`, and keeps the embedding of each step measured."""

    def _measure(self, step):
        (embedding,) = self.model.network.get_style_embeddings()
        np.save(embedding_file(self.path.parent, step), embedding)
        super()._measure(step)


def embedding_file(folder, step):
    return folder / f"embedding_{step}.npy"


def tune(experiment, name, start):
    """Fine-tunes a painting, or goes on; returns the run folder with all that was measured."""
    folder = writable_folder(experiment.run_folder(name, start))
    steps, arguments = experiment.run_steps(name, start), experiment.arguments
    measured = {*arguments.steps, *arguments.show_steps, arguments.reference_steps}
    measured = {0, *(step for step in measured if step <= steps)}
    every = math.gcd(*measured)
    watcher = Watcher(folder / "held_out.csv", experiment.photos, measured, every)
    if {row["step"] for row in watcher.rows} != measured:
        index = [style.name for style in experiment.paintings.styles].index(name)
        recipe = experiment.finetuning.replace(
            styles=(experiment.paintings.paths[index],),
            init=start,
            predictor=str(experiment.predictor_file) if start == "predicted" else "",
            steps=steps,
            checkpoint_every=every,
        )
        finetune(recipe, folder, network=experiment.base(name), watchers=[watcher])
        # A process that makes dozens of networks.
        keras.utils.clear_session()
        gc.collect()
    return folder


def noted(experiment):
    """What `starts.csv` holds by now: rows by painting and start."""
    found = collections.defaultdict(list)
    for row in tables.read(experiment.output / "starts.csv", ("painting", "group", "start")):
        found[row["painting"], row["start"]].append(row)
    return found


def gather(experiment, old):
    """The rows of `starts.csv` that are there by now, of runs here and of earlier ones noted."""
    arguments, rows = experiment.arguments, []
    shown = {0, *arguments.steps, arguments.reference_steps}
    earlier = noted(experiment)
    for name, of_old in old.items():
        found = [{"start": "old", "step": 0} | of_old]
        for start in STARTS:
            measured = tables.read(experiment.run_folder(name, start) / "held_out.csv")
            measured = max(measured, earlier[name, start], key=len)
            found += [{"start": start} | row for row in measured if row["step"] in shown]
        for row in found:
            given = {"painting": name, "group": experiment.group(name)}
            given |= {key: row[key] for key in ("start", "step", *LOSSES)}
            given["ratio"] = row["style_loss"] / of_old["style_loss"]
            given["content_ratio"] = row["content_loss"] / of_old["content_loss"]
            rows.append(given)
    return rows


def measure_starts(experiment):
    """Writes `starts.csv`, `summary.csv` and `starts.png`."""
    output, old = experiment.output, old_styles(experiment)
    for name, start in itertools.product(old, STARTS):
        steps = {row["step"] for row in noted(experiment)[name, start]}
        wanted = {0, *experiment.arguments.steps, experiment.arguments.reference_steps}
        if steps >= {step for step in wanted if step <= experiment.run_steps(name, start)}:
            continue  # measured earlier, and the run is gone
        tune(experiment, name, start)
        tables.write(output / "starts.csv", gather(experiment, old))
    rows = gather(experiment, old)
    summary = summarize(rows, experiment.arguments)
    tables.write(output / "summary.csv", summary)
    plot(rows, experiment.arguments, output / "starts.png")
    print(tables.align(summary))


def summarize(rows, arguments):
    """A dict for each group, start and step: mean and worst ratios over the paintings."""
    last = arguments.reference_steps
    reference = {
        row["painting"]: row["style_loss"]
        for row in rows
        if row["start"] == "predicted" and row["step"] == last
    }
    found = []
    groups = ("all", *dict.fromkeys(row["group"] for row in rows))
    for group, start, step in itertools.product(groups, STARTS, (0, *arguments.steps)):
        those = [
            row
            for row in rows
            if (row["start"], row["step"]) == (start, step) and group in ("all", row["group"])
        ]
        over = [
            row["style_loss"] / reference[row["painting"]]
            for row in those
            if row["painting"] in reference
        ]
        found.append(
            {"group": group, "start": start, "step": step, "paintings": len(those)}
            | mean_and_worst("ratio", [row["ratio"] for row in those])
            | mean_and_worst("content_ratio", [row["content_ratio"] for row in those])
            | {"references": len(over)}
            | mean_and_worst(f"ratio_to_{last}", over)
        )
    return found


def plot(rows, arguments, path):
    """Draws both losses over those of the nearest old style against the steps."""
    figure, last = plots.figure(9, 3.6), arguments.reference_steps
    panels = figure.subplots(1, 2)
    # Step 0 at the edge of the log axis.
    places = {0: min(arguments.steps) / 2} | {step: step for step in (*arguments.steps, last)}
    every = {row["painting"] for row in rows}
    longest = {row["painting"] for row in rows if row["step"] == last}
    lines = [(start, every, label, COLOURS[start], "-") for start, label in STARTS.items()]
    if 0 < len(longest) < len(every):
        label = f"predicted, {len(longest)} of {len(every)} paintings"
        lines.append(("predicted", longest, label, COLOURS["predicted"], ":"))
    for axes, column in zip(panels, ("ratio", "content_ratio"), strict=True):
        for start, paintings, label, colour, style in lines:
            means = means_of(rows, start, paintings, column)
            steps = [places[step] for step in means]
            axes.plot(steps, list(means.values()), style, color=colour, label=label, marker=".")
        axes.axhline(1, color="black", lw=1)
        axes.set(xscale="log", xlabel="step of fine-tuning")
        axes.set_xticks(list(places.values()), [f"{step:,}" for step in places])
        axes.grid(alpha=0.3)
    panels[0].set(yscale="log", ylabel="style loss / nearest old style's")
    panels[0].set_yticks([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
    panels[0].yaxis.set_major_formatter("{x:g}")
    for axes in panels:
        axes.minorticks_off()
    panels[1].set_ylabel("content loss / nearest old style's")
    panels[0].legend(frameon=False, fontsize=8)
    plots.save(figure, path)


def means_of(rows, start, paintings, column):
    """Means over paintings, a dict of the steps at which all of them were measured."""
    found = collections.defaultdict(list)
    for row in rows:
        if row["start"] == start and row["painting"] in paintings:
            found[row["step"]].append(row[column])
    return {
        step: statistics.fmean(values)
        for step, values in sorted(found.items())
        if len(values) == len(paintings)
    }
