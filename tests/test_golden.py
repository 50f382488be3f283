"""Files and pictures of earlier versions: they load unchanged, and look the same."""

import importlib.util
import pathlib

import keras
import numpy as np
import pytest

from cin_style import Stylizer, images, load
from cin_style.painting import stylizer as stylizer_module

FOLDER = pathlib.Path(__file__).parent / "golden"


def test_a_network_of_the_version_before(monkeypatch):
    monkeypatch.setattr(stylizer_module, "MARGIN", 16)  # of then; see `training.recipes.margin_of`
    network = load(FOLDER / "network_0_1_0.keras")
    assert [style.name for style in network.styles] == ["ash", "birch", "cedar"]
    assert network.styles[0].artist == "A. Painter"
    assert (network.upsampling, network.grain) == ("bilinear", 0.02)
    assert network.loss_options == {"padding": "reflect", "style_weight": 3e-4}
    golden = np.load(FOLDER / "network_0_1_0.npz")
    stylizer, photo = Stylizer(network), golden["photo"]
    np.testing.assert_allclose(stylizer(photo, "ash"), golden["ash"], atol=1e-5)
    blend = stylizer(photo, {"ash": 0.25, "cedar": 0.75})
    np.testing.assert_allclose(blend, golden["blend"], atol=1e-5)
    plain = keras.ops.convert_to_numpy(network([photo[None], np.eye(3, dtype="float32")[1:2]]))
    np.testing.assert_allclose(plain[0], golden["plain"], atol=1e-5)


def test_the_network_in_the_package_paints_as_before():
    spec = importlib.util.spec_from_file_location("golden_varied32", FOLDER / "varied32.py")
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    expected, painted = images.load(golden.FILE), images.from_uint8(golden.paint())
    difference = np.abs(painted - expected) * 255
    # Another processor or backend may round to the next of 256 values.
    assert difference.max() <= 2
    assert difference.mean() == pytest.approx(0, abs=0.1)
