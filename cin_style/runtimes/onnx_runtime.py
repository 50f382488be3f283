"""Painting with ONNX Runtime."""

import numpy as np
import onnxruntime

from cin_style.runtimes.runtime import as_maps, threads


class OnnxRuntime:
    """Computes an ONNX graph as `onnx_graph.build` makes it; see `Runtime`.

    Args:
        graph: the graph, serialized, or the path of its file.
    """

    name = "onnx"
    has_maps = True

    def __init__(self, graph: bytes | str) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads()
        providers: list = ["CPUExecutionProvider"]
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            # Others (TensorRT, CoreML) compute with fewer digits or build for minutes.
            providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
        self._session = onnxruntime.InferenceSession(graph, options, providers=providers)

    def __call__(
        self, photos: np.ndarray, embeddings: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """See `Runtime`."""
        given = {"images": photos, "embeddings": embeddings, "weights": as_maps(weights)}
        return self._session.run(None, given)[0]
