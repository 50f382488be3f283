"""Networks for other runtimes; those that are not installed are skipped."""

import concurrent.futures
import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import cin_style
from cin_style import ExportRecipe, Stylizer, images
from cin_style.errors import UserError
from cin_style.runtimes import export, exported
from cin_style.runtimes.formats import FORMATS

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="painting is tested on TensorFlow and JAX"
)

NAMES = {"onnx": "m.onnx", "openvino": "m.xml", "saved_model": "m", "litert": "m.tflite"}


def skip_where_missing(kind):
    missing = FORMATS[kind].writing.missing
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed; make test-runtimes")
    if kind in ("saved_model", "litert") and keras.backend.backend() != "tensorflow":
        pytest.skip("made by TensorFlow")


@pytest.fixture(params=NAMES)
def kind(request):
    skip_where_missing(request.param)
    return request.param


@pytest.fixture
def onnx():
    skip_where_missing("onnx")


def options_of(kind):
    return {"size": "48x61"} if kind == "litert" else {}


@pytest.fixture(scope="module")
def exports(tmp_path_factory, tiny_network):
    """Exports a kind once: gives its folder."""
    made = {}

    def export_once(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            recipe = ExportRecipe(format=kind, **options_of(kind))
            found = cin_style.export(recipe, made[kind] / NAMES[kind], network=tiny_network)
            assert found and max(one.largest for one in found) <= 1
            assert ("map" in {one.what for one in found}) == (kind != "litert")
        return made[kind]

    return export_once


@pytest.fixture
def written(kind, exports, tmp_path):
    shutil.copytree(exports(kind), tmp_path, dirs_exist_ok=True)
    return tmp_path / NAMES[kind]


def test_an_exported_network_paints_as_before(written, kind, tiny_network, make_photo):
    photo = images.from_uint8(make_photo(61, 48, 1))
    stylizer, expected = Stylizer(written), Stylizer(tiny_network)
    assert stylizer.styles == expected.styles
    assert stylizer.runtime == kind
    for style in ("birch", {"ash": 0.3, "cedar": 0.7}):
        np.testing.assert_allclose(stylizer(photo, style), expected(photo, style), atol=1e-4)
    added = stylizer.styled.append(["new"], tiny_network.get_style_embeddings()[:1])
    np.testing.assert_allclose(Stylizer(added)(photo, "new"), expected(photo, "ash"), atol=1e-4)
    maps = np.random.default_rng(0).random((48, 61, 3), "float32")
    maps[..., 1] = 0
    if kind != "litert":
        np.testing.assert_allclose(stylizer(photo, maps), expected(photo, maps), atol=1e-4)
    else:
        with pytest.raises(UserError, match="litert paints no maps"):
            stylizer(photo, maps)
        with pytest.raises(UserError, match="photos of 61 x 48 px alone.* Received: 61 x 40 px"):
            stylizer(photo[:40], "ash")
    with pytest.raises(UserError, match="is exported: it paints, and nothing else"):
        _ = stylizer.network
    with pytest.raises(UserError, match="is exported: it paints, and nothing else"):
        stylizer(photo, "ash", tile=64)
    with pytest.raises(UserError, match="`runtime=keras` does not paint with"):
        Stylizer(written, runtime="keras")
    with pytest.raises(UserError, match="does not paint in mixed_bfloat16"):
        Stylizer(written, dtype="mixed_bfloat16")


def test_threads_share_it(written, tiny_network, make_photo):
    photo = images.from_uint8(make_photo(61, 48, 1))
    stylizer, expected = Stylizer(written), Stylizer(tiny_network)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        painted = list(pool.map(lambda name: stylizer(photo, name), stylizer.styles))
    for name, picture in zip(stylizer.styles, painted, strict=True):
        np.testing.assert_allclose(picture, expected(photo, name), atol=1e-4)


def test_commands_take_it(written, tmp_path, make_photo, command):
    photo, runtime = tmp_path / "photo.png", Stylizer(written).runtime
    Image.fromarray(make_photo(61, 48, 1)).save(photo)
    words = ["--model", written, photo, "--output", tmp_path / "a.png"]
    code, _, err = command("stylize", "--style", "ash", *words)
    assert code == 0 and err.endswith(f"a.png, painted by {runtime}\n")
    code, _, err = command("blend", "--styles", "ash,birch", "--steps", 3, *words)
    assert code == 0 and err.endswith(f"a.png, painted by {runtime}\n")
    code, out, _ = command("styles", "--model", written)
    assert code == 0 and "birch" in out
    code, _, err = command("stylize", "--runtime", "keras", "--style", "ash", *words)
    assert code == 2 and "--runtime=keras does not paint with" in err


def test_a_part_that_is_missing_or_damaged(written, kind):
    parts = [written, *written.parent.glob(f"{written.stem}.bin")]
    parts = [*written.rglob("saved_model.pb")] if written.is_dir() else parts
    for part in parts:
        part.write_bytes(b"no graph")
        with pytest.raises(UserError, match="is not what `cin-style export` writes, or is damaged"):
            Stylizer(written)


def test_what_was_there_stays_where_the_export_fails(written, kind, tiny_network, monkeypatch):
    before = {path: path.read_bytes() for path in written.parent.rglob("*") if path.is_file()}
    output = written if FORMATS[kind].suffix else written.with_name("other")
    recipe = ExportRecipe(format=kind, **options_of(kind))
    monkeypatch.setattr(export, "TOLERANCES", {"float32": (-1.0, -1.0)})
    with pytest.raises(UserError, match="paints otherwise than Keras: .* Nothing was written"):
        cin_style.export(recipe, output, network=tiny_network)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "compare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cin_style.export(recipe, output, network=tiny_network)
    after = {path: path.read_bytes() for path in written.parent.rglob("*") if path.is_file()}
    assert after == before


def test_only_some_styles_and_half_the_size(onnx, tiny_network, tmp_path):
    for precision in ("float32", "float16"):
        recipe = ExportRecipe(precision=precision, styles="cedar,ash")
        cin_style.export(recipe, tmp_path / f"{precision}.onnx", network=tiny_network)
    assert Stylizer(tmp_path / "float16.onnx").styles == ("cedar", "ash")
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("float32", "float16")]
    assert sizes[1] < sizes[0]


