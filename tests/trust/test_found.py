"""Defects that attacks on earlier versions found; each stays mended."""

import io
import json
import os
import subprocess
import sys
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from cin_style import StyleCard, StyleSet, StyleTransferNetwork
from cin_style.errors import UserError
from cin_style.files import clear_temporaries, parse_json, printable, write_beside, write_json
from cin_style.images import files, limits
from cin_style.networks import archive, storage
from cin_style.networks.frozen import FrozenNetwork
from cin_style.styles.style import Style
from cin_style.training.run_folder import RunFolder


@pytest.fixture
def refused(command):
    """Runs `cin-style`, checks that it fails with one line, and gives that."""

    def run(*arguments):
        code, _, err = command(*arguments)
        last = err.splitlines()[-1]
        assert code == 2 and last.startswith("cin-style: ") and "Traceback" not in err, err
        assert last.isprintable()
        return last

    return run


@pytest.fixture
def changed_model(tiny_model, tmp_path):
    """A function that writes `tiny_model` with another configuration."""

    def make(**changes):
        path = tmp_path / "changed.keras"
        with zipfile.ZipFile(tiny_model) as good, zipfile.ZipFile(path, "w") as bad:
            for entry in good.infolist():
                data = good.read(entry)
                if entry.filename == "config.json":
                    config = json.loads(data)
                    config["config"].update(changes)
                    data = json.dumps(config)
                bad.writestr(entry, data)
        return path

    return make


# === What is no file ===


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_by_the_name_of_a_photo_is_not_waited_for(
    refused, tiny_model, photo_folder, tmp_path
):
    os.mkfifo(tmp_path / "a.jpg")
    os.symlink(photo_folder / "seven.jpg", tmp_path / "b.jpg")
    arguments = ["--model", tiny_model, "--style", "ash", "--output", tmp_path / "painted"]
    assert "a.jpg is damaged or unreadable: it is no file" in refused(
        "stylize", tmp_path, *arguments
    )
    assert len(list((tmp_path / "painted").glob("b*"))) == 1


# === Too large ===


def gif(width, height):
    """A GIF of a few bytes that claims so many pixels."""
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"GIF89a" + size + b"\x80\0\0" + 6 * b"\0" + b"," + 4 * b"\0" + size + b"\0\x02\x01\0;"


def test_a_small_file_of_many_pixels(tmp_path, monkeypatch):
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    (tmp_path / "bomb.gif").write_bytes(gif(16_000, 16_000))
    with pytest.raises(UserError, match="set CIN_STYLE_MOST_MEGAPIXELS to more than 250"):
        files.load_pixels(tmp_path / "bomb.gif", max_side=64, most_pixels=limits.most_pixels())
    with pytest.raises(UserError, match="bomb.gif is too large.* Scale it down first"):
        files.load_pixels(tmp_path / "bomb.gif", short_side=64)


@pytest.mark.parametrize("value", ["many", "0", "-3", "nan", "1e999"])
def test_the_limit_must_be_a_number(monkeypatch, value):
    monkeypatch.setenv(limits.VARIABLE, value)
    with pytest.raises(UserError, match="must be a positive number"):
        limits.most_pixels()


def test_the_limit_can_be_raised(monkeypatch):
    monkeypatch.setenv(limits.VARIABLE, "1500")
    assert limits.most_pixels() == 1_500_000_000


def test_a_style_image_far_too_narrow(tmp_path):
    Image.fromarray(np.zeros((4, 4000, 3), "uint8")).save(tmp_path / "narrow.png")
    with pytest.raises(UserError, match="4000 x 4 px, far too narrow"):
        StyleSet.from_folder(tmp_path).load_images(96)


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": [32, 64, 1_000_000]},
        {"widths": "abc"},
        {"widths": []},
        {"widths": [4, -6, 8]},
        {"residual_blocks": 3000},
        {"residual_blocks": 1.5},
        {"grain": None},
        {"grain": 1e300},
        {"upsampling": 7},
        {"styles": []},
        {"styles": [{"name": "../a"}]},
        {"loss_options": [1]},
    ],
)
def test_networks_of_absurd_forms(refused, changed_model, photo_folder, tmp_path, changes):
    path = changed_model(**changes)
    with pytest.raises(UserError, match="does not hold a network that this version can load"):
        FrozenNetwork.load(path)
    message = refused(
        *("stylize", photo_folder / "seven.jpg", "--model", path),
        *("--style", "0", "--output", tmp_path / "painted"),
    )
    assert "does not hold a network that this version can load" in message


@pytest.mark.parametrize("entry", ["config.json", "model.weights.h5"])
def test_networks_that_unpack_to_gigabytes(tiny_model, tmp_path, monkeypatch, entry):
    monkeypatch.setattr(archive, "_LARGEST", 20 * 10**6)
    monkeypatch.setattr(archive, "_LARGEST_CONFIG", 10**6)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(tiny_model) as good, zipfile.ZipFile(path, "w", 8) as bad:
        for info in good.infolist():
            more = 30 * 10**6 if info.filename == entry else 0
            bad.writestr(info.filename, good.read(info) + b" " * more)
    assert path.stat().st_size < 10**6
    with pytest.raises(UserError, match="(unpacks to more than 20|is larger than 1) MB"):
        archive.read_config(path)


