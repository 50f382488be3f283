"""The harness of `bad_input.py`: a few cases of each kind here, thousands where there is time."""

import subprocess
import sys
from pathlib import Path

import pytest

from cin_style import tables

HARNESS = Path(__file__).with_name("bad_input.py")


def attack(tmp_path, cases, seed):
    output = tmp_path / "bad_input.csv"
    done = subprocess.run(
        [sys.executable, HARNESS, f"--cases={cases}", f"--seed={seed}", f"--output={output}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    rows = tables.read(output, texts=("input",))
    print(tables.align(rows))
    return rows


def test_a_few_broken_inputs_of_each_kind(tmp_path):
    *kinds, whole = attack(tmp_path, 56, seed=1)
    assert len(kinds) == 15 and all(row["cases"] for row in kinds)
    assert whole["right"] and whole["refused"]
    assert whole["right"] + whole["refused"] == whole["cases"]


@pytest.mark.trust
def test_thousands_of_broken_inputs(tmp_path):
    whole = attack(tmp_path, 2100, seed=2)[-1]
    assert whole["cases"] >= 2000
    assert whole["right"] + whole["refused"] == whole["cases"]
