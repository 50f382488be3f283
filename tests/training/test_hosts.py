"""Two processes that train together, as on two machines."""

import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from cin_style import tables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "jax", reason="several hosts need JAX"),
]


def free_port():
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


def slurm_step(port, index):
    """What Slurm tells the tasks of a step on two nodes of one task each."""
    # JAX takes a port of the last 4,096 by the job's number.
    return {
        "SLURM_JOB_ID": str(port % 2**12),
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_NUM_NODES": "2",
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": str(index),
        "SLURM_LOCALID": "0",
    }


@pytest.fixture
def start(train_recipe, tmp_path):
    """A function of a folder's name, which begins a run there on two hosts, or goes on with it."""
    options = {
        name: getattr(train_recipe, name)
        for name in (
            *("styles", "content", "image_size", "style_size", "content_layers"),
            *("style_layers", "vgg_weights", "precision", "holdout"),
        )
    } | {"preset": "none", "steps": 60, "batch_size": 4, "checkpoint_every": 20, "preview_every": 0}
    begun = []

    def start(name, by_slurm=False):
        port, both = free_port(), []
        for index in (0, 1):
            # The second one has no share in the first one's files.
            output = tmp_path / (name if index == 0 else f"{name}_{index}")
            command = [sys.executable, "-m", "cin_style", "train", "--output", output]
            for option, value in options.items():
                command += [f"--{option}", str(value)]
            command += ["--hosts", "auto" if by_slurm else f"localhost:{port},{index},2"]
            log = (tmp_path / f"{name}_{index}.log").open("a")
            environment = os.environ | (slurm_step(port, index) if by_slurm else {})
            both.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        begun.extend(both)
        return both

    yield start
    for process in begun:
        process.kill()
        process.wait()


def steps_in(path):
    return int(np.load(path)["step"]) if path.is_file() else 0


def wait_for_steps(path, steps, processes):
    until = time.monotonic() + 180
    while steps_in(path) < steps:
        assert all(process.poll() is None for process in processes) and time.monotonic() < until
        time.sleep(0.05)


def test_two_hosts_killed_and_told_to_end_train_as_uninterrupted_ones(start, tmp_path):
    for process in start("whole", by_slurm=True):
        assert process.wait(300) == 0, (tmp_path / "whole_0.log").read_text()[-3000:]
    assert not (tmp_path / "whole_1").exists()  # only the first writes

    checkpoint = tmp_path / "cut" / "checkpoint.npz"
    both = start("cut")
    wait_for_steps(checkpoint, 20, both)
    both[1].kill()
    both[0].kill()  # as a scheduler does, when it has noticed
    assert steps_in(checkpoint) < 60
    both = start("cut")
    wait_for_steps(checkpoint, steps_in(checkpoint) + 1, both)
    os.kill(both[1].pid, signal.SIGTERM)
    # Both end at the same step, of which the first has written all.
    assert [process.wait(120) for process in both] == [75, 75]
    log = (tmp_path / "cut_0.log").read_text()
    assert f"all is saved up to step {steps_in(checkpoint)}." in log
    for process in start("cut"):
        assert process.wait(300) == 0
    whole, cut = (np.load(tmp_path / name / "checkpoint.npz") for name in ("whole", "cut"))
    for name in whole:
        np.testing.assert_array_equal(whole[name], cut[name], err_msg=name)
    logs = [tables.read(tmp_path / name / "losses.csv") for name in ("whole", "cut")]
    for row, other in zip(*logs, strict=True):
        assert row | {"seconds": 0} == other | {"seconds": 0}