def test_json_nested_too_deeply():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 300_000)


@pytest.mark.parametrize("load", [storage.load, FrozenNetwork.load])
@pytest.mark.parametrize("class_name", ["__lambda__", "Lambda", "function"])
def test_code_in_the_place_of_a_network(tiny_model, tmp_path, load, class_name):
    path = tmp_path / "code.keras"
    with zipfile.ZipFile(tiny_model) as good, zipfile.ZipFile(path, "w") as bad:
        for entry in good.infolist():
            data = good.read(entry)
            if entry.filename == "config.json":
                config = json.loads(data) | {"class_name": class_name}
                config["config"] = {"value": "YWJj", "defaults": None, "closure": None}
                data = json.dumps(config)
            bad.writestr(entry, data)
    with pytest.raises(UserError, match=f"holds a {class_name}, not a StyleTransferNetwork"):
        load(path)


# === Numbers ===


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
@pytest.mark.parametrize("tile", ["off", "64"])
def test_weights_out_of_range(refused, tiny_network, photo_folder, tmp_path, value, tile):
    network = tiny_network.with_styles(
        tiny_network.styles, np.full_like(tiny_network.get_style_embeddings(), value)
    )
    storage.save(network, tmp_path / "bad.keras")
    message = refused(
        *("stylize", photo_folder / "seven.jpg", "--model", tmp_path / "bad.keras"),
        *("--style", "ash", "--tile", tile, "--output", tmp_path / "painted"),
    )
    assert "not finite" in message or "the picture is not made of numbers" in message
    assert not list((tmp_path / "painted").glob("*.*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--steps", "1" + 400 * "0"],
        ["train", "--style_weight", "1" + 400 * "0"],
        ["train", "--batch_size", "100000000"],
        ["train", "--image_size", "100000000"],
        ["blend", "photo.jpg", "--styles", "0,1", "--steps", "100000000"],
        ["blend", "photo.jpg", "--styles", "0,1", "--mask", "photo.jpg", "--soften", "1e300"],
    ],
)
def test_absurd_numbers(refused, tiny_model, photo_folder, style_folder, tmp_path, arguments):
    if arguments[0] == "train":
        arguments += ["--styles", style_folder, "--content", photo_folder]
    else:
        arguments = [photo_folder / "seven.jpg" if one == "photo.jpg" else one for one in arguments]
        arguments += ["--model", tiny_model]
    assert "must be" in refused(*arguments, "--output", tmp_path / "run.webp")


# === Names and texts ===


def test_a_name_that_is_a_variable(command, tiny_model, photo_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink(photo_folder, "$x")
    arguments = ["--model", tiny_model, "--style", "ash", "--output", "$out"]
    assert command("stylize", "$x/seven.jpg", *arguments)[0] == 0
    assert len(list((tmp_path / "$out").glob("seven*"))) == 1


def test_names_that_are_not_utf8(command, refused, tiny_model, photo_folder, tmp_path):
    name = os.fsdecode(b"caf\xe9")
    try:
        os.symlink(photo_folder, tmp_path / name)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    arguments = ["--model", tiny_model, "--style", "ash", "--output", tmp_path / f"{name}_out"]
    assert command("stylize", tmp_path / name / "seven.jpg", *arguments)[0] == 0
    (tmp_path / f"{name}.jpg").write_bytes(b"broken")
    assert "caf?.jpg is not an image" in refused("stylize", tmp_path / f"{name}.jpg", *arguments)
    write_json(tmp_path / "run.json", {"content": name})
    assert json.loads((tmp_path / "run.json").read_text()) == {"content": name}
    with pytest.raises(UserError, match="not in UTF-8"):
        RunFolder(tmp_path / name / "run")


def test_titles_do_not_reach_the_terminal_as_they_are():
    style = Style("ash", title="\x1b[2Jred\nline", artist="\ud800 A", source="\u202eevil")
    assert (style.title, style.artist, style.source) == (" [2Jred line", "? A", " evil")
    assert printable("café 北斎 👩‍🎨") == "café 北斎 👩‍🎨"


def test_names_are_no_formulas(tmp_path):
    from cin_style.evaluation import page

    rows = [
        {"style": name, "content_loss": 1.0, "style_block1_conv1": 2.0} for name in ("$^$", "$")
    ]
    page.plot_losses(rows, tmp_path / "losses.png")
    assert Image.open(tmp_path / "losses.png").width > 100
    for name in ("@SUM(1+1)", "+1", "=1", "-1"):
        with pytest.raises(UserError, match="a style's name must be"):
            Style(name)


def test_a_terminal_that_knows_only_ascii():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "cin_style", "styles"], capture_output=True, env=environment
    )
    assert done.returncode == 0 and done.stderr == b"" and b"\\x" in done.stdout