def test_a_graph_that_is_wrong_is_noticed(onnx, tiny_network, tmp_path, monkeypatch):
    from cin_style.runtimes import onnx_graph

    monkeypatch.setattr(onnx_graph, "EPSILON", 0.1)
    with pytest.raises(UserError, match="paints otherwise than Keras"):
        cin_style.export(ExportRecipe(), tmp_path / "m.onnx", network=tiny_network)
    assert not list(tmp_path.iterdir())


def test_smaller_networks_for_phones(tiny_network, tmp_path, monkeypatch):
    skip_where_missing("litert")
    path = tmp_path / "m.tflite"
    recipe = ExportRecipe(format="litert", precision="float16", size="64x64")
    found = cin_style.export(recipe, path, network=tiny_network)
    assert Stylizer(path).styled.precision == "float16"
    assert 0 < max(one.largest for one in found) <= 3
    # Rounded to 255 steps, this network's random kernels paint something else.
    recipe = recipe.replace(precision="int8")
    before = path.read_bytes()
    with pytest.raises(UserError, match="paints otherwise than Keras"):
        cin_style.export(recipe, path, network=tiny_network)
    assert path.read_bytes() == before
    monkeypatch.setitem(export.TOLERANCES, "int8", (255.0, 255.0))
    cin_style.export(recipe, path, network=tiny_network)
    assert Stylizer(path).styled.precision == "int8"


def test_a_page_holds_all_it_needs(onnx, tiny_network, tmp_path, caplog):
    caplog.set_level("INFO")
    cin_style.export(ExportRecipe(format="web"), tmp_path / "page", network=tiny_network)
    names = {path.name for path in (tmp_path / "page").iterdir()}
    assert names == {"index.html", "package.json", "network.onnx", "network.json"}
    assert "npm install" in caplog.text
    found = exported.Manifest.from_text((tmp_path / "page" / "network.json").read_text())
    np.testing.assert_array_equal(found.embeddings, tiny_network.get_style_embeddings())


def test_bad_outputs(onnx, tmp_path):
    (tmp_path / "a.onnx").mkdir()
    for kind, name, message in [
        ("onnx", "a.ONNX", "must end in .onnx"),
        ("onnx", "a.onnx", "is a folder"),
        ("web", "page.onnx", "of web is a folder, not"),
        ("web", "", "is there already"),
    ]:
        with pytest.raises(UserError, match=message):
            cin_style.export(ExportRecipe(format=kind), tmp_path / name)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"format": "onnx", "size": "64x64"}, "`size` is for litert"),
        ({"format": "litert"}, "`size` is for litert"),
        ({"format": "litert", "size": "64"}, "must be HEIGHTxWIDTH .* Received: 64"),
        ({"format": "litert", "size": "8x64"}, "each from 16 on"),
        ({"format": "onnx", "precision": "int8"}, "`precision` of onnx must be one of float32, f"),
    ],
)
def test_bad_recipes(options, message):
    with pytest.raises(UserError, match=message):
        ExportRecipe(**options)


def test_bad_files(tiny_network, tmp_path):
    skip_where_missing("litert")
    manifest = exported.Manifest.of(tiny_network, size=(32, 32))
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
        (json.dumps({**good, "kind": "a pony"}), "damaged"),
        (json.dumps({**good, "size": None}), "damaged"),
        (json.dumps({**good, "residual_blocks": 9}), "damaged"),
        (json.dumps({**good, "format": 99}), "it has the format 99; this version .* reads 1"),
        (json.dumps({**good, "styles": []}), "m.tflite: "),
        (json.dumps({**good, "embeddings": {**good["embeddings"], "shape": [1, 1]}}), "damaged"),
    ]:
        exported.beside(path).write_text(text)
        with pytest.raises(UserError, match=message):
            exported.ExportedNetwork.load(path)
    exported.beside(path).write_text(manifest.to_text())
    assert exported.ExportedNetwork.load(path).num_styles == 3


def test_onnx_files_of_others(onnx, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(UserError, match="is not what `cin-style export` writes"):
        Stylizer(path)
