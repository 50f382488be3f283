"""A training as a job of Ray Train on a cluster of this machine; make test-ray."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from cin_style import tables

pytestmark = pytest.mark.slow
pytest.importorskip("ray.train", reason="Ray Train is not installed; make test-ray")
pytest.importorskip("jax", reason="several hosts need JAX")

SCRIPT = pathlib.Path(__file__).parents[2] / "train" / "ray_train.py"


def hosts():
    """The processes that train, by number."""
    found = subprocess.run(["pgrep", "-f", "ray::RayTrainWorker"], capture_output=True, text=True)
    return [int(number) for number in found.stdout.split()]


def test_a_job_outlives_one_of_its_hosts(train_recipe, tmp_path):
    recipe = train_recipe.replace(steps=200, batch_size=4, checkpoint_every=20, preview_every=0)
    options = [
        f"--{name}={getattr(recipe, name)}"
        for name in (
            *("styles", "content", "image_size", "style_size", "content_layers", "style_layers"),
            *("vgg_weights", "precision", "holdout", "steps", "batch_size", "checkpoint_every"),
            "preview_every",
        )
    ]
    run = tmp_path / "run"
    command = [sys.executable, SCRIPT, "--workers", "2", "--output", run, "--", "--preset=none"]
    with (tmp_path / "log").open("w") as log:
        job = subprocess.Popen([*command, *options], stdout=log, stderr=log)
    until = time.monotonic() + 300
    while not (run / "losses.csv").is_file() or not tables.read(run / "losses.csv"):
        assert job.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
        time.sleep(0.05)
    before = hosts()
    assert len(before) == 2
    os.kill(before[1], signal.SIGKILL)
    assert job.wait(400) == 0, (tmp_path / "log").read_text()
    assert (run / "model.keras").is_file()
    steps = [row["step"] for row in tables.read(run / "losses.csv")]
    assert steps == [1, *range(20, 201, 20)]
    assert not hosts()
