"""One network for N styles against networks of one style, at equal steps (the paper's figure 3).

    python train/experiments/many_or_one.py --styles DIR --names a,b,c,... --content DIR \\
        --output DIR

Trains one network on all the styles named, and one each on the first few of them, all with the
same losses, photos in the same order, batch size and number of steps, and compares their content
and style losses on photos kept out of training. So the one network sees each style N times less
often.

Writes `losses.csv`, `curves.png` (the losses in training) and `pictures.jpg` (a photo in these
styles, by either network) and prints the mean difference. The runs lie in `OUTPUT/runs`; the
same command again goes on where it stopped.
"""

import argparse
import pathlib

import numpy as np
import options

from cin_style import StyleSet, Stylizer, TrainRecipe, images, plots, tables, train
from cin_style.files import writable_folder
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.per_style import style_losses
from cin_style.training.photos import center_crops, hold_out, open_photos

TERMS = ("content_loss", "style_loss")


def folder_of(names, arguments):
    """The run folder of a network of these styles."""
    return arguments.output / "runs" / (names[0] if len(names) == 1 else f"all_{len(names)}")


def plot(names, arguments):
    """Draws the losses of the runs: the one with all styles, and each alone."""
    figure = plots.figure(9, 3.6)
    for axes, term in zip(figure.subplots(1, 2), TERMS, strict=True):
        for run in (names, *([name] for name in names[: arguments.single])):
            rows = tables.read(folder_of(run, arguments) / "losses.csv")
            axes.plot(
                [row["step"] for row in rows],
                [row[term] for row in rows],
                label=run[0] if len(run) == 1 else f"all {len(run)} together",
                linewidth=1.2 if len(run) == 1 else 2.5,
                color=None if len(run) == 1 else "black",
            )
        axes.set(xlabel="training step", ylabel=term.replace("_", " "), yscale="log")
        axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    plots.save(figure, arguments.output / "curves.png")


def train_and_measure(names, arguments):
    """Trains a network of these styles, or goes on; and measures it on held-out photos.

    Returns:
        The network, and a list of a dict a style (`style_losses`).
    """
    recipe = TrainRecipe(
        styles=arguments.styles,
        style_names=",".join(names),
        content=arguments.content,
        steps=arguments.steps,
        batch_size=arguments.batch_size,
        image_size=arguments.image_size,
        margin=0,
        **options.losses(arguments),
        padding="reflect",
        warmup_steps=20,
        decay=0.5,
    )
    network = train(recipe, folder_of(names, arguments))
    style_set = StyleSet.from_folder(arguments.styles, names)
    objective = make_objective(recipe, style_set.load_images(recipe.style_size))
    _, held_out = hold_out(open_photos(arguments.content))
    photos = center_crops(held_out, arguments.image_size)
    return network, style_losses(network, objective, photos)


def main():
    """Trains, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--styles", required=True, help="folder of paintings")
    parser.add_argument("--names", required=True, help="the styles: name,name,...")
    parser.add_argument("--content", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--single", type=int, default=3, help="how many to train alone as well")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--image_size", type=int, default=128)
    options.add_losses(parser, style_layers="block1_conv2,block2_conv2,block3_conv3")
    arguments = parser.parse_args()

    output = writable_folder(arguments.output)
    names = [name.strip() for name in arguments.names.split(",")]
    many, losses_of_many = train_and_measure(names, arguments)
    photo = images.sample_photos()["chelsea"]
    rows, pictures = [], [[], []]
    for name, together in zip(names[: arguments.single], losses_of_many, strict=False):
        one, (alone,) = train_and_measure([name], arguments)
        row = {"style": name}
        for term in TERMS:
            row[f"{term}_alone"], row[f"{term}_together"] = alone[term], together[term]
            row[f"{term}_difference_percent"] = 100 * (together[term] / alone[term] - 1)
        rows.append(row)
        for line, network in zip(pictures, (one, many), strict=True):
            line.append(Stylizer(network)(photo, name))
    tables.write(output / "losses.csv", rows)
    plot(names, arguments)
    titles = [row["style"] for row in rows]
    images.save(
        output / "pictures.jpg",
        images.contact_sheet(
            [[photo, *pictures[0]], [None, *pictures[1]]],
            column_labels=["photo; alone above", *titles],
            bottom_labels=["together below", *titles],
        ),
    )
    print(tables.align(rows))
    for term in TERMS:
        differences = [row[f"{term}_difference_percent"] for row in rows]
        spread = f" +- {np.std(differences, ddof=1):.1f}" if len(differences) > 1 else ""
        print(
            f"{term}: {np.mean(differences):+.1f}{spread} % with {len(names)} styles in one network"
        )


if __name__ == "__main__":
    main()
