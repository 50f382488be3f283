"""Networks for other runtimes: written, run there, and compared with Keras before they count."""

import dataclasses
import logging
import os
import pathlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from cin_style import images, tables
from cin_style.errors import UserError
from cin_style.files import writable_folder, write_beside, write_text
from cin_style.images import scaling
from cin_style.networks.styled import Styled
from cin_style.runtimes import choice, onnx_graph
from cin_style.runtimes.exported import IN_SAVED_MODEL, SUFFIXES, ExportedNetwork, Manifest, beside
from cin_style.runtimes.keras_runtime import KerasRuntime
from cin_style.runtimes.recipe import ExportRecipe
from cin_style.styles.style import find_all

_LOG = logging.getLogger("cin_style")

# What a graph may differ from Keras, in the largest value and in the mean, in 255ths.
TOLERANCES = {"float32": (1.0, 1.0), "float16": (3.0, 0.5), "int8": (3.0, 0.5)}

# (height, width) of what is painted to compare: odd, small, wide, tall, large.
_SIZES = ((64, 64), (97, 131), (33, 250), (301, 48), (512, 640))


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far an exported network is from Keras, of a picture of one size.

    Attributes:
        height, width: in px.
        what: `style`, `blend` or `map`.
        largest, mean: of all values, in 255ths.
        seconds: that the picture took.
    """

    height: int
    width: int
    what: str
    largest: float
    mean: float
    seconds: float


def export(
    recipe: ExportRecipe, output: str | os.PathLike, *, network: Styled | None = None
) -> list["Difference"]:
    """Writes a network for another runtime.

    The file is run by that runtime and compared with Keras; one that differs too much
    (`TOLERANCES`) is deleted.

    Args:
        recipe: an `ExportRecipe`.
        output: the file, or for a SavedModel the folder, which must not be there.
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
    writable_folder(output.parent)
    written = _WRITERS[recipe.format](network, manifest, output)
    try:
        graph = output / "network.onnx" if recipe.format == "web" else output
        found = compare(ExportedNetwork.load(graph), network)
        _judge(found, recipe)
    except BaseException:
        for path in written:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise
    megabytes = sum(_bytes(path) for path in written) / 1e6
    _LOG.info(
        "wrote %s (%.1f MB, %d styles); differs from Keras by at most %.2g of 255\n%s",
        *(output, megabytes, network.num_styles, max(one.largest for one in found)),
        tables.align([dataclasses.asdict(one) for one in found]),
    )
    return found


def _check(recipe: ExportRecipe, output: pathlib.Path) -> None:
    suffix = {name: suffix for suffix, name in SUFFIXES.items()}.get(recipe.format)
    if suffix and output.suffix.lower() != suffix:
        raise UserError(f"an {recipe.format} file must end in {suffix}. Received: {output}")
    if not suffix and output.exists():
        raise UserError(f"{output} is there already. Choose another `output`.")
    choice.check_installed(recipe.format)


def _bytes(path: pathlib.Path) -> int:
    if path.is_dir():
        return sum(found.stat().st_size for found in path.rglob("*") if found.is_file())
    return path.stat().st_size


# === Writing ===


def _write_onnx(network: Styled, manifest: Manifest, output: pathlib.Path) -> list[pathlib.Path]:
    model = _graph(network, manifest.precision)
    entry = model.metadata_props.add()
    entry.key, entry.value = "cin_style", manifest.to_text()
    with write_beside(output) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return [output]


def _graph(network: Styled, precision: str) -> Any:
    return onnx_graph.build(network, half=precision == "float16")


def _write_openvino(
    network: Styled, manifest: Manifest, output: pathlib.Path
) -> list[pathlib.Path]:
    import openvino

    graph = _graph(network, "float32").SerializeToString()
    model = openvino.Core().read_model(graph)
    weights = output.with_suffix(".bin")
    openvino.save_model(model, output, compress_to_fp16=manifest.precision == "float16")
    write_text(beside(output), manifest.to_text())
    return [output, weights, beside(output)]


def _write_saved_model(
    network: Styled, manifest: Manifest, output: pathlib.Path
) -> list[pathlib.Path]:
    temporary = output.with_name(f".{uuid.uuid4().hex[:12]}")
    try:
        _save_graph(network, temporary, (None, None), None, None)
        (temporary / IN_SAVED_MODEL).parent.mkdir()
        write_text(temporary / IN_SAVED_MODEL, manifest.to_text())
        os.replace(temporary, output)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [output]


