"""What networks paint at the sides of a picture that they paint nowhere else.

    python train/experiments/borders.py --content DIR --output DIR

Paints the middle of photos, 256 px, in every style, with mirrored margins of several widths; and
the photos themselves, 512 px, of which the same middle is cut out: there the photo goes on for 128
px. For each side and channel, the mean of the outermost 8 px minus that of the next 32
(`artefacts.edges`), averaged over the photos, in 1/255.

Writes `borders.csv`, a row a style. `margin_40`: with that margin, how far the worst side and
channel is from what is painted where the photo goes on; `margin_40_or_photo`: from that or the
photo's own, whichever is nearer; `margin_40_error`: the standard error of what `margin_40` tells,
by how much the photos differ among each other; `margin_40_all`: the root mean square over sides and
channels, less what those errors alone would make of it. `moved`: how far what is painted where
the photo goes on is from itself when the photo is moved by 2 px, which is what the texture of
strokes does by itself.
"""

import argparse
import pathlib

import numpy as np
from PIL import Image

from cin_style import Stylizer, images, tables
from cin_style.evaluation import artefacts
from cin_style.files import writable_folder
from cin_style.painting import stylizer as stylizing

SIDE, BEYOND = 256, 128


def open_squares(content, count):
    """Scikit-image's photos and some of a folder, float32 (side, side, 3)."""
    photos = list(images.sample_photos().values())
    paths = images.find([content])
    photos += [images.load(path) for path in paths[:: max(1, len(paths) // count)][:count]]
    squares = []
    for photo in photos:
        picture = Image.fromarray(images.to_uint8(photo))
        scale = (SIDE + 2 * BEYOND) / min(picture.size)
        size = [max(SIDE + 2 * BEYOND, round(side * scale)) for side in picture.size]
        wide = images.from_uint8(np.asarray(picture.resize(size, Image.Resampling.LANCZOS)))
        squares.append(middle(wide, SIDE + 2 * BEYOND))
    return squares


def middle(image, side, moved=0):
    top, left = ((length - side) // 2 + moved for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def edges(picture):
    return np.array(list(artefacts.edges(picture).values()))


def edges_of(stylizer, photos, cut=lambda picture: picture):
    """The edges in every style, (photos, styles, 12)."""
    names = list(stylizer.styles)
    return np.array([[edges(cut(one)) for one in stylizer(photo, names)] for photo in photos])


def measure(found, beyond, own):
    """What `main` tells of one margin, in 1/255: a dict of arrays (styles,)."""
    apart = 255 * (found - beyond)
    error = apart.std(axis=0, ddof=1) / len(apart) ** 0.5
    mean = abs(apart.mean(axis=0))
    nearer = np.minimum(mean, 255 * abs(found.mean(axis=0) - own))
    worst = mean.argmax(axis=1)[:, None]
    return {
        "": mean.max(1),
        "_or_photo": nearer.max(1),
        "_error": np.take_along_axis(error, worst, 1)[:, 0],
        "_all": np.sqrt(np.maximum(0, (mean**2 - error**2).mean(1))),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="varied32")
    parser.add_argument("--content", required=True)
    parser.add_argument("--photos", type=int, default=12, help="of the folder, besides samples")
    parser.add_argument("--margins", default=f"16,{stylizing.MARGIN}")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    output = writable_folder(pathlib.Path(arguments.output))
    stylizer = Stylizer(arguments.model)
    squares = open_squares(arguments.content, arguments.photos)
    small = [middle(square, SIDE) for square in squares]
    own = np.mean([edges(photo) for photo in small], axis=0)
    beyond = edges_of(stylizer, squares, lambda picture: middle(picture, SIDE))
    moved = edges_of(
        stylizer, [square[2:, 2:] for square in squares], lambda picture: middle(picture, SIDE, -1)
    )
    texture = 255 * abs((moved - beyond).mean(axis=0)).max(1)
    rows = [
        {"style": style, "moved": float(difference)}
        for style, difference in zip(stylizer.styles, texture, strict=True)
    ]
    for margin in map(int, arguments.margins.split(",")):
        stylizing.MARGIN = margin
        for name, values in measure(edges_of(stylizer, small), beyond, own).items():
            for row, value in zip(rows, values, strict=True):
                row[f"margin_{margin}{name}"] = float(value)
    tables.write(output / "borders.csv", rows)
    print(tables.align(rows))


if __name__ == "__main__":
    main()
