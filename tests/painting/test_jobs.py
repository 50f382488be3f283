"""jobs.py: what there is to paint, and what the files are called."""

import pytest
from PIL import Image

from cin_style.errors import UserError
from cin_style.painting import jobs
from cin_style.painting.jobs import Job, plan
from cin_style.painting.recipes import StylizeRecipe
from cin_style.styles.style import Style, unique

STYLES = [Style("ash"), Style("birch"), Style("cedar")]


@pytest.fixture
def album(make_photo, tmp_path):
    """A folder of two photos."""
    path = tmp_path / "album"
    path.mkdir()
    for seed, name in enumerate(["a.png", "b.png"]):
        Image.fromarray(make_photo(20, 20, seed)).save(path / name)
    return path


def test_names_that_differ_in_capitals_are_told_apart():
    chosen = jobs.choose(unique(["Ash", "ash", "oak"]), "all")
    assert chosen == {"Ash": "Ash", "ash_2": "ash", "oak": "oak"}


def test_a_plan_says_what_will_be_painted(album, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    planned = plan(StylizeRecipe(photos=[album], style="cedar,0"), tmp_path / "out", STYLES)
    assert planned == [
        Job(
            photo=album / f"{name}.png",
            names=("cedar", "ash"),
            styles=("cedar", "ash"),
            targets=(tmp_path / "out" / f"{name}_cedar.png", tmp_path / "out" / f"{name}_ash.png"),
        )
        for name in "ab"
    ]
    assert sorted(tmp_path.rglob("*")) == before
    recipe = StylizeRecipe(photos=[album / "a.png"], style="ash=3,cedar=1", format="jpg")
    (job,) = plan(recipe, tmp_path, STYLES)
    assert job.styles == ({"ash": 0.75, "cedar": 0.25},)
    assert job.targets == (tmp_path / "a_ash_0.75_cedar_0.25.jpg",)
    (job,) = plan(recipe.replace(style="ash=1.5,2=-0.5", raw_weights=True), tmp_path, STYLES)
    assert job.styles == ({"ash": 1.5, "cedar": -0.5},)


def test_one_file_in_all_styles(album, tmp_path):
    """What is asked for without a style; it says which there are."""
    many = [Style(f"style_{number}") for number in range(12)]
    for photos, styles, message in [
        (
            [album / "a.png"],
            many,
            "12 pictures are asked for, 1 photo in 12 styles. Choose one `style`, such "
            "as style_0 or style_4 or style_8, or give a folder.",
        ),
        ([album / "a.png"], STYLES[:2], "Choose one `style`, such as ash or birch, or give a"),
        ([album], STYLES[:1], "2 pictures are asked for, 2 photos in 1 style. Give a folder."),
    ]:
        with pytest.raises(UserError) as caught:
            plan(StylizeRecipe(photos=photos), tmp_path / "x.jpg", styles)
        assert message in str(caught.value)
