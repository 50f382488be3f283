"""What a folder of very many photos costs before the first step, and whether memory grows after.

    python train/experiments/million.py --count 1000000 --photos PHOTOS --output DIR

Fills a folder with links to the photos at hand, a thousand to a folder; opens it as training does,
with its fingerprint and what is held out of training; and draws batches of 16 crops of 256 px.
Writes `million.csv`: seconds to open and to the first batch, photos a second, and the memory of
the process after the first batch and after the last.
"""

import argparse
import itertools
import os
import pathlib
import time

from cin_style import tables
from cin_style.files import writable_folder
from cin_style.images import find
from cin_style.training.batches import TrainingBatches
from cin_style.training.photos import hold_out, open_photos


def fill(folder, photos, count):
    """Links to photos, as often as it takes."""
    photos = itertools.cycle([os.path.abspath(path) for path in find([photos])])
    for start in range(0, count, 1000):
        below = folder / f"{start // 1000:06}"
        below.mkdir(parents=True, exist_ok=True)
        for number, photo in zip(range(start, min(start + 1000, count)), photos, strict=False):
            link = below / f"{number:09}{pathlib.Path(photo).suffix}"
            if not link.is_symlink():
                link.symlink_to(photo)


def memory():
    """Of this process, in MiB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True)
    parser.add_argument("--count", type=int, default=10**6)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    output = writable_folder(arguments.output)
    folder = output / "links"
    fill(folder, arguments.photos, arguments.count)
    begun = time.perf_counter()
    photos = open_photos(folder)
    fingerprint = photos.fingerprint()
    training, _ = hold_out(photos)
    opened = time.perf_counter()
    batches = iter(TrainingBatches(training, num_styles=32, batch_size=16, image_size=256))
    next(batches)
    first, before = time.perf_counter(), memory()
    for _ in range(arguments.batches):
        next(batches)
    row = {
        "photos": fingerprint.split()[0],
        "seconds_to_open": round(opened - begun, 2),
        "seconds_to_first_batch": round(first - opened, 2),
        "photos_a_second": round(16 * arguments.batches / (time.perf_counter() - first)),
        "mib_after_first_batch": round(before),
        "mib_after_last_batch": round(memory()),
    }
    tables.write(output / "million.csv", [row])
    print(tables.align([row]))


if __name__ == "__main__":
    main()
