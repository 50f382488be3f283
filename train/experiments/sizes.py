"""What painting costs: a photo by its size, and a folder beside the bare network.

    python train/experiments/sizes.py --output DIR

Paints scikit-image's retina, 4:3 of it, enlarged to so many megapixels, from JPEG to JPEG, each by
a `cin-style stylize` of its own, start-up included. Then a folder of photos of 512 px, and as many
of the same photos by the `Stylizer` alone, nothing read or written.

With `--compare 12`, how far a photo of so many megapixels painted in tiles is from the same painted
whole, in 1/255, before either is rounded: the mean and the most, with strokes as the network makes
them (0) and as usual (1).

Writes `sizes.csv` (megapixels, seconds, peak memory in GiB of what the process held itself),
`folder.csv` and `exact.csv`. The same command again goes on where it stopped.
"""

import argparse
import math
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import skimage.data
from PIL import Image

from cin_style import Stylizer, StylizeRecipe, stylize, tables
from cin_style.files import writable_folder
from cin_style.images import limits

STYLE = "starry_night"


def enlarged(megapixels):
    """A photo of so many megapixels, a PIL image."""
    photo = Image.fromarray(skimage.data.retina())
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    height = round(width * 3 / 4)
    box = (0, photo.height // 8, photo.width, photo.height // 8 + photo.height * 3 // 4)
    return photo.resize((width, height), Image.Resampling.BICUBIC, box)


def measure_size(megapixels, folder, options):
    """Paints one photo in a process of its own."""
    photo, target = folder / f"{megapixels:g}.jpg", folder / f"{megapixels:g}_painted.jpg"
    enlarged(megapixels).save(photo, quality=95)
    program = pathlib.Path(sys.executable).with_name("cin-style")
    command = [str(program), "stylize", "--style", STYLE]
    start = time.perf_counter()
    process = subprocess.Popen([*command, *options, str(photo), "--output", str(target)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)  # nobody else can wait for it now
    if status:
        raise SystemExit(f"the command ended with {status}")
    most = limits.allowing(limits.most_pixels())
    with most, Image.open(photo) as before, Image.open(target) as after:
        size = before.size
        assert size == after.size
    photo.unlink()
    return {
        "megapixels": megapixels,
        "width": size[0],
        "height": size[1],
        "seconds": seconds,
        "gib": usage.ru_maxrss / 2**20,
    }


def measure_folder(count, folder):
    """Seconds for a folder, and for the same pictures without files."""
    photos = writable_folder(folder / "photos")
    source = enlarged(1)
    for index in range(count):
        left, top = (index * 7) % 300, (index * 13) % 200
        source.crop((left, top, left + 512, top + 384)).save(photos / f"{index:04}.jpg", quality=92)
    stylizer = Stylizer(runtime="keras")
    network = stylizer.network
    arrays = [np.asarray(Image.open(path)) for path in sorted(photos.iterdir())]
    stylizer(arrays[0], STYLE)
    start = time.perf_counter()
    for array in arrays:
        stylizer(array, STYLE)
    alone = time.perf_counter() - start
    recipe = StylizeRecipe(photos=[photos], style=STYLE, overwrite=True, format="jpg")
    start = time.perf_counter()
    stylize(recipe, folder / "painted", network=network)
    whole = time.perf_counter() - start
    for path in photos.iterdir():
        path.unlink()
    return {"photos": count, "alone": alone, "folder": whole, "share": alone / whole}


def compare(megapixels):
    """Yields how far tiles are from the whole, a row for each size of strokes."""
    photo = np.asarray(enlarged(megapixels))
    stylizer = Stylizer(runtime="keras")
    for stroke_size in (0, 1):
        whole = stylizer(photo, STYLE, stroke_size=stroke_size, tile="off")
        tiled = stylizer(photo, STYLE, stroke_size=stroke_size, tile=512)
        # Row by row: three pictures of this size are enough.
        apart = [abs(one - two) for one, two in zip(whole, tiled, strict=True)]
        yield {
            "megapixels": megapixels,
            "stroke_size": stroke_size,
            "mean": 255 * float(np.mean(apart)),
            "most": 255 * float(np.max(apart)),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", default="0.25,1,3,12,48,200")
    parser.add_argument("--photos", type=int, default=200, help="in the folder; 0: no folder")
    parser.add_argument("--tile", default="auto")
    parser.add_argument("--compare", type=float, default=0, help="megapixels; 0: none")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    output = writable_folder(pathlib.Path(arguments.output))
    rows = tables.read(output / "sizes.csv", ())
    for megapixels in map(float, filter(None, arguments.megapixels.split(","))):
        if megapixels not in [row["megapixels"] for row in rows]:
            rows.append(measure_size(megapixels, output, ["--tile", arguments.tile]))
            tables.write(output / "sizes.csv", rows)
    if rows:
        print(tables.align(rows))
    if arguments.photos and not (output / "folder.csv").is_file():
        tables.write(output / "folder.csv", [measure_folder(arguments.photos, output)])
        print(tables.align(tables.read(output / "folder.csv", ())))
    if arguments.compare and not (output / "exact.csv").is_file():
        tables.write(output / "exact.csv", list(compare(arguments.compare)))
        print(tables.align(tables.read(output / "exact.csv", ())))


if __name__ == "__main__":
    main()
