"""What a run computes on: the device, its best precision, the versions installed."""

import importlib.metadata
import os
import pathlib
import platform

import keras


def resolve_precision(precision):
    """The dtype policy for `--precision`; `auto` looks at the hardware.

    `mixed_bfloat16` where an accelerator or the CPU computes in bfloat16, else `float32`:
    on a CPU without it, emulation is slower than float32.
    """
    if precision != "auto":
        return precision
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
        capability = details.get("compute_capability", (8, 0) if gpus else None)
    elif keras.backend.backend() == "jax":
        import jax

        chip = jax.devices()[0]
        capability = None
        if chip.platform != "cpu":  # a TPU has bfloat16 and no such number
            numbers = str(getattr(chip, "compute_capability", "8.0")).split(".")
            capability = tuple(map(int, numbers))
    else:
        capability = None
    if capability is not None:
        # NVIDIA's chips compute in bfloat16 from Ampere on.
        fast = capability >= (8, 0)
    else:
        cpuinfo = pathlib.Path("/proc/cpuinfo")
        flags = cpuinfo.read_text() if cpuinfo.is_file() else ""
        fast = "avx512_bf16" in flags or "amx_bf16" in flags
    return "mixed_bfloat16" if fast else "float32"


def device():
    """The device that computes, in words: a chip's name, or the processor's."""
    if keras.backend.backend() == "jax":
        import jax

        chips = [chip for chip in jax.devices() if chip.platform != "cpu"]
        names = [chip.device_kind for chip in chips]
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        names = [
            tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
            for gpu in tf.config.list_physical_devices("GPU")
        ]
    else:
        names = []
    if names:
        return f"{len(names)} x {names[0]}"
    return f"CPU, {os.cpu_count()} cores"


def versions():
    """What the run ran on: package versions, backend, processor."""
    names = ("cin_style", "keras", "tensorflow", "tensorflow-cpu", "jax", "numpy", "pillow")
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        **found,
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        "machine": platform.machine(),
        "device": device(),
    }
