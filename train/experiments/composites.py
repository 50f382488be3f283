"""Objects set into paintings and photos: how much they belong there afterwards.

    python train/experiments/composites.py --backgrounds PICTURE... --output DIR

Four objects, found in boxes in photos that scikit-image and scikit-learn carry, are set into every
background in each of the ways (`WAYS`). Measures the style loss of the object's region against the
background around it (`style_loss`, relative to the sticker's), the content loss there, the
distance (CIEDE2000) between the mean colours of the object and of what surrounds it, and seconds.

Writes `composites.csv`, a row a picture, `summary.csv`, means, `composites.jpg`, a row a background
and object, and the pictures. The same command again goes on where it stopped.
"""

import argparse
import pathlib
import statistics
import time

import numpy as np
import skimage.data
from skimage.color import deltaE_ciede2000, rgb2lab

from cin_style import CompositeRecipe, Stylizer, images, tables
from cin_style.files import writable_folder
from cin_style.images import scaling
from cin_style.images.cutouts import Cutout, grabcut
from cin_style.losses.recipe import complete
from cin_style.painting.compositing import Canvas, compose
from cin_style.painting.placing import Placed
from cin_style.prediction import files
from cin_style.prediction.kinds import is_painting

# A photo, and a box around the object in it.
OBJECTS = {
    "cup": ("coffee", (105, 20, 385, 360)),
    "flower": ("flower.jpg", (170, 60, 330, 330)),
    "pavilion": ("china.jpg", (50, 150, 275, 215)),
    "motorcycle": ("stereo_motorcycle", (60, 100, 640, 330)),
}

# How long the object becomes, in shares of the background's short side, and where it goes.
LENGTH, PLACE = 0.55, (0.5, 0.62)

# Options of a `CompositeRecipe`; `sticker` is the object as it is.
WAYS = {
    "painting": {
        "sticker": {},
        "predicted": {"steps": 0},
        "16 steps": {"steps": 16},
        "50 steps": {"steps": 50},
        "refined": {"steps": 16, "refine": 100},
    },
    "photo": {
        "sticker": {},
        "relit": {},
        "relit, poisson": {"edge": "poisson"},
    },
}


def open_object(name):
    """An object, cut out."""
    source, box = OBJECTS[name]
    if source.endswith(".jpg"):
        from sklearn.datasets import load_sample_image

        photo = load_sample_image(source)
    else:
        photo = getattr(skimage.data, source)()
        photo = photo[0] if isinstance(photo, tuple) else photo  # the left one of two
    photo = np.ascontiguousarray(photo)
    return Cutout(photo, grabcut(photo, box)).trimmed()


def measure(picture, placed, canvas, judge):
    """What is measured of a picture, uint8."""
    part = images.from_uint8(picture[canvas.where])
    small = scaling.scale(part, canvas.content.shape[:2]).clip(0, 1)
    content = float(judge.terms(small, judge.constants)["content_loss"])
    around = placed.neighbourhood
    lab = rgb2lab(images.from_uint8(picture[around]))
    inside, outside = placed.alpha[around] > 0.5, placed.alpha[around] == 0
    distance = deltaE_ciede2000(lab[inside].mean(axis=0), lab[outside].mean(axis=0))
    return {
        "style_loss": judge.style_losses(small)["object"],
        "content_loss": content,
        "colour_distance": float(distance),
    }


def measure_all(arguments):
    """Writes `composites.csv` and the pictures; gives the rows, and each background's kind."""
    texts = ("background", "kind", "object", "way")
    path = arguments.output / "composites.csv"
    rows = tables.read(path, texts)
    done = {(row["background"], row["object"], row["way"]) for row in rows}
    stylizer = Stylizer(arguments.model)
    size = files.get(arguments.predictor, arguments.model, stylizer.network).view.size
    plain = complete(CompositeRecipe(), stylizer.network.loss_options)
    kinds = {}
    for file in images.find(arguments.backgrounds):
        background = images.to_uint8(images.load(file))
        kind = kinds[file.stem] = "painting" if is_painting(background) else "photo"
        for name in arguments.objects:
            cutout = open_object(name)
            scale = LENGTH * min(background.shape[:2]) / max(cutout.alpha.shape)
            at = ",".join(f"{share:.0%}" for share in PLACE)
            recipe = CompositeRecipe(
                at=at, kind=kind, model=arguments.model, predictor=arguments.predictor, scale=scale
            )
            place = recipe.place(background.shape[:2])
            placed = Placed.of(background, cutout.scaled(scale), place)
            canvas = Canvas.of(placed, size)
            judge = canvas.objective(plain)
            base = measure(placed.pasted, placed, canvas, judge)["style_loss"]
            for way, options in WAYS[kind].items():
                if (file.stem, name, way) in done:
                    continue
                begun, picture = time.perf_counter(), placed.pasted
                if way != "sticker":
                    given = recipe.replace(**options)
                    picture = compose(
                        cutout, background, given, stylizer=stylizer, progress=False
                    ).picture
                seconds = time.perf_counter() - begun
                images.save(arguments.output / "pictures" / slug(file.stem, name, way), picture)
                figures = measure(picture, placed, canvas, judge)
                figures["style_loss"] /= base
                rows.append(
                    {"background": file.stem, "kind": kind, "object": name, "way": way}
                    | figures
                    | {"seconds": seconds}
                )
                tables.write(path, rows)
                print(tables.align(rows[-1:]), flush=True)
    return tables.read(path, texts), kinds


def slug(background, name, way):
    return f"{background}_{name}_{way.replace(', ', '_').replace(' ', '_')}.png"


def summarize(rows):
    """Means over backgrounds of a kind and objects, and the worst style loss."""
    found = []
    for kind, ways in WAYS.items():
        for way in ways:
            those = [row for row in rows if (row["kind"], row["way"]) == (kind, way)]
            if those:
                summary = {"kind": kind, "way": way, "pictures": len(those)}
                for name in ("style_loss", "content_loss", "colour_distance", "seconds"):
                    summary[name] = statistics.fmean(row[name] for row in those)
                summary["worst_style_loss"] = max(row["style_loss"] for row in those)
                found.append(summary)
    return found


def show(arguments, kinds):
    """Writes `composites.jpg`: of each background one object, the next one each time."""
    grid, most = [], max(map(len, WAYS.values()))
    for number, (background, kind) in enumerate(kinds.items()):
        name = arguments.objects[number % len(arguments.objects)]
        folder = arguments.output / "pictures"
        made = [images.load(folder / slug(background, name, way)) for way in WAYS[kind]]
        grid.append([*made, *[None] * (most - len(made))])
    labels = list(WAYS["painting" if "painting" in kinds.values() else "photo"])
    sheet = images.contact_sheet(grid, column_labels=labels, cell=arguments.cell)
    images.save(arguments.output / "composites.jpg", sheet, quality=85)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backgrounds", nargs="+", required=True)
    parser.add_argument("--objects", default=",".join(OBJECTS))
    parser.add_argument("--model", default=CompositeRecipe.model)
    parser.add_argument("--predictor", default="")
    parser.add_argument("--cell", type=int, default=260, help="of the sheet, in px")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.objects = arguments.objects.split(",")
    arguments.output = writable_folder(arguments.output)
    writable_folder(arguments.output / "pictures")
    rows, kinds = measure_all(arguments)
    summary = summarize(rows)
    tables.write(arguments.output / "summary.csv", summary)
    show(arguments, kinds)
    print(tables.align(summary))


if __name__ == "__main__":
    main()
