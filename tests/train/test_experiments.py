"""The scripts of `train/experiments`, in the small."""

import collections
import csv
import importlib
import pathlib

import keras
import pytest
from PIL import Image

from cin_style import images
from cin_style.networks import storage
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView

if keras.backend.backend() != "tensorflow":
    pytest.skip("slow; what they call is tested on every backend", allow_module_level=True)

FOLDER = pathlib.Path(__file__).parents[2] / "train" / "experiments"
WAYS = ("scratch", "ones", "nearest")
SMALL = ["--image_size", "64", "--style_size", "32", "--style_layers", "block1_conv2"]


@pytest.fixture
def script(monkeypatch):
    """A function of a script's name: the script as a module."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


@pytest.fixture
def run(monkeypatch, script, tmp_path):
    """Runs a script with arguments; returns its output folder."""
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "random")

    def run(name, *arguments):
        module = script(name)
        output = tmp_path / "out"
        command = [name, *map(str, arguments), "--output", str(output)]
        monkeypatch.setattr("sys.argv", command)
        module.main()
        return output

    return run


@pytest.fixture(scope="module")
def model(tiny_network, tmp_path_factory):
    """A file of a network that remembers losses which are quick to compute."""
    network = tiny_network.select(["ash", "birch", "cedar"])
    network.loss_options = {"style_layers": "block1_conv2", "style_size": 32}
    path = tmp_path_factory.mktemp("model") / "model.keras"
    storage.save(network, path)
    return path


@pytest.fixture(scope="module")
def paintings(make_photo, tmp_path_factory):
    """A folder of paintings: those of `tiny_network`, and another with a new one."""
    known, new = (tmp_path_factory.mktemp(name) for name in ("known", "new"))
    for seed, name in enumerate(("ash", "birch", "cedar")):
        Image.fromarray(make_photo(50, 40, seed)).save(known / f"{name}.png")
    Image.fromarray(make_photo(50, 40, 9)).save(new / "elm.png")
    return known, new


@pytest.fixture(scope="module")
def many_photos(make_photo, tmp_path_factory):
    """Enough photos to hold 16 of them out."""
    folder = tmp_path_factory.mktemp("many_photos")
    for seed in range(20):
        Image.fromarray(make_photo(70, 66, seed)).save(folder / f"{seed:02}.png")
    return folder


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_blending(run, model, paintings, many_photos, capsys):
    options = ["--content", many_photos, "--photos", "2", "--points", "3", "--image_size", "64"]
    for more, pairs in ((["--names", "cedar,ash"], 1), ([], 3)):
        output = run("blending", "--model", model, "--styles", paintings[0], *options, *more)
        rows = rows_of(output / "blending.csv")
        assert len(rows) == pairs * 3
        assert (output / "blending.png").is_file()
        assert f"of {pairs} pairs" in capsys.readouterr().out


@pytest.mark.slow
def test_finetuning(run, model, paintings, many_photos):
    options = ["--content", many_photos, "--steps", "10", "--scratch_steps", "4"]
    arguments = ["--model", model, "--styles", paintings[1], *options, "--batch_size", "1"]
    arguments += ["--image_size", "64"]
    output = run("finetuning", *arguments)
    rows = rows_of(output / "losses.csv")
    measured = {way: [int(r["step"]) for r in rows if r["way"] == way] for way in WAYS}
    assert measured == {"scratch": [0, 4], "ones": [0, 5, 10], "nearest": [0, 5, 10]}
    assert [row["style"] for row in rows_of(output / "steps.csv")] == ["elm"]
    assert (output / "losses.png").is_file()
    # Once more: all is there, nothing is measured anew.
    before = (output / "losses.csv").read_text()
    run("finetuning", *arguments)
    assert (output / "losses.csv").read_text() == before


def test_first_step_at(script):
    module = script("finetuning")
    rows = [{"step": 0, "loss": 10.0}, {"step": 10, "loss": 6.0}, {"step": 30, "loss": 2.0}]
    for loss, expected in ((12.0, 0), (10.0, 0), (8.0, 5.0), (6.0, 10.0), (3.0, 25.0), (1.0, None)):
        assert module.first_step_at(rows, loss) == expected


@pytest.mark.slow
def test_many_or_one(run, paintings, many_photos, capsys):
    options = ["--content", many_photos, "--steps", "2", "--batch_size", "1", "--single", "1"]
    names = ["--names", "birch,ash,cedar"]
    output = run("many_or_one", "--styles", paintings[0], *names, *options, *SMALL)
    rows = rows_of(output / "losses.csv")
    assert [row["style"] for row in rows] == ["birch"]
    for row in rows:
        expected = 100 * (float(row["style_loss_together"]) / float(row["style_loss_alone"]) - 1)
        assert float(row["style_loss_difference_percent"]) == pytest.approx(expected, abs=0.1)
    assert images.load(output / "pictures.jpg").shape[1] > 2 * 256
    assert images.load(output / "curves.png").shape[1] > 400
    assert "style_loss: " in capsys.readouterr().out


def test_borders(run, model, many_photos, monkeypatch, script, capsys):
    monkeypatch.setattr(script("borders"), "SIDE", 64)
    monkeypatch.setattr(script("borders"), "BEYOND", 16)
    output = run("borders", "--model", model, "--content", many_photos, "--photos", "2")
    rows = rows_of(output / "borders.csv")
    assert [row["style"] for row in rows] == ["ash", "birch", "cedar"]
    for row in rows:
        assert float(row["margin_40_or_photo"]) <= float(row["margin_40"])
        assert 0 < float(row["moved"]) < 255 and 0 < float(row["margin_16"]) < 255
    assert "margin_16_or_photo" in capsys.readouterr().out


@pytest.mark.slow
def test_stroke_size(run, model, paintings, monkeypatch, script, capsys):
    monkeypatch.setattr(script("stroke_size"), "CELL", 40)
    options = ["--model", model, "--styles", paintings[0], "--names", "ash,birch"]
    options += [
        "--photos",
        "coffee",
        "--sizes",
        "256,700",
        "--show",
        "coffee,birch",
        "--ways",
        "700",
    ]
    output = run("stroke_size", *options)
    rows = rows_of(output / "sizes.csv")
    assert len(rows) == 2 * 2 * 2
    summary = rows_of(output / "summary.csv")
    assert [(row["stroke_size"], row["side"]) for row in summary] == [
        ("0", "256"), ("0", "700"), ("1", "256"), ("1", "700"),
    ]  # fmt: skip
    assert float(summary[2]["style_loss_whole_to_256"]) == 1
    for name in ("sizes.jpg", "ways.jpg"):
        assert images.load(output / name).shape[1] > 4 * 40
    # Once more: nothing is measured anew.
    before = (output / "sizes.csv").read_bytes()
    run("stroke_size", *options)
    assert (output / "sizes.csv").read_bytes() == before


@pytest.mark.slow
def test_sizes(run):
    output = run("sizes", "--megapixels", "0.02,0.05", "--photos", "2")
    assert [row["width"] for row in rows_of(output / "sizes.csv")] == ["163", "258"]
    (folder,) = rows_of(output / "folder.csv")
    assert folder["photos"] == "2" and 0 < float(folder["share"]) < 2


@pytest.mark.slow
def test_style_rate(run, model, paintings, many_photos, capsys):
    options = ["--content", many_photos, "--steps", "1", "--finetuning_steps", "1", *SMALL]
    data = ["--styles", paintings[0], "--names", "ash,birch", "--new", paintings[1]]
    more = ["--model", model, "--rates", "1", "10", "--photos", "1"]
    output = run("style_rate", *data, *options, *more)
    trained, tuned = rows_of(output / "training.csv"), rows_of(output / "finetuning.csv")
    assert [float(row["style_rate"]) for row in trained] == [1, 10]
    # One step of Adam moves a gamma by the rate: ten times as far.
    near, far = (float(row["gamma_distance"]) for row in trained)
    assert far == pytest.approx(10 * near, rel=0.1)
    assert [row["init"] for row in tuned] == ["nearest", "nearest"]
    assert images.load(output / "pictures.jpg").shape[1] > 2 * 200
    assert "with_droplets" in capsys.readouterr().out


@pytest.mark.slow
def test_ablations(run, paintings):
    options = ["--sizes", "16", "32", "--iterations", "2", "--max_side", "64"]
    layers = ["--style_size", "32", "--style_layers", "block1_conv1,block1_conv2"]
    output = run("ablations", "--style", paintings[0] / "ash.png", *options, *layers)
    rows = rows_of(output / "layers.csv")
    left_out = [row["left_out"] for row in rows]
    assert left_out == ["(photo)", "none", "block1_conv1", "block1_conv2"]
    photo, none = ([float(value) for value in list(row.values())[1:]] for row in rows[:2])
    assert photo[0] == 0 < none[0]
    assert photo[1] > none[1] and photo[2] > none[2]
    assert images.load(output / "layers.jpg").shape[1] > 4 * 256
    assert images.load(output / "stroke_size.jpg").shape[1] > 3 * 256


def test_strength(run, model, capsys):
    options = ["--pairs", "coffee:ash,chelsea:birch", "--size", "64", "--strengths", "0", "0.5"]
    output = run("strength", "--model", model, *options)
    # Two sheets, of five rows of four pictures, below each other.
    height, width = images.load(output / "strength.jpg").shape[:2]
    assert width == 6 + 4 * (64 + 6) and height == 2 * (6 + 16 + 5 * (64 + 6))
    assert "rows: laid_over,embeddings" in capsys.readouterr().out


@pytest.mark.slow
def test_photoreal(run, capsys):
    ways = "colours, whole;grid, regions;pixels;gatys"
    options = ["--pairs", "coffee", "--ways", ways, "--side", "96", "--cell", "64"]
    options += ["--grid_iterations", "4", "--pixels_iterations", "4", "--gatys_iterations", "2"]
    output = run("photoreal", *options)
    rows = rows_of(output / "pairs.csv")
    assert [row["way"] for row in rows] == ways.split(";")
    for row in rows:
        assert float(row["distance"]) > 0 and 0 < float(row["edge_ssim"]) <= 1
    summary = {row["way"]: row for row in rows_of(output / "summary.csv")}
    nearer = float(rows[1]["distance"]) < float(rows[0]["distance"])
    assert int(summary["grid, regions"]["nearer"]) == nearer
    assert images.load(output / "pairs.jpg").shape[1] > 6 * 64
    # Once more: all is there, nothing is measured anew.
    before = (output / "pairs.csv").read_text()
    run("photoreal", *options)
    assert (output / "pairs.csv").read_text() == before


@pytest.fixture(scope="module")
def predicting(model, paintings, many_photos, tmp_path_factory):
    """A predictor's file, which has learned nothing, and the recipe that it might be from."""
    folder = tmp_path_factory.mktemp("predicting")
    network = storage.load(model)
    StylePredictor.of(network, StyleView(size=32)).save(folder / "predictor.npz")
    known, new = paintings
    options = {
        "model": model,
        "styles": known,
        "content": many_photos,
        "batch_size": 1,
        "image_size": 64,
        "style_size": 32,
        "generated": 2,
        "warm_steps": 2,
        "precision": "float32",
    }
    lines = [f"--{name}={value}" for name, value in options.items()]
    lines += [f"--held_out_styles={path}" for path in (new / "elm.png", known / "ash.png")]
    (folder / "recipe.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder / "predictor.npz", folder / "recipe.txt"


@pytest.mark.slow
def test_predicted(run, predicting, model, script, monkeypatch):
    monkeypatch.setattr(script("predicted_pictures"), "OTHERS", ("coins",))
    starts = {"predicted": "predicted", "nearest": "nearest"}
    monkeypatch.setattr(script("predicted_starts"), "STARTS", starts)
    ablations = {"all": {}, "without_photos": {"photo_share": 0.0}}
    monkeypatch.setattr(script("predicted"), "ABLATIONS", ablations)
    predictor, recipe = predicting
    arguments = ["--predictor", predictor, "--recipe", recipe, "--image_size", "64"]
    arguments += ["--photo_size", "112"]
    arguments += ["--batch_size", "1", "--steps", "2,4", "--reference_steps", "8"]
    arguments += ["--references", "1", "--show", "elm", "--show_steps", "2,6"]
    arguments += ["--photos", "coffee", "--ablation_steps", "2"]
    output = run("predicted", *arguments)

    (row,) = rows_of(output / "time.csv")
    assert row["width"] == "640" and 0 < float(row["seconds"]) < 10 and int(row["bytes"]) > 1e6

    at_once = {row["painting"]: row for row in rows_of(output / "at_once.csv")}
    old = {row["painting"]: row for row in rows_of(output / "old.csv")}
    assert list(old) == ["elm", "ash"] and old["ash"]["old_style"] in ("birch", "cedar")
    rows = rows_of(output / "starts.csv")
    steps = collections.defaultdict(list)
    for row in rows:
        steps[row["painting"], row["start"]].append(int(row["step"]))
    assert steps["ash", "old"] == [0] and steps["elm", "nearest"] == [0, 2, 4]
    assert steps["ash", "predicted"] == [0, 2, 4, 8] and steps["elm", "predicted"] == [0, 2, 4]
    for row in rows:
        expected = float(row["style_loss"]) / float(old[row["painting"]]["style_loss"])
        assert float(row["ratio"]) == pytest.approx(expected, rel=1e-4)
        assert row["group"] == {"elm": "new", "ash": "left_out"}[row["painting"]]
        if (row["start"], row["step"]) == ("predicted", "0"):
            assert float(row["ratio"]) == pytest.approx(
                float(at_once[row["painting"]]["ratio"]), rel=1e-3
            )
    summary = rows_of(output / "summary.csv")
    assert len(summary) == 3 * 2 * 3
    ratios = [float(r["ratio"]) for r in rows if r["start"] == "nearest" and r["step"] == "2"]
    (row,) = (r for r in summary if (r["group"], r["start"], r["step"]) == ("all", "nearest", "2"))
    assert float(row["ratio_mean"]) == pytest.approx(sum(ratios) / 2, rel=1e-4)
    assert float(row["ratio_worst"]) == pytest.approx(max(ratios), rel=1e-4)
    assert (row["references"], row["paintings"]) == ("1", "2")

    for name in ("strip", "pastiches"):
        assert images.load(output / f"{name}.jpg").shape[1] == 6 + 5 * (256 + 6)
    assert images.load(output / "full" / "elm_6_steps_coffee.png").shape == (400, 600, 3)
    assert [row["image"] for row in rows_of(output / "others.csv")] == ["coins", "wall"]
    assert images.load(output / "others.jpg").shape[1] == 6 + 3 * (160 + 6)
    ablation = rows_of(output / "ablation.csv")
    assert [row["style_images"] for row in ablation] == list(ablations)
    assert len({row["ratio_mean"] for row in ablation}) > 1

    # Once more: all is there, nothing is measured anew.
    tables = {path: path.read_bytes() for path in output.rglob("*.csv")}
    kept = [*output.rglob("held_out.csv"), *(output / "full").iterdir(), output / "time.csv"]
    times = [path.stat().st_mtime_ns for path in kept]
    run("predicted", *arguments)
    assert {path: path.read_bytes() for path in tables} == tables
    assert [path.stat().st_mtime_ns for path in kept] == times
    with pytest.raises(SystemExit, match="is of another experiment"):
        run("predicted", *arguments, "--margin", "0")
    # A run folder stands for its last checkpoint, here its end; and it is another predictor.
    trained = output / "runs" / "ablation_all_2"
    found = script("held_out_styles").at_checkpoint(trained, storage.load(model))
    assert found.digest == StylePredictor.load(trained / "predictor.npz").digest
    with pytest.raises(SystemExit, match="is another predictor"):
        run("predicted", *arguments, "--predictor", trained)


@pytest.mark.slow
def test_joint(run, predicting, paintings):
    predictor, recipe = predicting
    arguments = ["--predictor", predictor, "--recipe", recipe, "--paintings", paintings[0]]
    arguments += ["--image_size", "64", "--photo_size", "112", "--batch_size", "1", "--steps", "3"]
    output = run("joint", *arguments, "--learning_rate", "0.01")
    start, alone, together = rows_of(output / "joint.csv")
    assert [row["way"] for row in (start, alone, together)] == ["start", "alone", "together"]
    # The network learns only where it is told to.
    assert float(start["old_style_loss_mean"]) == float(alone["old_style_loss_mean"]) == 1
    assert float(together["old_style_loss_mean"]) != 1
    assert len({row["ratio_mean"] for row in (start, alone, together)}) == 3
