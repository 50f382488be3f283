"""semantic.py: segments by name, and the networks that give names."""

import logging
import sys
import types

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.images import kinship
from cin_style.painting import semantic

NAMES = ["sky", "sea", "sand", "lake", "clock"]
RNG = np.random.default_rng(0)


def photo_of(*labels):
    """A photo of horizontal stripes, a label each; the label stands in the colours."""
    rows = np.repeat(labels, 16)
    photo = np.repeat((rows / 10)[:, None, None], 40, axis=1).repeat(3, axis=-1)
    return photo.astype("float32")


def segmenter(photo):
    return np.rint(photo[..., 0] * 10).astype(int), NAMES


def test_the_same_names_are_one_segment():
    found = semantic.by_names(photo_of(0, 1, 2), photo_of(2, 2, 1, 0), segmenter)
    assert found.names == ("sky", "sea", "sand")
    assert found.content[8, 20].argmax() == 0 and found.style[8, 20].argmax() == 2


def test_similar_names_are_joined_and_what_is_missing_goes_to_its_most_similar(caplog):
    with caplog.at_level(logging.INFO, "cin_style"):
        found = semantic.by_names(photo_of(0, 1, 2), photo_of(0, 3), segmenter)
    assert found.names == ("sky", "sea+lake")
    assert "segment sand is in the content photo only: it goes to sea+lake" in caplog.text
    assert found.content[40, 20].argmax() == 1


def test_labels_without_a_name_are_refused():
    with pytest.raises(UserError, match="labels from 0 to 7, but 5 names"):
        semantic.by_names(photo_of(0, 7), photo_of(0, 1), segmenter)
    with pytest.raises(UserError, match="no segment in common"):
        semantic.by_names(photo_of(0), photo_of(4), segmenter)


def test_the_table_of_similarities():
    known = {*kinship.ADE20K, *kinship.VOC, *kinship.CITYSCAPES}
    assert (len(kinship.ADE20K), len(kinship.VOC), len(kinship.CITYSCAPES)) == (150, 21, 19)
    grouped = [name for names in kinship.GROUPS.values() for name in names.split(",")]
    assert len(grouped) == len(set(grouped)) and set(grouped) - known <= {"snow"}
    assert {group for pair in kinship.KIN for group in pair} <= set(kinship.GROUPS)
    found = kinship.similarity([*sorted(known)])
    np.testing.assert_array_equal(found, found.T)
    assert (found.diagonal() == 1).all() and found.min() == 0.1


@pytest.fixture
def onnx(monkeypatch, tmp_path):
    """A module in place of onnxruntime, whose networks give what they are told."""
    module = types.ModuleType("onnxruntime")
    module.given = []

    class InferenceSession:
        shape, answer, metadata = [1, 3, 32, 32], None, {}

        def __init__(self, path, providers):
            if "broken" in path:
                raise RuntimeError("no protobuf")

        def get_inputs(self):
            return [types.SimpleNamespace(name="image", shape=self.shape)]

        def get_modelmeta(self):
            return types.SimpleNamespace(custom_metadata_map=self.metadata)

        def run(self, outputs, given):
            module.given.append(given["image"])
            return [self.answer]

    module.InferenceSession = InferenceSession
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    for name in ("net.onnx", "broken.onnx"):
        (tmp_path / name).write_bytes(b"")
    return module


@pytest.mark.parametrize("first", [True, False])
def test_an_onnx_network(onnx, tmp_path, first):
    scores = RNG.random((1, 150, 8, 8))
    session = onnx.InferenceSession
    session.shape = [1, 3, 32, 32] if first else [1, "height", "width", 3]
    session.answer = scores if first else np.moveaxis(scores, 1, -1)
    labels, names = semantic.load_segmenter(tmp_path / "net.onnx")(photo_of(0, 1))
    np.testing.assert_array_equal(labels, scores[0].argmax(axis=0))
    assert names[2] == "sky" and len(names) == 150
    assert onnx.given[0].shape == ((1, 3, 32, 32) if first else (1, 512, 512, 3))
    # Normalized as ImageNet's networks are used to.
    assert onnx.given[0].min() == pytest.approx(-0.485 / 0.229, rel=0.05)


def test_an_onnx_network_that_gives_labels(onnx, tmp_path):
    session = onnx.InferenceSession
    session.answer, session.metadata = np.ones((1, 8, 8)), {"names": "land,sky"}
    labels, names = semantic.load_segmenter(tmp_path / "net.onnx")(photo_of(0, 1))
    assert labels.dtype == int and labels.max() == 1 and names == ["land", "sky"]


def test_a_preset_of_keras_hub(monkeypatch):
    module = types.ModuleType("keras_hub")
    scores = RNG.random((1, 16, 16, 21))

    class ImageSegmenter:
        @classmethod
        def from_preset(cls, preset):
            if preset == "gone":
                raise ValueError("no such preset\nat all")
            return types.SimpleNamespace(predict=lambda images, verbose: scores)

    module.models = types.SimpleNamespace(ImageSegmenter=ImageSegmenter)
    monkeypatch.setitem(sys.modules, "keras_hub", module)
    labels, names = semantic.load_segmenter("deeplab")(photo_of(0, 1))
    np.testing.assert_array_equal(labels, scores[0].argmax(axis=-1))
    assert names[15] == "person"
    with pytest.raises(UserError, match="can't load the segmenter gone: no such preset$"):
        semantic.load_segmenter("gone")


def test_what_is_missing_is_named(onnx, monkeypatch, tmp_path):
    for name, message in [
        ("gone.onnx", "no such file: "),
        ("broken.onnx", "can be read: no proto"),
    ]:
        with pytest.raises(UserError, match=message):
            semantic.load_segmenter(tmp_path / name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(UserError, match="needs onnxruntime: pip install onnxruntime"):
        semantic.load_segmenter(tmp_path / "net.onnx")
    with pytest.raises(UserError, match="`segments` segformer is no .onnx file.*not installed"):
        semantic.load_segmenter("segformer")
