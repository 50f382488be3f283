"""Paint the style images of this folder, each a pure function of its own seed.

    python styles/generate.py                     # all of them, beside this file
    python styles/generate.py --only deco_fans --output out --sheet out/preview/sheet.jpg

`STYLES` holds the thirty-two specifications by name and `paint` makes the picture of one.
"""

import argparse
import json
import os
from pathlib import Path

from PIL import Image

from cin_style.styles import generator
from cin_style.styles.painters.catalogue import CATALOGUE

HERE = Path(__file__).resolve().parent
STYLES = {style.name: style for style in CATALOGUE}


def paint(name, size=512):
    """The style image of that name as a square Pillow picture of `size` pixels."""
    return generator.paint(STYLES[name], size)


def save(image, path, quality=92):
    """Write a JPEG beside its place, then move it there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    image.save(part, "JPEG", quality=quality, subsampling=0)
    os.replace(part, path)


def record(name, path):
    """The entry of one style in styles.json."""
    with Image.open(path) as image:
        size = image.size
    return {
        "name": name,
        "file": path.name,
        "title": STYLES[name].title,
        "artist": "cin_style generator",
        "year": "2026",
        "collection": "cin_style",
        "source": "styles/generate.py",
        "license": "CC0-1.0",
        "size": list(size),
    }


def contact_sheet(images, columns=8, side=192, gap=6):
    """All the pictures, small, in rows on a dark sheet."""
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    pitch = side + gap
    sheet = Image.new("RGB", (columns * pitch + gap, rows * pitch + gap), (24, 24, 26))
    for i, image in enumerate(images):
        place = gap + i % columns * pitch, gap + i // columns * pitch
        sheet.paste(image.resize((side, side), Image.Resampling.LANCZOS), place)
    return sheet


def main(argv=None):
    """Paint the styles asked for, list all that are there and draw the contact sheet."""
    parser = argparse.ArgumentParser(description="Paint the style images.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for the images")
    parser.add_argument("--size", type=int, default=512, help="side of an image in pixels")
    parser.add_argument("--only", nargs="+", choices=STYLES, metavar="NAME", default=list(STYLES))
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet, a JPEG")
    args = parser.parse_args(argv)

    images = []
    for name in args.only:
        images.append(paint(name, args.size))
        save(images[-1], args.output / f"{name}.jpg")
        print(name, flush=True)
    listing = args.output / "styles.json"
    files = {name: args.output / f"{name}.jpg" for name in STYLES}
    records = [record(name, path) for name, path in files.items() if path.exists()]
    part = listing.with_name(listing.name + ".part")
    part.write_text(json.dumps(records, indent=1) + "\n")
    os.replace(part, listing)
    if args.sheet:
        save(contact_sheet(images), args.sheet, quality=88)


if __name__ == "__main__":
    main()
