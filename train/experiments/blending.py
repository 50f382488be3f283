"""Style losses along blends between every two styles of a network (the paper's figure 7).

    python train/experiments/blending.py --model MODEL --styles DIR --content DIR --output DIR

For each pair of styles, paints held-out photos at evenly spaced blends and measures the style
loss against either painting, relative to its value at the far end. Writes `blending.csv`,
`blending.png` and the number of pairs along which the one loss only rises and the other only
falls. The styles folder holds the paintings that the network was trained on.
"""

import argparse
import itertools
import pathlib

import numpy as np
import options
from keras import ops

from cin_style import StyleSet, Stylizer, load, plots, progress, tables
from cin_style.files import writable_folder
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.recipe import LossRecipe
from cin_style.styles import blends
from cin_style.training.photos import PhotoSubset, center_crops, hold_out, open_photos


def path_losses(stylizer, objective, photos, first, second, points):
    """Mean style losses of blends against both styles: float64 (points, 2)."""
    network = stylizer.network
    ends = (blends.weights(network.styles, index) for index in (first, second))
    rows = blends.path(*ends, points)
    losses = np.zeros((points, 2))
    for photo in photos:
        to_all = objective.style_losses_to_all(stylizer(photo, rows))
        losses += ops.convert_to_numpy(to_all)[:, [first, second]]
    return losses / len(photos)


def plot(shares, curves, path):
    """Draws every pair's two curves, and their mean."""
    figure = plots.figure(8, 4.5)
    axes = figure.subplots()
    for column, colour, label in ((0, "tab:blue", "the one"), (1, "tab:orange", "the other")):
        for curve in curves:
            axes.plot(shares, curve[:, column], color=colour, alpha=0.18, linewidth=1)
        mean = np.mean([curve[:, column] for curve in curves], axis=0)
        axes.plot(shares, mean, color=colour, linewidth=2.5, label=f"to {label} painting")
    axes.set(
        xlabel="share of the other style in the blend",
        ylabel="style loss, relative to the far end",
        title=f"All {len(curves)} pairs of styles, and their mean",
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    plots.save(figure, path)


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--styles", required=True, help="folder of the paintings")
    parser.add_argument("--content", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--photos", type=int, default=8, help="held-out photos")
    parser.add_argument("--points", type=int, default=9)
    parser.add_argument("--image_size", type=int, default=256)
    parser.add_argument("--names", help="only these of the network's styles: name,name,...")
    arguments = parser.parse_args()

    network = load(arguments.model)
    if arguments.names:
        network = network.select(arguments.names.split(","))
    names = [style.name for style in network.styles]
    style_set = StyleSet.from_folder(arguments.styles, names)
    recipe = LossRecipe(**options.losses_of(network))
    style_size = network.styles[0].image_size or recipe.style_size
    objective = make_objective(recipe, style_set.load_images(style_size))
    _, held_out = hold_out(open_photos(arguments.content))
    count = min(arguments.photos, len(held_out))
    chosen = [index * len(held_out) // count for index in range(count)]
    photos = center_crops(PhotoSubset(held_out, chosen), arguments.image_size)
    stylizer = Stylizer(network)

    rows, curves, monotone = [], [], 0
    pairs = list(itertools.combinations(range(len(names)), 2))
    for first, second in progress.track(pairs, "pair"):
        losses = path_losses(stylizer, objective, photos, first, second, arguments.points)
        steps = np.diff(losses, axis=0)
        monotone += bool((steps[:, 0] > 0).all() and (steps[:, 1] < 0).all())
        curves.append(losses / losses[[-1, 0], [0, 1]])
        for share, values in zip(np.linspace(0, 1, arguments.points), losses, strict=True):
            row = {"one": names[first], "other": names[second], "share_of_other": float(share)}
            rows.append(row | {"loss_to_one": values[0], "loss_to_other": values[1]})
    output = writable_folder(pathlib.Path(arguments.output))
    tables.write(output / "blending.csv", rows)
    plot(np.linspace(0, 1, arguments.points), curves, output / "blending.png")
    print(f"monotone both ways in {monotone} of {len(pairs)} pairs")


if __name__ == "__main__":
    main()
