"""A light install: it paints with ONNX Runtime alone. `make test-light` runs this in one.

Elsewhere Keras is hidden from the process that paints.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import sysconfig
import time

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(
    not (importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx")),
    reason="onnx or onnxruntime is not installed; make test-light",
)

IS_LIGHT = not importlib.util.find_spec("keras")

# Runs the command line where Keras and the backends can't be imported.
WITHOUT_KERAS = """
import importlib.abc, importlib.util, sys

HIDDEN = {"keras", "tensorflow", "jax", "torch", "openvino", "skimage", "sklearn", "matplotlib"}

class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in HIDDEN else find(name, *rest)
sys.meta_path.insert(0, Hide())
from cin_style.commands.main import main
main()
"""


def run(*arguments, folder):
    command = [sys.executable, "-c", WITHOUT_KERAS, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path):
    y, x = np.mgrid[0:72, 0:96] / 96
    waves = [np.sin(2 * np.pi * (k * x + (4 - k) * y)) for k in (1, 2, 3)]
    pixels = np.uint8(127 + 100 * np.stack(waves, axis=-1))
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path


def test_it_paints_blends_and_lists(folder):
    for words in (
        ["stylize", "--style", "starry_night,udnie", "photo.png", "--output", "painted"],
        ["blend", "--styles", "udnie,the_scream", "--across", "x", "photo.png"]
        + ["--output", "across.png"],
        ["styles"],
    ):
        done = run(*words, folder=folder)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert "starry_night" in done.stdout
    made = [folder / "across.png", *(folder / "painted").glob("*.png")]
    assert len(made) == 3
    for path in made:
        picture = np.asarray(Image.open(path))
        assert picture.shape == (72, 96, 3) and picture.std() > 10


@pytest.mark.parametrize(
    "words",
    [
        ["stylize", "--style", "udnie", "--tile", "64", "photo.png", "--output", "a.png"],
        ["stylize", "--style_image", "photo.png", "photo.png", "--output", "a.png"],
        ["stylize", "--style", "udnie", "--runtime", "keras", "photo.png", "--output", "a.png"],
        ["stylize", "--style", "udnie", "--colours", "luminance", "photo.png"]
        + ["--output", "a.png"],
        ["demo", "--output", "demo"],
    ],
)
def test_what_needs_more_says_what_to_install(words, folder):
    done = run(*words, folder=folder)
    assert done.returncode == 2
    assert "pip install" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(not IS_LIGHT, reason="make test-light")
def test_an_environment_for_painting_is_small():
    packages = pathlib.Path(sysconfig.get_paths()["purelib"])
    sizes = {}
    for path in packages.rglob("*"):
        if path.is_file() and not path.is_symlink():
            top = path.relative_to(packages).parts[0]
            sizes[top] = sizes.get(top, 0) + path.stat().st_size
    tests_own = ("pytest", "_pytest", "pip", "setuptools", "hypothesis")
    megabytes = sum(size for name, size in sizes.items() if not name.startswith(tests_own)) / 1e6
    print(f"{megabytes:.0f} MB")
    assert megabytes < 400


@pytest.mark.skipif(not IS_LIGHT, reason="make test-light")
def test_the_first_picture_comes_soon(folder):
    Image.open(folder / "photo.png").resize((512, 384)).save(folder / "larger.png")
    words = ["stylize", "--style", "udnie", "larger.png", "--output", "a.png"]
    run(*words, folder=folder)  # compiles Python's own files
    bare, seconds = [], []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import numpy, onnx, onnxruntime, PIL"], check=True)
        between = time.perf_counter()
        assert run(*words, "--overwrite", folder=folder).returncode == 0
        bare.append(between - begun)
        seconds.append(time.perf_counter() - between)
    print(f"{min(seconds):.1f} s on {os.cpu_count()} cores")
    # On any machine: with Keras it would be some twenty times what it takes to load these.
    assert min(seconds) < 12 * min(bare)