@pytest.mark.parametrize(
    "text,message",
    [
        ("[" * 300_000, "nested too deeply"),
        (
            '[{"name": "a", "file": "ash.png", "weight": 1' + 400 * "0" + "}]",
            "weight of style a must",
        ),
        ('[{"name": "a", "file": "ash.png", "weight": NaN}]', "weight of style a must"),
        ('[{"name": "a", "file": "../a.png"}]', "names a file outside of the folder"),
        ('[{"name": "a", "file": "/etc/passwd"}]', "names a file outside of the folder"),
        ('[{"name": "a", "file": "b/../../a.png"}]', "names a file outside of the folder"),
        ('[{"name": "a", "file": "' + 9000 * "0" + '"}]', "00, which is not in the folder"),
    ],
)
def test_catalogues(style_folder, tmp_path, text, message):
    (tmp_path / "styles.json").write_text(text)
    with pytest.raises(UserError, match=message):
        StyleSet.from_folder(style_folder, catalogue=tmp_path / "styles.json")


def test_vgg_weights_of_texts(tmp_path):
    from cin_style.losses.vgg_weights import read_weights

    path = tmp_path / "weights.npz"
    kernel, bias = np.full((3, 3, 3, 64), "a"), np.zeros(64, "float32")
    np.savez(path, **{"block1_conv1/kernel": kernel, "block1_conv1/bias": bias})
    with pytest.raises(UserError, match="has a kernel that is no finite floats"):
        read_weights(path)


def test_cards_of_huge_numbers_load_and_are_refused_where_they_paint(tiny_network):
    card = StyleCard.of(tiny_network, "ash")
    huge = StyleCard("huge", np.full_like(card.embedding, 3e38), card.fingerprint)
    from cin_style import Stylizer

    stylizer = Stylizer(tiny_network)
    with pytest.raises(UserError, match="the picture is not made of numbers"):
        stylizer(np.zeros((32, 32, 3), "float32"), embedding=huge.embedding)


# === Full disks ===

CUT = """
import resource, sys
import numpy as np
from cin_style import images
from cin_style.errors import UserError
picture = np.random.default_rng(0).random((64, 64, 3))
images.save(sys.argv[2], picture)  # imports what it needs
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    images.save(sys.argv[1], picture)
except UserError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_picture_that_only_fits_in_part_is_an_error(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    arguments = [sys.executable, "-c", CUT, path, tmp_path / f"whole.{suffix}"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 1 and "cannot write " in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == [f"whole.{suffix}"]


# === Processes ===


def test_one_training_in_a_folder_at_a_time(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.locked():
        with pytest.raises(UserError, match="another process trains in"):
            with RunFolder(tmp_path / "run").locked():
                pass
    with folder.locked():
        pass


def test_the_lock_of_a_dead_process_keeps_nobody_out(tmp_path):
    code = (
        "import os, signal, sys; from cin_style.training.run_folder import RunFolder\n"
        "with RunFolder(sys.argv[1]).locked(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    assert done.returncode == -9
    with RunFolder(tmp_path).locked():
        pass


def test_what_killed_processes_left_is_cleared_away(tmp_path):
    kept = tmp_path / "sub" / ".cin_style.jsonl"
    kept.parent.mkdir()
    kept.write_text("kept")
    for folder in (tmp_path, tmp_path / "sub"):
        with pytest.raises(KeyboardInterrupt), write_beside(folder / "a.npz") as temporary:
            temporary.write_text("half")
            left = folder / f"{temporary.name}"
            os.link(left, folder / f"{temporary.name}.left")
            raise KeyboardInterrupt
    clear_temporaries(tmp_path, age=1000)
    assert len(list(tmp_path.rglob(".cin_style-*"))) == 2
    clear_temporaries(tmp_path)
    assert len(list(tmp_path.rglob(".cin_style-*"))) == 1
    clear_temporaries(tmp_path, below=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]


def test_limits_of_pillow_are_put_back_by_threads(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS
    threads = [
        threading.Thread(
            target=files.load_pixels, args=(tmp_path / "a.png",), kwargs={"most_pixels": 10**6}
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Image.MAX_IMAGE_PIXELS == before


def test_pictures_given_as_bytes_are_no_pipes():
    buffer = io.BytesIO()
    Image.new("RGB", (20, 30)).save(buffer, "png")
    assert files.open_rgb(buffer.getvalue()).size == (20, 30)


def test_a_network_whose_weights_are_no_numbers(tmp_path):
    network = StyleTransferNetwork(["ash"], widths=(4, 6, 8), residual_blocks=1)
    kernel = network.convolutions[0].kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    storage.save(network, tmp_path / "nan.keras")
    with pytest.raises(UserError, match="numbers that are not finite"):
        storage.load(tmp_path / "nan.keras")
