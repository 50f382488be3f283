"""Breaks the code in thirty-six ways by hand, and sees whether a test fails each time.

    python tests/trust/breaks.py --output train/results/trust/breaks.csv

Works on a copy. A break that no test notices is a test that is missing.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Of each: the file, what is there, what takes its place, what that means; and where tests are.
BREAKS = {
    "networks/layers.py": (
        "networks",
        [
            ("ops.rsqrt(variance + epsilon)", "ops.rsqrt(variance)", "no epsilon"),
            ("(beta - mean * scale)", "(beta + mean * scale)", "the mean is added"),
            (
                '*self.padding, (0, 0)), mode="reflect"',
                '*self.padding, (0, 0)), mode="symmetric"',
                "borders are repeated",
            ),
            ("- mean * total) * inverse", "+ mean * total) * inverse", "gammas learn otherwise"),
            ("of_x = -scale", "of_x = scale", "the gradient goes the other way round"),
        ],
    ),
    "networks/convolutions.py": (
        "networks",
        [
            ("(0, 1, 3, 2, 4, 5)", "(0, 1, 2, 3, 4, 5)", "four pixels in another order"),
            (
                "(batch, height, 2, width, 2, channels))",
                "(batch, height, 2, width, 2, channels)) * 1.001",
                "enlarging makes lighter",
            ),
            ('_BESIDE, mode="symmetric")', '_BESIDE, mode="reflect")', "another border"),
        ],
    ),
    "gradients.py": (
        "test_gradients.py training/test_trainer.py",
        [
            ("if _in_a_graph():", "if False:", "graphs are kept"),
            ("upstream, *others)", "2 * upstream, *others)", "traced gradients twice as large"),
        ],
    ),
    "losses/functional.py": (
        "losses networks/test_rewrites.py",
        [
            ("rows) / _positions(features), ()", "rows), ()", "Gram matrices grow with the size"),
            ("(d + ops.transpose(d, (0, 2, 1)))", "d", "half of Gram's gradient"),
            (
                "ops.mean(ops.square(grams - targets)",
                "ops.mean(ops.abs(grams - targets)",
                "not squared",
            ),
            ("smooth = 0.0 if exponent == 2 else 1e-4", "smooth = 0.0", "no smooth root"),
            (
                "average - ops.mean(average, axis=(2, 4)",
                "average - ops.mean(average, axis=(2,)",
                "another mean",
            ),
            ("ops.relu(ops.abs(z) - limit)", "ops.relu(z - limit)", "one side only"),
        ],
    ),
    "styles/blends.py": (
        "styles painting/test_blends.py",
        [
            ("return rows / total", "return rows", "weights are not made to sum to 1"),
            ("if (rows < 0).any():", "if False:", "negative weights pass"),
            ("values / np.float32(255)", "values / np.float32(256)", "255 is not 1"),
            (
                "np.linspace(0, 1, steps)",
                "np.linspace(0, 1, steps + 1)[:-1]",
                "a path without its end",
            ),
            ("ends = [*rows[1:], rows[0]]", "ends = [*rows[1:], rows[-1]]", "no round trip"),
        ],
    ),
    "training/finetune.py": (
        "training/test_finetune.py",
        [
            ("layer.trainable = False", "layer.trainable = True", "convolutions are trained"),
            ("(network.num_styles, 1))", "(network.num_styles, 1)) * 0.5", "another start"),
            (
                "self.base.append(trained.styles, trained.get_style_embeddings())",
                "self.base.append(trained.styles, 0.9 * trained.get_style_embeddings())",
                "what was learned is changed",
            ),
            ("if self.recipe.palette_start:", "if False:", "no palette"),
            (
                "for embeddings in (start, learned):",
                "for embeddings in (learned, learned):",
                "no before",
            ),
        ],
    ),
    "networks/storage.py": (
        "networks test_golden.py trust/test_found.py",
        [
            (".astype(np.float16)", "", "half is not half"),
            ("if network.stored_half if half is None else half:", "if half:", "half is forgotten"),
            ('if path.suffix != ".keras":', "if False:", "any suffix will do"),
            ("if not all(np.isfinite", "if False and not all(np.isfinite", "NaN is loaded"),
            ("layer.kernel.assign(np.array(kernel))", "pass", "convolutions are not copied"),
        ],
    ),
    "images/files.py": (
        "images",
        [
            ("np.rint(image.clip(0, 1) * 255)", "np.floor(image.clip(0, 1) * 255)", "truncated"),
            (
                'Image.new("RGBA", image.size, "white")',
                'Image.new("RGBA", image.size, "black")',
                "laid on black",
            ),
            ("8: Image.Transpose.ROTATE_90", "8: Image.Transpose.ROTATE_270", "the wrong way up"),
            ("255.0 / 65535.0", "255.0 / 65536.0", "16 bits a little darker"),
            ('options["subsampling"] = 0', 'options["subsampling"] = 2', "coarse colours in JPEG"),
        ],
    ),
}


def main():
    from cin_style import tables

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", nargs="+", default=list(BREAKS), choices=list(BREAKS))
    parser.add_argument("--output", type=pathlib.Path, help="a CSV file")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "copy"
        for name in ("cin_style", "tests", "styles", "train"):
            shutil.copytree(ROOT / name, copy / name)
        for name in ("setup.cfg", "pyproject.toml", "README.md", "BUILD.md"):
            shutil.copy(ROOT / name, copy / name)
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        for name in arguments.files:
            where, breaks = BREAKS[name]
            path = copy / "cin_style" / name
            good = path.read_text(encoding="utf-8")
            for old, new, meaning in breaks:
                if good.count(old) != 1:
                    raise SystemExit(f"{name} holds this {good.count(old)} times: {old}")
                path.write_text(good.replace(old, new), encoding="utf-8")
                tests = [f"tests/{part}" for part in where.split()]
                done = subprocess.run(
                    [
                        sys.executable,
                        "-m",
                        "pytest",
                        "-x",
                        "--tb=no",
                        "-p",
                        "no:cacheprovider",
                        *tests,
                    ],
                    cwd=copy,
                    env=environment,
                    capture_output=True,
                    text=True,
                )
                failed = [
                    line
                    for line in done.stdout.splitlines()
                    if line.startswith(("FAILED", "ERROR"))
                ]
                noticed = failed[0].split(" - ")[0].split("::", 1)[-1] if failed else ""
                rows.append({"file": name, "break": meaning, "noticed_by": noticed})
                print(rows[-1], flush=True)
            path.write_text(good, encoding="utf-8")
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        tables.write(arguments.output, rows)
    missed = [row for row in rows if not row["noticed_by"]]
    print(f"{len(rows) - len(missed)} of {len(rows)} noticed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
