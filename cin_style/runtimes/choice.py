"""Which runtime paints with a network, and how it comes to it."""

import importlib.metadata
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from cin_style.errors import UserError
from cin_style.networks import archive
from cin_style.networks.styled import Styled
from cin_style.runtimes import backend
from cin_style.runtimes.exported import ExportedNetwork, damaged, is_exported
from cin_style.runtimes.formats import FORMATS, PAINTERS, RUNTIMES, first_installed
from cin_style.runtimes.runtime import Runtime

# Packages by which Keras' backends compute on GPUs and TPUs.
_FOR_ACCELERATORS = ("tensorflow", "jax-cuda12-plugin", "jax-cuda13-plugin", "libtpu", "torch")


# What runtimes besides Keras compute in when asked to; without it in float32.
_DTYPES = {"openvino": (None, "float32", "bfloat16"), "onnx": (None, "float32")}


def choose(runtime: str, dtype: str | None = None) -> str:
    """The runtime for a `.keras` file.

    Args:
        runtime: one of `RUNTIMES`, or `auto`: Keras where it has an accelerator, else the fastest
            that is installed and computes in `dtype`.
        dtype: see `make`.

    Raises:
        UserError: none of them, or one that is not installed.
    """
    if runtime == "auto":
        if not PAINTERS["keras"].missing and has_accelerator():
            return "keras"
        able = _able(RUNTIMES, dtype)
        return first_installed(able, f"painting in {dtype}" if dtype else "painting")
    if runtime not in RUNTIMES:
        raise UserError(
            f"`runtime` must be one of auto, {', '.join(RUNTIMES)}. Received: {runtime}"
        )
    return first_installed([runtime], f"`runtime={runtime}`")


def _able(runtimes: Sequence[str], dtype: str | None) -> list[str]:
    """Those of the runtimes that compute in a dtype."""
    return [name for name in runtimes if name == "keras" or dtype in _DTYPES.get(name, (None,))]


def has_accelerator() -> bool:
    """Whether there seems to be a GPU or TPU that Keras can use; its backends are not asked."""
    there = any(
        pathlib.Path(path).exists() for path in ("/dev/nvidia0", "/dev/kfd", "/dev/accel0")
    ) or bool(os.environ.get("TPU_NAME"))
    return there and any(map(_is_distributed, _FOR_ACCELERATORS))


def _is_distributed(package: str) -> bool:
    try:
        return bool(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return False


def open_network(
    model: Styled | str | os.PathLike, runtime: str = "auto", dtype: str | None = None
) -> Styled:
    """A network to paint with, as its runtime takes it.

    Args:
        model: a network; a `.keras` file, or the name of one in the package; or what `export`
            wrote.
        runtime, dtype: see `choose`.

    Raises:
        UserError: see `choose`; a file that is no network.
    """
    if isinstance(model, Styled):
        return model
    if is_exported(model):
        return ExportedNetwork.load(model)
    path = archive.find(model)
    if choose(runtime, dtype) == "keras":
        backend.load()
        from cin_style.networks import storage

        return storage.load(path)
    from cin_style.networks.frozen import FrozenNetwork

    return FrozenNetwork.load(path)


def make(network: Styled, runtime: str = "auto", dtype: str | None = None) -> Runtime:
    """A runtime that paints with a network.

    Args:
        network: of any kind.
        runtime: see `choose`; `auto` is Keras for a network in Keras, and what its format needs
            for an exported one.
        dtype: to compute in: `float32` or `bfloat16`, for Keras any dtype policy.

    Raises:
        UserError: see `choose`; a runtime that does not paint with such a network, or in `dtype`.
    """
    if isinstance(network, ExportedNetwork):
        chosen = _for_file(network, runtime, dtype)
    elif runtime == "auto" and network.in_keras:
        chosen = "keras"
    else:
        chosen = choose(runtime, dtype)
    if not _able([chosen], dtype):
        others = " and ".join(_able(RUNTIMES, dtype))
        raise UserError(f"{chosen} does not paint in {dtype}. With a .keras file, {others} can.")
    try:
        return _make(network, chosen, dtype)
    except ImportError as error:
        raise UserError(
            f"{chosen} is installed, but cannot be loaded ({error}). Install it again, or choose "
            "another `runtime`."
        ) from error


def _for_file(network: ExportedNetwork, runtime: str, dtype: str | None) -> str:
    """What paints an exported network: a runtime's name, or its format's."""
    painters = FORMATS[network.format].painters
    if runtime == "auto":
        return first_installed(_able(painters, dtype) or painters, str(network.path))
    if runtime not in painters:
        raise UserError(
            f"`runtime={runtime}` does not paint with {network.path}. Leave it at auto, or give "
            "the .keras file that it was made of."
        )
    return first_installed([runtime], f"`runtime={runtime}`")


def _make(network: Styled, chosen: str, dtype: str | None) -> Runtime:
    if chosen == "keras":
        backend.load()
        from cin_style.runtimes.keras_runtime import KerasRuntime

        # Weights, statistics and the picture itself stay in float32.
        return KerasRuntime(network, "mixed_bfloat16" if dtype == "bfloat16" else dtype)
    if isinstance(network, ExportedNetwork):
        try:
            return _open(chosen, str(network.path), dtype)
        except (ImportError, UserError):
            raise
        except Exception as error:  # runtimes raise many kinds; each means a bad file
            raise damaged(network.path, error) from error
    from cin_style.runtimes import onnx_graph

    graph = onnx_graph.build(network, rounded=dtype == "bfloat16")
    return _open(chosen, graph.SerializeToString(), dtype)


def _open(chosen: str, graph: Any, dtype: str | None) -> Runtime:
    """A runtime for a graph, or for the path of a file that holds one."""
    if chosen == "openvino":
        from cin_style.runtimes.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(graph, "bf16" if dtype == "bfloat16" else "f32")
    if chosen == "onnx":
        from cin_style.runtimes.onnx_runtime import OnnxRuntime

        return OnnxRuntime(graph)
    if chosen == "litert":
        from cin_style.runtimes.litert_runtime import LiteRtRuntime

        return LiteRtRuntime(graph)
    backend.load()
    from cin_style.runtimes.saved_model_runtime import SavedModelRuntime

    return SavedModelRuntime(graph)
