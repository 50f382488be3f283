"""Objects set into paintings and photos: how much they belong there afterwards.

    python train/experiments/composites.py [--backgrounds PICTURE...] [--one_each] --output DIR

Four objects, found in boxes in photos that scikit-image and scikit-learn carry, are set into every
background (without `--backgrounds`: into two such photos and two pastiches of them) in each of the
ways (`WAYS`). Measures the style loss of the object's region against the
background around it (`style_loss`, relative to the sticker's), the content loss there, the
distance (CIEDE2000) between the mean colours of the object and of what surrounds it, and seconds.

Writes `composites.csv`, a row a picture, `summary.csv`, means, `paintings.jpg` and `photos.jpg`, a
row a background and object, and the pictures. The same command again goes on where it stopped.
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

# Photos, and the styles they are painted in; as they are without one.
SAMPLES = (
    ("rocket", "starry_night"),
    ("china.jpg", "composition_vii"),
    ("rocket", ""),
    ("china.jpg", ""),
)

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
    photo = open_photo(source)
    return Cutout(photo, grabcut(photo, box)).trimmed()


def open_photo(source):
    """A photo of scikit-learn's, by its file's name, or of scikit-image's."""
    if source.endswith(".jpg"):
        from sklearn.datasets import load_sample_image

        return np.ascontiguousarray(load_sample_image(source))
    photo = getattr(skimage.data, source)()
    return np.ascontiguousarray(photo[0] if isinstance(photo, tuple) else photo)  # the left of two


def open_backgrounds(arguments, stylizer):
    """Name and picture, uint8, of each background."""
    if arguments.backgrounds:
        for file in images.find(arguments.backgrounds):
            yield file.stem, images.to_uint8(images.load(file))
        return
    for source, style in SAMPLES:
        photo = open_photo(source)
        name = f"{source.removesuffix('.jpg')}{'_in_' * bool(style)}{style}"
        yield name, images.to_uint8(stylizer(photo, style)) if style else photo


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
    for number, (title, background) in enumerate(open_backgrounds(arguments, stylizer)):
        kind = kinds[title] = "painting" if is_painting(background) else "photo"
        for name in [shown_in(number, arguments)] if arguments.one_each else arguments.objects:
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
                if (title, name, way) in done:
                    continue
                begun, picture = time.perf_counter(), placed.pasted
                if way != "sticker":
                    given = recipe.replace(**options)
                    picture = compose(
                        cutout, background, given, stylizer=stylizer, progress=False
                    ).picture
                seconds = time.perf_counter() - begun
                images.save(arguments.output / "pictures" / slug(title, name, way), picture)
                figures = measure(picture, placed, canvas, judge)
                figures["style_loss"] /= base
                rows.append(
                    {"background": title, "kind": kind, "object": name, "way": way}
                    | figures
                    | {"seconds": seconds}
                )
                tables.write(path, rows)
                print(tables.align(rows[-1:]), flush=True)
    return tables.read(path, texts), kinds


def shown_in(number, arguments):
    """The object that is shown in a background: the next one each time."""
    return arguments.objects[number % len(arguments.objects)]


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
    """Writes `paintings.jpg` and `photos.jpg`: each background with one object."""
    folder = arguments.output / "pictures"
    for kind, ways in WAYS.items():
        rows = [
            [images.load(folder / slug(title, shown_in(number, arguments), way)) for way in ways]
            for number, title in enumerate(kinds)
            if kinds[title] == kind
        ]
        if rows:
            sheet = images.contact_sheet(rows, column_labels=list(ways), cell=arguments.cell)
            images.save(arguments.output / f"{kind}s.jpg", sheet, quality=85)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backgrounds", nargs="+", help="pictures (default: made here)")
    parser.add_argument("--one_each", action="store_true", help="one object a background")
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
