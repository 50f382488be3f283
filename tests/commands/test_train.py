"""cin-style train: presets, and options on top of them."""

import json

import pytest

from cin_style import hardware
from cin_style.commands import main, train
from cin_style.training import train as training
from cin_style.training.preset_files import PRESETS, preset

GIVEN = ["--styles=s", "--content=c", "--output=o"]


@pytest.fixture
def recipe_of(monkeypatch):
    """The recipe and output that a command line of `cin-style train` leads to."""
    taken = []
    monkeypatch.setattr(training, "train", lambda recipe, output: taken.append((recipe, output)))

    def run(*options):
        train.run(main.parse(["cin-style", "train", *GIVEN, *options]))
        return taken.pop()

    return run


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_and_an_option_on_top(recipe_of, name):
    recipe, output = recipe_of(f"--preset={name}", "--seed=7", "--batch_size=3")
    assert (recipe.seed, recipe.batch_size, recipe.styles, output) == (7, 3, "s", "o")
    others = preset(name)
    others.pop("batch_size", None)
    assert others and {key: getattr(recipe, key) for key in others} == others


def test_a_run_that_was_begun_goes_on_with_its_numbers(recipe_of, tmp_path, caplog):
    """On another machine, or when the presets have other numbers."""
    begun = {"steps": 77, "precision": "mixed_bfloat16", "holdout": 3, "no_longer": 1}
    (tmp_path / "run.json").write_text(json.dumps({"recipe": begun}))
    with caplog.at_level("INFO", logger="cin_style"):
        recipe, _ = recipe_of(f"--output={tmp_path}", "--seed=7")
    assert (recipe.steps, recipe.precision, recipe.holdout, recipe.seed) == (
        77,
        "mixed_bfloat16",
        3,
        7,
    )
    assert "going by the numbers of the run" in caplog.text
    (tmp_path / "run.json").write_text("[]")
    assert recipe_of(f"--output={tmp_path}")[0].steps == preset("quick")["steps"]


def test_without_a_preset_the_defaults_count(recipe_of):
    recipe, _ = recipe_of("--preset=none")
    assert recipe == type(recipe)(styles="s", content="c")


@pytest.mark.parametrize(("accelerator", "name"), [(False, "quick"), (True, "good")])
def test_the_machine_chooses(recipe_of, monkeypatch, caplog, accelerator, name):
    monkeypatch.setattr(hardware, "accelerators", lambda: ["chip"] * accelerator)
    with caplog.at_level("INFO", logger="cin_style"):
        recipe, _ = recipe_of()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"preset {name} (") and "`preset` chooses another" in line
    assert recipe.steps == preset(name)["steps"]
