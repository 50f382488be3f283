"""The folder of a run: who may go on in it, and that nothing finished is ever lost."""

import dataclasses
import json

import pytest

from cin_style.errors import UserError
from cin_style.styles.style import Style
from cin_style.training.recipes import FinetuneRecipe, TrainRecipe
from cin_style.training.run_folder import Identity, RunFolder, check_apart

RECIPE = TrainRecipe(styles="s", content="c", steps=6)
DATA = {
    "content": "8 photos, aa",
    "styles": {"ash": "1", "birch": "2"},
    "init_from": "base 3",
    "vgg_weights": "4",
}


def identity(data=DATA, kind="train", **changes):
    return Identity(kind, RECIPE.replace(**changes), data)


@pytest.fixture
def begun(tmp_path):
    """The folder of a run that has a checkpoint."""
    folder = RunFolder(tmp_path / "run")
    folder.begin(identity(), 7, [Style("ash"), Style("birch")])
    folder.checkpoint.write_bytes(b"a checkpoint")
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}


def change_record(folder, change):
    record = json.loads(folder.record.read_text(encoding="utf-8"))
    change(record)
    folder.record.write_text(json.dumps(record), encoding="utf-8")


def test_the_states_of_a_run(tmp_path):
    folder = RunFolder(tmp_path / "a" / "run")
    assert folder.state(identity()) == "new"
    folder.begin(identity(), 7, [Style("ash", weight=0.5)])
    record = json.loads(folder.record.read_text(encoding="utf-8"))
    assert record["kind"] == "train" and record["data"] == DATA and record["photos"] == 7
    assert record["recipe"] == dataclasses.asdict(RECIPE)
    assert record["styles"] == [{"name": "ash", "weight": 0.5}]
    assert folder.state(identity()) == "new"
    folder.checkpoint.touch()
    assert folder.state(identity()) == "begun"
    folder.result.touch()
    assert folder.state(identity()) == "finished"
    folder.checkpoint.unlink()
    assert folder.state(identity()) == "finished"


def test_what_may_differ_when_a_run_goes_on(begun):
    assert begun.state(identity(preview_every=3, half=True, xla="off")) == "begun"


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_another_run_is_refused_and_nothing_lost(begun, finished, checkpoint):
    if finished:
        begun.result.write_bytes(b"a model")
    if not checkpoint:
        begun.checkpoint.unlink()
    before = contents(begun)
    if not finished and not checkpoint:
        # A run that came to nothing yet is begun anew.
        assert begun.state(identity(learning_rate=0.5)) == "new"
        return
    for other, message in [
        (identity(learning_rate=0.5), "a run with `learning_rate`=0.001, not 0.5. Give the same"),
        (identity(kind="finetune"), "a run of `train`, not of `finetune`."),
        (identity(DATA | {"content": "9 photos, ab"}), "a run on other data"),
    ]:
        with pytest.raises(UserError, match=f"holds {message}.* another `output`."):
            begun.state(other)
    assert contents(begun) == before


def test_a_model_that_nobody_knows_is_not_touched(tmp_path):
    folder = RunFolder(tmp_path)
    folder.result.write_bytes(b"the base network")
    for record in (None, "not json", "[]", '{"recipe": 3}'):
        if record:
            folder.record.write_text(record, encoding="utf-8")
        with pytest.raises(UserError, match="holds a model.keras but no run.json that tells"):
            folder.state(identity())
    folder.result.rename(folder.checkpoint)
    with pytest.raises(UserError, match="holds a checkpoint.npz but no run.json that tells"):
        folder.state(identity())


