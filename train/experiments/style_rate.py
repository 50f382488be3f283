"""What a higher learning rate for gammas and betas does (`style_rate`).

    python train/experiments/style_rate.py --styles DIR --content DIR --new DIR --output DIR

Trains eight paintings from scratch at each rate, with the losses of varied32, and adds the
paintings in `--new` to the network in the package, all in one run, at each rate. Compares the
losses on photos kept out of training, how far the gammas have come, and droplets.

Writes `training.csv`, `finetuning.csv`, `curves.png` and `pictures.jpg`. The runs lie in `OUTPUT`;
the same command again goes on where it stopped.
"""

import argparse
import pathlib
import statistics

import numpy as np
from options import add_losses, losses

from cin_style import FinetuneRecipe, Stylizer, TrainRecipe, finetune, images, plots, tables, train
from cin_style.evaluation import artefacts
from cin_style.files import writable_folder
from cin_style.styles.style_set import StyleSet
from cin_style.training.photos import center_crops, hold_out, open_photos

NAMES = (
    "composition_vii,rough_waves,starry_night,the_pink_cloud,the_scream,"
    "the_visit_couple_and_newcomer,udnie,under_the_wave_off_kanagawa"
)
PENALTIES = {
    "total_variation_weight": 4e5,
    "checkerboard_weight": 1e8,
    "blockiness_weight": 6e7,
    "padding": "reflect",
}


def train_at(rate, arguments):
    """The network trained from scratch at a style rate, and its run folder."""
    recipe = TrainRecipe(
        styles=arguments.styles,
        catalogue=arguments.catalogue,
        style_names=arguments.names,
        content=arguments.content,
        steps=arguments.steps,
        batch_size=4,
        precision="float32",
        image_size=arguments.image_size,
        margin=0,
        warmup_steps=50,
        decay=0.5,
        grain=0.025,
        style_rate=rate,
        **losses(arguments) | PENALTIES,
    )
    folder = arguments.output / f"train_{rate:g}"
    return train(recipe, folder), folder


def finetune_at(rate, init, arguments):
    """The run folder of adding the new paintings at a style rate."""
    recipe = FinetuneRecipe(
        model=arguments.model,
        styles=(arguments.new,),
        content=arguments.content,
        steps=arguments.finetuning_steps,
        precision="float32",
        batch_size=4,
        learning_rate=1e-2,
        image_size=arguments.image_size,
        margin=0,
        init=init,
        style_rate=rate,
    )
    folder = arguments.output / f"tune_{init}_{rate:g}"
    finetune(recipe, folder)
    return folder


def held_out_losses(folder):
    """Means over the styles of the losses on held-out photos, before and after."""
    rows = tables.read(folder / "evaluation.csv", ("style",))
    names = ("content_loss_before", "content_loss", "style_loss_before", "style_loss")
    return {name: statistics.fmean(row[name] for row in rows) for name in names}


def measure(network, arguments):
    """How far the gammas have come from 1, and the share of pictures with droplets."""
    style_set = StyleSet.from_folder(arguments.styles, arguments.names.split(","))
    paintings = style_set.load_images(256)
    _, held_out = hold_out(open_photos(arguments.content))
    photos = center_crops(held_out, 256)[: arguments.photos]
    stylizer = Stylizer(network)
    found = [
        artefacts.droplets(picture, photo, painting)
        for photo in photos
        for picture, painting in zip(
            stylizer(photo, list(range(network.num_styles))), paintings, strict=True
        )
    ]
    gammas = [np.asarray(layer.gamma) for layer in network.normalizations[:-1]]
    return {
        "gamma_distance": float(np.mean([np.abs(gamma - 1).mean() for gamma in gammas])),
        "gamma_spread": float(np.mean([gamma.std(axis=0).mean() for gamma in gammas])),
        "with_droplets": float(np.mean(np.array(found) > 0)),
    }


def plot(folders, path):
    """Draws the total loss of each run against the steps."""
    figure = plots.figure(9, 3.6)
    for axes, (title, runs) in zip(
        figure.subplots(1, len(folders), squeeze=False)[0], folders.items(), strict=True
    ):
        for label, folder in runs.items():
            rows = tables.read(folder / "losses.csv")
            axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], label=label)
        axes.set(title=title, xlabel="training step", ylabel="loss", yscale="log")
        axes.grid(alpha=0.3, which="both")
        axes.legend(frameon=False)
    plots.save(figure, path)


def main():
    """Trains, fine-tunes, measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--styles", required=True, help="folder of paintings")
    parser.add_argument("--catalogue", default="", help="with the styles' weights")
    parser.add_argument("--names", default=NAMES, help="the styles: name,name,...")
    parser.add_argument("--new", required=True, help="folder of paintings to add")
    parser.add_argument("--content", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--model", default="varied32")
    parser.add_argument("--rates", type=float, nargs="+", default=[1, 3, 10])
    parser.add_argument("--inits", nargs="+", default=["nearest"])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--finetuning_steps", type=int, default=300)
    parser.add_argument("--image_size", type=int, default=96)
    parser.add_argument("--photos", type=int, default=16)
    add_losses(parser)
    arguments = parser.parse_args()

    output = writable_folder(arguments.output)
    photo = images.sample_photos()["chelsea"]
    trained, tuned, pictures = [], [], []
    folders: dict[str, dict] = {"from scratch": {}, "added to a network": {}}
    for rate in arguments.rates:
        network, folder = train_at(rate, arguments)
        folders["from scratch"][f"style_rate {rate:g}"] = folder
        row = {"style_rate": rate, **held_out_losses(folder)}
        trained.append(row | measure(network, arguments))
        painted = Stylizer(network)(photo, list(range(network.num_styles)))
        pictures.append([photo, *painted])
        labels = [style.name for style in network.styles]
    for init in arguments.inits:
        for rate in arguments.rates:
            folder = finetune_at(rate, init, arguments)
            folders["added to a network"][f"{init}, style_rate {rate:g}"] = folder
            tuned.append({"init": init, "style_rate": rate, **held_out_losses(folder)})
    tables.write(output / "training.csv", trained)
    tables.write(output / "finetuning.csv", tuned)
    plot(folders, output / "curves.png")
    sheet = images.contact_sheet(pictures, column_labels=["photo", *labels], cell=200)
    images.save(output / "pictures.jpg", sheet)
    print(tables.align(trained), tables.align(tuned), sep="\n\n")


if __name__ == "__main__":
    main()
