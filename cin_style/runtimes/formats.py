"""What paints, and what networks are exported to: their names, and what has to be installed."""

import dataclasses
import importlib.util

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


# What computes pictures from a `.keras` file, by speed on CPUs; the first two are as fast, but the
# first starts sooner.
RUNTIMES = {
    "onnx": Needs(("onnxruntime", "onnx"), "onnx"),
    "openvino": Needs(("openvino", "onnx"), "openvino"),
    "keras": Needs(("keras",), "cpu"),
}


@dataclasses.dataclass(frozen=True)
class Format:
    """What a network is exported to.

    Attributes:
        suffix: of the file; empty for a folder.
        precisions: in which the weights may be stored.
        writing, painting: what has to be installed to write it, and to paint with it.
        runtimes: the names of those of `RUNTIMES` that paint with the file.
    """

    suffix: str
    precisions: tuple[str, ...]
    writing: Needs
    painting: Needs
    runtimes: tuple[str, ...] = ()


_ONNX, _OPENVINO = RUNTIMES["onnx"], RUNTIMES["openvino"]
_TENSORFLOW = Needs(("tensorflow",), "cpu")
_LITERT = Needs(("ai_edge_litert",), "litert")

FORMATS = {
    "onnx": Format(".onnx", ("float32", "float16"), _ONNX, _ONNX, ("onnx", "openvino")),
    "openvino": Format(".xml", ("float32", "float16"), _OPENVINO, _OPENVINO, ("openvino",)),
    "saved_model": Format("", ("float32",), _TENSORFLOW, _TENSORFLOW),
    "litert": Format(
        ".tflite",
        ("float32", "float16", "int8"),
        Needs(("tensorflow", "ai_edge_litert"), "cpu,litert"),
        _LITERT,
    ),
    "web": Format("", ("float32", "float16"), _ONNX, _ONNX),
}
