"""report.py: figures that are the objective's, the same twice, in one page."""

import base64
import csv
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.evaluation import artefacts, report
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.losses.objective import REFERENCE_ENERGY
from cin_style.networks import storage
from cin_style.painting.stylizer import Stylizer
from cin_style.styles.style_set import StyleSet
from cin_style.training import photos as data
from cin_style.training import run as training

NAMES = ["ash", "birch", "cedar"]


@pytest.fixture(scope="module")
def recipe(tiny_model, photo_folder, make_photo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paintings")
    for seed, name in enumerate(NAMES):
        Image.fromarray(make_photo(80, 70, seed)).save(folder / f"{name}.png")
    return EvaluateRecipe(
        model=str(tiny_model),
        content=str(photo_folder),
        styles=str(folder),
        style_size=64,
        content_layers="block1_conv2",
        style_layers="block1_conv1,block1_conv2=2e-4",
        vgg_weights="random",
        holdout=3,
        photos=2,
        image_size=64,
        against_iterations=4,
        pairs=4,
        total_variation_weight=10.0,
        blockiness_weight=5.0,
    )


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return evaluate(recipe, folder), folder


def evaluate(recipe, folder):
    return report.run(recipe, storage.load(recipe.model), folder)


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_pair_has_the_objectives_losses(recipe, finished, tiny_network):
    _, folder = finished
    rows = rows_of(folder / "pairs.csv")
    assert [row["style"] for row in rows] == [name for name in NAMES for _ in range(2)]
    _, held_out = data.hold_out(data.open_photos(recipe.content), 3)
    photos = data.center_crops(held_out, 64)[[0, 1]]
    paintings = StyleSet.from_folder(recipe.styles, NAMES).load_images(64)
    objective = training.make_objective(recipe, paintings, None)
    relative = training.make_objective(
        dataclasses.replace(
            recipe,
            style_layers="block1_conv1,block1_conv2",
            style_weight=1 / REFERENCE_ENERGY,
            gram_normalization=1.0,
        ),
        paintings,
    )
    for row in rows:
        index, number = NAMES.index(row["style"]), int(row["photo"][:2])
        pastiche = Stylizer(tiny_network)(photos[number], index)
        terms = objective.terms(photos[number][None], np.int32([index]), pastiche[None])
        for name in ("content_loss", "style_loss"):
            assert float(row[name]) == pytest.approx(float(terms[name][0]), rel=1e-3)
        assert float(row["loss"]) == pytest.approx(sum(float(v[0]) for v in terms.values()), 1e-3)
        layers = float(row["style_block1_conv1"]) + float(row["style_block1_conv2"])
        assert layers == pytest.approx(float(row["style_loss"]), rel=1e-3)
        shares = relative.terms(photos[number][None], np.int32([index]), pastiche[None])
        mean = float(shares["style_loss"][0]) / 2
        assert float(row["relative_style_loss"]) == pytest.approx(mean, rel=1e-3)
        measures = artefacts.measure(pastiche, photos[number], paintings[index])
        assert float(row["checkerboard"]) == pytest.approx(measures["checkerboard"], rel=1e-2)
        assert float(row["blockiness"]) == pytest.approx(measures["blockiness"], rel=1e-2)
        blockiness = artefacts.blockiness(photos[number])
        assert float(row["photo_blockiness"]) == pytest.approx(blockiness, rel=1e-3)
        assert float(row["photo_border"]) == pytest.approx(artefacts.border(photos[number]), 1e-3)
        picture = images.load(folder / "pictures" / f"{row['style']}_{row['photo']}.png")
        np.testing.assert_allclose(picture, pastiche, atol=0.51 / 255)


def test_means(finished):
    means, folder = finished
    pairs, styles = rows_of(folder / "pairs.csv"), rows_of(folder / "styles.csv")
    assert [row["style"] for row in styles] == [*NAMES, "all"]
    mean = np.mean([float(row["loss"]) for row in pairs])
    assert means["loss"] == pytest.approx(mean) and means["style"] == "all"
    of_birch = np.mean([float(row["border"]) for row in pairs if row["style"] == "birch"])
    assert float(styles[1]["border"]) == pytest.approx(of_birch, rel=1e-4)


def test_worth_is_the_first_iteration_as_good(finished):
    _, folder = finished
    rows, curves = rows_of(folder / "optimized.csv"), rows_of(folder / "curves.csv")
    pairs = [(row["style"], row["photo"][:2]) for row in rows]
    assert pairs == [("ash", "00"), ("birch", "01"), ("cedar", "00"), ("ash", "01")]
    losses = {(row["style"], row["photo"]): row["loss"] for row in rows_of(folder / "pairs.csv")}
    for row in rows:
        curve = [
            float(point["loss"])
            for point in curves
            if (point["style"], point["photo"]) == (row["style"], row["photo"])
        ]
        assert len(curve) == 5 and curve[-1] < curve[0]
        assert float(row["optimized_loss"]) <= min(curve) * 1.001
        assert row["loss"] == losses[row["style"], row["photo"]]
        reached = [index for index, loss in enumerate(curve) if loss <= float(row["loss"])]
        assert row["worth"] == (str(reached[0]) if reached else "")


def test_the_page_holds_its_pictures(finished):
    _, folder = finished
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)', page)
    pictures = re.findall(r'src="data:image/(?:png|jpeg);base64,([^"]+)"', page)
    # Three plots; four strips of 4 and four of 3; a painting and two pictures a style.
    assert len(pictures) == 3 + 16 + 12 + 9
    for picture in pictures:
        assert Image.open(io.BytesIO(base64.b64decode(picture))).size[0] > 50
    assert "block1_conv1, block1_conv2" in page and "cedar" in page


