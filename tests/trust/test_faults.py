"""The harness of `faults.py`: a few kills here, hundreds where there is time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cin_style import tables

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
HARNESS = Path(__file__).with_name("faults.py")


def kill(tmp_path, *arguments):
    output = tmp_path / "faults.csv"
    done = subprocess.run(
        [sys.executable, HARNESS, *arguments, f"--output={output}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    rows = tables.read(output, texts=("phase", "fault"))
    print(tables.align(rows))
    return {(row["phase"], row["fault"]): row for row in rows}


def test_killed_stylize_goes_on(tmp_path):
    rows = kill(tmp_path, "--phases=stylize", "--files=1", "--kills=1", "--disks=1")
    assert rows["stylize", "killed at a file"]["good"] == 2


@pytest.mark.trust
def test_killed_everywhere_it_ends_as_it_would_have(tmp_path):
    rows = kill(tmp_path, "--kills=50", "--files=40", "--disks=6")
    assert len({phase for phase, _ in rows}) == 5
    assert sum(row["good"] for row in rows.values()) > 150