def _save_graph(
    network: Styled,
    folder: pathlib.Path,
    size: tuple[int | None, ...],
    batch: int | None,
    count: int | None,
) -> None:
    """A SavedModel of the painting graph: for pictures of a size, in so many styles each."""
    import tensorflow as tf

    graph = KerasRuntime(network).network.painting_graph()
    shapes = {
        "images": (batch, *size, 3),
        "embeddings": (batch, count, graph.inputs[1].shape[-1]),
        "style_weights": (batch, count),
    }
    kernels, others = (
        [variable.numpy() for variable in variables]
        for variables in (graph.trainable_variables, graph.non_trainable_variables)
    )
    signature = [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()]

    @tf.function(input_signature=signature)
    def paint(images: Any, embeddings: Any, style_weights: Any) -> dict[str, Any]:
        # Constants: LiteRT's converter would keep variables without their values.
        pastiches, _ = graph.stateless_call(
            kernels, others, [images, embeddings, style_weights], training=False
        )
        return {"pastiches": pastiches}

    module = tf.Module()
    module.paint = paint
    tf.saved_model.save(module, str(folder), signatures={"serving_default": paint})


def _write_litert(network: Styled, manifest: Manifest, output: pathlib.Path) -> list[pathlib.Path]:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        _save_graph(network, pathlib.Path(folder), manifest.size or (), 1, 1)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if manifest.precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if manifest.precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        data = converter.convert()
    with write_beside(output) as temporary:
        temporary.write_bytes(data)
    write_text(beside(output), manifest.to_text())
    return [output, beside(output)]


def _write_web(network: Styled, manifest: Manifest, output: pathlib.Path) -> list[pathlib.Path]:
    page = pathlib.Path(__file__).with_name("page")
    shutil.copytree(page, output)
    _write_onnx(network, manifest, output / "network.onnx")
    write_text(output / "network.json", manifest.to_text())
    return [output]


_WRITERS: dict[str, Callable[[Styled, Manifest, pathlib.Path], list[pathlib.Path]]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "saved_model": _write_saved_model,
    "litert": _write_litert,
    "web": _write_web,
}


# === Comparing ===


def compare(exported: ExportedNetwork, network: Styled) -> list[Difference]:
    """Paints with an exported network, in its own runtime, and with Keras.

    Args:
        exported: the network.
        network: the same in Keras.

    Returns:
        A `Difference` for each of several sizes; of styles, blends, and maps where the format has
        them.
    """
    theirs, ours = choice.make(exported), KerasRuntime(network)
    photo = next(iter(images.sample_photos().values()))
    table, rng = network.get_style_embeddings(), np.random.default_rng(0)
    found = []
    sizes = _SIZES if exported.manifest.size is None else (exported.manifest.size,)
    for number, (height, width) in enumerate(sizes):
        small = scaling.scale(photo, (height, width)).clip(0, 1)[None]
        one = table[None, number % len(table), None]
        cases: dict[str, tuple[np.ndarray, np.ndarray]]
        cases = {"style": (one, np.ones((1, 1), "float32"))}
        if len(table) > 1:
            two = table[None, :2]
            cases["blend"] = two, np.array([[0.3, 0.7]], "float32")
            if getattr(theirs, "has_maps", False):
                map_ = rng.random((1, height, width, 1), "float32")
                cases["map"] = two, np.concatenate([map_, 1 - map_], axis=-1)
        for what, (embeddings, weights) in cases.items():
            expected = ours(small, embeddings, weights)
            begun = time.perf_counter()
            painted = theirs(small, embeddings, weights)
            seconds = time.perf_counter() - begun
            away = 255 * np.abs(painted - expected)
            found.append(
                Difference(height, width, what, float(away.max()), float(away.mean()), seconds)
            )
    return found


def _judge(found: list[Difference], recipe: ExportRecipe) -> None:
    largest, mean = TOLERANCES[recipe.precision]
    for one in found:
        if not (one.largest <= largest and one.mean <= mean):
            raise UserError(
                f"what was exported paints otherwise than Keras: a {one.what} of {one.width} x "
                f"{one.height} px differs by {one.largest:.3g} of 255, {one.mean:.3g} in the mean, "
                f"where {largest:g} and {mean:g} are allowed. It was deleted. Choose another "
                "`precision`."
            )
