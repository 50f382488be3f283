"""Thousands of broken files and command lines, and what becomes of each.

    python tests/trust/bad_input.py --cases 2500 --output train/results/trust/bad_input.csv

Allowed is the right result, or a `UserError` (one line and exit code 2 on the command line). Not:
a traceback, 10 s of silence, 2 GB of memory, a file outside the output folder or a changed one that
was given. The same seed makes the same cases.
"""

import argparse
import collections
import contextlib
import importlib.util
import io
import json
import logging
import os
import pathlib
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings

import mutations
import numpy as np
from PIL import Image

FORMATS = pathlib.Path(__file__).resolve().parents[1] / "golden" / "formats_1"
SLOW, LARGE = 10.0, 2 * 1024**2  # seconds; KiB


class Case:
    """Where a case is tried: `folder` holds the good files, `output` is all it may write to."""

    def __init__(self, good, folder, rng):
        self.good, self.rng = good, rng
        self.folder, self.output = folder, folder / "output"

    def write(self, name, data):
        path = self.folder / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def broken(self, name):
        """A good file, broken."""
        return self.write(name, mutations.bytes_of((self.good / name).read_bytes(), self.rng))


def command(*arguments):
    """Runs `cin-style` here; a mistake becomes the exception that it is for the library."""
    from cin_style.commands import main
    from cin_style.errors import UserError

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main.run(main.parse(["cin-style", *map(str, arguments)]))
        except SystemExit as exit:
            code = exit.code
    lines = err.getvalue().splitlines()
    if code == 2:
        said = [line for line in lines if line.startswith(("cin-style: ", "cin-style "))]
        if len(said) != 1 or not lines[-1] == said[0] or not said[0].isprintable():
            raise AssertionError(f"not one line: {lines[-5:]}")
        raise UserError(said[0])
    if code != 0:
        raise AssertionError(f"exit code {code}: {lines[-3:]}")


# === What is tried: each a function of a case ===


def _stylize(case, photo, model="m.keras", *more):
    model = model if pathlib.Path(model).is_absolute() else case.good / model
    command("stylize", photo, "--model", model, "--style", "0", *more, "--output", case.output)


def photo(suffix):
    def attempt(case):
        # Small, however large a broken header says that the photo is.
        _stylize(case, case.broken(f"photo{suffix}"), "m.keras", "--max_side", 64)

    return attempt


def network_bytes(case):
    path = case.broken("m.keras")
    command("styles", "--model", path)
    _stylize(case, case.good / "photo.png", path)


def network_config(case):
    import zipfile

    path = case.folder / "input" / "m.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(case.good / "m.keras") as good, zipfile.ZipFile(path, "w") as bad:
        for entry in good.infolist():
            data = good.read(entry)
            if entry.filename == "config.json":
                data = mutations.json_of(json.loads(data), case.rng)
            bad.writestr(entry, data)
    command("styles", "--model", path)
    _stylize(case, case.good / "photo.png", path)


def card(case):
    if case.rng.random() < 0.5:
        path = case.broken("ash.style.npz")
    else:
        path = case.write("ash.style.npz", _npz(case, "ash.style.npz"))
    command(
        *("styles", "--model", case.good / "other.keras", "--import", path),
        *("--output", case.output / "with.keras"),
    )


def _npz(case, name):
    with np.load(case.good / name) as file:
        arrays = mutations.arrays_of(dict(file), case.rng)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def catalogue(case):
    from cin_style import StyleSet

    good = json.loads((case.good / "styles" / "styles.json").read_text())
    path = case.write("styles.json", mutations.json_of(good, case.rng))
    StyleSet.from_folder(case.good / "styles", catalogue=path).load_images(32)


def mask(case):
    path = case.broken("mask.png")
    command(
        *("blend", case.good / "photo.png", "--model", case.good / "m.keras"),
        *("--styles", "0,1", "--mask", path, "--output", case.output / "masked.png"),
    )


def vgg(case):
    from cin_style.losses.vgg_weights import read_weights

    if case.rng.random() < 0.5:
        read_weights(case.broken("vgg.npz"))
    else:
        read_weights(case.write("vgg.npz", _npz(case, "vgg.npz")))


