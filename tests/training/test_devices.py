"""Several devices and machines, for which the processor and its processes stand in."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import pytest

from cin_style.errors import UserError
from cin_style.training.devices import ONE, connect, devices_of

ON_JAX = keras.backend.backend() == "jax"
HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def figures_of(tmp_path_factory):
    """A function of a number of devices and of what: what `many_devices.py` prints of it."""
    found = {}

    def figures(count, what):
        if (count, what) not in found:
            folder = tmp_path_factory.mktemp("runs")
            result = subprocess.run(
                [sys.executable, "many_devices.py", str(count), folder, what],
                cwd=HERE,
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
                capture_output=True,
                text=True,
                timeout=400,
            )
            assert result.returncode == 0, result.stderr[-3000:]
            found[count, what] = json.loads(result.stdout.splitlines()[-1])
        return found[count, what]

    return figures


FEW, *MORE = (4, 2, 8) if ON_JAX else (2, 4)
COUNTS = [FEW, *(pytest.param(count, marks=pytest.mark.slow) for count in MORE)]


@pytest.mark.parametrize("count", COUNTS)
def test_several_devices_step_like_one(count, figures_of):
    figures = figures_of(count, "steps")
    assert figures["devices"] == count
    assert figures["moved"] > 1e-4  # ten times the tolerance
    assert figures["difference"] < 1e-5
    one, several = figures["losses"]
    assert several == pytest.approx(one, rel=1e-6)


@pytest.mark.skipif(not ON_JAX, reason="TensorFlow's data sets have a prefetch of their own")
@pytest.mark.parametrize("count", COUNTS)
def test_batches_are_on_the_devices_before_they_are_needed(count, figures_of):
    """A step, be it of one device or of several, is not waited for before the next batch is sent.

    Where the machine is busy, a step may be done by itself before.
    """
    for undone in figures_of(count, "steps")["ahead"]:
        assert sum(map(bool, undone)) > len(undone) / 2


@pytest.mark.slow
@pytest.mark.parametrize("count", [FEW, *MORE])
def test_a_run_may_change_its_devices(count, figures_of):
    """Its weights are compared by what they make of the losses: Adam turns the rounding of what is
    nearly nothing into whole steps."""
    figures = figures_of(count, "runs")
    for name in ("several", "mixed"):
        assert figures["checkpoints"][name] == figures["checkpoints"]["one"]
        assert figures["files"][name] == figures["files"]["one"]
        for row, expected in zip(figures["logs"][name], figures["logs"]["one"], strict=True):
            assert row == pytest.approx(expected, rel=0.02)
    # What was begun on several devices was theirs.
    assert figures["logs"]["mixed"][:3] == figures["logs"]["several"][:3]


def test_what_devices_cannot_do_is_said():
    assert devices_of("1", 3) is ONE
    for asked, batch_size, parts, message in (
        ("3000", 6000, 1, "`devices` 3000 are more than there are here: "),
        ("1", 4, 3, "`batch_size` 4 can't be shared out evenly .* each in 3 parts.* multiple of 3"),
    ):
        with pytest.raises(UserError, match=message):
            devices_of(asked, batch_size, parts)
    with pytest.raises(UserError, match="must be auto or ADDRESS:PORT,INDEX,COUNT. Received: here"):
        connect("here")
    connect("")


@pytest.mark.skipif(ON_JAX, reason="what JAX can do")
def test_several_hosts_need_jax():
    with pytest.raises(UserError, match="`hosts` needs JAX"):
        connect("localhost:1234,0,2")


@pytest.mark.skipif(not ON_JAX, reason="hosts need JAX")
def test_hosts_are_counted_from_zero():
    with pytest.raises(UserError, match="of 2 the last one's INDEX is 1, not 2"):
        connect("localhost:1234,2,2")
