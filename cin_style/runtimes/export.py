"""Networks for other runtimes: written, run there, and compared with Keras before they count."""

import dataclasses
import logging
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, cast

import keras
import numpy as np

from cin_style import images, tables
from cin_style.errors import UserError
from cin_style.files import writable_folder, write_text
from cin_style.images import scaling
from cin_style.networks.storage import thaw
from cin_style.networks.styled import Styled
from cin_style.runtimes import choice
from cin_style.runtimes.exported import IN_SAVED_MODEL, SUFFIXES, ExportedNetwork, Manifest, beside
from cin_style.runtimes.formats import FORMATS
from cin_style.runtimes.keras_runtime import KerasRuntime
from cin_style.runtimes.recipe import ExportRecipe
from cin_style.runtimes.runtime import MARGIN
from cin_style.styles.style import find_all

_LOG = logging.getLogger("cin_style")

# What a graph may differ from Keras, in the largest value and in the mean, in 255ths.
TOLERANCES = {"float32": (1.0, 1.0), "float16": (3.0, 0.5), "int8": (3.0, 0.5)}

# (height, width) of what is painted to compare: odd, small, wide, tall, large, larger.
_SIZES = ((64, 64), (97, 131), (33, 250), (301, 48), (512, 640), (1000, 1300))


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far an exported network is from Keras, of a picture of one size.

    Attributes:
        height, width: in px.
        what: `style`, `blend` (and a second picture in the same batch) or `map`.
        largest, mean: of all values, in 255ths.
    """

    height: int
    width: int
    what: str
    largest: float
    mean: float


def export(
    recipe: ExportRecipe, output: str | os.PathLike, *, network: Styled | None = None
) -> list[Difference]:
    """Writes a network for another runtime.

    The file is run by that runtime and compared with Keras before it takes its place; one that
    differs too much (`TOLERANCES`) never does.

    Args:
        recipe: an `ExportRecipe`.
        output: the file; or for a SavedModel or page the folder, which must not be there.
        network: in place of the one that `recipe.model` names.

    Returns:
        The differences, a list of `Difference`.

    Raises:
        UserError: bad arguments; a runtime that is not installed; a graph that differs from Keras.

    Example:

        recipe = cin_style.ExportRecipe(format="onnx", precision="float16")
        cin_style.export(recipe, "varied32.onnx")
    """
    output = pathlib.Path(output)
    _check(recipe, output)
    network = choice.open_network(recipe.model, "keras") if network is None else network
    rows = find_all(network.styles, recipe.styles)
    network = network.select([network.styles[row].name for row in rows])
    manifest = Manifest.of(network, recipe.precision, recipe.sides)
    parent = writable_folder(output.parent)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".") as folder:
        made = pathlib.Path(folder) / output.name
        _WRITERS[recipe.format](network, manifest, made)
        graph = made / "network.onnx" if recipe.format == "web" else made
        found = compare(ExportedNetwork.load(graph), network)
        _judge(found, recipe)
        parts = sorted(made.parent.iterdir())
        megabytes = sum(map(_bytes, parts)) / 1e6
        for part in parts:
            os.replace(part, output.parent / part.name)
    _LOG.info(
        "wrote %s (%.1f MB, %d styles); differs from Keras by at most %.2g of 255\n%s",
        *(output, megabytes, network.num_styles, max(one.largest for one in found)),
        tables.align([dataclasses.asdict(one) for one in found]),
    )
    if recipe.format == "web":
        _LOG.info(
            "to paint: cd %s && npm install && python3 -m http.server, then open "
            "http://localhost:8000",
            output,
        )
    return found


def _check(recipe: ExportRecipe, output: pathlib.Path) -> None:
    format = FORMATS[recipe.format]
    if format.suffix and output.suffix != format.suffix:
        raise UserError(f"`output` of {recipe.format} must end in {format.suffix}: {output}")
    if format.suffix and output.is_dir():
        raise UserError(f"{output} is a folder. Choose another `output`.")
    if not format.suffix and output.suffix.lower() in SUFFIXES:
        raise UserError(f"`output` of {recipe.format} is a folder, not {output}")
    if not format.suffix and output.exists():
        raise UserError(f"{output} is there already. Choose another `output`.")
    format.writing.check(f"writing {recipe.format}")
    if "tensorflow" in format.writing.modules and keras.backend.backend() != "tensorflow":
        raise UserError(f"{recipe.format} is written by TensorFlow. Set KERAS_BACKEND=tensorflow.")


def _bytes(path: pathlib.Path) -> int:
    if path.is_dir():
        return sum(found.stat().st_size for found in path.rglob("*") if found.is_file())
    return path.stat().st_size


# === Writing, into a folder that is empty ===


def _write_onnx(network: Styled, manifest: Manifest, output: pathlib.Path) -> None:
    import onnx

    from cin_style.runtimes import onnx_graph

    model = onnx_graph.build(network, half=manifest.precision == "float16")
    onnx.checker.check_model(model, full_check=True)
    entry = model.metadata_props.add()
    entry.key, entry.value = "cin_style", manifest.to_text()
    output.write_bytes(model.SerializeToString())


def _write_openvino(network: Styled, manifest: Manifest, output: pathlib.Path) -> None:
    import openvino

    from cin_style.runtimes import onnx_graph

    model = openvino.Core().read_model(onnx_graph.build(network).SerializeToString())
    openvino.save_model(model, output, compress_to_fp16=manifest.precision == "float16")
    write_text(beside(output), manifest.to_text())


def _write_saved_model(network: Styled, manifest: Manifest, output: pathlib.Path) -> None:
    painter = thaw(network, dtype="float32")
    blends, maps = painter.painting_graph(), painter.painting_graph(network.num_styles)
    _save_graphs({"serving_default": blends, "maps": maps}, output)
    (output / IN_SAVED_MODEL).parent.mkdir()
    write_text(output / IN_SAVED_MODEL, manifest.to_text())


def _save_graphs(
    graphs: dict[str, keras.Model], folder: pathlib.Path, shapes: Sequence[Any] | None = None
) -> None:
    """A SavedModel of painting graphs; for inputs of certain shapes, by default of any."""
    import tensorflow as tf

    def function(graph: keras.Model) -> Any:
        kernels, others = (
            [variable.numpy() for variable in variables]
            for variables in (graph.trainable_variables, graph.non_trainable_variables)
        )
        taken = shapes or [tensor.shape for tensor in graph.inputs]
        signature = [
            tf.TensorSpec(shape, tf.float32, tensor.name)
            for shape, tensor in zip(taken, graph.inputs, strict=True)
        ]

        @tf.function(input_signature=signature)
        def paint(*inputs: Any) -> dict[str, Any]:
            # Constants: LiteRT's converter would keep variables without their values.
            pastiches, _ = graph.stateless_call(kernels, others, list(inputs), training=False)
            return {"pastiches": pastiches}

        return paint

    module = tf.Module()
    signatures = {name: function(graph) for name, graph in graphs.items()}
    module.functions = list(signatures.values())
    tf.saved_model.save(module, str(folder), signatures=signatures)


def _write_litert(network: Styled, manifest: Manifest, output: pathlib.Path) -> None:
    import tensorflow as tf

    height, width = (side + 2 * MARGIN for side in cast("tuple[int, int]", manifest.size))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        graph = thaw(network, dtype="float32").painting_graph()
        shapes = (1, height, width, 3), (1, 1, network.embedding_size), (1, 1)
        _save_graphs({"serving_default": graph}, folder, shapes)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        if manifest.precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if manifest.precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        output.write_bytes(converter.convert())
    write_text(beside(output), manifest.to_text())


def _write_web(network: Styled, manifest: Manifest, output: pathlib.Path) -> None:
    shutil.copytree(pathlib.Path(__file__).with_name("page"), output)
    _write_onnx(network, manifest, output / "network.onnx")
    write_text(output / "network.json", manifest.to_text())


_WRITERS: dict[str, Callable[[Styled, Manifest, pathlib.Path], None]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "saved_model": _write_saved_model,
    "litert": _write_litert,
    "web": _write_web,
}


# === Comparing ===


def compare(exported: ExportedNetwork, network: Styled) -> list[Difference]:
    """Paints with an exported network, in its own runtime, and with Keras, in float32.

    Args:
        exported: the network.
        network: the same in Keras.

    Returns:
        A `Difference` for each of several sizes; of styles, blends, and maps where the format has
        them.
    """
    theirs, ours = choice.make(exported), KerasRuntime(network, "float32")
    photo = next(iter(images.sample_photos().values()))
    table, rng = network.get_style_embeddings(), np.random.default_rng(0)
    found: list[Difference] = []
    sizes: Sequence[tuple[int, int]] = _SIZES
    if exported.manifest.size is not None:
        sizes = ((exported.manifest.size[0] + 2 * MARGIN, exported.manifest.size[1] + 2 * MARGIN),)
    for number, (height, width) in enumerate(sizes):
        small = scaling.scale(photo, (height, width)).clip(0, 1)[None]
        cases: dict[str, tuple[Any, Any, Any]]
        cases = {"style": (small, table[None, number % len(table), None], [[1]])}
        if number < len(_SIZES) - 1:
            two = np.stack([table[[0, -1]], table[[-1, 0]]])
            cases["blend"] = np.concatenate([small, small[:, ::-1]]), two, [[0.3, 0.7], [1, 0]]
            if theirs.has_maps:
                map_ = rng.random((1, height, width, 1))
                cases["map"] = small, two[:1], np.concatenate([map_, 1 - map_], axis=-1)
        for what, (photos, embeddings, weights) in cases.items():
            given = photos, embeddings, np.asarray(weights, "float32")
            away = 255 * np.abs(theirs(*given) - ours(*given))
            found.append(Difference(height, width, what, float(away.max()), float(away.mean())))
    return found


def _judge(found: list[Difference], recipe: ExportRecipe) -> None:
    largest, mean = TOLERANCES[recipe.precision]
    for one in found:
        if not (one.largest <= largest and one.mean <= mean):
            raise UserError(
                f"what was exported paints otherwise than Keras: a {one.what} of {one.width} x "
                f"{one.height} px differs by {one.largest:.3g} of 255, {one.mean:.3g} in the mean, "
                f"where {largest:g} and {mean:g} are allowed. Nothing was written. Choose another "
                "`precision`."
            )
