"""What paints, and what networks are exported to: their names, and what has to be installed."""

import dataclasses
import importlib.util
from collections.abc import Sequence

from cin_style.errors import UserError


@dataclasses.dataclass(frozen=True)
class Needs:
    """What has to be installed: modules, and the extra of this package that brings them."""

    modules: tuple[str, ...]
    extra: str

    @property
    def missing(self) -> list[str]:
        """The modules that are not installed."""
        return [module for module in self.modules if not importlib.util.find_spec(module)]

    def check(self, purpose: str) -> None:
        """Raises a `UserError` where a module is missing."""
        if self.missing:
            raise UserError(
                f"{purpose} needs {' and '.join(self.missing)}: pip install cin_style[{self.extra}]"
            )


# What computes pictures, and what for. `RUNTIMES` take a `.keras` file, by speed on CPUs: the first
# two are as fast, but the first starts sooner. The others take what was exported for them alone.
PAINTERS = {
    "onnx": Needs(("onnxruntime", "onnx"), "onnx"),
    "openvino": Needs(("openvino", "onnx"), "openvino"),
    "keras": Needs(("keras",), "cpu"),
    "saved_model": Needs(("tensorflow",), "cpu"),
    "litert": Needs(("ai_edge_litert",), "litert"),
}
RUNTIMES = ("onnx", "openvino", "keras")


def first_installed(names: Sequence[str], purpose: str) -> str:
    """The first of these `PAINTERS` that is installed.

    Raises:
        UserError: none is; it says how to get the first.
    """
    chosen = next((name for name in names if not PAINTERS[name].missing), names[0])
    PAINTERS[chosen].check(purpose)
    return chosen


@dataclasses.dataclass(frozen=True)
class Format:
    """What a network is exported to.

    Attributes:
        suffix: of the file; empty for a folder.
        precisions: in which the weights may be stored.
        writing: what has to be installed to write it, and to compare it with Keras.
        painters: which of `PAINTERS` paint with it, its own first.
    """

    suffix: str
    precisions: tuple[str, ...]
    writing: Needs
    painters: tuple[str, ...]


_FLOATS = ("float32", "float16")
_ONNX, _OPENVINO = PAINTERS["onnx"], PAINTERS["openvino"]

FORMATS = {
    "onnx": Format(".onnx", _FLOATS, _ONNX, ("onnx", "openvino")),
    "openvino": Format(".xml", _FLOATS, _OPENVINO, ("openvino",)),
    "saved_model": Format("", ("float32",), PAINTERS["saved_model"], ("saved_model",)),
    "litert": Format(
        ".tflite",
        (*_FLOATS, "int8"),
        Needs(("tensorflow", "ai_edge_litert"), "cpu,litert"),
        ("litert",),
    ),
    "web": Format("", _FLOATS, _ONNX, ("onnx",)),
}
