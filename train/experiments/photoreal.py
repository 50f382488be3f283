"""Photorealistic transfer where the truth is known: photos relit by script, region by region.

    python train/experiments/photoreal.py --output DIR

Each of six photos that scikit-image and scikit-learn carry is relit: white balance, exposure,
contrast, dusk, another one in each of two regions. The content photo is its left three quarters
as they were, the style image the right three quarters relit and mirrored, the truth the left ones
relit. Measures, for every way (`WAYS`), with segments found by clustering or with the regions as
masks: the mean distance to the truth (CIEDE2000), the SSIM of the edges beside those of the content
photo, the style loss of the regions (in the mean, relative to the photo's own), the matting energy
a pixel, and seconds.

Writes `pairs.csv`, a row a picture, `summary.csv`, means over pairs, and `pairs.jpg`. The same
command again goes on where it stopped.
"""

import argparse
import pathlib
import statistics
import time

import numpy as np
import skimage.data
from scipy import ndimage
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.filters import sobel, threshold_otsu
from skimage.metrics import structural_similarity

from cin_style import OptimizeRecipe, PhotorealRecipe, images, tables
from cin_style.files import writable_folder
from cin_style.images import guided, scaling
from cin_style.images.segments import Segments
from cin_style.losses.matting import MattingLaplacian
from cin_style.painting.photorealism import objective_maker, transfer
from cin_style.painting.pixels import optimize_pixels
from cin_style.painting.recolouring import Scene

# === The pairs ===


def open_photo(name, side):
    """A photo that one of the two packages carries, at a size."""
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        photo = load_sample_image(f"{name}.jpg")
    else:
        photo = getattr(skimage.data, name)()
        photo = photo[0] if isinstance(photo, tuple) else photo  # the left one of two
    photo = images.from_uint8(photo[..., :3])
    scale = side / max(photo.shape)
    size = tuple(round(length * scale) for length in photo.shape[:2])
    return scaling.scale(photo, size).clip(0, 1)


def lit(photo, balance=(1, 1, 1), exposure=1.0, contrast=1.0):
    """A photo in another light: channels scaled in linear light, then contrast about its mean."""
    linear = photo**2.2 * np.float32(balance) * exposure
    relit = linear.clip(0, 1) ** (1 / 2.2)
    mean = relit.mean(axis=(0, 1))
    return (mean + contrast * (relit - mean)).clip(0, 1)


DUSK = {"balance": (1.0, 0.55, 0.35), "exposure": 0.7}
NIGHT = {"balance": (0.5, 0.7, 1.2), "exposure": 0.25}

# A photo, which of its channels (in these shares) tells two regions apart, and how each is relit:
# first that where this is large.
PAIRS = {
    "china": ((0, 0, 1), DUSK, {"exposure": 0.35, "contrast": 0.9}),
    "flower": ((1, 0, -1), {"balance": (0.6, 0.8, 1.3)}, {"balance": (1.3, 1.1, 0.6)}),
    "astronaut": ((1, 0, -1), {"balance": (0.5, 0.9, 1.4)}, NIGHT),
    "coffee": ((0, 1, 1), {"balance": (0.8, 0.9, 1.3)}, {"exposure": 1.5, "contrast": 0.8}),
    "rocket": ((1, 1, -1), {"balance": (1, 0.8, 0.5)}, {"balance": (2.6, 1.3, 0.7)}),
    "stereo_motorcycle": ((1, 1, 1), {"exposure": 0.6}, {"balance": (0.8, 1, 1.6)}),
}


def region(photo, channels):
    """Where a mixture of channels is large, a soft edge along those of the photo."""
    value = ndimage.gaussian_filter(photo @ np.float32(channels), 3)
    hard = np.float32(value > threshold_otsu(value))[..., None]
    return guided.guided_filter(photo, hard, 6, 1e-4).clip(0, 1)


