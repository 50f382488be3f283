"""Kills commands in the middle, lets them go on, and compares what they end with.

    python tests/trust/faults.py --kills 50 --output train/results/trust/faults.csv

A phase is a command. It is run to its end once; then it is killed (SIGKILL) at the writing of each
of its files in turn, before and after the temporary file takes the file's name, and at random
moments; each time it is started again until it ends. What lies in its output folder must be what
the first run left. On a small disk (a tmpfs, where that may be mounted) it must end with one line
and exit code 2, and with enough room end as the first run did.

Processes are forked from one that has imported everything, and computed nothing yet.
"""

import argparse
import contextlib
import csv
import faulthandler
import hashlib
import io
import itertools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np
from PIL import Image

LAYERS = ["--style_layers=block1_conv1", "--content_layers=block1_conv1", "--vgg_weights=random"]
TINY = [*LAYERS, "--image_size=32", "--style_size=32", "--batch_size=1", "--holdout=1"]
RUN = [*TINY, "--steps=4", "--checkpoint_every=1", "--preview_every=2", "--precision=float32"]
PHASES = {
    "train": ["train", "--preset=none", "--styles=styles", "--content=photos", *RUN],
    "finetune": [
        *(
            "finetune",
            "--model=m.keras",
            "--styles=styles/c.png",
            "--content=photos",
            "--init=ones",
        ),
        *RUN,
    ],
    "evaluate": [
        *("evaluate", "--model=m.keras", "--styles=styles", "--content=photos"),
        *("--photos=2", "--holdout=0", "--image_size=64", *LAYERS),
    ],
    "stylize": ["stylize", "photos", "--model=m.keras", "--style=all", "--sheet=OUT/sheet.png"],
    "optimize": [
        *("optimize", "--content=photos/0.png", "--style=styles/a.png", *LAYERS),
        *("--iterations=3", "--max_side=32", "--stages=1"),
    ],
}
# What the output argument names, in the phase's folder.
FILES = {"optimize": "picture.png"}

# What says when it was, or how long it took.
WITHOUT = ("tensorboard", "run.json", "report.json", "report.html", ".lock", ".cin_style.jsonl")


def make_good(folder):
    """The files that the commands read."""
    import keras

    from cin_style import StyleTransferNetwork
    from cin_style.networks import storage

    rng = np.random.default_rng(0)
    for place, count in (("photos", 4), ("styles", 3)):
        (folder / place).mkdir(parents=True)
        for number in range(count):
            name = f"{number}.png" if place == "photos" else f"{'abc'[number]}.png"
            pixels = np.kron(rng.integers(0, 256, (5, 6, 3)), np.ones((8, 8, 1)))
            Image.fromarray(pixels.astype("uint8")).save(folder / place / name)
    keras.utils.set_random_seed(0)
    network = StyleTransferNetwork(["a", "b"], widths=(4, 6, 8), residual_blocks=1)
    storage.save(network, folder / "m.keras")


def digest(path):
    """What a file says, without how long things took."""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read("config.json"), archive.read("model.weights.h5")]
        return hashlib.sha256(b"".join(parts)).hexdigest()
    if path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        return str([{k: v for k, v in row.items() if k != "seconds"} for row in rows])
    if path.suffix == ".npz":
        with np.load(path) as file:
            arrays = b"".join(file[name].tobytes() for name in sorted(file))
        return hashlib.sha256(arrays).hexdigest()
    if path.name == "losses.png":
        return "a plot"
    if path.suffix in (".png", ".jpg"):
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"), "int16")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder):
    """What lies in an output folder: a dict of names to digests."""
    return {
        str(path.relative_to(folder)): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.startswith(".cin_style-")  # of a process that was killed
        and not set(WITHOUT) & set(path.relative_to(folder).parts)
    }


