"""What `strength` may mean: several ways from a photo to its pastiche, side by side.

    python train/experiments/strength.py --output DIR

Paints the middle of some sample photos in a style each, and mixes photo and pastiche at a few
strengths, a row a way: laid one over the other; embeddings, from the mean of all styles to the
style's; colours first, strokes later (Laplacian pyramids whose levels follow one after another);
locally recoloured by a guided filter first, strokes later; and the stronger detail at each place
(`images.mix`, which the package does). Writes `strength.jpg` with the ways of `--ways`.
"""

import argparse
import pathlib

import numpy as np

from cin_style import Stylizer, images
from cin_style.files import writable_folder
from cin_style.images import pyramid
from cin_style.images.guided import guided_filter

PAIRS = "coffee:composition_vii,astronaut:the_scream"


def laid_over(stylizer, photo, style, pastiche, strength):
    """The one over the other, half-transparent."""
    return photo + strength * (pastiche - photo)


def embeddings(stylizer, photo, style, pastiche, strength):
    """Painted in the style's embedding mixed with the mean of all, at 0 that mean alone."""
    mean = stylizer.network.get_style_embeddings().mean(axis=0)
    own = stylizer.network.get_style_embedding(style)
    return stylizer(photo, embedding=mean + strength * (own - mean))


def colours_first(stylizer, photo, style, pastiche, strength, levels=7):
    """Level by level of a Laplacian pyramid from photo to pastiche, the largest shapes first."""
    ours, theirs = pyramid.split(photo, levels), pyramid.split(pastiche, levels)
    shares = np.clip(2 * strength - 1 + np.arange(levels + 1) / levels, 0, 1)
    pairs = zip(shares, ours, theirs, strict=True)
    mixed = pyramid.join([mine + share * (stroke - mine) for share, mine, stroke in pairs])
    return mixed.clip(0, 1)


def recoloured_first(stylizer, photo, style, pastiche, strength):
    """To the photo recoloured by local linear maps, from there to the pastiche."""
    plain = guided_filter(photo, pastiche, max(photo.shape) // 16, 1e-3)
    towards = 1 - (1 - strength) ** 2
    return (photo + towards * (plain - photo) + strength**2 * (pastiche - plain)).clip(0, 1)


def stronger_detail(stylizer, photo, style, pastiche, strength):
    """What the package does."""
    return images.mix(photo, pastiche, strength)


WAYS = {
    way.__name__: way
    for way in (laid_over, embeddings, colours_first, recoloured_first, stronger_detail)
}


def main():
    """Paints, mixes and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="varied32")
    parser.add_argument("--pairs", default=PAIRS, help="sample photos and styles, PHOTO:STYLE,...")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--strengths", nargs="+", type=float, default=[0.25, 0.5, 0.75])
    parser.add_argument("--size", type=int, default=232, help="of the part that is shown, in px")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    stylizer = Stylizer(arguments.model)
    samples = images.sample_photos()
    grids = []
    for pair in arguments.pairs.split(","):
        name, style = pair.split(":")
        height, width = samples[name].shape[:2]
        size = arguments.size
        top, left = max(0, (height - size) // 3), max(0, (width - size) // 2)
        photo = samples[name][top : top + size, left : left + size]
        pastiche = stylizer(photo, style)
        rows = []
        for way in arguments.ways.split(","):
            mixed = (
                WAYS[way](stylizer, photo, style, pastiche, strength)
                for strength in arguments.strengths
            )
            rows.append([photo, *mixed, pastiche])
        labels = ["photo", *map(str, arguments.strengths), style]
        grids.append(images.contact_sheet(rows, column_labels=labels, cell=size))
    path = writable_folder(arguments.output) / "strength.jpg"
    images.save(path, np.concatenate(grids), quality=70)
    print(f"wrote {path}; rows: {arguments.ways}")


if __name__ == "__main__":
    main()