def make_pair(name, side):
    """Content, style image, truth, and the two regions as `Segments`."""
    photo = open_photo(name, side)
    channels, large, small = PAIRS[name]
    share = region(photo, channels)
    relit = share * lit(photo, **large) + (1 - share) * lit(photo, **small)
    width = photo.shape[1]
    left, right = slice(0, width * 3 // 4), slice(width // 4, width)
    shares = np.concatenate([share, 1 - share], axis=-1)
    segments = Segments(shares[:, left], shares[:, right][:, ::-1], ("one", "other"))
    return photo[:, left], relit[:, right][:, ::-1].copy(), relit[:, left], segments


# === The ways ===

# Method and segments; `gatys` is `cin_style.optimize`, which knows neither. What the measures say
# of the photo as it was and of the truth stands beside.
WAYS = {
    "photo": ("photo", "whole"),
    "truth": ("truth", "whole"),
    "colours, whole": ("colours", "whole"),
    "colours": ("colours", "auto"),
    "grid": ("grid", "auto"),
    "pixels": ("pixels", "auto"),
    "colours, regions": ("colours", "regions"),
    "grid, regions": ("grid", "regions"),
    "pixels, regions": ("pixels", "regions"),
    "gatys": ("gatys", "whole"),
}


def paint(way, content, style, regions, arguments, folder):
    """The picture, float32, and seconds."""
    method, kind = WAYS[way]
    start = time.perf_counter()
    if method == "gatys":
        for name, photo in (("content", content), ("style", style)):
            images.save(folder / f"{name}.png", photo)
        recipe = OptimizeRecipe(
            content=folder / "content.png",
            style=folder / "style.png",
            style_size=min(style.shape[:2]),
            iterations=arguments.gatys_iterations,
        )
        picture = optimize_pixels(recipe, progress=False).picture
        for name in ("content", "style"):
            (folder / f"{name}.png").unlink()
    else:
        recipe = PhotorealRecipe(method=method, segments="auto" if kind == "auto" else "none")
        if method != "colours":
            recipe = recipe.replace(iterations=getattr(arguments, f"{method}_iterations"))
        found = regions if kind == "regions" else None
        picture = transfer(content, style, recipe, found=found, progress=False).picture / 255
    return np.float32(picture), time.perf_counter() - start


def measure(picture, content, style, truth, regions, judge):
    """What is measured of a picture."""
    edges = [sobel(one @ np.float32([0.299, 0.587, 0.114])) for one in (content, picture)]
    # Relative to their own mean: where contrast goes, edges are fainter and none is lost.
    edges = [one / one.mean() for one in edges]
    span = max(one.max() for one in edges)
    before, after = (sum(judge.style_losses(one).values()) for one in (content, picture))
    energy = MattingLaplacian(content, 1e-5).energy(picture)
    return {
        "distance": float(deltaE_ciede2000(rgb2lab(picture), rgb2lab(truth)).mean()),
        "edge_ssim": float(structural_similarity(*edges, data_range=span)),
        "style_loss": after / before,
        "matting_energy": float(energy) / picture[..., 0].size,
    }


def measure_all(arguments):
    """Writes `pairs.csv` and the pictures."""
    path = arguments.output / "pairs.csv"
    rows = tables.read(path, ("pair", "way"))
    done = {(row["pair"], row["way"]) for row in rows}
    for pair in arguments.pairs:
        content, style, truth, regions = make_pair(pair, arguments.side)
        scene = Scene.of(content, style, regions, arguments.side)
        judge = objective_maker(PhotorealRecipe())(scene)
        for way in arguments.ways:
            if (pair, way) in done:
                continue
            known = {"photo": content, "truth": truth}
            if way in known:
                picture, seconds = known[way], 0.0
            else:
                given = content, style, regions, arguments, arguments.output
                picture, seconds = paint(way, *given)
            images.save(arguments.output / "pictures" / f"{pair}_{slug(way)}.png", picture)
            figures = measure(picture, content, style, truth, regions, judge)
            rows.append({"pair": pair, "way": way, **figures, "seconds": seconds})
            tables.write(path, rows)
            print(tables.align(rows[-1:]), flush=True)
    return tables.read(path, ("pair", "way"))


def slug(way):
    return way.replace(", ", "_")


def summarize(rows, ways):
    """Means over the pairs, and in how many of them a way is nearer than without segments."""
    plain = {row["pair"]: row["distance"] for row in rows if row["way"] == "colours, whole"}
    found = []
    for way in ways:
        those = [row for row in rows if row["way"] == way]
        summary = {"way": way, "pairs": len(those)}
        for name in ("distance", "edge_ssim", "style_loss", "matting_energy", "seconds"):
            summary[name] = statistics.fmean(row[name] for row in those)
        summary["least_edge_ssim"] = min(row["edge_ssim"] for row in those)
        summary["nearer"] = sum(row["distance"] < plain.get(row["pair"], 0) for row in those)
        found.append(summary)
    return found


def show(arguments):
    """Writes `pairs.jpg`: a row a pair."""
    grid = []
    ways = [way for way in arguments.ways if way not in ("photo", "truth")]
    for pair in arguments.pairs:
        content, style, truth, _ = make_pair(pair, arguments.side)
        folder = arguments.output / "pictures"
        made = [images.load(folder / f"{pair}_{slug(way)}.png") for way in ways]
        grid.append([content, style, truth, *made])
    labels = ["content", "style", "truth", *ways]
    sheet = images.contact_sheet(grid, column_labels=labels, cell=arguments.cell)
    images.save(arguments.output / "pairs.jpg", sheet, quality=85)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--ways", default=";".join(WAYS), help="with semicolons between")
    parser.add_argument("--side", type=int, default=512, help="of the photos, in px")
    parser.add_argument("--cell", type=int, default=200, help="of the sheet, in px")
    parser.add_argument("--grid_iterations", type=int)
    parser.add_argument("--pixels_iterations", type=int)
    parser.add_argument("--gatys_iterations", type=int, default=200)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    arguments.pairs, arguments.ways = arguments.pairs.split(","), arguments.ways.split(";")
    arguments.output = writable_folder(pathlib.Path(arguments.output))
    writable_folder(arguments.output / "pictures")
    rows = measure_all(arguments)
    summary = summarize(rows, arguments.ways)
    tables.write(arguments.output / "summary.csv", summary)
    show(arguments)
    print(tables.align(summary))


if __name__ == "__main__":
    main()
