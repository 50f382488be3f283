"""Fits what tells paintings from photos (`cin_style.prediction.kinds`).

    python train/experiments/kinds.py --paintings DIR... --photos DIR... --output DIR

Paintings are image files, pictures of the project's generator, and photos painted by `varied32`,
each in another style. Prints how many are told right by the others (ten-fold cross-validation), and
writes `kinds.csv`, every picture with its score when it was left out, and `kinds.npz`, which goes
beside the module.
"""

import argparse
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cin_style import Stylizer, images, tables
from cin_style.files import writable_folder
from cin_style.prediction.kinds import look_at
from cin_style.styles.generator import generate

# Strength of the penalty on the weights, as its inverse: of 1e-4 to 0.1 the best.
INVERSE_PENALTY = 0.01


def pictures(arguments):
    """Yields a kind, a name and the statistics of each picture."""
    for path in images.find(arguments.paintings):
        yield "painting", path.name, look_at(path)
    for seed in range(arguments.generated):
        yield "generated", f"seed {seed}", look_at(generate(seed, 320))
    photos = images.find(arguments.photos)
    photos = [photos[index * len(photos) // arguments.count] for index in range(arguments.count)]
    stylizer = Stylizer(runtime="keras")
    for number, (path, style) in enumerate(zip(photos, stylizer.styles, strict=False)):
        picture = stylizer(path, style)
        yield "pastiche", f"{path.name} {style}", look_at(images.to_uint8(picture))
        print(f"{number + 1} pastiches", end="\r")
    for path in photos:
        yield "photo", path.name, look_at(path)
    for name, photo in images.sample_photos().items():
        yield "photo", name, look_at(photo)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paintings", nargs="+", required=True)
    parser.add_argument("--photos", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=150, help="photos to learn from")
    parser.add_argument("--generated", type=int, default=24)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    output = writable_folder(arguments.output)

    kinds, names, statistics = zip(*pictures(arguments), strict=True)
    kinds, statistics = np.array(kinds), np.stack(statistics)
    truth = kinds != "photo"
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=INVERSE_PENALTY, max_iter=2000, class_weight="balanced"),
    )
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    scores = cross_val_predict(model, statistics, truth, cv=folds, method="decision_function")
    right = (scores > 0) == truth
    rows = [
        {"kind": kind, "name": name, "score": score}
        for kind, name, score in zip(kinds.tolist(), names, scores.tolist(), strict=True)
    ]
    tables.write(output / "kinds.csv", rows)
    for kind in dict.fromkeys(kinds.tolist()):
        told = right[kinds == kind]
        print(f"{kind}: {told.sum()} of {told.size} told right")

    scaler, regression = (step for _, step in model.fit(statistics, truth).steps)
    slopes = regression.coef_[0] / scaler.scale_
    offset = regression.intercept_[0] - slopes @ scaler.mean_
    arrays = {"slopes": slopes.astype("float32"), "offset": np.float32(offset)}
    np.savez(output / "kinds.npz", **arrays)


if __name__ == "__main__":
    main()
