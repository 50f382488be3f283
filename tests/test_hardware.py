"""The precision that a processor is fast in, by what it says of itself."""

import os
import sys
import types

import keras
import pytest

from cin_style import hardware


@pytest.mark.parametrize(
    ("kind", "detail", "fast"),
    [
        ("cpu", "fma avx2 avx512f", False),
        # Measured: without AMX, mixed_bfloat16 is the slower of the two, but for AMD's.
        ("cpu", "avx512_bf16 avx512f", False),
        ("cpu", "GenuineIntel avx512_bf16 avx512f", False),
        ("cpu", "AuthenticAMD avx512_bf16 avx512f", True),
        ("cpu", "AuthenticAMD avx2", False),
        ("cpu", "avx512_bf16 amx_bf16 amx_tile", True),
        ("cpu", "", False),
        ("gpu", "7.5", False),
        ("gpu", "8.0", True),
        ("gpu", "12.0", True),
        ("gpu", "gfx906", False),
        ("gpu", "gfx908", True),
        ("gpu", "gfx90a", True),
        ("gpu", "gfx90a:sramecc+:xnack-", True),
        ("gpu", "gfx942", True),
        ("gpu", "gfx1030", False),
        ("gpu", "gfx1100", True),
        ("gpu", "gfx1201", True),
        ("gpu", "something else", False),
        ("tpu", "", True),
    ],
)
def test_which_processors_are_fast_in_bfloat16(kind, detail, fast):
    assert hardware.is_fast_in_bfloat16(kind, detail) is fast


def on_jax(monkeypatch, **chip):
    devices = [types.SimpleNamespace(**chip)]
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setitem(sys.modules, "jax", types.SimpleNamespace(devices=lambda: devices))


@pytest.mark.parametrize(
    ("chip", "precision", "device"),
    [
        (
            {"platform": "gpu", "compute_capability": "gfx90a", "device_kind": "MI250X"},
            "mixed_bfloat16",
            "1 x MI250X",
        ),
        (
            {"platform": "gpu", "compute_capability": "7.0", "device_kind": "V100"},
            "float32",
            "1 x V100",
        ),
        ({"platform": "tpu", "device_kind": "TPU v4"}, "mixed_bfloat16", "1 x TPU v4"),
        ({"platform": "cpu", "device_kind": "cpu"}, "float32", f"CPU, {os.cpu_count()} cores"),
    ],
)
def test_chips_on_jax(chip, precision, device, monkeypatch):
    on_jax(monkeypatch, **chip)
    monkeypatch.setattr(hardware, "_cpu_flags", lambda: "avx512_bf16")
    assert hardware.resolve_precision("auto") == precision
    assert hardware.device() == device


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="looks at TensorFlow's devices")
@pytest.mark.parametrize("listed", ["list_physical_devices", "list_logical_devices"])
def test_a_tpu_on_tensorflow_is_not_judged_by_the_cpu(listed, monkeypatch):
    import tensorflow as tf

    for name in ("list_physical_devices", "list_logical_devices"):
        found = ["TPU:0", "TPU:1"] if name == listed else []
        monkeypatch.setattr(
            tf.config, name, lambda kind, found=found: found if kind == "TPU" else []
        )
    monkeypatch.setattr(hardware, "_cpu_flags", lambda: "")
    assert hardware.resolve_precision("auto") == "mixed_bfloat16"
    assert hardware.device() == "2 x TPU"


def test_a_given_precision_is_taken():
    assert hardware.resolve_precision("mixed_float16") == "mixed_float16"
    assert hardware.resolve_precision("auto") in ("float32", "mixed_bfloat16")


def test_memory_at_hand(monkeypatch, tmp_path):
    found = hardware.available_memory()
    assert found is None or 2**20 < found < 2**50
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    names = {"/proc/meminfo": "meminfo", "/sys/fs/cgroup": ".", "/sys/fs/cgroup/memory": "none"}
    places = types.SimpleNamespace(Path=lambda name: tmp_path / names[name])
    monkeypatch.setattr(hardware, "pathlib", places)
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert hardware.available_memory() == 2_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert hardware.available_memory() == 4000 * 1024