def flag_file(case):
    from cin_style import recipes  # noqa: F401
    from cin_style.commands import main, options
    from cin_style.training.recipes import TrainRecipe

    text = (case.good / "recipe.txt").read_text()
    lines = mutations.arguments_of(text.split(), ["steps", "batch_size", "style_layers"], case.rng)
    data = "\n".join(lines).encode("utf-8", "surrogateescape")
    if case.rng.random() < 0.3:
        data = mutations.bytes_of(text.encode(), case.rng)
    path = case.write("recipe.txt", data)

    def read(arguments):
        options.recipe(arguments, TrainRecipe)

    arguments = [f"--flagfile={path}", "--output", str(case.output)]
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        try:
            read(main.parse(["cin-style", "train", *arguments]))
        except SystemExit as exit:
            from cin_style.errors import UserError

            if exit.code == 2:
                raise UserError(err.getvalue()) from exit


def run_folder(case):
    """A run that stopped goes on, or says why not."""
    from cin_style import finetune, load

    golden = _golden()
    shutil.copytree(FORMATS / "begun", case.output, dirs_exist_ok=True)
    os.chdir(case.good)  # where its images are, by relative names
    names = ["run.json", "checkpoint.npz", "losses.csv", "before.json", "start.npy"]
    path = case.output / names[case.rng.integers(len(names))]
    kind = case.rng.random()
    if kind < 0.1:
        path.unlink()
    elif path.suffix == ".json" and kind < 0.6:
        path.write_bytes(mutations.json_of(json.loads(path.read_text()), case.rng))
    elif path.suffix == ".npz" and kind < 0.6:
        with np.load(path) as file:
            arrays = mutations.arrays_of(dict(file), case.rng)
        np.savez(path, **arrays)
    else:
        path.write_bytes(mutations.bytes_of(path.read_bytes(), case.rng))
    base = load(FORMATS / "network.keras")
    finetune(golden.finetuning(base, pathlib.Path("golden_images")), case.output, network=base)


def _golden():
    spec = importlib.util.spec_from_file_location("formats", FORMATS.parent / "formats.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMANDS = {
    "stylize": ["stylize", "PHOTO", "--model", "MODEL", "--style", "0", "--max_side", "40"],
    "blend": ["blend", "PHOTO", "--model", "MODEL", "--styles", "0,1", "--steps", "2"],
    "styles": ["styles", "--model", "MODEL", "--rename", "ash=oak"],
}
OPTIONS = {
    "stylize": [
        "style",
        "weights",
        "strength",
        "stroke_size",
        "colours",
        "tile",
        "quality",
        "sheet",
    ],
    "blend": ["styles", "steps", "across", "mask", "soften", "max_side", "weights"],
    "styles": ["rename", "remove", "export", "import"],
}


def command_line(case):
    name = list(COMMANDS)[case.rng.integers(len(COMMANDS))]
    arguments = mutations.arguments_of(COMMANDS[name], OPTIONS[name], case.rng)
    places = {"PHOTO": case.good / "photo.png", "MODEL": case.good / "m.keras"}
    target = {"stylize": "", "blend": "blend.png", "styles": "m.keras"}[name]
    command(
        *(places.get(one, one) for one in arguments),
        *("--output", case.output / target if target else case.output),
    )


# Each with its share of the cases.
KINDS = {
    **{f"photo {suffix}": (photo(suffix), 3) for suffix in (".png", ".jpg", ".webp", ".gif")},
    **{f"photo {suffix}": (photo(suffix), 2) for suffix in (".tif", ".bmp")},
    "network, its bytes": (network_bytes, 3),
    "network, its config": (network_config, 3),
    "style card": (card, 4),
    "styles.json": (catalogue, 6),
    "mask": (mask, 2),
    "VGG weights": (vgg, 4),
    "flag file": (flag_file, 6),
    "command line": (command_line, 6),
    "run folder": (run_folder, 1),
}


# === Trying ===


