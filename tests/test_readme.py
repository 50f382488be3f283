"""Every command and line of Python in the README runs, at a tiny size where it would take long."""

import logging
import pathlib
import re
import shlex

import numpy as np
import pytest
from PIL import Image

from cin_style.commands import main
from cin_style.runtimes.formats import FORMATS

# The commands build on each other.
pytestmark = pytest.mark.random_order(disabled=True)

README = pathlib.Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
COMMANDS = [
    line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.strip()
]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]

# What makes long commands short, on top of what the README gives.
SHORT = {
    "train": "--steps 1 --batch_size 1 --image_size 32 --style_size 32 --holdout 1 "
    "--style_layers block1_conv2 --content_layers block1_conv2",
    "finetune": "--steps 1 --batch_size 1 --image_size 32 --style_size 32 --holdout 1 "
    "--init starry_night --style_layers block1_conv2 --content_layers block1_conv2",
    "evaluate": "--photos 1 --holdout 0 --image_size 64 --style_size 32 "
    "--style_layers block1_conv2 --content_layers block1_conv2",
    "optimize": "--iterations 2 --max_side 64 --style_size 32 --style_layers block1_conv2 "
    "--content_layers block1_conv2",
    "blend": "--max_side 64",
    "composite": "--steps 1 --style_layers block1_conv2 --content_layers block1_conv2",
    "photoreal": "--work_side 64 --iterations 2 --style_layers block1_conv2 "
    "--content_layers block1_conv2",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory, make_photo):
    """A folder with all that the README's commands name; they build on each other."""
    folder = tmp_path_factory.mktemp("desk")
    for name, size in {
        "photo.jpg": (64, 48),
        "painting.jpg": (40, 36),
        "day.jpg": (64, 48),
        "dusk.jpg": (60, 40),
        "street.jpg": (64, 48),
        "holiday/beach.jpg": (40, 30),
        "my_photos/one.jpg": (60, 40),
        "my_photos/two.jpg": (50, 50),
        "my_paintings/painting.jpg": (40, 36),
        "my_paintings/waves.jpg": (40, 36),
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(make_photo(*size, len(name))).save(folder / name)
    Image.fromarray(np.uint8(np.linspace(0, 255, 64 * 48).reshape(48, 64))).save(
        folder / "mask.png"
    )
    me = make_photo(440, 480, 8) // 4
    me[150:400, 200:360] = 255 - me[150:400, 200:360]
    Image.fromarray(me).save(folder / "me.jpg")
    cat = Image.fromarray(make_photo(20, 16, 9)).convert("RGBA")
    cat.putalpha(Image.linear_gradient("L").resize(cat.size))
    cat.save(folder / "cat.png")
    for name, size in (("a.png", (64, 48)), ("b.png", (60, 40))):
        halves = np.zeros(size[::-1], "uint8")
        halves[size[1] // 2 :] = 255
        Image.fromarray(halves).save(folder / name)
    return folder


@pytest.fixture
def logging_as_before():
    """Undoes what the command line does to the package's logger."""
    logger = logging.getLogger("cin_style")
    before = logger.handlers, logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate, logger.level = before


def test_the_readme_is_not_read_wrongly():
    assert len(COMMANDS) >= 16 and len(PYTHON) == 1
    assert {"make demo", "make test"} <= set(COMMANDS)
    for command in COMMANDS:
        assert command.split()[0] in ("make", "cin-style")


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command.startswith("cin-style")]
)
def test_a_command(command, desk, monkeypatch, capsys, logging_as_before):
    if ("cin-style export" in command or ".onnx" in command) and FORMATS["onnx"].writing.missing:
        pytest.skip("onnx or onnxruntime is not installed; make test-runtimes")
    monkeypatch.chdir(desk)
    words = shlex.split(command)
    if words[1] == "blend" and "--mask" in words:
        extra = []  # the mask has the photo's size
    else:
        extra = shlex.split(SHORT.get(words[1], ""))
    if "walk.webp" in words:
        extra += ["--steps", "2"]
    assert main.run(main.parse([*words, *extra])) == 0, capsys.readouterr().err
    if "--output" in words:
        assert (desk / words[words.index("--output") + 1]).exists()


@pytest.mark.parametrize("text", PYTHON)
def test_python(text, desk, monkeypatch):
    monkeypatch.chdir(desk)
    exec(compile(text, "README.md", "exec"), {})
    assert Image.open("pastiche.png").size == (64, 48)
