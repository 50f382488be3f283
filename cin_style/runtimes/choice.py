"""Which runtime paints with a network, and how it comes to it."""

import importlib.util
import logging
import os
import pathlib
from typing import Any

from cin_style.errors import UserError
from cin_style.networks import archive
from cin_style.networks.frozen import FrozenNetwork
from cin_style.networks.styled import Styled
from cin_style.runtimes.exported import ExportedNetwork, is_exported
from cin_style.runtimes.runtime import Runtime

_LOG = logging.getLogger("cin_style")

# By speed on CPUs, the fastest first; and which modules and extra each needs.
MODULES = {
    "openvino": ("openvino", "onnx"),
    "onnx": ("onnxruntime", "onnx"),
    "keras": ("keras",),
}
# What paints the network that was exported for it, and nothing else.
_OF_FILES = {
    "litert": ("ai_edge_litert",),
    "saved_model": ("tensorflow",),
    "web": ("onnxruntime", "onnx"),
}


_EXTRAS = {"keras": "cpu", "saved_model": "cpu", "web": "onnx"}  # the others' bear their name

RUNTIMES = ("auto", *MODULES)


def is_installed(runtime: str) -> bool:
    """Whether all modules that a runtime needs are there."""
    return all(importlib.util.find_spec(module) for module in MODULES[runtime])


def choose(runtime: str, model: Any = "") -> str:
    """The runtime that a name means.

    Args:
        runtime: one of `RUNTIMES`. `auto`: Keras for a Keras network and where there is an
            accelerator, else the fastest that is installed.
        model: a network or file to paint with.

    Raises:
        UserError: none of them, or one that is not installed.
    """
    if runtime not in RUNTIMES:
        raise UserError(f"`runtime` must be one of {', '.join(RUNTIMES)}. Received: {runtime}")
    if runtime == "auto":
        if isinstance(model, ExportedNetwork):
            return model.format
        if isinstance(model, Styled) and not isinstance(model, FrozenNetwork):
            return "keras"
        if is_installed("keras") and has_accelerator():
            return "keras"
        found = [name for name in MODULES if is_installed(name)]
        if not found:
            raise UserError(
                "nothing is installed that can paint. Install cin_style[cpu], or for painting "
                "alone cin_style[onnx]."
            )
        return found[0]
    check_installed(runtime)
    return runtime


def check_installed(runtime: str) -> None:
    """Raises a `UserError` where a runtime's modules are missing."""
    modules = {**MODULES, **_OF_FILES}[runtime]
    missing = [module for module in modules if not importlib.util.find_spec(module)]
    if missing:
        raise UserError(
            f"{runtime} needs {' and '.join(missing)}: pip install "
            f"cin_style[{_EXTRAS.get(runtime, runtime)}]"
        )


def has_accelerator() -> bool:
    """Whether this machine seems to have a GPU or TPU; Keras' backends are not asked."""
    return any(
        pathlib.Path(path).exists() for path in ("/dev/nvidia0", "/dev/kfd", "/dev/accel0")
    ) or bool(os.environ.get("TPU_NAME"))


def open_network(model: Styled | str | os.PathLike, runtime: str = "auto") -> Styled:
    """A network to paint with, as its runtime takes it.

    Args:
        model: a network, a `.keras` file, or the name of a network in the package.
        runtime: see `choose`.

    Raises:
        UserError: see `choose`; a file that is no network.
    """
    if isinstance(model, Styled):
        return model
    if is_exported(model):
        return ExportedNetwork.load(model)
    model = archive.find(model)
    if choose(runtime, model) != "keras":
        return FrozenNetwork.load(model)
    from cin_style.networks import storage

    return storage.load(model)


def make(network: Styled, runtime: str = "auto", dtype: str | None = None) -> Runtime:
    """A runtime that paints with a network.

    Args:
        network: of any kind.
        runtime: see `choose`.
        dtype: for Keras: the dtype policy to paint in.

    Raises:
        UserError: see `choose`.
    """
    if isinstance(network, ExportedNetwork):
        return _of_file(network)
    chosen = choose(runtime, network)
    if chosen == "keras":
        from cin_style.runtimes.keras_runtime import KerasRuntime

        return KerasRuntime(network, dtype)
    from cin_style.runtimes import onnx_graph

    graph = onnx_graph.build(network).SerializeToString()
    if chosen == "onnx":
        from cin_style.runtimes.onnx_runtime import OnnxRuntime

        return OnnxRuntime(graph)
    from cin_style.runtimes.openvino_runtime import OpenVinoRuntime

    return OpenVinoRuntime(graph)


def _of_file(network: ExportedNetwork) -> Runtime:
    """What paints an exported network."""
    check_installed(network.format)
    path = str(network.path)
    if network.format == "onnx":
        from cin_style.runtimes.onnx_runtime import OnnxRuntime

        return OnnxRuntime(path)
    if network.format == "openvino":
        from cin_style.runtimes.openvino_runtime import OpenVinoRuntime

        return OpenVinoRuntime(path)
    if network.format == "litert":
        from cin_style.runtimes.litert_runtime import LiteRtRuntime

        assert network.manifest.size is not None
        return LiteRtRuntime(path, network.manifest.size)
    from cin_style.runtimes.saved_model_runtime import SavedModelRuntime

    return SavedModelRuntime(path)