def make_good(folder):
    """Good files of every kind."""
    import keras

    from cin_style import StyleTransferNetwork
    from cin_style.losses.vgg import VGG16
    from cin_style.networks import cards, storage

    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    pixels = np.kron(rng.integers(0, 256, (5, 6, 3)), np.ones((8, 8, 1))).astype("uint8")
    for suffix in (".png", ".jpg", ".webp", ".gif", ".tif", ".bmp"):
        Image.fromarray(pixels).save(folder / f"photo{suffix}")
    Image.fromarray(np.indices((40, 48))[1].astype("uint8") // 24 * 255).save(folder / "mask.png")
    (folder / "styles").mkdir()
    for name in ("a", "b"):
        Image.fromarray(rng.permuted(pixels, axis=0)).save(folder / "styles" / f"{name}.png")
    entries = [
        {"name": "ash", "file": "a.png", "title": "Ash", "year": "1901", "weight": 1.5},
        {"name": "oak", "file": "b.png", "artist": "Anna", "source": "https://example.org"},
    ]
    (folder / "styles" / "styles.json").write_text(json.dumps(entries))
    (folder / "recipe.txt").write_text(
        "--styles=styles\n--content=photos\n--steps=4\n--batch_size=2\n--image_size=64\n"
        "--style_layers=block1_conv1:1.0\n--learning_rate=1e-3\n"
    )
    for name, styles in {"m": ("ash", "birch"), "other": ("cedar",)}.items():
        keras.utils.set_random_seed(0)
        network = StyleTransferNetwork(styles, widths=(4, 6, 8), residual_blocks=1)
        storage.save(network, folder / f"{name}.keras")
        if name == "m":
            cards.StyleCard.of(network, "ash").save(folder / "ash.style.npz")
    _golden().make_images(folder / "golden_images")
    loss_network = VGG16({"block1_conv2": 1.0}, "random")
    arrays = {}
    for layer in loss_network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            arrays |= {f"{layer.name}/kernel": kernel, f"{layer.name}/bias": bias}
    np.savez(folder / "vgg.npz", **arrays)


def listing(folder, without):
    """What lies in a folder: a dict of paths to sizes and times."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and without not in path.parents
    }


def attempt(function, case):
    """What comes of a case: `right`, `refused` or what is wrong; and why."""
    from cin_style.errors import UserError

    before = listing(case.folder.parent, case.folder)
    begun, peak = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        function(case)
        outcome, why = "right", ""
    except UserError as error:
        outcome, why = "refused", str(error)
    except AssertionError as error:
        outcome, why = "said badly", str(error)
    except Exception:
        outcome, why = "traceback", traceback.format_exc()
    seconds = time.monotonic() - begun
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    if seconds > SLOW:
        outcome, why = "slow", f"{seconds:.0f} s. {why}"
    if grown > LARGE:
        outcome, why = "large", f"{grown // 1024} MiB. {why}"
    if listing(case.folder.parent, case.folder) != before:
        outcome, why = "wrote elsewhere", why
    return outcome, why, seconds


def run(cases, seed, scratch, only=""):
    """Tries so many cases, and yields (kind, number, outcome, why, seconds)."""
    make_good(scratch / "good")
    shares = sum(share for _, share in KINDS.values())
    before = os.getcwd()
    for index, (kind, (function, share)) in enumerate(KINDS.items()):
        if only not in kind:
            continue
        for number in range(max(1, cases * share // shares)):
            folder = scratch / f"case_{index}_{number}"
            (folder / "work").mkdir(parents=True)
            (folder / "output").mkdir()
            os.chdir(folder / "work")
            case = Case(scratch / "good", folder, np.random.default_rng([seed, index, number]))
            try:
                yield kind, number, *attempt(function, case)
            finally:
                os.chdir(before)


BAD = ("said badly", "traceback", "slow", "large", "wrote elsewhere")


def summarize(results):
    """Rows of a table: a kind of input, how many, outcomes, the slowest."""
    counts, slowest = collections.defaultdict(collections.Counter), collections.Counter()
    for kind, _, outcome, _, seconds in results:
        counts[kind][outcome] += 1
        slowest[kind] = max(slowest[kind], seconds)
    columns = ("right", "refused", *BAD)
    rows = [
        {"input": kind, "cases": sum(found.values())}
        | {name: found[name] for name in columns}
        | {"slowest_s": round(slowest[kind], 1)}
        for kind, found in counts.items()
    ]
    whole = {name: sum(row[name] for row in rows) for name in ("cases", *columns)}
    return [*rows, {"input": "all", **whole, "slowest_s": max(row["slowest_s"] for row in rows)}]


def main():
    from cin_style import tables

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds that have this in their name")
    parser.add_argument("--output", type=pathlib.Path, help="a CSV file")
    arguments = parser.parse_args()
    logging.getLogger("cin_style").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for result in run(arguments.cases, arguments.seed, pathlib.Path(scratch), arguments.only):
            results.append(result)
            if result[2] in BAD:
                print(*result[:3], result[3][-700:], flush=True)
    rows = summarize(results)
    print(tables.align(rows))
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        tables.write(arguments.output, rows)
    sys.exit(any(result[2] in BAD for result in results))


if __name__ == "__main__":
    main()
