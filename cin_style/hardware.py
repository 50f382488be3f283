"""What a run computes on: the device, its best precision, the versions installed."""

import importlib.metadata
import os
import pathlib
import platform
import re
import sys


def resolve_precision(precision: str) -> str:
    """The dtype policy that a recipe's `precision` means; `auto` looks at the hardware.

    `mixed_bfloat16` where an accelerator or the CPU is faster in bfloat16, else `float32`.

    Example:

        >>> resolve_precision("mixed_float16")
        'mixed_float16'
    """
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if is_fast_in_bfloat16(*_processor()) else "float32"


def is_fast_in_bfloat16(kind: str, detail: str = "") -> bool:
    """Whether a processor computes a mixed_bfloat16 step in less time than a float32 one.

    Args:
        kind: `"cpu"`, `"gpu"`, `"tpu"` or another accelerator's name.
        detail: a CPU's vendor and flags, separated by spaces; an accelerator's compute capability,
            such as NVIDIA's `"8.0"` or AMD's `"gfx90a"`, where it has one.

    Example:

        >>> is_fast_in_bfloat16("gpu", "7.5"), is_fast_in_bfloat16("gpu", "8.0")
        (False, True)
    """
    if kind == "cpu":
        # Intel's with AMX: on one with avx512_bf16 and no AMX, a training step of 4 x 128 px takes
        # 1.26 s in mixed_bfloat16 and 1.04 s in float32, a photo of 512 px 0.99 s and 0.69 s. On
        # AMD's with avx512_bf16 (Zen 4) it is 0.42 s and 0.63 s, 0.53 s and 0.92 s.
        known = set(detail.split())
        return "amx_bf16" in known or {"AuthenticAMD", "avx512_bf16"} <= known
    if match := re.fullmatch(r"(\d+)\.(\d+)", detail):
        # NVIDIA's chips compute in bfloat16 from Ampere on.
        return (int(match[1]), int(match[2])) >= (8, 0)
    if match := re.match(r"gfx(\d+)([0-9a-f])([0-9a-f])(?![0-9a-z])", detail):
        # AMD's: from gfx908 (CDNA) and gfx1100 (RDNA 3) on; the last two digits are hexadecimal.
        major, minor, stepping = int(match[1]), int(match[2], 16), int(match[3], 16)
        return major >= 11 or (9, 0, 8) <= (major, minor, stepping) < (10, 0, 0)
    # A TPU has bfloat16 and no such number. Of what says something else nothing is known.
    return not detail


def _processor() -> tuple[str, str]:
    """What the backend computes on, as `is_fast_in_bfloat16` takes it."""
    if _backend() == "tensorflow":
        import tensorflow as tf

        if _tensorflow_tpus():
            return "tpu", ""
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            return "gpu", ".".join(map(str, details.get("compute_capability", ())))
    elif _backend() == "jax":
        import jax

        chip = jax.devices()[0]
        if chip.platform != "cpu":
            return chip.platform, str(getattr(chip, "compute_capability", ""))
    return "cpu", _cpu_flags()


def _backend() -> str:
    import keras  # takes seconds, and who only paints need not have it

    return keras.backend.backend()


def _tensorflow_tpus() -> list:
    import tensorflow as tf

    # On some hosts TPUs are only known as logical devices, once their system is initialized.
    return tf.config.list_physical_devices("TPU") or tf.config.list_logical_devices("TPU")


def _cpu_flags() -> str:
    """What the system says of the processors: among other things vendor and flags."""
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    return cpuinfo.read_text() if cpuinfo.is_file() else ""


def available_memory() -> int | None:
    """How many bytes of memory can be taken now, or `None` where nobody says.

    On a JAX accelerator its own; else the machine's, or what a container's limit leaves of it.
    """
    if "keras" in sys.modules and _backend() == "jax":
        import jax

        statistics = jax.devices()[0].memory_stats() or {}
        if "bytes_limit" in statistics:
            return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    meminfo = pathlib.Path("/proc/meminfo")
    if meminfo.is_file() and (match := re.search(r"MemAvailable:\s+(\d+)", meminfo.read_text())):
        found = [1024 * int(match[1])]
    elif "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        # How much of it is free is not told everywhere.
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2]
    else:
        return None
    return min([*found, *_left_in_containers()])


def _left_in_containers() -> list[int]:
    """What the limits of control groups (Docker, Slurm, systemd) leave, in bytes; often nothing."""
    left = []
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            group = pathlib.Path(folder)
            left.append(int((group / limit).read_text()) - int((group / used).read_text()))
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return left


def accelerators() -> list[str]:
    """The names of the GPUs, TPUs and the like that the backend computes on; often none."""
    if _backend() == "jax":
        import jax

        return [chip.device_kind for chip in jax.devices() if chip.platform != "cpu"]
    if _backend() == "tensorflow":
        import tensorflow as tf

        return ["TPU" for _ in _tensorflow_tpus()] or [
            tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
            for gpu in tf.config.list_physical_devices("GPU")
        ]
    return []


def device() -> str:
    """The device that computes, in words: a chip's name, or the processor's."""
    names = accelerators()
    return f"{len(names)} x {names[0]}" if names else f"CPU, {os.cpu_count()} cores"


def version_of(package: str) -> str:
    """The version of an installed package; empty where it is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def versions() -> dict[str, str]:
    """What the run ran on: package versions, backend, processor."""
    names = ("cin_style", "keras", "tensorflow", "tensorflow-cpu", "jax", "numpy", "pillow")
    return {
        **{name: version for name in names if (version := version_of(name))},
        "python": platform.python_version(),
        "backend": _backend(),
        "machine": platform.machine(),
        "device": device(),
    }
