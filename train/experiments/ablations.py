"""What the size of the style image and each style layer do, as strips of pictures and a table.

    python train/experiments/ablations.py --style IMAGE --output DIR

Paints one of scikit-image's sample photos by optimizing its pixels (no network takes part):

- `stroke_size.jpg`: with the style image at several sizes (`--style_size`).
- `layers.jpg`, `layers.csv`: with all style layers, and with each left out. The table has the
  loss to every layer, also of that left out: what the others do not bring along by themselves.
  Its first row is the photo as it is.
"""

import argparse
import pathlib
import tempfile

import numpy as np
import options

from cin_style import OptimizeRecipe, images, tables
from cin_style.files import writable_folder
from cin_style.images.samples import SAMPLES
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.recipe import parse_layers
from cin_style.painting.pixels import optimize_pixels


def paint(recipe, **changes):
    """The picture of a recipe with some changes."""
    result = optimize_pixels(recipe.replace(**changes))
    if result.interrupted:
        raise KeyboardInterrupt
    return result.picture


def stroke_size(recipe, sizes):
    """Pictures with the style image at several sizes, and their labels."""
    pictures = [paint(recipe, style_size=size) for size in sizes]
    return pictures, [f"{size} px" for size in sizes]


def leave_one_out(recipe):
    """Pictures without one layer each, the first with all; labels; and rows of losses."""
    layers = parse_layers(recipe.style_layers, recipe.style_weight)
    photo = images.load(recipe.content, max_side=recipe.max_side)
    painting = images.load(recipe.style, short_side=recipe.style_size)
    judge = make_objective(recipe, [painting])

    def losses(picture):
        content, style = judge.layer_losses(photo[None], np.int32([0]), picture[None])
        terms = {f"content_{name}": value for name, value in content.items()}
        terms |= {f"style_{name}": value for name, value in style.items()}
        return {name: float(value[0]) for name, value in terms.items()}

    pictures, labels, rows = [], [], [{"left_out": "(photo)"} | losses(photo)]
    for left_out in (None, *layers):
        kept = {name: weight for name, weight in layers.items() if name != left_out}
        text = ",".join(f"{name}={weight}" for name, weight in kept.items())
        picture = paint(recipe, style_layers=text)
        pictures.append(picture)
        labels.append(f"without {left_out}" if left_out else "all layers")
        rows.append({"left_out": left_out or "none"} | losses(picture))
    return pictures, labels, rows


def main():
    """Paints, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--style", required=True, help="a painting")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--photo", default="coffee", choices=sorted(SAMPLES))
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 192, 384, 768])
    parser.add_argument("--max_side", type=int, default=320)
    parser.add_argument("--iterations", type=int, default=200)
    options.add_losses(parser, style_weight=1e-3)
    arguments = parser.parse_args()

    output = writable_folder(arguments.output)
    with tempfile.TemporaryDirectory() as folder:
        content = pathlib.Path(folder, "photo.png")
        images.save(content, images.sample_photos()[arguments.photo])
        recipe = OptimizeRecipe(
            content=str(content),
            style=arguments.style,
            max_side=arguments.max_side,
            iterations=arguments.iterations,
            **options.losses(arguments),
        )
        photo = images.load(content, max_side=arguments.max_side)
        pictures, labels = stroke_size(recipe, arguments.sizes)
        strip = images.contact_sheet([[photo, *pictures]], column_labels=["photo", *labels])
        images.save(output / "stroke_size.jpg", strip)
        pictures, labels, rows = leave_one_out(recipe)
        strip = images.contact_sheet([[photo, *pictures]], column_labels=["photo", *labels])
        images.save(output / "layers.jpg", strip)
    tables.write(output / "layers.csv", rows)
    print(tables.align(rows))


if __name__ == "__main__":
    main()
