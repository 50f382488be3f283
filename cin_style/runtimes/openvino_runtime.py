"""Painting with OpenVINO."""

import threading

import numpy as np
import openvino

from cin_style.runtimes.runtime import as_maps, threads


class OpenVinoRuntime:
    """Computes an ONNX graph as `onnx_graph.build` makes it; see `Runtime`.

    Args:
        graph: the graph, serialized; or the path of a file that OpenVINO reads.
        precision: `f32`, or `bf16`, which is faster on processors that compute in it, and rounds.
    """

    name = "openvino"
    has_maps = True

    def __init__(self, graph: bytes | str, precision: str = "f32") -> None:
        core = openvino.Core()
        options = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if threads():
            options["INFERENCE_NUM_THREADS"] = str(threads())
        self._compiled = core.compile_model(core.read_model(graph), "CPU", options)
        # A request holds the tensors of one picture at a time.
        self._of_thread = threading.local()

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        given = {"images": photos, "embeddings": embeddings, "weights": as_maps(weights)}
        return np.array(self._of_thread.request.infer(given)[0])
