"""Every runtime paints what Keras paints; those that are not installed are skipped."""

import threading

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import (
    BlendRecipe,
    ExportRecipe,
    Stylizer,
    StylizeRecipe,
    blend,
    export,
    images,
    stylize,
)
from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.networks.frozen import FrozenNetwork
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.runtimes import choice
from cin_style.runtimes.formats import PAINTERS
from cin_style.runtimes.keras_runtime import KerasRuntime

SIZES = [(16, 16), (37, 52), (20, 61)]


@pytest.fixture(params=["onnx", "openvino"])
def runtime(request):
    if PAINTERS[request.param].missing:
        pytest.skip(f"{request.param} is not installed; make test-runtimes")
    return request.param


def make_network(upsampling, widths=(4, 6, 8), residual_blocks=1):
    keras.utils.set_random_seed(3)
    network = StyleTransferNetwork(
        ["ash", "birch", "cedar"], widths, residual_blocks, upsampling, grain=0.02
    )
    for layer in network.convolutions:
        layer.kernel.assign(20 * layer.kernel)
    embeddings = network.get_style_embeddings()
    noise = np.random.default_rng(7).normal(0, 0.5, embeddings.shape)
    network.set_style_embeddings(embeddings + noise)
    return network


@pytest.mark.parametrize(
    "upsampling, widths, blocks",
    [("nearest", (4, 6, 8), 1), ("bilinear", (4, 6, 8), 2), ("bilinear", (4, 6), 1)],
)
def test_the_same_pictures_as_keras(runtime, upsampling, widths, blocks):
    network, rng = make_network(upsampling, widths, blocks), np.random.default_rng(0)
    ours, theirs = KerasRuntime(network), choice.make(FrozenNetwork.of(network), runtime)
    table = network.get_style_embeddings()
    for height, width in SIZES:
        photos = rng.random((2, height, width, 3), "float32")
        embeddings = np.stack([table[:2], table[1:]])
        weights = rng.random((2, 2), "float32")
        maps = rng.random((2, height, width, 2), "float32")
        for given in (weights, maps):
            expected = ours(photos, embeddings, given)
            painted = theirs(photos, embeddings, given)
            assert painted.dtype == np.float32 and expected.std() > 0.01
            np.testing.assert_allclose(painted, expected, atol=1e-4)


def test_a_frozen_network_is_the_network(tiny_network, tmp_path):
    path = tmp_path / "tiny.keras"
    storage.save(tiny_network, path)
    frozen = FrozenNetwork.load(path)
    assert frozen.styles == tiny_network.styles
    assert frozen.fingerprint == tiny_network.fingerprint
    np.testing.assert_array_equal(
        frozen.get_style_embeddings(), tiny_network.get_style_embeddings()
    )
    again = storage.thaw(frozen.select(["cedar", "ash"]))
    assert [style.name for style in again.styles] == ["cedar", "ash"]
    np.testing.assert_array_equal(
        again.get_style_embeddings(), tiny_network.get_style_embeddings()[[2, 0]]
    )
    plain = frozen.with_styles(["new"])
    np.testing.assert_array_equal(
        plain.get_style_embeddings(), tiny_network.with_styles(["new"]).get_style_embeddings()
    )


