"""Pictures in predicted styles; a part of `predicted.py`."""

import numpy as np
import scipy.ndimage
import skimage.data
from held_out_styles import (
    LOSSES,
    judge,
    measure_embeddings,
    measure_old,
    old_styles,
    predict,
)
from predicted_starts import embedding_file, tune

from cin_style import StylePredictor, StyleSet, Stylizer, images, tables
from cin_style.files import writable_folder
from cin_style.images.arrays import as_photo

# What scikit-image installs with the package; the rest of its images it would download.
OTHERS = ("brick", "grass", "gravel", "text", "page", "coins", "retina", "immunohistochemistry")


class Studio:
    """Paints scikit-image's photos in embeddings, each once, into `OUTPUT/full`."""

    def __init__(self, experiment):
        self.stylizer = Stylizer(experiment.network)
        self.folder = writable_folder(experiment.output / "full")
        self.photos = {
            name: as_photo(getattr(skimage.data, name)()) for name in experiment.arguments.photos
        }

    def paint(self, photo, embedding, name):
        """A photo in a style, float32 (height, width, 3)."""
        path = self.folder / f"{name}_{photo}.png"
        if not path.is_file():
            images.save(path, self.stylizer(self.photos[photo], embedding=embedding))
        return images.load(path)


def show_strip(experiment):
    """Writes `strip.jpg` and `pastiches.jpg`."""
    studio, old = Studio(experiment), old_styles(experiment)
    steps = (0, *experiment.arguments.show_steps)
    paths = {
        style.name: path
        for style, path in zip(experiment.paintings.styles, experiment.paintings.paths, strict=True)
    }
    strip, pastiches = [], []
    for name in experiment.shown:
        run = tune(experiment, name, "predicted")
        embeddings = {"old": experiment.network.get_style_embedding(old[name]["old_style"])}
        embeddings |= {f"{step}_steps": np.load(embedding_file(run, step)) for step in steps}
        painting = images.load(paths[name], max_side=512)
        for photo, original in studio.photos.items():
            pictures = [
                studio.paint(photo, embedding, f"{name}_{what}")
                for what, embedding in embeddings.items()
            ]
            strip.append([painting, *pictures])
            pastiches.append([original, *pictures])
    labels = ["nearest old style", "predicted", *(f"{step} steps" for step in steps[1:])]
    for name, first, rows in (("strip", "painting", strip), ("pastiches", "photo", pastiches)):
        sheet = images.contact_sheet(rows, column_labels=[first, *labels])
        images.save(experiment.output / f"{name}.jpg", sheet, quality=88)


def plaster(side=512):
    """A plain wall: float32 (side, side, 3) in [0, 1], nearly of one colour."""
    rng, relief = np.random.default_rng(0), 0.0
    for size in (1, 4, 24):
        noise = scipy.ndimage.gaussian_filter(rng.normal(size=(side, side)), size, mode="wrap")
        relief = relief + noise / noise.std()
    return (np.array([0.84, 0.81, 0.75]) + 0.015 * relief[..., None]).astype("float32").clip(0, 1)


def open_others(experiment):
    """The style images that are no paintings, as files in `OUTPUT/others`."""
    folder = writable_folder(experiment.output / "others")
    for name in OTHERS:
        images.save(folder / f"{name}.png", as_photo(getattr(skimage.data, name)()))
    images.save(folder / "wall.png", plaster())
    return StyleSet.from_folder(folder)


def measure_others(experiment):
    """Writes `others.csv` and `others.jpg`."""
    path, studio = experiment.output / "others.csv", Studio(experiment)
    style_set = open_others(experiment)
    predictor = StylePredictor.load(experiment.predictor_file)
    embeddings = predict(predictor, style_set)
    if not path.is_file():
        objective = judge(experiment, style_set)
        predicted = measure_embeddings(experiment, embeddings, style_set, objective)
        rows = []
        for of_old, new in zip(
            measure_old(experiment, style_set, objective), predicted, strict=True
        ):
            row = {"image": new["style"], "old_style": of_old["old_style"]}
            for loss in LOSSES:
                row |= {f"{loss}_old": of_old[loss], loss: new[loss]}
            rows.append(row | {"ratio": new["style_loss"] / of_old["style_loss"]})
        tables.write(path, rows)
    names = [style.name for style in style_set.styles]
    rows = [[None, *style_set.load_images(256)]]
    for photo, picture in studio.photos.items():
        pictures = [
            studio.paint(photo, embedding, name)
            for name, embedding in zip(names, embeddings, strict=True)
        ]
        rows.append([picture, *pictures])
    sheet = images.contact_sheet(rows, column_labels=["photo", *names], cell=160)
    images.save(experiment.output / "others.jpg", sheet, quality=88)
    print(tables.align(tables.read(path, ("image", "old_style"))))
