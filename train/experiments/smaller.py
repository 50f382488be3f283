"""How much worse a smaller network paints than the one that taught it.

    python train/experiments/smaller.py --model varied32_small --teacher varied32 \\
        --styles PAINTINGS --content PHOTOS --output DIR

`evaluation.csv`: content and style loss of each style under both, on photos that no training saw,
and the smaller one's over the larger one's. `strip.jpg`: sample photos in some styles, by the
larger one above, by the smaller one below.
"""

import argparse
import pathlib
import statistics

from options import losses_of

from cin_style import FinetuneRecipe, StyleSet, Stylizer, images, load, tables
from cin_style.files import writable_folder
from cin_style.images.samples import sample_photos
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.per_style import style_losses
from cin_style.training.photos import center_crops, hold_out, open_photos
from cin_style.training.recipes import margin_of

SHOWN = (
    *("starry_night", "the_scream", "composition_vii", "under_the_wave_off_kanagawa"),
    *("udnie", "the_bedroom", "rough_waves", "serape"),
)


def compare(arguments, networks):
    """Writes `evaluation.csv`; prints the means of the ratios."""
    names = [style.name for style in networks["teacher"].styles]
    style_set = StyleSet.from_folder(arguments.styles, names)
    recipe = FinetuneRecipe(image_size=arguments.image_size, **losses_of(networks["teacher"]))
    weights = [style.weight for style in networks["teacher"].styles]
    objective = make_objective(
        recipe, style_set.load_images(recipe.style_size), weights, margin_of(recipe)
    )
    _, held_out = hold_out(open_photos(arguments.content), -1)
    photos = center_crops(held_out, arguments.image_size)[: arguments.photos]
    found = {name: style_losses(network, objective, photos) for name, network in networks.items()}
    rows = []
    for ours, theirs in zip(found["model"], found["teacher"], strict=True):
        row = {"style": ours["style"]}
        for loss in ("content_loss", "style_loss"):
            row |= {f"{loss}_teacher": theirs[loss], loss: ours[loss]}
            row[f"{loss}_ratio"] = ours[loss] / theirs[loss]
        rows.append(row)
    tables.write(arguments.output / "evaluation.csv", rows)
    print(tables.align(rows))
    for loss in ("content_loss", "style_loss"):
        ratios = [row[f"{loss}_ratio"] for row in rows]
        print(f"{loss}: {statistics.fmean(ratios):.3f} in the mean, {max(ratios):.3f} at worst")


def show(arguments, networks):
    """Writes `strip.jpg`."""
    known = [style.name for style in networks["model"].styles]
    names = [name for name in SHOWN if name in known] or known[:8]
    rows, samples = [], sample_photos()
    for photo in arguments.show:
        for network in (networks["teacher"], networks["model"]):
            stylizer = Stylizer(network)
            rows.append([samples[photo], *(stylizer(samples[photo], name) for name in names)])
    sheet = images.contact_sheet(rows, column_labels=["photo", *names], cell=arguments.cell)
    images.save(arguments.output / "strip.jpg", sheet, quality=88)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="varied32_small")
    parser.add_argument("--teacher", default="varied32")
    parser.add_argument("--styles", required=True, help="folder of the paintings")
    parser.add_argument("--content", required=True, help="folder of photos")
    parser.add_argument("--image_size", type=int, default=256)
    parser.add_argument("--photos", type=int, default=16)
    parser.add_argument("--show", nargs="+", default=["astronaut", "coffee"])
    parser.add_argument("--cell", type=int, default=256)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.output = writable_folder(arguments.output)
    networks = {name: load(getattr(arguments, name)) for name in ("model", "teacher")}
    compare(arguments, networks)
    show(arguments, networks)


if __name__ == "__main__":
    main()
