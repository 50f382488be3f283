"""Finding the predictor of a network: beside its file, in the package, or nowhere."""

import shutil

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction import files
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView

VIEW = StyleView(layers=("block1_conv2",), size=32)


@pytest.fixture
def model(tiny_model, tmp_path):
    """A network's file in a folder of its own."""
    return shutil.copy(tiny_model, tmp_path / "mine.keras")


def test_beside_the_network(model, tiny_network):
    assert files.find(model, tiny_network) is None
    StylePredictor.of(tiny_network, VIEW).save(files.beside(model))
    assert files.find(model, tiny_network).view == VIEW
    assert files.get("", model, tiny_network).view == VIEW


def test_in_the_package_for_all_networks_of_its_convolutions(model, tiny_network, monkeypatch):
    StylePredictor.of(tiny_network, VIEW).save(files.beside(model))
    monkeypatch.setattr(files, "bundled", lambda: {"mine": model})
    grown = tiny_network.append(["new"], np.ones((1, tiny_network.embedding_size)))
    assert files.find(None, grown).view == VIEW
    assert files.find("elsewhere.keras", grown).view == VIEW
    assert files.find(None, StyleTransferNetwork(["one"], (4, 6, 8), 1)) is None


def test_one_of_another_network_is_left_out(model, tiny_network, caplog):
    other = StyleTransferNetwork(["one"], (4, 6, 8), 1)
    StylePredictor.of(other, VIEW).save(files.beside(model))
    assert files.find(model, tiny_network) is None
    assert "mine.predictor.npz is of another network" in caplog.text
    with pytest.raises(UserError, match="mine.predictor.npz: .* belongs to another network"):
        files.get(str(files.beside(model)), None, tiny_network)


def test_without_one_the_message_says_what_to_do(model, tiny_network):
    with pytest.raises(UserError, match="mine.keras has no predictor.*`train_predictor`") as error:
        files.get("", model, tiny_network)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="no such predictor: none.npz"):
        files.get("none.npz", model, tiny_network)
