"""How a photo of any size gets strokes of one size, and what was tried for it.

    python train/experiments/stroke_size.py --styles DIR --output DIR

Paints sample photos at several sizes in some styles, with the usual `stroke_size` and with 0, which
is as the network makes them. Measures content and style loss of the picture scaled to 512 px, what
one sees of the whole, and of its middle at full size, the brushwork. Then one photo in one style by
all ways that were tried (`WAYS`).

Writes `sizes.csv`, a row a picture, `summary.csv`, means over photos and styles, `sizes.jpg`, one
photo at each size, and `ways.jpg`. The same command again
goes on where it stopped.
"""

import argparse
import pathlib
import statistics

import numpy as np
import skimage.data
from options import losses_of
from PIL import Image

from cin_style import Stylizer, images, tables
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.files import writable_folder
from cin_style.images import scaling
from cin_style.images.guided import guided_filter
from cin_style.losses.from_recipe import make_objective
from cin_style.painting import strokes
from cin_style.styles.style_set import StyleSet

STYLES = (
    "composition_vii,in_the_waves,starry_night,the_bewitched_mill,the_scream,udnie,"
    "under_the_wave_off_kanagawa,wheat_field_with_cypresses"
)
WHOLE = 512
CELL = 320


def open_photo(name, long_side):
    """A photo that scikit-image carries, at a size."""
    picture = Image.fromarray(getattr(skimage.data, name)())
    scale = long_side / max(picture.size)
    size = [round(side * scale) for side in picture.size]
    return images.from_uint8(np.asarray(picture.resize(size, Image.Resampling.LANCZOS)))


def shrunk(picture, side=WHOLE):
    """A picture whose long side is so many px."""
    if max(picture.shape) <= side:
        return picture
    size = tuple(round(length * side / max(picture.shape)) for length in picture.shape[:2])
    return strokes.shrink(picture, size)