def start(phase, output, at=None, after=False):
    """Forks a process that runs a phase's command, and kills itself at the writing of a file.

    Returns:
        The process' number, and a file of what it says.
    """
    said = tempfile.TemporaryFile("w+")
    child = os.fork()
    if child:
        return child, said
    try:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        faulthandler.enable()
        if at is not None:
            _kill_at(at, after)
        where = output / FILES[phase] if phase in FILES else output
        arguments = [one.replace("OUT", str(output)) for one in PHASES[phase]]
        sys.argv = ["cin-style", *arguments, f"--output={where}"]
        sys.modules["cin_style.commands.main"].main()
    except SystemExit as error:
        code = error.code
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _kill_at(number, after):
    """Lets this process die at its `number`-th file."""
    replace, numbers = os.replace, itertools.count(1)

    def counted(*arguments, **options):
        here = next(numbers) == number
        if here and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*arguments, **options)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = counted


def end(child, said, seconds=300):
    """Waits for a process; its exit code (negative: the signal) and its last lines.

    Of a crash more: where the process was.
    """
    begun = time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - begun > seconds:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
    said.seek(0)
    lines = said.read().splitlines()
    code = os.waitstatus_to_exitcode(status)
    return code, lines[-60 if code == -signal.SIGSEGV else -5 :]


def complete(phase, output):
    """Runs a phase to its end; raises if it does not get there."""
    code, lines = end(*start(phase, output))
    if code:
        raise AssertionError(f"{phase} ended with {code}: {lines}")


def differences(expected, found):
    names = sorted({*expected, *found})
    return [name for name in names if not alike(expected.get(name), found.get(name))]


def alike(one, other):
    """Whether two digests are of the same.

    A photo in one style and the same in two at a time may be rounded to neighbouring values.
    """
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and np.abs(one - other).max() <= 1
    return type(one) is type(other) and one == other


class Tally:
    """What became of the faults of a kind."""

    def __init__(self, phase, fault):
        self.row = {"phase": phase, "fault": fault, "cases": 0, "good": 0, "bad": 0}

    def note(self, problem, where):
        self.row["cases"] += 1
        self.row["bad" if problem else "good"] += 1
        if problem:
            print(f"{self.row['phase']}, {self.row['fault']} {where}: {problem}", flush=True)


def kill_at_files(phase, expected, scratch, most):
    """Kills at each file in turn."""
    tally = Tally(phase, "killed at a file")
    for number in range(1, most + 1):
        for after in (False, True):
            output = scratch / "killed"
            code, lines = end(*start(phase, output, number, after))
            if code == 0:  # so many files it does not write
                shutil.rmtree(output)
                return tally.row
            tally.note(_goes_on(phase, output, expected, code, lines), (number, after))
    return tally.row


def kill_at_random(phase, expected, scratch, count, seconds):
    """Kills at random moments."""
    tally, moments = Tally(phase, "killed at random"), random.Random(0)
    for number in range(count):
        output = scratch / "killed"
        child, said = start(phase, output)
        time.sleep(moments.uniform(0, seconds))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        code, lines = end(child, said)
        tally.note(_goes_on(phase, output, expected, code, lines), number)
    return tally.row


def interrupt(phase, expected, scratch, count, seconds):
    """SIGINT once or twice, or SIGTERM, at random moments."""
    tally, moments = Tally(phase, "interrupted"), random.Random(1)
    for number in range(count):
        output = scratch / "killed"
        child, said = start(phase, output)
        time.sleep(moments.uniform(0, seconds))
        signals = [[signal.SIGINT], [signal.SIGINT, signal.SIGINT], [signal.SIGTERM]][number % 3]
        for one in signals:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, one)
            time.sleep(0.1)
        code, lines = end(child, said)
        allowed = (0, 130, 143, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL)
        problem = "" if code in allowed else f"{code}: {lines}"
        tally.note(problem or _goes_on(phase, output, expected, -9, lines, True), number)
    return tally.row