def test_the_stylizer_paints_alike(runtime, make_photo, tmp_path):
    path = tmp_path / "mine.keras"
    network = make_network("bilinear")
    storage.save(network, path)
    photo = images.from_uint8(make_photo(50, 40, 1))
    expected = Stylizer(network)
    stylizer = Stylizer(path, runtime=runtime)
    assert stylizer.runtime == runtime and expected.runtime == "keras"
    maps = np.random.default_rng(0).random((40, 50, 3), "float32")
    for styles in ("ash", {"ash": 0.3, "cedar": 0.7}, ["birch", "ash"], maps):
        np.testing.assert_allclose(stylizer(photo, styles), expected(photo, styles), atol=1e-4)
    np.testing.assert_allclose(
        stylizer(photo, "ash", stroke_size=1, tile=64),
        expected(photo, "ash", stroke_size=1, tile=64),
        atol=1e-4,
    )
    found = {}

    def paint(name):
        found[name] = stylizer(photo, name)

    threads = [threading.Thread(target=paint, args=[name]) for name in stylizer.styles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, picture in found.items():
        np.testing.assert_allclose(picture, expected(photo, name), atol=1e-4)


@pytest.fixture
def installed(monkeypatch):
    """The set of modules that are taken for installed."""
    modules = {"onnxruntime", "onnx", "keras"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in modules or None)
    monkeypatch.setattr(choice, "has_accelerator", lambda: False)
    return modules


def test_what_auto_chooses(installed, monkeypatch):
    assert choice.choose("auto") == "onnx"
    installed.add("openvino")
    assert choice.choose("auto") == "onnx"
    installed.remove("onnxruntime")
    assert choice.choose("auto") == "openvino"
    monkeypatch.setattr(choice, "has_accelerator", lambda: True)
    assert choice.choose("auto") == "keras"
    installed.clear()
    with pytest.raises(UserError, match=r"painting needs onnxruntime and onnx: pip install"):
        choice.choose("auto")


def test_runtimes_that_are_not_there(installed):
    with pytest.raises(UserError, match="`runtime` must be one of auto, .* Received: magic"):
        choice.choose("magic")
    installed.clear()
    with pytest.raises(UserError, match=r"`runtime=onnx` needs onnxruntime and onnx: pip install"):
        choice.choose("onnx")


def test_a_network_in_keras_is_painted_by_keras(tiny_network):
    assert Stylizer(tiny_network).runtime == "keras"


def test_pictures_of_the_folder_are_painted_by_it(runtime, make_photo, tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "mine.keras"
    storage.save(make_network("bilinear"), path)
    Image.fromarray(make_photo(50, 40, 1)).save(tmp_path / "photo.png")
    recipe = StylizeRecipe(
        photos=(str(tmp_path / "photo.png"),), model=str(path), style="ash", runtime=runtime
    )
    stylize(recipe, tmp_path / "a.png")
    assert caplog.messages[-1].endswith(f"a.png, painted by {runtime}")
    blending = BlendRecipe(
        photo=recipe.photos[0], model=str(path), styles="ash,birch", steps=3, runtime=runtime
    )
    blend(blending, tmp_path / "b.png")
    assert caplog.messages[-1].endswith(f"b.png, painted by {runtime}")


def test_large_pictures_lose_no_digits(runtime):
    """A mean over 3 megapixels in one sum of float32 is off by a thousandth."""
    from cin_style.runtimes import onnx_graph

    graph = onnx_graph.Nodes()
    onnx_graph.mean(graph, "x")
    x = np.random.default_rng(0).random((1, 1, 1500, 2000), "float32")
    x[:, :, :1000] = 0.8
    found = run_nodes(runtime, graph, x)
    np.testing.assert_allclose(found.item(), x.mean(dtype="float64"), rtol=3e-5)


def run_nodes(runtime, graph, x):
    from onnx import TensorProto, helper

    from cin_style.runtimes import onnx_graph

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "a_mean",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
            [helper.make_tensor_value_info(graph.nodes[-1].output[0], TensorProto.FLOAT, None)],
        ),
        opset_imports=[helper.make_opsetid("", onnx_graph.OPSET)],
        ir_version=onnx_graph.IR_VERSION,
    )
    data = model.SerializeToString()
    if runtime == "onnx":
        import onnxruntime

        return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(
            None, {"x": x}
        )[0]
    import openvino

    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(data), "CPU", options)(x)[0]