def middle(picture, side=WHOLE):
    """The square in the middle of a picture, at most so many px wide."""
    top, left = (max(0, length - side) // 2 for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def measure(objective, index, photo, picture, view):
    """Content and style loss of what a function shows of photo and picture."""
    shown = [np.float32(view(one))[None] for one in (photo, picture)]
    ids = np.int32([index])
    content, style = objective.layer_losses(shown[0], ids, shown[1])
    return {name: float(value[0]) for name, value in objective.weigh(content, style, ids).items()}


def measure_all(stylizer, objective, names, arguments):
    """Writes `sizes.csv`."""
    path = arguments.output / "sizes.csv"
    rows = tables.read(path, ("photo", "style"))
    done = {(row["photo"], row["style"], row["side"], row["stroke_size"]) for row in rows}
    for side in arguments.sizes:
        for name in arguments.photos:
            photo = open_photo(name, side)
            for index, style in enumerate(names):
                for stroke_size in arguments.stroke_sizes:
                    if (name, style, side, stroke_size) in done:
                        continue
                    picture = stylizer(photo, style, stroke_size=stroke_size)
                    row = {"photo": name, "style": style, "side": side, "stroke_size": stroke_size}
                    for seen, view in (("whole", shrunk), ("piece", middle)):
                        losses = measure(objective, index, photo, picture, view)
                        row |= {f"{loss}_{seen}": value for loss, value in losses.items()}
                    rows.append(row)
                    tables.write(path, rows)
    return tables.read(path, ("photo", "style"))


def summarize(rows):
    """Means over photos and styles; and the mean ratio of each loss to that of the least size."""
    least = min(row["side"] for row in rows)
    first = {
        (row["photo"], row["style"]): row
        for row in rows
        if row["side"] == least and row["stroke_size"] == 1
    }
    names = [name for name in rows[0] if "loss" in name]
    found = []
    for stroke_size, side in sorted({(row["stroke_size"], row["side"]) for row in rows}):
        those = [row for row in rows if (row["stroke_size"], row["side"]) == (stroke_size, side)]
        summary = {"stroke_size": stroke_size, "side": side}
        for name in names:
            ratios = [row[name] / first[row["photo"], row["style"]][name] for row in those]
            summary[name] = statistics.fmean(row[name] for row in those)
            summary[f"{name}_to_{least}"] = statistics.fmean(ratios)
        found.append(summary)
    return found


def show_sizes(stylizer, arguments):
    """Writes `sizes.jpg`: as the network makes strokes, as they usually are, a piece of that."""
    name, style = arguments.show
    columns = []
    for side in arguments.sizes:
        photo = open_photo(name, side)
        plain, usual = (stylizer(photo, style, stroke_size=size) for size in (0, 1))
        column = [shrunk(plain, CELL), shrunk(usual, CELL), piece(usual, arguments.place)]
        columns.append([images.to_uint8(one) for one in column])
    labels = [f"{side} px" for side in arguments.sizes]
    sheet = images.contact_sheet(list(zip(*columns, strict=True)), column_labels=labels)
    images.save(arguments.output / "sizes.jpg", sheet, quality=88)


def piece(picture, place):
    """A square of a picture at full size."""
    top, left = (
        min(round(share * side), side - CELL)
        for share, side in zip(place, picture.shape[:2], strict=True)
    )
    return picture[top : top + CELL, left : left + CELL]


# === What was tried ===


def enlarged(stylizer, photo, style):
    """The pastiche of a small copy, enlarged."""
    return scaling.enlarge(broad(stylizer, photo, style), photo.shape[:2], slice(0, len(photo)))


def as_it_is(stylizer, photo, style):
    """The pastiche of the photo."""
    return stylizer(photo, style, stroke_size=0)


def guided_by_the_photo(stylizer, photo, style):
    """The small pastiche as a local linear map of the photo (guided filter)."""
    broad_one = enlarged(stylizer, photo, style)
    return guided_filter(photo, broad_one, max(photo.shape) // 100, 1e-3)


def octave_by_octave(stylizer, photo, style):
    """Each octave of detail from the pastiche of that size."""
    picture, side = broad(stylizer, photo, style), WHOLE
    while side < max(photo.shape):
        side = min(2 * side, max(photo.shape))
        copy = shrunk(photo, side)
        larger = stylizer(copy, style, stroke_size=0)
        strokes.broaden(larger, picture)
        picture = larger
    return picture


def painted_again(stylizer, photo, style):
    """The enlarged pastiche painted once more."""
    return stylizer(enlarged(stylizer, photo, style).clip(0, 1), style, stroke_size=0)


def in_two(stylizer, photo, style):
    """What the package does: shapes of the small pastiche, all that is finer of the large one."""
    return stylizer(photo, style)


def broad(stylizer, photo, style):
    return stylizer(shrunk(photo), style, stroke_size=0)


WAYS = (enlarged, as_it_is, guided_by_the_photo, octave_by_octave, painted_again, in_two)


def show_ways(stylizer, arguments):
    """Writes `ways.jpg`."""
    name, style = arguments.show
    photo = open_photo(name, arguments.ways)
    columns = []
    for way in WAYS:
        picture = way(stylizer, photo, style).clip(0, 1)
        shown = shrunk(picture, CELL), piece(picture, arguments.place)
        columns.append([images.to_uint8(one) for one in shown])
    sheet = images.contact_sheet(
        list(zip(*columns, strict=True)), column_labels=[way.__name__ for way in WAYS]
    )
    images.save(arguments.output / "ways.jpg", sheet, quality=88)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="varied32")
    parser.add_argument("--styles", help="the paintings of the network", required=True)
    parser.add_argument("--names", default=STYLES)
    parser.add_argument("--photos", default="astronaut,coffee,retina,hubble_deep_field")
    parser.add_argument("--sizes", default="512,1024,2048,4096")
    parser.add_argument("--stroke_sizes", default="1,0", help="to measure")
    parser.add_argument("--show", default="astronaut,composition_vii")
    parser.add_argument("--ways", type=int, default=2048, help="the size at which ways are shown")
    parser.add_argument(
        "--place", default="0.12,0.38", help="of the pieces, shares down and across"
    )
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    kinds = {"photos": str, "sizes": int, "stroke_sizes": float, "show": str, "place": float}
    for name, kind in kinds.items():
        setattr(arguments, name, [kind(part) for part in getattr(arguments, name).split(",")])
    arguments.output = writable_folder(pathlib.Path(arguments.output))
    stylizer = Stylizer(arguments.model)
    names = arguments.names.split(",")
    options = losses_of(stylizer.network)
    paintings = StyleSet.from_folder(arguments.styles, names).load_images(options["style_size"])
    objective = make_objective(EvaluateRecipe(**options, precision="float32"), paintings)
    show_ways(stylizer, arguments)
    show_sizes(stylizer, arguments)
    summary = summarize(measure_all(stylizer, objective, names, arguments))
    tables.write(arguments.output / "summary.csv", summary)
    print(tables.align(summary))


if __name__ == "__main__":
    main()