def _goes_on(phase, output, expected, code, lines, interrupted=False):
    """What is wrong after the command was started again; nothing if all is as expected."""
    try:
        if code not in (0, -signal.SIGKILL):
            return f"ended with {code}: {lines}"
        if phase in FILES:
            # Interrupted, it writes the best so far; killed, all or nothing.
            target = output / FILES[phase]
            if target.is_file():
                written = digest(target)  # which reads it
                if not interrupted and not alike(written, expected[FILES[phase]]):
                    return "a half-written picture"
        complete(phase, output)
        left = [path.name for path in output.rglob(".cin_style-*")]
        young = left if phase not in ("stylize", "optimize", "evaluate") else []
        differing = differences(expected, contents(output))
        return f"{differing} differ" if differing else f"{young} left" if young else ""
    except AssertionError as error:
        return str(error)
    finally:
        shutil.rmtree(output, ignore_errors=True)


def full_disk(phase, expected, scratch, steps):
    """Runs on disks that are too small, then gives room."""
    tally, output = Tally(phase, "full disk"), scratch / "disk"
    whole = sum(expected_sizes(scratch / "expected")) // 1024 + 64
    for number in range(steps):
        output.mkdir()
        size = max(4, whole * (number + 1) // (steps + 1))
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", output], capture_output=True
        )
        if mounted.returncode:
            output.rmdir()
            print("full disk: not allowed to mount a tmpfs, left out", flush=True)
            return None
        try:
            code, lines = end(*start(phase, output))
            problem = ""
            if code not in (0, 2) or any("Traceback" in line for line in lines):
                problem = f"{code}: {lines}"
            subprocess.run(["mount", "-o", "remount,size=64m", output], check=True)
            if not problem:
                complete(phase, output)
                differing = differences(expected, contents(output))
                problem = f"{differing} differ" if differing else ""
        except AssertionError as error:
            problem = str(error)
        finally:
            subprocess.run(["umount", output], check=True)
            output.rmdir()
        tally.note(problem, f"of {size} KiB")
    return tally.row


def expected_sizes(folder):
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phases", default=",".join(PHASES))
    parser.add_argument("--kills", type=int, default=50, help="at random moments, of each phase")
    parser.add_argument("--files", type=int, default=100, help="at most, of each phase")
    parser.add_argument("--disks", type=int, default=8, help="of each phase")
    parser.add_argument("--output", type=pathlib.Path, help="a CSV file")
    arguments = parser.parse_args()
    rows, phases = [], arguments.phases.split(",")
    target = arguments.output and arguments.output.resolve()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    scratch = pathlib.Path(tempfile.mkdtemp())
    # In a process of its own: what has computed must not be forked.
    child = os.fork()
    if not child:
        make_good(scratch)
        os._exit(0)
    os.waitpid(child, 0)
    os.chdir(scratch)
    import cin_style.commands.main
    import cin_style.evaluation.report
    import cin_style.painting.folder
    import cin_style.painting.pixels
    import cin_style.training.finetune
    import cin_style.training.train  # noqa: F401
    from cin_style import tables

    try:
        for phase in phases:
            begun = time.monotonic()
            complete(phase, scratch / "expected")
            seconds = time.monotonic() - begun
            expected = contents(scratch / "expected")
            rows.append(kill_at_files(phase, expected, scratch, arguments.files))
            rows.append(kill_at_random(phase, expected, scratch, arguments.kills, seconds))
            interrupts = -(-arguments.kills // 3)
            rows.append(interrupt(phase, expected, scratch, interrupts, seconds))
            rows.append(full_disk(phase, expected, scratch, arguments.disks))
            shutil.rmtree(scratch / "expected")
            print(tables.align([row for row in rows if row]), flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(scratch, ignore_errors=True)
    rows = [row for row in rows if row]
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        tables.write(target, rows)
    sys.exit(any(row["bad"] for row in rows))


if __name__ == "__main__":
    main()
