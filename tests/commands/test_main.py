"""The command line: the command as a person types it; every mistake is one line and exit code 2."""

import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import cin_style
from cin_style.commands import main

HEAVY = ("keras", "tensorflow", "jax", "torch", "tensorflow_datasets", "matplotlib", "skimage")


@pytest.fixture
def fails(command):
    """Runs `cin-style`, checks that it fails as a mistake should, and gives the message."""

    def run(*arguments):
        code, out, err = command(*arguments)
        assert (code, out) == (2, ""), err
        assert err.startswith("cin-style: ") and err.endswith("\n") and err.count("\n") == 1, err
        return err

    return run


def in_a_process(*arguments, **environment):
    """Runs Python apart: the finished process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def tree(folder):
    """What lies in a folder, without what is hidden."""
    paths = (path for path in folder.rglob("*") if not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in paths)


# === Starting up ===


def test_importing_the_package_is_light():
    code = "import sys, cin_style, cin_style.commands.main; print(*sys.modules)"
    done = in_a_process("-c", code)
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.split()) & {*HEAVY, "PIL", "numpy"}


@pytest.mark.parametrize(
    "arguments,begins",
    [
        (["--help"], "usage: cin-style"),
        (["train", "--help"], "usage: cin-style"),
        (["styles"], "   0"),
    ],
)
def test_help_and_styles_are_quick(arguments, begins):
    code = (
        "import atexit, sys; from cin_style.commands import main; "
        "atexit.register(lambda: print('MODULES', *sys.modules)); main.main()"
    )
    done = in_a_process("-c", code, *arguments)
    assert done.returncode == 0 and done.stderr == ""
    text, _, modules = done.stdout.partition("MODULES")
    assert text.startswith(begins) and not set(modules.split()) & set(HEAVY)


def test_help_names_the_defaults_that_say_something(command):
    for name in main.COMMANDS:
        code, text, _ = command(name, "--help")
        assert code == 0 and "None" not in text and "(default: )" not in text
    assert "(with --preset none: 40000)" in " ".join(command("train", "--help")[1].split())


RECIPES = pathlib.Path(__file__).parent.parent.parent / "train" / "recipes"
WHAT_ELSE = {
    "train": ["--output=o", "--styles=s", "--content=c"],
    "finetune": ["--output=o", "--styles=s", "--content=c"],
    "train-predictor": ["--output=o", "--content=c"],
    "evaluate": ["--output=o", "--model=m"],
    "optimize": ["--output=o", "--style=s", "--content=c"],
    "photoreal": ["--output=o", "--style=s", "--content=c"],
    "composite": ["--output=o", "--object=a", "--into=b"],
}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.txt")), ids=lambda path: path.stem)
def test_every_recipe_can_be_read(path):
    text = path.read_text(encoding="utf-8")
    (name,) = set(re.findall(rf"cin-style ({'|'.join(WHAT_ELSE)}) ", text))
    arguments = main.parse(["cin-style", name, f"--flagfile={path}", *WHAT_ELSE[name]])
    assert arguments.command == name
    flags = [line for line in text.splitlines() if line.startswith("--")]
    assert flags
    for flag in flags:
        option, _, value = flag.lstrip("-").partition("=")
        given = getattr(arguments, {"as": "kind"}.get(option, option.removeprefix("no-")))
        if isinstance(given, bool):
            assert given != option.startswith("no-")
        elif isinstance(given, int | float):
            assert given == float(value)


def test_recipes_of_training_say_what_they_begin_from():
    """Without, their numbers would lie on top of the preset for this machine."""
    for path in RECIPES.glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        if "cin-style train " in text:
            assert re.search(r"^--preset=(none|good|quick)$", text, re.MULTILINE), path


def test_messages_are_in_words_of_the_command_line():
    names = {"steps": "--steps", "photos": "PHOTO|DIR"}
    for message, expected in [
        ("`steps` must be", "--steps must be"),
        ("`steps=0` or `train`", "--steps=0 or cin-style train"),
        ("`train_predictor` makes one", "cin-style train-predictor makes one"),
        ("a larger `photos` or `other`", "a larger PHOTO|DIR or `other`"),
        ("`train=3`", "`train=3`"),
    ]:
        assert main.say(message, names) == expected


def test_version_and_help_without_a_command(command):
    code, out, _ = command("--version")
    assert code == 0 and out.strip() == cin_style.__version__
    code, out, err = command()
    assert code == 0 and out.startswith("usage: cin-style") and err == ""


def test_unknown_commands_and_options(command):
    for arguments, message in [
        (["paint"], "invalid choice: 'paint'"),
        (["styles", "--mdel", "a"], "unrecognized arguments: --mdel"),
        (["styles", "--model", "a", "--nonsense", "1"], "unrecognized arguments: --nonsense"),
        (["train", "--output", "a", "--styles", "b", "--content", "c", "--steps", "x"], "--steps"),
    ]:
        code, out, err = command(*arguments)
        assert code == 2 and out == "" and message in err and err.startswith("cin-style: ")
        assert err.endswith(" --help explains it.\n") and err.count("\n") == 1


def test_the_real_command(tiny_model, tmp_path):
    """What TensorFlow prints while it loads must not spoil the one line."""
    cut = tmp_path / "cut.keras"
    cut.write_bytes(tiny_model.read_bytes()[:-2000])
    program = ["-c", "from cin_style.commands.main import main; main()"]
    stylize = ["stylize", "--output", tmp_path / "out", cut, "--model", cut]
    done = in_a_process(*program, *stylize)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("cin-style: ") and done.stderr.count("\n") == 1
    assert "cut.keras is not a model file, or is cut short" in done.stderr
    done = in_a_process(*program, *stylize, KERAS_BACKEND="nonsense")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "cin-style: cannot load Keras: " in done.stderr and "KERAS_BACKEND" in done.stderr


# === styles, stylize ===


def test_styles(command, tiny_model):
    code, out, err = command("styles", "--model", tiny_model)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "   0  ash    Ash on Snow, A. Painter, 1901",
        "   1  birch  Birches",
        "   2  cedar",
    ]


def test_stylize(command, tiny_model, photo_folder, tmp_path):
    arguments = ["--model", tiny_model, "--style", "birch,0", "--output", tmp_path / "out"]
    arguments += ["--format", "jpg", "--max_side", "40", "--sheet", tmp_path / "sheet.png"]
    code, out, err = command("stylize", *arguments, photo_folder / "seven.jpg")
    assert (code, out) == (0, "")
    assert (
        err == f"wrote 2 pictures to {tmp_path / 'out'}, and the sheet {tmp_path / 'sheet.png'}\n"
    )
    assert tree(tmp_path) == ["out", "out/seven_ash.jpg", "out/seven_birch.jpg", "sheet.png"]
    with Image.open(tmp_path / "out" / "seven_ash.jpg") as image:
        assert image.size == (40, 30)


def test_colours_and_colors(command, tiny_model, photo_folder, tmp_path):
    for name in ("colours", "colors"):
        arguments = ["--model", tiny_model, "--style", "ash", f"--{name}", "luminance"]
        target = tmp_path / f"{name}.png"
        assert (
            command("stylize", *arguments, "--output", target, photo_folder / "seven.jpg")[0] == 0
        )
    assert (tmp_path / "colours.png").read_bytes() == (tmp_path / "colors.png").read_bytes()
    code, _, err = command("stylize", "--colors", "sepia", "--output", tmp_path, "a.jpg")
    assert code == 2 and "--colours/--colors: invalid choice: 'sepia'" in err


def test_stylize_again(command, tiny_model, photo_folder, tmp_path):
    arguments = ["stylize", "--model", tiny_model, "--style", "ash", "--output", tmp_path / "out"]
    arguments.append(photo_folder / "seven.jpg")
    for more, message in [
        ([], "wrote 1 picture to {}\n"),
        ([], "wrote 0 pictures to {} (1 was there already; --overwrite paints anew)\n"),
        (["--overwrite"], "wrote 1 picture to {}\n"),
    ]:
        code, _, err = command(*arguments, *more)
        assert (code, err) == (0, message.format(tmp_path / "out"))


def test_stylize_without_a_style(fails, tiny_model, photo_folder, tmp_path):
    photo, output = photo_folder / "seven.jpg", tmp_path / "x.jpg"
    message = fails("stylize", "--model", tiny_model, photo, "--output", output)
    assert "Choose one --style, such as ash or birch or cedar, or give a folder." in message
    assert not output.exists()


def test_an_interrupted_command_says_how_to_go_on(command, tiny_model, tmp_path, monkeypatch):
    from cin_style.painting import folder

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "stylize", interrupted)
    code, _, err = command("stylize", "--model", tiny_model, "--output", tmp_path, "a.jpg")
    assert code == 130
    assert err == "\ncin-style: interrupted. Run the same command again to go on.\n"


def test_flagfile(command, tiny_model, photo_folder, tmp_path):
    flags = tmp_path / "flags.txt"
    flags.write_text(
        "# A comment, and a blank line.\n\n"
        f"--model={tiny_model}\n"
        "// Another.\n"
        "--style=birch\n"
        f"--output={tmp_path / 'out'}\n"
    )
    photo = photo_folder / "seven.jpg"
    assert command("stylize", f"--flagfile={flags}", photo)[0] == 0
    assert tree(tmp_path / "out") == ["seven_birch.png"]
    # What comes later on the command line counts.
    assert command("stylize", "--flagfile", flags, "--style", "ash", photo)[0] == 0
    assert tree(tmp_path / "out") == ["seven_ash.png", "seven_birch.png"]


def test_flagfiles_that_do_not_work(fails, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for arguments, message in [
        ([f"--flagfile={tmp_path / 'gone'}"], "cannot read the arguments: .*gone"),
        ([f"--flagfile={tmp_path / 'binary'}"], "cannot read the arguments"),
        (["--flagfile"], "--flagfile with no argument"),
    ]:
        assert message.rpartition(".*")[2] in fails("train", *arguments)


@pytest.mark.parametrize("name", ["evaluate", "finetune"])
def test_a_run_with_a_model_that_is_missing_leaves_nothing(fails, tmp_path, name):
    options = ["--model", tmp_path / "gone.keras", "--content", tmp_path, "--styles", tmp_path]
    message = fails(name, *options, "--output", tmp_path / "out")
    assert "no such model file" in message and not (tmp_path / "out").exists()


def test_models_that_are_none(fails, tiny_model, tmp_path):
    import keras

    (tmp_path / "text.keras").write_text("no model")
    (tmp_path / "cut.keras").write_bytes(tiny_model.read_bytes()[:3000])
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as archive:
        archive.writestr("a.txt", "some other archive")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.save(tmp_path / "other.keras")
    for name, message in [
        ("gone.keras", "no such model file: "),
        ("text.keras", "text.keras is not a model file, or is cut short"),
        ("cut.keras", "cut.keras is not a model file, or is cut short"),
        ("zip.keras", "zip.keras is not a model file"),
        ("other.keras", "other.keras holds a Sequential, not a StyleTransferNetwork"),
    ]:
        for run in (["styles"], ["stylize", "--output", tmp_path / "out", tiny_model]):
            assert message in fails(*run, "--model", tmp_path / name)
    assert not (tmp_path / "out").exists()


def test_stylize_mistakes(fails, tiny_model, photo_folder, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "file").write_text("in the way")
    good, out = photo_folder / "seven.jpg", tmp_path / "out"
    for photo, output, options, message in [
        (good, out, ["--style", "birk"], "no style named birk. Did you mean birch?"),
        (good, out, ["--style", "7"], "no style number 7: this network's styles are numbered 0 to"),
        (tmp_path / "gone.jpg", out, [], "no such file or folder: "),
        (tmp_path / "text.jpg", out, [], "text.jpg is not an image that can be read here"),
        (good, tmp_path / "file", [], "cannot write to the output folder "),
        (good, tmp_path / "a.gif", [], "a.gif: expected a name that ends in .png"),
        (good, out, ["--quality", "0"], "--quality must be from 1 to 100"),
        (good, out, ["--sheet", tmp_path / "s.txt"], "s.txt: expected a name that ends in"),
    ]:
        arguments = ["--model", tiny_model, "--output", output, *options, photo]
        assert message in fails("stylize", *arguments)
        assert {"file", "text.jpg"} == {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert (tmp_path / "file").read_text() == "in the way"


# === train ===

TINY = [
    "--preset=none",
    "--steps=2",
    "--image_size=32",
    "--style_size=32",
    "--batch_size=2",
    "--holdout=1",
]
TINY += ["--content_layers=block1_conv2", "--style_layers=block1_conv2", "--vgg_weights=random"]
TINY += ["--precision=float32", "--preview_every=0"]


def test_train_mistakes(fails, photo_folder, style_folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "twice").mkdir()
    for name in ("a.jpg", "a.png"):
        Image.fromarray(np.zeros((20, 20, 3), "uint8")).save(tmp_path / "twice" / name)
    (tmp_path / "file").write_text("in the way")
    before = tree(tmp_path)
    for options, message in [
        ({"styles": tmp_path / "gone"}, "no such folder of style images: "),
        ({"styles": tmp_path / "empty"}, "no image in the folder "),
        ({"styles": tmp_path / "twice"}, "two styles are named a"),
        ({"style_names": "waves,dost"}, "no style named dost. Did you mean dots?"),
        ({"content": tmp_path / "gone"}, "no such folder of content photos: "),
        ({"content": tmp_path / "empty"}, "no image in the folder "),
        ({"holdout": "7"}, "--holdout 7 leaves none of the 7 content photos to train on"),
        ({"output": tmp_path / "file"}, "cannot write to the output folder "),
        ({"steps": "0"}, "--steps must be at least 1. Received: 0"),
        ({"image_size": "8"}, "--image_size must be from 16 to 8192"),
    ]:
        given = {"styles": style_folder, "content": photo_folder, "output": tmp_path / "run"}
        given |= options
        assert message in fails("train", *TINY, *(f"--{k}={v}" for k, v in given.items()))
        assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "line",
    [
        "--styles=$NO_SUCH_VARIABLE/styles",
        "--content=${NO_SUCH_VARIABLE}",
        "--output=$NO_SUCH_VARIABLE",
    ],
)
def test_variables_in_files_must_be_set(fails, photo_folder, style_folder, tmp_path, line):
    (tmp_path / "recipe.txt").write_text(line)
    given = {"--styles": style_folder, "--content": photo_folder, "--output": tmp_path / "run"}
    del given[line.split("=")[0]]
    arguments = [*TINY, *(f"{name}={value}" for name, value in given.items())]
    message = fails("train", *arguments, f"--flagfile={tmp_path / 'recipe.txt'}")
    assert f"{line}: the environment variable NO_SUCH_VARIABLE is not set" in message


def test_unknown_layer(command, photo_folder, style_folder, tmp_path):
    arguments = [*TINY, f"--styles={style_folder}", f"--content={photo_folder}"]
    arguments += [f"--output={tmp_path / 'run'}", "--style_layers=block1_conv9"]
    code, out, err = command("train", *arguments)
    assert (code, out) == (2, "") and "Traceback" not in err
    assert err.splitlines()[-1].startswith("cin-style: VGG16 has no layer block1_conv9. Choose")


def test_train_then_stylize(command, photo_folder, style_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_STYLES", str(style_folder))
    run = tmp_path / "run"
    recipe = tmp_path / "recipe.txt"
    recipe.write_text("\n".join(["# Two styles.", *TINY, "--styles=${MY_STYLES}"]))
    arguments = [f"--flagfile={recipe}", "--style_names", "dots,waves", "--content", photo_folder]
    code, out, err = command("train", *arguments, "--output", run)
    assert (code, out) == (0, ""), err
    assert "RANDOM weights" in err and f"wrote {run / 'model.keras'}" in err
    assert {"model.keras", "run.json", "losses.csv", "evaluation.csv"} <= set(tree(run))
    assert json.loads((run / "run.json").read_text())["recipe"]["styles"] == str(style_folder)

    code, out, _ = command("styles", "--model", run / "model.keras")
    assert out.splitlines() == [
        "   0  dots   Many Dots, B. Painter",
        "   1  waves  Great Waves, A. Painter",
    ]
    photo = photo_folder / "city" / "six.png"
    code, _, err = command(
        "stylize", "--model", run / "model.keras", "--output", tmp_path / "out", photo
    )
    assert code == 0, err
    assert tree(tmp_path / "out") == ["six_dots.png", "six_waves.png"]
    with Image.open(tmp_path / "out" / "six_dots.png") as image:
        assert image.size == (36, 52)


# === photoreal ===


def test_photoreal_mistakes(fails, photo_folder, tmp_path):
    photo = photo_folder / "seven.jpg"  # 57 x 43 px
    halves = np.repeat(np.uint8([0, 255]), 30)[:57] * np.ones((43, 1), "uint8")
    Image.fromarray(halves).save(tmp_path / "good.png")
    Image.fromarray(halves).save(tmp_path / "lossy.jpg")
    Image.fromarray(halves[:, :40]).save(tmp_path / "small.png")
    Image.fromarray(np.zeros_like(halves)).save(tmp_path / "empty.png")
    before = tree(tmp_path)
    good, out = tmp_path / "good.png", tmp_path / "out.png"
    for mask, options, message in [
        (tmp_path / "lossy.jpg", [], "is a JPEG, which makes false labels along its edges. Save"),
        (tmp_path / "small.png", [], "is 40 x 43 px, but the content photo is 57 x 43 px. Scale"),
        (
            tmp_path / "empty.png",
            [],
            "is empty: it has one large colour only. Paint each segment in",
        ),
        (None, ["--content_mask", good], "give --content_mask and --style_mask, in which the same"),
        (None, ["--segments", "99"], "--segments must be from 1 to 12. Received: 99"),
        (None, ["--segments", "gone.onnx"], "no such file: gone.onnx. Check the path"),
        (
            None,
            ["--nima", "gone.h5"],
            "no such file of NIMA weights: gone.h5. The package has none",
        ),
        (None, ["--nima_weight", "3"], "--nima_weight needs the weights of NIMA: name them with"),
        (good, ["--save_masks", good], "good.png: it is a file. Choose another --save_masks"),
    ]:
        masks = ["--content_mask", mask, "--style_mask", good] if mask else []
        arguments = ["--content", photo, "--style", photo, "--method=colours", *masks, *options]
        assert message in fails("photoreal", *arguments, "--output", out)
        assert tree(tmp_path) == before


def test_interrupted_before_it_begins(monkeypatch, capsys):
    def parse(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "parse", parse)
    monkeypatch.setattr(sys, "argv", ["cin-style", "styles"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 130
    assert capsys.readouterr().err == "\ncin-style: interrupted.\n"