def test_records_of_a_finished_run_are_not_cleared_away(begun):
    begun.checkpoint.unlink()
    begun.evaluation.write_text("style,content_loss\n")
    with pytest.raises(UserError, match="holds the records of a finished run.*another `output`"):
        begun.state(identity())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"content": "8 photos, ab"}, "`content` .8 photos, aa; now 8 photos, ab.."),
        ({"styles": {"ash": "1", "birch": "7"}}, "birch of `styles`. Put it back"),
        ({"styles": {"ash": "1", "cedar": "2"}}, "birch of `styles`; cedar of `styles`."),
        ({"init_from": "base 4"}, "`init_from` .base 3; now base 4.."),
        ({"vgg_weights": "5"}, "`vgg_weights` .4; now 5.."),
    ],
)
def test_changed_data_is_named(begun, changes, named):
    with pytest.raises(UserError, match=f"on other data. Changed since it was begun: {named}"):
        begun.state(identity(DATA | changes))


def test_changed_data_is_named_before_what_it_decides(begun):
    """With one photo more, `holdout` -1 is another number, which nobody has given."""
    more = DATA | {"content": "9 photos, ab"}
    with pytest.raises(UserError, match="on other data. Changed .*: `content` .8 photos, aa; now"):
        begun.state(identity(more, holdout=2))
    # Other photos on purpose are another argument.
    with pytest.raises(UserError, match="holds a run with `content`=c, not d. Give the same"):
        begun.state(identity(more, holdout=2, content="d"))
    fewer = DATA | {"styles": {"ash": "1"}}
    with pytest.raises(UserError, match="holds a run with `style_names`=.none., not ash. Give the"):
        begun.state(identity(fewer, style_names="ash"))


def test_runs_of_earlier_versions_go_on(begun):
    """They have no fingerprints, and lack options that came later."""

    def of_an_earlier_version(record):
        del record["data"], record["kind"], record["recipe"]["blockiness_weight"]
        del record["recipe"]["margin"]

    change_record(begun, of_an_earlier_version)
    assert begun.state(identity(DATA | {"content": "other"}, margin=0)) == "begun"
    with pytest.raises(UserError, match="`margin`=0, not 40"):
        begun.state(identity(margin=40))
    with pytest.raises(UserError, match="`blockiness_weight`=0.0, not 2.0"):
        begun.state(identity(margin=0, blockiness_weight=2.0))
    with pytest.raises(UserError, match="holds a run of `train`, not of `finetune`"):
        begun.state(Identity("finetune", FinetuneRecipe(), {}))


@pytest.mark.parametrize(("backend", "rate"), [("tensorflow", 1.0), ("jax", 10.0)])
def test_a_style_rate_that_did_nothing_is_not_gone_on_with(begun, backend, rate):
    """On TensorFlow it had no effect in versions that noted no fingerprints."""

    def of_an_earlier_version(record):
        del record["data"]
        record["recipe"]["style_rate"] = 10.0
        record["versions"]["backend"] = backend

    change_record(begun, of_an_earlier_version)
    assert begun.state(identity(style_rate=rate)) == "begun"
    with pytest.raises(UserError, match=f"with `style_rate`={rate}, not 2.0"):
        begun.state(identity(style_rate=2.0))


def test_what_came_to_nothing_is_cleared_away(begun):
    begun.checkpoint.unlink()
    for path in (begun.losses, begun.before, begun.skipped, begun.path / "mine.txt"):
        path.write_text("x")
    begun.previews.mkdir()
    (begun.previews / "step_000001.jpg").touch()
    begun.begin(identity(seed=3), 7, [Style("ash")])
    assert sorted(path.name for path in begun.path.iterdir()) == ["mine.txt", "run.json"]


def test_an_output_among_the_photos_is_refused(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "link").symlink_to(photos)
    for output in (photos, photos / "a" / "run", tmp_path / "link" / "run"):
        with pytest.raises(UserError, match="lies in the content folder .*photos: its previews"):
            check_apart(output, str(photos))
    with pytest.raises(UserError, match="lies in the content folder"):
        check_apart(photos / "run", str(tmp_path / "link"))
    check_apart(tmp_path, str(photos))
    check_apart(tmp_path / "photos2", str(photos))
    check_apart("tfds:name/run", "tfds:name")
