"""On a Ray cluster of this machine; make test-ray."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from cin_style.networks import storage
from cin_style.painting.journal import NAME

pytestmark = pytest.mark.slow
pytest.importorskip("ray", reason="Ray is not installed; make test-ray")

COUNT = 2000


@pytest.fixture(scope="module")
def folder(tiny_network, tmp_path_factory):
    """Many small photos, and a network of few weights."""
    folder = tmp_path_factory.mktemp("ray")
    storage.save(tiny_network, folder / "tiny.keras")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(3)
    for index in range(COUNT):
        pixels = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        photo = Image.fromarray(pixels).resize((64, 48), Image.Resampling.BICUBIC)
        photo.save(folder / "photos" / f"{index:04}.jpg")
    return folder


def stylize(folder, output, *options):
    command = [sys.executable, "-m", "cin_style", "stylize", "--model", folder / "tiny.keras"]
    command += ["--style", "ash", folder / "photos", "--output", folder / output, *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def painters():
    """The processes that paint, by number."""
    found = subprocess.run(["pgrep", "-f", "ray::MapWorker"], capture_output=True, text=True)
    return [int(number) for number in found.stdout.split()]


def test_a_painter_killed_in_the_middle_loses_nothing(folder):
    process = stylize(folder, "painted", "--engine", "ray", "--workers", "2")
    out = folder / "painted"
    until = time.monotonic() + 300
    while not out.is_dir() or len(os.listdir(out)) < COUNT // 3:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    killed = painters()
    assert len(killed) == 2
    os.kill(killed[0], signal.SIGKILL)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert f"wrote {COUNT} pictures" in said
    noted = [json.loads(line)["picture"] for line in (out / NAME).read_text().splitlines()]
    assert sorted(noted) == sorted(f"{index:04}_ash.png" for index in range(COUNT))
    # Another process, without Ray, knows of all of them.
    _, said = stylize(folder, "painted").communicate(timeout=300)
    assert f"wrote 0 pictures to {out} ({COUNT} were there already" in said
    one, _ = stylize(folder, "alone").communicate(timeout=300)
    for name in noted:
        assert (out / name).read_bytes() == (folder / "alone" / name).read_bytes()


def test_interrupted_it_goes_on(folder):
    process = stylize(folder, "cut", "--engine", "ray", "--workers", "2")
    journal = folder / "cut" / NAME
    until = time.monotonic() + 300
    while not journal.is_file() or len(journal.read_text().splitlines()) < 100:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and "Run the same command again to go on." in said
    done = len(journal.read_text().splitlines())
    _, said = stylize(folder, "cut", "--engine", "ray", "--workers", "2").communicate(timeout=600)
    assert f"{COUNT - done} pictures to paint" in said
    assert len(list((folder / "cut").glob("*.png"))) == COUNT


def test_there_is_no_such_cluster(folder):
    process = stylize(folder, "gone", "--engine", "ray", "--address", "ray://localhost:1")
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2 and "there is no Ray cluster at --address" in said
