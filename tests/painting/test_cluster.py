"""Painting on a cluster, without one: the plan, the painters' work, and what is noted of it."""

import contextlib
import importlib.util
import json
import signal

import pytest

from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.painting import cluster
from cin_style.painting.cluster import Painter, _Model
from cin_style.painting.cluster_jobs import ClusterJobs
from cin_style.painting.folder import stylize
from cin_style.painting.journal import NAME
from cin_style.painting.places import is_url
from cin_style.painting.recipes import StylizeRecipe
from cin_style.runtimes import choice


@pytest.fixture(scope="module")
def model(tiny_network, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    storage.save(tiny_network, path)
    return str(path)


@pytest.fixture(params=["folder", "url"])
def places(request, photo_folder, tmp_path):
    """Where photos are and pictures go: as paths, and as URLs that fsspec reads and writes."""
    if request.param == "url":
        pytest.importorskip("fsspec", reason="needs fsspec")
        return f"file://{photo_folder}", f"file://{tmp_path}/out"
    return str(photo_folder), str(tmp_path / "out")


@pytest.fixture
def plan(tmp_path_factory):
    """A function of a recipe and an output: the jobs."""

    def plan(recipe, output):
        network = choice.open_network(recipe.model, recipe.runtime)
        return ClusterJobs.plan(recipe, output, network, str(tmp_path_factory.mktemp("scratch")))

    return plan


def painter(recipe, jobs):
    return Painter(_Model.of(recipe.model), (), None, recipe, jobs.names, jobs.styles, 1)


def batch_of(rows):
    return {"task": [json.dumps(row) for row in rows]}


def results(paint, rows):
    return [json.loads(text) for text in paint(batch_of(rows))["result"]]


def pictures(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}


def test_a_cluster_paints_what_stylize_does(
    model, places, plan, photo_folder, tmp_path, monkeypatch
):
    monkeypatch.delenv("CIN_STYLE_THREADS", raising=False)
    source, output = places
    recipe = StylizeRecipe(photos=[source], style="cedar,0", model=model)
    stylize(recipe.replace(photos=[str(photo_folder)]), tmp_path / "here")
    jobs = plan(recipe, output)
    rows = jobs.todo()
    paint = painter(recipe, jobs)
    found = results(paint, rows)
    jobs.take(iter(found), len(rows))
    jobs.send_journal()
    written = jobs.conclude(output)
    assert pictures(tmp_path / "out") == pictures(tmp_path / "here")
    assert len(written) == len(pictures(tmp_path / "here")) > 4
    # What is noted is known to another process, and to `stylize` where paths are the same.
    assert plan(recipe, output).todo() == []
    assert (tmp_path / "out" / NAME).is_file()
    if not is_url(output):
        before = times(tmp_path / "out")
        stylize(recipe, tmp_path / "out")
        assert times(tmp_path / "out") == before


def test_what_a_painter_had_written_before_it_died_is_not_painted_again(
    model, places, plan, tmp_path, monkeypatch
):
    monkeypatch.delenv("CIN_STYLE_THREADS", raising=False)
    source, output = places
    recipe = StylizeRecipe(photos=[source], style="ash", model=model)
    jobs = plan(recipe, output)
    rows = jobs.todo()
    paint = painter(recipe, jobs)
    first = results(paint, rows[:2])
    before = times(tmp_path / "out")
    assert len(before) == 2
    again = results(painter(recipe, jobs), rows)
    assert {name: time for name, time in times(tmp_path / "out").items() if name in before} == (
        before
    )
    assert again[:2] == first and len(times(tmp_path / "out")) == len(rows)
    # But what was painted in another way is, once.
    other = recipe.replace(strength=0.5)
    rows = plan(other, output).todo()
    assert len(rows) == len(again)
    results(painter(other, jobs), rows)
    assert all(time != before.get(name) for name, time in times(tmp_path / "out").items())


def test_photos_that_cannot_be_read_are_named(
    model, places, plan, photo_folder, tmp_path, monkeypatch
):
    monkeypatch.delenv("CIN_STYLE_THREADS", raising=False)
    source, output = places
    broken = tmp_path / "photos"
    broken.mkdir()
    (broken / "good.jpg").write_bytes((photo_folder / "seven.jpg").read_bytes())
    (broken / "bad.jpg").write_bytes(b"no photo")
    source = f"file://{broken}" if is_url(source) else str(broken)
    recipe = StylizeRecipe(photos=[source], style="ash", model=model)
    jobs = plan(recipe, output)
    rows = jobs.todo()
    jobs.take(iter(results(painter(recipe, jobs), rows)), len(rows))
    with pytest.raises(UserError, match=r"bad\.jpg.*written: 1 picture\)"):
        jobs.conclude(output)
    assert list(pictures(tmp_path / "out")) == ["good_ash.png"]


def test_what_is_asked_for_in_vain(model, tiny_network, photo_folder, tmp_path, monkeypatch):
    recipe = StylizeRecipe(photos=[str(photo_folder)], style="ash", model=model, engine="ray")
    monkeypatch.setattr(cluster, "_import_ray", lambda: None)
    with pytest.raises(UserError, match="makes no `sheet`"):
        stylize(recipe.replace(sheet="sheet.jpg"), tmp_path / "out")
    with pytest.raises(UserError, match="the network that `model` names"):
        stylize(recipe, tmp_path / "out", network=tiny_network)
    with pytest.raises(UserError, match="paints into a folder"):
        stylize(recipe.replace(photos=[str(photo_folder / "seven.jpg")]), tmp_path / "out.png")
    pytest.importorskip("fsspec", reason="needs fsspec")
    with pytest.raises(UserError, match="either all URLs or all on this machine"):
        stylize(recipe.replace(photos=["file:///a", "b"]), tmp_path / "out")
    with pytest.raises(UserError, match="of several stores"):
        stylize(recipe.replace(photos=["file:///a", "memory:///b"]), tmp_path / "out")
    with pytest.raises(UserError, match="is a folder of photos, too. Choose another `output`"):
        stylize(recipe.replace(photos=[f"file://{tmp_path}"]), f"file://{tmp_path}")
    with pytest.raises(UserError, match="is a URL, which only `engine=ray` reads"):
        stylize(recipe.replace(engine="here"), "file:///nowhere")
    with pytest.raises(UserError, match="no photo to paint"):
        stylize(recipe.replace(photos=[]), "file:///nowhere")
    with pytest.raises(UserError, match="no image at file:///nowhere"):
        stylize(recipe.replace(photos=["file:///nowhere"]), tmp_path / "out")
    with pytest.raises(UserError, match="cannot read gone://a"):
        stylize(recipe.replace(photos=["gone://a"]), tmp_path / "out")


@pytest.mark.skipif(bool(importlib.util.find_spec("ray")), reason="Ray is installed")
def test_without_ray_it_says_what_to_install(photo_folder, tmp_path):
    recipe = StylizeRecipe(photos=[str(photo_folder)], engine="ray")
    with pytest.raises(UserError, match=r"`engine=ray` needs Ray .* cin_style\[ray\]"):
        stylize(recipe, tmp_path / "out")


def test_an_interruption_that_was_lost_is_known_of():
    before = signal.getsignal(signal.SIGINT)
    with cluster._interruption() as told:
        assert not told()
        with contextlib.suppress(KeyboardInterrupt):  # as where Python calls back from others' code
            signal.raise_signal(signal.SIGINT)
        assert told()
    assert signal.getsignal(signal.SIGINT) is before
