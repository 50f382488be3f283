"""The network as an ONNX graph, of which one file paints all styles, blends and maps."""

import dataclasses
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cin_style.networks.frozen import EPSILON
from cin_style.networks.styled import Styled

# Resize with explicit sizes, reflection padding and DepthToSpace are all in it; runtimes of 2021
# and later read it.
OPSET = 17
IR_VERSION = 8


@dataclasses.dataclass
class Nodes:
    """The nodes and constants of a graph that is being made; `rounded` as in `build`."""

    rounded: bool = False
    nodes: list[Any] = dataclasses.field(default_factory=list)
    constants: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Adds a node and returns the name of its output."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """The name of a constant; equal ones are one."""
        array = np.asarray(value, dtype)
        for name, known in self.constants.items():
            if (known.dtype, known.shape) == (array.dtype, array.shape):
                if np.array_equal(known, array):
                    return name
        name = f"constant_{len(self.constants)}"
        self.constants[name] = array
        return name


def build(network: Styled, half: bool = False, rounded: bool = False) -> onnx.ModelProto:
    """The painting graph of a network (`StyleTransferNetwork.painting_graph`) in ONNX.

    Inputs, float32: `images` (batch, height, width, 3) in [0, 1]; `embeddings` (batch, k, 3206);
    `weights` (batch, map_height, map_width, k): a blend for each picture where the map is 1 x 1,
    or else for each pixel, of the images' size. Output: `pastiches`, like `images`. Every size is
    free.

    Args:
        network: whose convolutions.
        half: store kernels in float16; they are computed with in float32.
        rounded: it will be computed in bfloat16, where digits of sums matter less than time:
            normalizations and upsampling are made of the nodes that OpenVINO is quickest with.
    """
    graph = Nodes(rounded=rounded)
    depth = len(network.widths) - 1
    x, size = _pad_to_multiple(graph, "images", 2**depth)
    layers = _Layers(graph, network.kernels(), _levels(graph, size, depth), half)

    x = layers.convolve(x, "contract_1", 0)
    for level in range(1, depth + 1):
        x = layers.convolve(x, f"contract_{level + 1}", level, stride=2)
    for index in range(1, network.residual_blocks + 1):
        y = layers.convolve(x, f"residual_{index}a", depth)
        y = layers.convolve(y, f"residual_{index}b", depth, activation="")
        x = graph.add("Add", x, y)
    for level in reversed(range(depth)):
        name = f"expand_{depth - level}"
        if network.upsampling == "nearest":
            x = layers.convolve(x, name, level, enlarged=True)
        else:
            x = _enlarge(graph, x, "nearest" if rounded else "linear")
            x = layers.convolve(x, name, level, averaged=rounded)
    x = layers.convolve(x, f"expand_{depth + 1}", 0, activation="Sigmoid", even=depth > 0)

    x = graph.add("Slice", x, graph.constant([0, 0]), size.sides, graph.constant([2, 3]))
    graph.add("Transpose", x, perm=[0, 2, 3, 1], name="pastiches")
    return _model(graph, network.embedding_size)


class _Layers:
    """Convolutions, one after the other, each with its normalization.

    Args:
        graph: gets the nodes.
        kernels: float32 (height, width, in, out), in network order.
        levels: see `_levels`.
        half: store kernels in float16.
    """

    def __init__(
        self, graph: Nodes, kernels: list[np.ndarray], levels: list[str], half: bool
    ) -> None:
        self._graph = graph
        self._kernels = iter(kernels)
        self._levels = levels
        self._half = half
        self._start = 0  # of the next normalization's gammas

    def convolve(
        self,
        x: str,
        name: str,
        level: int,
        *,
        stride: int = 1,
        activation: str = "Relu",
        averaged: bool = False,
        even: bool = False,
        enlarged: bool = False,
    ) -> str:
        """Pads, convolves, normalizes and activates.

        For `even` and `enlarged` see `networks.convolutions.Conv2D`. What was enlarged by
        repeating and averaged twice over neighbours is bilinear.
        """
        graph = self._graph
        kernel = next(self._kernels).transpose(3, 2, 0, 1)
        channels, _, size, _ = kernel.shape
        kind, sizes = "Conv", {}
        if enlarged:
            # See `convolve_enlarged`: a transposed convolution, whose kernel is mirrored.
            x = graph.add("Pad", x, graph.constant([0, 0, 1, 1] * 2), mode="edge")
            wide = np.pad(kernel, ((0, 0), (0, 0), (1, 1), (1, 1)))
            kernel = np.sum(
                [wide[..., i : i + 4, j : j + 4] for i in (0, 1) for j in (0, 1)], axis=0
            )
            kernel = kernel[..., ::-1, ::-1].transpose(1, 0, 2, 3)
            kind, size, stride, sizes = "ConvTranspose", 4, 2, {"pads": [3] * 4}
        else:
            x = _pad(graph, x, size // 2 + averaged)
        if even:
            corners = [(row, 1 - row, column, 1 - column) for row in (0, 1) for column in (0, 1)]
            kernel = np.concatenate(
                [np.pad(kernel, ((0, 0), (0, 0), at[:2], at[2:])) for at in corners]
            )
            size, stride = size + 1, 2
        if averaged:
            for _ in range(2):
                x = graph.add("AveragePool", x, kernel_shape=[2, 2])
        stored = f"{name}_kernel"
        graph.constants[stored] = np.ascontiguousarray(kernel, "float16" if self._half else None)
        if self._half:
            stored = graph.add("Cast", stored, to=TensorProto.FLOAT)
        sizes |= {"kernel_shape": [size, size], "strides": [stride, stride]}
        x = graph.add(kind, x, stored, name=f"{name}_conv", **sizes)
        if even:
            x = graph.add("DepthToSpace", x, blocksize=2)
        x = _normalize(graph, x, self._levels[level], self._start, channels, f"{name}_norm")
        self._start += 2 * channels
        return graph.add(activation, x) if activation else x


def _enlarge(graph: Nodes, x: str, mode: str) -> str:
    """Twice as large, `nearest` or `linear`."""
    ways = {
        "nearest": {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        "linear": {"coordinate_transformation_mode": "half_pixel"},
    }
    sizes = graph.constant([1, 1, 2, 2], "float32")
    return graph.add("Resize", x, "", sizes, mode=mode, **ways[mode])


@dataclasses.dataclass
class _Size:
    """Names of int64 tensors (2,): height and width, and what is added to them."""

    sides: str
    added: str


def _pad_to_multiple(graph: Nodes, images: str, multiple: int) -> tuple[str, _Size]:
    """Images with channels first, mirrored to a multiple at the bottom and right."""
    shape = graph.add("Shape", images, start=1, end=3)
    many = graph.constant([multiple, multiple])
    added = graph.add("Mod", graph.add("Neg", shape), many)
    x = graph.add("Transpose", images, perm=[0, 3, 1, 2])
    pads = graph.add("Concat", graph.constant([0] * 6), added, axis=0)
    return graph.add("Pad", x, pads, mode="reflect"), _Size(shape, added)


def _levels(graph: Nodes, size: _Size, depth: int) -> list[str]:
    """Weights (batch, map pixels, k) and map sizes at each level of halving."""
    shape = graph.add("Shape", "weights", start=1, end=3)
    # Nothing is added to a map of one pixel.
    one = graph.constant([1, 1])
    is_map = graph.add("Min", graph.add("Sub", shape, one), one)
    added = graph.add("Mul", size.added, is_map)
    maps = graph.add("Transpose", "weights", perm=[0, 3, 1, 2])
    maps = graph.add(
        "Pad", maps, graph.add("Concat", graph.constant([0] * 6), added, axis=0), mode="reflect"
    )
    levels = [maps]
    # A map of one pixel stays one: its second is its first.
    second = graph.add("Min", graph.constant([1, 1]), graph.add("Sub", shape, one))
    half, two, end = graph.constant(0.5, "float32"), graph.constant([2]), graph.constant([2**62])
    for _ in range(depth):
        x = levels[-1]
        for axis in (0, 1):
            axes = graph.constant([2 + axis])
            start = graph.add("Gather", second, graph.constant([axis]))
            pair = (
                graph.add("Slice", x, begin, end, axes, two)
                for begin in (graph.constant([0]), start)
            )
            x = graph.add("Mul", half, graph.add("Add", *pair))
        levels.append(x)
    return levels


def _pad(graph: Nodes, x: str, by: int) -> str:
    return graph.add("Pad", x, graph.constant([0, 0, by, by] * 2), mode="reflect")


def _normalize(graph: Nodes, x: str, maps: str, start: int, channels: int, name: str) -> str:
    """Equation 5 of Dumoulin et al. 2017, gammas and betas blended by maps."""
    gamma = _blend(graph, maps, start, channels)
    beta = _blend(graph, maps, start + channels, channels)
    if graph.rounded:
        ones, zeros = (graph.constant([value] * channels, "float32") for value in (1, 0))
        x = graph.add("InstanceNormalization", x, ones, zeros, epsilon=EPSILON)
        return graph.add("Add", graph.add("Mul", x, gamma), beta, name=name)
    average = mean(graph, x)
    centred = graph.add("Sub", x, average)
    variance = mean(graph, graph.add("Mul", centred, centred))
    deviation = graph.add("Sqrt", graph.add("Add", variance, graph.constant(EPSILON, "float32")))
    scale = graph.add("Div", gamma, deviation)
    shift = graph.add("Sub", beta, graph.add("Mul", average, scale))
    return graph.add("Add", graph.add("Mul", x, scale), shift, name=name)


def mean(graph: Nodes, x: str) -> str:
    """Means over height and width, in two sums: one over millions of pixels loses digits.

    Between the two stands a node that says nothing: OpenVINO would make one sum of them.
    """
    for axis in (2, 3):
        x = graph.add("Neg", graph.add("ReduceMean", x, axes=[axis]))
    return x


def _blend(graph: Nodes, maps: str, start: int, channels: int) -> str:
    """Columns of the embeddings, blended: (batch, channels, map height, map width)."""
    ends = [graph.constant([at]) for at in (start, start + channels)]
    table = graph.add("Slice", "embeddings", *ends, graph.constant([2]))
    table = graph.add("Transpose", table, perm=[0, 2, 1])
    flat = graph.add("Reshape", maps, graph.constant([0, 0, -1]))
    blended = graph.add("MatMul", table, flat)
    shape = graph.add(
        "Concat",
        graph.constant([0, channels]),
        graph.add("Shape", maps, start=2, end=4),
        axis=0,
    )
    return graph.add("Reshape", blended, shape)


def _model(graph: Nodes, embedding_size: int) -> onnx.ModelProto:
    def tensor(name: str, *shape: Any) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    made = helper.make_graph(
        graph.nodes,
        "cin_style",
        [
            tensor("images", "batch", "height", "width", 3),
            tensor("embeddings", "batch", "k", embedding_size),
            tensor("weights", "batch", "map_height", "map_width", "k"),
        ],
        [tensor("pastiches", "batch", "height", "width", 3)],
        [numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return model
