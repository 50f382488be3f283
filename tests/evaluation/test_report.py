"""report.py: figures that are the objective's, the same twice, in one page."""

import base64
import csv
import html
import io
import json
import logging
import re

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.evaluation import artefacts, page, report
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.evaluation.report import evaluate
from cin_style.losses import terms
from cin_style.losses.from_recipe import make_objective
from cin_style.losses.objective import REFERENCE_ENERGY
from cin_style.losses.recipe import complete
from cin_style.networks import storage
from cin_style.painting.stylizer import Stylizer
from cin_style.styles.style_set import StyleSet
from cin_style.training.photos import center_crops, hold_out, open_photos

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


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_pair_has_the_objectives_losses(recipe, finished, tiny_network):
    _, folder = finished
    rows = rows_of(folder / "pairs.csv")
    assert [row["style"] for row in rows] == [name for name in NAMES for _ in range(2)]
    _, held_out = hold_out(open_photos(recipe.content), 3)
    photos = center_crops(held_out, 64)[[0, 1]]
    paintings = StyleSet.from_folder(recipe.styles, NAMES).load_images(64)
    recipe = complete(recipe, tiny_network.loss_options)
    objective = make_objective(recipe, paintings, None)
    relative = make_objective(
        recipe.replace(
            style_layers="block1_conv1,block1_conv2",
            style_weight=1 / REFERENCE_ENERGY,
            gram_normalization=1.0,
        ),
        paintings,
    )
    for row in rows:
        index, number = NAMES.index(row["style"]), int(row["photo"][:2])
        pastiche = Stylizer(tiny_network)(photos[number], index)
        found = objective.terms(photos[number][None], np.int32([index]), pastiche[None])
        assert {"total_variation", "blockiness"} < found.keys()
        for name in ("content_loss", "style_loss"):
            assert float(row[name]) == pytest.approx(float(found[name][0]), rel=1e-3)
        assert float(row["loss"]) == pytest.approx(sum(float(v[0]) for v in found.values()), 1e-3)
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
    # Of what the photos bring to the border, the mean.
    of_birch = [row for row in pairs if row["style"] == "birch"]
    for of in ("", "photo_"):
        means = [
            np.mean([float(row[name]) for row in of_birch])
            for name in of_birch[0]
            if name.startswith(f"{of}edge_")
        ]
        assert len(means) == 12
        assert float(styles[1][f"{of}border"]) == pytest.approx(max(map(abs, means)), rel=1e-4)
    of_all = np.mean([float(row["border"]) for row in styles[:-1]])
    assert float(styles[-1]["border"]) == pytest.approx(of_all, rel=1e-4)


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
    text = re.sub("<style>.*</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    text = " ".join(html.unescape(text).split())
    assert (
        "How good are the pictures of tiny? 3 styles, 2 photos that training had kept out, 64 px. "
        "Losses in vgg16 at block1_conv1, block1_conv2, float32, style images of 64 px, Gram "
        "normalization 0, zeros beyond the border; weights of total variation 10, checkerboard 0 "
        "and blockiness 5. Network"
    ) in text
    assert re.search("Of 4 pastiches, [1-4] are worth (more than the 4|[0-9]+ iterations)", text)
    headings = ["Per style", "Beside optimized pixels", "The worst pairs", "All pictures"]
    assert re.findall("<h2>(.*?)</h2>", page) == headings
    means = rows_of(folder / "styles.csv")[-1]
    assert f"all {float(means['loss']):.4g} {float(means['content_loss']):.4g}" in text


def test_the_page_escapes_what_it_shows(recipe, tmp_path, make_photo):
    folder = tmp_path / "photos"
    folder.mkdir()
    name = "<b>you & me</b>".replace("/", "∕")
    Image.fromarray(make_photo(64, 64, 0)).save(folder / f"{name}.png")
    some = recipe.replace(content=str(folder), holdout=0, photos=1, against_iterations=0)
    evaluate(some, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"00_{name}" not in page and f"<figcaption>00_{html.escape(name)}</figcaption>" in page
    assert "Beside optimized pixels" not in page and "Of " not in page


def test_the_page_names_every_term_of_the_table(monkeypatch):
    rows = [terms.Penalty(name, f"{name}_weight", "") for name in ("mirth", "deep_sorrow", "gone")]

    class Recipe:
        mirth_weight, deep_sorrow_weight = 2e6, 0.0

    monkeypatch.setattr(terms, "PENALTIES", tuple(rows))
    assert page._penalties(Recipe) == "mirth 2e+06 and deep sorrow 0"
    monkeypatch.setattr(terms, "PENALTIES", tuple(rows[:1]))
    assert page._penalties(Recipe) == "mirth 2e+06"


def test_pictures_have_names_that_files_can_have(tmp_path):
    """Of 80 characters of three bytes each, and all different."""
    names = ["海" * 80, "海" * 79 + "山", "ash"]
    paths = {
        page.picture_path(tmp_path, style, f"{number:02}_{photo}", "_optimized")
        for style in names
        for number, photo in enumerate(["ö" * 120, "one"])
    }
    assert len(paths) == 6
    (tmp_path / "pictures").mkdir()
    for path in paths:
        path.touch()
    assert page.picture_path(tmp_path, "ash", "01_one").name == "ash_01_one.png"
    assert page.picture_path(tmp_path, "a" * 100, "b" * 100).name == f"{'a' * 100}_{'b' * 100}.png"


def test_it_goes_on_where_it_stopped_with_the_same_figures(recipe, finished, tmp_path, monkeypatch):
    calls = []
    original = report.pixels.minimize

    def stop(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(report.pixels, "minimize", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate(recipe, tmp_path)
    assert len(rows_of(tmp_path / "optimized.csv")) == 2
    assert not (tmp_path / "report.html").exists()
    evaluate(recipe, tmp_path)
    assert len(calls) == 5  # two before, the one that stopped, and two after
    for name in ("pairs.csv", "styles.csv", "optimized.csv", "curves.csv"):
        assert (tmp_path / name).read_text() == (finished[1] / name).read_text()


def test_without_optimizing_and_of_some_styles(recipe, tmp_path):
    some = recipe.replace(style_names="cedar", against_iterations=0, photos=1)
    means = evaluate(some, tmp_path)
    assert "worth" not in means
    assert [row["style"] for row in rows_of(tmp_path / "styles.csv")] == ["cedar", "all"]
    assert not (tmp_path / "optimized.csv").exists()
    with pytest.raises(UserError, match="holds the report of something else"):
        evaluate(some.replace(photos=2), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": 0}, "`photos` must be at least 1"),
        (
            {"photos": 4},
            "`photos` asks for 4, and only 3 of the 7 .*`holdout` 3.*`holdout` 0, which",
        ),
        ({"photos": 8, "holdout": 0}, "`photos` asks for 8, and there are only 7"),
        ({"image_size": 32}, "`image_size` must be at least 64 px"),
        ({"against_iterations": -1}, "`against_iterations` must be at least 0"),
        ({"style_names": "oak"}, "oak"),
        ({"content": "gone"}, "no such folder of content photos"),
    ],
)
def test_bad_arguments(recipe, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        evaluate(recipe.replace(**change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_style_layers_and_with_another_catalogue(recipe, tmp_path):
    """The network's style is found by the catalogue's name for its image."""
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text('[{"name": "ash", "file": "cedar.png"}]')
    some = recipe.replace(style_names="ash", against_iterations=0, photos=1)
    some = some.replace(catalogue=str(catalogue), style_layers="")
    means = evaluate(some, tmp_path / "out")
    assert means["relative_style_loss"] == means["style_loss"] == 0 < means["content_loss"]


def test_pairs_are_spread_evenly():
    assert report._choose_pairs(2, 3, 0) == [(0, 0), (1, 1), (0, 1), (1, 2), (0, 2), (1, 0)]
    chosen = report._choose_pairs(8, 4, 8)
    assert [index for index, _ in chosen] == list(range(8))
    assert [number for _, number in chosen] == [0, 1, 2, 3] * 2


# === Which styles, which network ===


def test_styles_without_an_image_are_left_out(recipe, tmp_path, make_photo, caplog):
    """A network with an added style, and only its painting at hand."""
    folder = tmp_path / "paintings"
    folder.mkdir()
    for name in ("cedar", "oak"):
        Image.fromarray(make_photo(80, 70, 2)).save(folder / f"{name}.png")
    some = recipe.replace(styles=str(folder), against_iterations=0, photos=1)
    with caplog.at_level(logging.INFO, logger="cin_style"):
        evaluate(some, tmp_path / "out")
    assert f"left out, for {folder} has no image of them: ash, birch" in caplog.text
    assert [row["style"] for row in rows_of(tmp_path / "out" / "pairs.csv")] == ["cedar"]


def test_no_image_of_any_style(recipe, tmp_path, make_photo):
    folder = tmp_path / "paintings"
    folder.mkdir()
    Image.fromarray(make_photo(80, 70, 2)).save(folder / "oak.png")
    message = (
        "paintings has images of none of the network's styles: it has oak, the network ash, "
        "birch, cedar. Name the files after the styles, or give a `catalogue`"
    )
    with pytest.raises(UserError, match=message):
        evaluate(recipe.replace(styles=str(folder)), tmp_path / "out")
    with pytest.raises(UserError, match="paintings has no image of the style birch; it has oak"):
        some = recipe.replace(styles=str(folder), style_names="birch")
        evaluate(some, tmp_path / "out")


def test_a_network_in_place_of_the_recipes(recipe, finished, tmp_path):
    network = storage.load(recipe.model)
    some = recipe.replace(model="nowhere.keras", against_iterations=0)
    evaluate(some, tmp_path, network=network)
    assert (tmp_path / "pairs.csv").read_text() == (finished[1] / "pairs.csv").read_text()
    noted = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert noted["recipe"]["model"] == noted["convolutions"] == network.fingerprint
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"pictures of {network.fingerprint[:12]}?" in page and "nowhere" not in page
    with pytest.raises(UserError, match="no such model file: nowhere.keras"):
        evaluate(some, tmp_path)


@pytest.mark.parametrize("which", ["painting", "photo"])
def test_other_pictures_of_the_same_names_are_another_report(recipe, tmp_path, make_photo, which):
    for name, paths in (("paintings", NAMES), ("photos", ["one", "two"])):
        (tmp_path / name).mkdir()
        for seed, path in enumerate(paths):
            Image.fromarray(make_photo(80, 70, seed)).save(tmp_path / name / f"{path}.png")
    some = recipe.replace(
        styles=str(tmp_path / "paintings"),
        content=str(tmp_path / "photos"),
        holdout=0,
        photos=1,
        against_iterations=0,
    )
    evaluate(some, tmp_path / "out")
    evaluate(some, tmp_path / "out")
    replaced = {"painting": "paintings/birch.png", "photo": "photos/one.png"}[which]
    Image.fromarray(make_photo(80, 70, 9)).save(tmp_path / replaced)
    with pytest.raises(UserError, match="holds the report of something else.*style images and"):
        evaluate(some, tmp_path / "out")
