"""Networks for other runtimes; those that are not installed are skipped."""

import json

import keras
import numpy as np
import pytest

from cin_style import Stylizer, images
from cin_style.errors import UserError
from cin_style.runtimes import choice, exported
from cin_style.runtimes.recipe import ExportRecipe

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="painting is tested on TensorFlow and JAX"
)

NAMES = {"onnx": "m.onnx", "openvino": "m.xml", "saved_model": "m", "litert": "m.tflite"}


@pytest.fixture(params=NAMES)
def kind(request):
    try:
        choice.check_installed(request.param)
    except UserError as error:
        pytest.skip(str(error))
    if request.param in ("saved_model", "litert") and keras.backend.backend() != "tensorflow":
        pytest.skip("made by TensorFlow")
    return request.param


def options_of(kind):
    return {"size": "128x140"} if kind == "litert" else {}


@pytest.fixture
def written(kind, tiny_network, tmp_path):
    from cin_style.runtimes.export import export

    path = tmp_path / NAMES[kind]
    found = export(ExportRecipe(format=kind, **options_of(kind)), path, network=tiny_network)
    assert found and max(one.largest for one in found) <= 1
    return path


def test_an_exported_network_paints_as_before(written, kind, tiny_network, make_photo):
    photo = images.from_uint8(make_photo(60, 48, 1))
    stylizer, expected = Stylizer(written), Stylizer(tiny_network)
    assert stylizer.styles == expected.styles and stylizer.runtime == kind
    for style in ("birch", {"ash": 0.3, "cedar": 0.7}):
        np.testing.assert_allclose(stylizer(photo, style), expected(photo, style), atol=1e-4)
    added = stylizer.painter.append(["new"], tiny_network.get_style_embeddings()[:1])
    np.testing.assert_allclose(Stylizer(added)(photo, "new"), expected(photo, "ash"), atol=1e-4)
    maps = np.random.default_rng(0).random((48, 60, 3), "float32")
    if kind in ("onnx", "openvino"):
        np.testing.assert_allclose(stylizer(photo, maps), expected(photo, maps), atol=1e-4)
    else:
        with pytest.raises(UserError, match="paints no maps"):
            stylizer(photo, maps)
    if kind == "litert":
        with pytest.raises(UserError, match="paints pictures of 140 x 128 px alone"):
            stylizer(photo[:40], "ash")
    with pytest.raises(UserError, match="is exported: it paints, and nothing else"):
        _ = stylizer.network


def test_only_some_styles_and_half_the_size(tiny_network, tmp_path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from cin_style.runtimes.export import export

    for precision in ("float32", "float16"):
        recipe = ExportRecipe(precision=precision, styles="cedar,ash")
        export(recipe, tmp_path / f"{precision}.onnx", network=tiny_network)
    assert Stylizer(tmp_path / "float16.onnx").styles == ("cedar", "ash")
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("float32", "float16")]
    assert sizes[1] < sizes[0]


def test_what_differs_is_deleted(tiny_network, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from cin_style.runtimes import export, onnx_graph

    monkeypatch.setattr(onnx_graph, "EPSILON", 0.1)
    with pytest.raises(UserError, match="paints otherwise than Keras: .* It was deleted"):
        export.export(ExportRecipe(), tmp_path / "m.onnx", network=tiny_network)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"format": "onnx", "size": "64x64"}, "`size` is for litert"),
        ({"format": "litert"}, "`size` is for litert"),
        ({"format": "litert", "size": "64"}, "must be HEIGHTxWIDTH .* Received: 64"),
        ({"format": "litert", "size": "63x64"}, "multiples of 4"),
        ({"format": "onnx", "precision": "int8"}, "`precision` of onnx must be one of float32, f"),
    ],
)
def test_bad_recipes(options, message):
    with pytest.raises(UserError, match=message):
        ExportRecipe(**options)


def test_bad_files(tiny_network, tmp_path):
    manifest = exported.Manifest.of(tiny_network)
    assert exported.Manifest.from_text(manifest.to_text()).styles == tiny_network.styles
    path = tmp_path / "m.tflite"
    with pytest.raises(UserError, match="no such model file"):
        exported.ExportedNetwork.load(path)
    path.write_bytes(b"no graph")
    with pytest.raises(UserError, match="m.tflite.json, its styles, must lie beside it"):
        exported.ExportedNetwork.load(path)
    good = json.loads(manifest.to_text())
    for text, message in [
        ("", "is not what `cin-style export` writes, or is damaged"),
        ("[]", "is not what `cin-style export` writes, or is damaged"),
        (json.dumps({**good, "format": 99}), "it has the format 99; this version .* reads 1"),
        (json.dumps({**good, "styles": []}), "m.tflite: "),
        (json.dumps({**good, "embeddings": {**good["embeddings"], "shape": [1, 1]}}), "damaged"),
    ]:
        exported.beside(path).write_text(text)
        with pytest.raises(UserError, match=message):
            exported.ExportedNetwork.load(path)
    exported.beside(path).write_text(manifest.to_text())
    assert exported.ExportedNetwork.load(path).num_styles == 3


def test_onnx_files_of_others(tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(UserError, match="is not what `cin-style export` writes"):
        Stylizer(path)
