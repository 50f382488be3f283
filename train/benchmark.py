"""The scoreboard: what training and painting take here, side by side with PyTorch.

    pip install torch==2.13.0                        # without it, its columns stay empty
    python train/benchmark.py --output DIR           # all rows, three rounds
    python train/benchmark.py --quick --output DIR   # some two minutes: a few figures, timed twice

The columns of a row take turns, each time in a process of its own that has the machine to itself,
so that a machine that gets slower gets slower for all. Medians over all rounds. Weights are random
but for varied32's, which changes nothing about the time.

Writes `benchmark.json`, with every single time, and `benchmark.md`, the table.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

SIDES = {"256 px": (256, 256), "512 px": (512, 512), "1,024 px": (1024, 1024)}
SIDES["1,920 x 1,080 px"] = (1080, 1920)
PRODUCT = 4096

# So often a process is timed, and after so many seconds no further time.
TIMES, LONGEST = 4, 6

# TFLOP of what is measured, as XLA counts (`train/experiments/operations.py` for the default
# losses); a product of matrices says what the machine can do at best.
WORK = {"paper": 0.649, "default": 0.410, "alone": 0.082, "product": 2 * PRODUCT**3 / 1e12}

# Columns: what computes, and in what.
OURS = ("keras float32", "keras bfloat16", "onnx float32", "openvino float32", "openvino bfloat16")
RIVALS = ("torch float32", "torch bfloat16", "torch compiled")
COLUMNS = (*OURS, *RIVALS)


# === What is measured: each gives a function to be timed ===


def training(column, losses, image_size=256, batch_size=4, num_styles=32, finetuning=False):
    """A training step; `losses`: `paper`, to block4_conv3, or `default`."""
    what, precision = column.split()
    if what == "torch":
        from rivals import training_step

        return training_step(precision, image_size, batch_size)
    import keras
    import numpy as np

    from cin_style import TrainRecipe
    from cin_style.losses.from_recipe import make_objective
    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16
    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.training.recipes import margin_of
    from cin_style.training.trainer import StyleTrainer

    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
    rng = np.random.default_rng(0)
    recipe = TrainRecipe(precision=policy, image_size=image_size)
    names = [f"s{index}" for index in range(num_styles)]
    network = StyleTransferNetwork(names, upsampling=recipe.upsampling, dtype=policy)
    for layer in network.convolutions:
        layer.trainable = not finetuning
    pictures = [rng.random((256, 256, 3), dtype="float32") for _ in names]
    if losses == "default":
        keras.config.set_dtype_policy(policy)
        objective = make_objective(recipe, pictures, margin=margin_of(recipe))
    else:
        layers = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3")
        weights = dict.fromkeys(layers, 1e-4)
        vgg = VGG16(weights, "random", dtype=policy)
        content = {"block3_conv3": 1.0}
        objective = StyleObjective(vgg, pictures, content_layers=content, style_layers=weights)
    trainer = StyleTrainer(network, objective)
    trainer.compile(optimizer=keras.optimizers.Adam(1e-3))
    images = rng.random((batch_size, image_size, image_size, 3), dtype="float32")
    batch = images, rng.integers(num_styles, size=batch_size).astype("int32")
    return lambda: trainer.train_on_batch(batch)


def painting(column, size, num_styles=1, margin=True, model="varied32"):
    """A photo in so many styles of a network; without its margin, the network alone."""
    import numpy as np

    if column.startswith("torch"):
        from rivals import painting as rival

        precision = column.split()[1]
        return rival(precision, *size, compiled=precision == "compiled")
    photo = np.random.default_rng(0).random((*size, 3), dtype="float32")
    if not margin:
        from cin_style.runtimes import choice

        runtime, dtype = column.split()
        network = choice.open_network(model, runtime)
        paint = choice.make(network, runtime, dtype)
        embedding = network.get_style_embeddings()[None, :1]
        return lambda: paint(photo[None], embedding, np.ones((1, 1), "float32"))
    stylizer = make_stylizer(column, model)
    styles = list(range(num_styles))
    return lambda: stylizer(photo, styles, stroke_size=0, tile="off")


def make_stylizer(column, model="varied32"):
    """A `Stylizer` of a network that paints so."""
    from cin_style import Stylizer

    runtime, dtype = column.split()
    return Stylizer(model, dtype=dtype, runtime=runtime)


def folder(column, count=8):
    """`stylize` of a folder of photos of 512 x 384 px, files to files, the network loaded."""
    import numpy as np
    from PIL import Image

    from cin_style import StylizeRecipe, stylize
    from cin_style.runtimes import choice

    directory = pathlib.Path(tempfile.mkdtemp())
    rng = np.random.default_rng(0)
    for index in range(count):
        small = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        photo = small.resize((512, 384), Image.Resampling.BICUBIC)
        photo.save(directory / f"{index}.jpg", quality=92)
    runtime = column.split()[0]
    network = choice.open_network("varied32", runtime)
    recipe = StylizeRecipe(
        photos=(str(directory),), style="udnie", runtime=runtime, format="jpg", overwrite=True
    )
    return lambda: stylize(recipe, directory / "painted", network=network)


def reading(column, image_size=256, batch_size=4, photos=64):
    """A training batch of JPEGs of 500 x 375 px: read, decoded, cropped and scaled, in threads."""
    import itertools

    import skimage.data
    from PIL import Image

    from cin_style.training.batches import TrainingBatches
    from cin_style.training.photos import open_photos

    directory = pathlib.Path(tempfile.mkdtemp())
    photo = Image.fromarray(skimage.data.coffee()).resize((500, 375))
    for index in range(photos):
        photo.rotate(index).save(directory / f"{index}.jpg", quality=92)
    batches = iter(TrainingBatches(open_photos(directory), 32, batch_size, image_size))
    # Some are made ahead: of so many, few enough.
    many = 16
    return lambda: [next(batches) for _ in itertools.repeat(None, many)]


def start(column):
    """The command from its start to the first picture of 512 px."""
    import numpy as np
    from PIL import Image

    directory = pathlib.Path(tempfile.mkdtemp())
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    Image.fromarray(noise).save(directory / "photo.png")
    command = [sys.executable, "-c", "from cin_style.commands.main import main; main()", "stylize"]
    command += ["--runtime", column.split()[0], "--style", "udnie", "photo.png"]
    command += ["--output", "painted.png"]

    def run():
        subprocess.run(command, cwd=directory, check=True, capture_output=True)

    return run


def loading(column):
    """A `Stylizer` made, all modules loaded."""
    make_stylizer(column)
    return lambda: make_stylizer(column)


def product(column):
    """A product of two large square matrices: the machine's peak."""
    what, precision = column.split()
    if what == "torch":
        from rivals import product as rival

        return rival(precision, PRODUCT)
    import tensorflow as tf

    one = tf.cast(tf.random.uniform((PRODUCT, PRODUCT)), precision)
    return tf.function(lambda: tf.reduce_sum(tf.matmul(one, one)))


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        title: what it says.
        function: of this module, which gives what is timed.
        columns: which are measured.
        options: of the function.
        work: TFLOP, see `WORK`; 0 where that says nothing.
        quick: the columns that `--quick` measures.
    """

    title: str
    function: str
    columns: tuple[str, ...]
    options: dict = dataclasses.field(default_factory=dict)
    work: float = 0.0
    quick: tuple[str, ...] = ()


def rows():
    """All rows of the table."""
    keras, torch = OURS[:2], RIVALS[:2]
    both = (*keras, *torch)
    plain = tuple(column for column in OURS if column.endswith("float32"))
    title = f"a product of matrices, {PRODUCT} x {PRODUCT}"
    yield Row(title, "product", both, work=WORK["product"], quick=keras)
    step = "a training step, 256 px, batch 4, 32 styles"
    paper, default = {"losses": "paper"}, {"losses": "default"}
    title = f"{step}, to block4_conv3"
    yield Row(title, "training", both, paper, WORK["paper"], quick=both)
    yield Row(f"{step}, default losses", "training", keras, default, WORK["default"])
    yield Row("a fine-tuning step, the same", "training", keras, default | {"finetuning": True})
    yield Row("reading 16 batches of 4 crops of 256 px", "reading", keras[:1])
    for side, size in SIDES.items():
        some = (*plain, "openvino bfloat16", *torch)
        columns = COLUMNS if size == (512, 512) else some
        yield Row(f"a photo of {side}", "painting", columns, {"size": size})
    alone, many = {"margin": False}, {"num_styles": 32}
    size = {"size": (512, 512)}
    small = size | {"model": "varied32_small"}
    yield Row("a photo of 512 px, by varied32_small", "painting", OURS, small)
    title = "512 px, the network alone, without margin"
    quick = (*keras, "openvino bfloat16", *torch)
    yield Row(title, "painting", COLUMNS, size | alone, WORK["alone"], quick)
    yield Row("a photo of 512 px in 32 styles", "painting", plain, size | many)
    yield Row("a folder of 8 photos of 512 x 384 px", "folder", plain)
    yield Row("start to the first picture, 512 px", "start", plain, quick=("onnx float32",))
    yield Row("loading varied32", "loading", plain)


# === Taking turns ===


def measure(row, rounds, times):
    """The figures of a row, by column: each column in a process of its own, round after round."""
    found = {column: {"seconds": []} for column in row.columns}
    call = [row.function, json.dumps(row.options), str(times)]
    for _ in range(rounds):
        for column, figures in found.items():
            if "error" in figures:
                continue
            with tempfile.TemporaryDirectory() as scratch:
                done = subprocess.run(
                    [sys.executable, __file__, "--one", column, *call],
                    capture_output=True,
                    text=True,
                    env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "TMPDIR": scratch},
                )
            if done.returncode:
                figures["error"] = (done.stderr.strip().splitlines() or ["ended"])[-1]
                continue
            one = json.loads(done.stdout.splitlines()[-1])
            figures["seconds"] += one["seconds"]
            figures["peak_mib"] = max(one["peak_mib"], figures.get("peak_mib", 0))
            figures["median"] = statistics.median(figures["seconds"])
    return found


def measure_one(column, function, options, times):
    """In a fresh process: prints the times of some calls, after one that does not count."""
    run = globals()[function](column, **json.loads(options))
    run()
    seconds = []
    while len(seconds) < int(times) and sum(seconds) < LONGEST:
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    # Not `ru_maxrss`, which begins with what the process that started this one had.
    status = pathlib.Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM")]
    print(json.dumps({"seconds": seconds, "peak_mib": max(peak, default=0)}))


# === The table ===


def describe_machine():
    """The processor, its cores, and versions; `hardware.versions` and what paints besides."""
    import importlib.metadata

    from cin_style import hardware
    from cin_style.runtimes import backend

    backend.load()
    found = hardware.versions()
    for distribution in importlib.metadata.distributions():
        if distribution.name in ("onnxruntime", "openvino", "torch"):
            found[distribution.name] = distribution.version
    info = pathlib.Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    models = [line.split(":")[1].strip() for line in text.splitlines() if "model name" in line]
    return {"processor": models[0] if models else platform.processor(), "versions": found}


def table(found, of=None):
    """The scoreboard in Markdown: seconds, how many times faster the best of ours is, and shares.

    Args:
        found: what is measured by now.
        of: titles of rows; by default all.
    """
    medians = {
        title: {name: one["median"] for name, one in row["columns"].items() if "median" in one}
        for title, row in found["rows"].items()
    }
    shown = [name for name in COLUMNS if any(name in row for row in medians.values())]
    names = [name.replace("torch", "PyTorch").replace("keras", "Keras") for name in shown]
    lines = ["| | " + " | ".join(names) + " | PyTorch / ours | of the peak |"]
    lines.append("|---" + "|---:" * (len(shown) + 2) + "|")
    for title in of or medians:
        cells = [f"{medians[title][name]:.3g}" if name in medians[title] else "" for name in shown]
        ratios, shares = [], []
        for precision in ("float32", "bfloat16"):
            ours = best(medians[title], precision, OURS)
            rival = medians[title].get(f"torch {precision}")
            if rival and ours and "product" not in title:
                ratios.append(f"{rival / ours:.2f}")
            share = ours and share_of_peak(found["rows"], medians, title, precision, ours)
            if share:
                shares.append(f"{share:.2f}")
        cells += [", ".join(ratios), ", ".join(shares)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def best(medians, precision, columns):
    """The least time of columns in a precision, or None."""
    return min(
        (medians[name] for name in columns if name in medians and precision in name), default=None
    )


def share_of_peak(rows, medians, title, precision, seconds):
    """The rate of a row's work over that of a product of matrices, where both are known."""
    for other in rows:
        peak = best(medians[other], precision, COLUMNS)
        if "product" in other and peak and rows[title]["work"] and other != title:
            return rows[title]["work"] / seconds / (rows[other]["work"] / peak)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="some figures, each timed twice")
    parser.add_argument("--eager", action="store_true", help="without PyTorch's compiled column")
    parser.add_argument("--only", default="", help="rows whose titles hold this")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure_one(*arguments.one)
        return
    if not arguments.output:
        parser.error("--output DIR: where shall the table go?")
    arguments.output.mkdir(parents=True, exist_ok=True)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    times = 2 if arguments.quick else TIMES
    found = {"machine": describe_machine(), "rounds": rounds, "rows": {}}
    for row in rows():
        if arguments.only not in row.title or arguments.quick and not row.quick:
            continue
        columns = row.quick if arguments.quick else row.columns
        if arguments.eager:  # compiling takes PyTorch a minute
            columns = tuple(name for name in columns if name != "torch compiled")
        row = dataclasses.replace(row, columns=columns)
        figures = measure(row, rounds, times)
        found["rows"][row.title] = {"work": row.work, "columns": figures}
        text = json.dumps(found, indent=1)
        (arguments.output / "benchmark.json").write_text(text, encoding="utf-8")
        (arguments.output / "benchmark.md").write_text(table(found) + "\n", encoding="utf-8")
        print(table(found, [row.title]).splitlines()[-1], flush=True)
        for column, figure in figures.items():
            if "error" in figure:
                print(f"  {column}: {figure['error']}", flush=True)


if __name__ == "__main__":
    main()