def test_out_of_memory_is_said(runtime, make_photo, tmp_path, monkeypatch):
    path = tmp_path / "mine.keras"
    storage.save(make_network("bilinear"), path)
    stylizer = Stylizer(path, runtime=runtime)
    photo = make_photo(50, 40, 1)

    def exhausted(*arguments):
        raise RuntimeError("Failed to allocate memory for requested buffer of size 4")

    monkeypatch.setattr(stylizer, "_runtime", exhausted)
    exhausted.name, exhausted.has_maps = runtime, True
    with pytest.raises(UserError, match="out of memory at a picture of 50 x 40 px"):
        stylizer(photo, "ash", tile="off")
    # In tiles, which Keras paints, it does suffice.
    np.testing.assert_allclose(stylizer(photo, "ash"), Stylizer(path)(photo, "ash"), atol=1e-4)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_in_bfloat16_it_is_the_same_picture_but_for_rounding(upsampling):
    if PAINTERS["openvino"].missing:
        pytest.skip("openvino is not installed; make test-runtimes")
    network, rng = make_network(upsampling), np.random.default_rng(0)
    theirs = choice.make(FrozenNetwork.of(network), "auto", "bfloat16")
    assert theirs.name == "openvino"
    photos, embeddings = rng.random((1, 40, 52, 3), "float32"), network.get_style_embeddings()
    for weights in (np.float32([[0.5, 0.2, 0.3]]), rng.random((1, 40, 52, 3), "float32")):
        given = photos, embeddings[None], weights
        expected = KerasRuntime(network)(*given)
        # Much of one test image's contrast is made by a few channels: more than in a photo.
        np.testing.assert_allclose(theirs(*given), expected, atol=0.1)
        assert np.abs(theirs(*given) - expected).mean() < 0.01 < expected.std()


def test_an_exported_file_in_bfloat16(tmp_path, make_photo):
    for runtime in ("onnx", "openvino"):
        if PAINTERS[runtime].missing:
            pytest.skip(f"{runtime} is not installed; make test-runtimes")
    storage.save(make_network("bilinear"), tmp_path / "mine.keras")
    path = tmp_path / "mine.onnx"
    export(ExportRecipe(model=str(tmp_path / "mine.keras"), format="onnx"), path)
    stylizer = Stylizer(path, dtype="bfloat16")
    assert stylizer.runtime == "openvino" and Stylizer(path).runtime == "onnx"
    photo = make_photo(50, 40, 1)
    difference = np.abs(stylizer(photo, "ash") - Stylizer(path)(photo, "ash"))
    assert 0 < difference.mean() < 0.02
    with pytest.raises(UserError, match="onnx does not paint in bfloat16. .* openvino and keras"):
        Stylizer(path, runtime="onnx", dtype="bfloat16")


def test_keras_takes_bfloat16_where_nothing_else_computes_in_it(monkeypatch):
    network = make_network("nearest")
    monkeypatch.setattr(choice, "RUNTIMES", ("onnx", "keras"))
    monkeypatch.setattr(choice, "has_accelerator", lambda: False)
    painter = choice.make(FrozenNetwork.of(network), "auto", "bfloat16")
    assert painter.name == "keras"
    assert painter.network.convolutions[0].compute_dtype == "bfloat16"


def test_precision_of_the_command_reaches_the_pictures(make_photo, tmp_path):
    path = tmp_path / "mine.keras"
    storage.save(make_network("bilinear"), path)
    Image.fromarray(make_photo(50, 40, 1)).save(tmp_path / "photo.png")
    painted = {}
    for precision in ("float32", "bfloat16"):
        recipe = StylizeRecipe(
            photos=(str(tmp_path / "photo.png"),),
            model=str(path),
            style="ash",
            runtime="keras",
            precision=precision,
        )
        stylize(recipe, tmp_path / f"{precision}.png")
        painted[precision] = images.load(tmp_path / f"{precision}.png").astype("float32")
    difference = np.abs(painted["float32"] - painted["bfloat16"])
    assert 0 < difference.mean() < 0.02