def test_it_goes_on_where_it_stopped_with_the_same_figures(recipe, finished, tmp_path, monkeypatch):
    calls = []
    original = report.optimize.minimize

    def stop(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(report.optimize, "minimize", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate(recipe, tmp_path)
    assert len(rows_of(tmp_path / "optimized.csv")) == 2
    assert not (tmp_path / "report.html").exists()
    evaluate(recipe, tmp_path)
    assert len(calls) == 5  # two before, the one that stopped, and two after
    for name in ("pairs.csv", "styles.csv", "optimized.csv", "curves.csv"):
        assert (tmp_path / name).read_text() == (finished[1] / name).read_text()


def test_without_optimizing_and_of_some_styles(recipe, tmp_path):
    some = dataclasses.replace(recipe, style_names="cedar", against_iterations=0, photos=1)
    means = evaluate(some, tmp_path)
    assert "worth" not in means
    assert [row["style"] for row in rows_of(tmp_path / "styles.csv")] == ["cedar", "all"]
    assert not (tmp_path / "optimized.csv").exists()
    with pytest.raises(UserError, match="holds the report of something else"):
        evaluate(dataclasses.replace(some, photos=2), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": 0}, "--photos must be at least 1"),
        ({"photos": 4}, "--photos 4 asks for more than the 3 there are"),
        ({"image_size": 32}, "--image_size must be at least 64 px"),
        ({"against_iterations": -1}, "--against_iterations must be at least 0"),
        ({"style_names": "oak"}, "oak"),
        ({"content": "gone"}, "no such folder of content photos"),
    ],
)
def test_bad_arguments(recipe, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        evaluate(dataclasses.replace(recipe, **change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_style_layers_and_with_another_catalogue(recipe, tmp_path):
    """The network's style is found by the catalogue's name for its image."""
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text('[{"name": "ash", "file": "cedar.png"}]')
    some = dataclasses.replace(recipe, style_names="ash", against_iterations=0, photos=1)
    some = dataclasses.replace(some, catalogue=str(catalogue), style_layers="")
    means = evaluate(some, tmp_path / "out")
    assert means["relative_style_loss"] == means["style_loss"] == 0 < means["content_loss"]


def test_pairs_are_spread_evenly():
    assert report._choose_pairs(2, 3, 0) == [(0, 0), (1, 1), (0, 1), (1, 2), (0, 2), (1, 0)]
    chosen = report._choose_pairs(8, 4, 8)
    assert [index for index, _ in chosen] == list(range(8))
    assert [number for _, number in chosen] == [0, 1, 2, 3] * 2
