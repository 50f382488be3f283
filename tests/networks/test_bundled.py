"""The network in the package is what its card says."""

import json
import pathlib

import numpy as np
from keras import ops

from cin_style.networks import storage
from cin_style.networks.bundled import DEFAULT_MODEL, bundled


def test_the_network_in_the_package():
    network = storage.load(DEFAULT_MODEL)
    assert network.num_styles == 32
    assert network.count_params() == 1_674_432 + 32 * 3_206
    assert all(style.image_size for style in network.styles)
    assert bundled()[DEFAULT_MODEL].stat().st_size < 4e6
    for variable in network.weights:
        weights = ops.convert_to_numpy(variable)
        np.testing.assert_array_equal(weights, weights.astype("float16"))


def test_the_small_network_in_the_package():
    small, large = storage.load("varied32_small"), storage.load(DEFAULT_MODEL)
    assert [style.name for style in small.styles] == [style.name for style in large.styles]
    assert 5 * small.count_params() > large.count_params() > 4 * small.count_params()
    assert bundled()["varied32_small"].stat().st_size < 1e6
    # It remembers the losses of its teacher, by which styles are added to it.
    assert small.loss_options == large.loss_options


def test_its_styles_are_those_of_the_catalogue():
    catalogue = pathlib.Path(__file__).parent.parent.parent / "styles" / "paintings.json"
    entries = json.loads(catalogue.read_text(encoding="utf-8"))
    styles = {style.name: style for style in storage.load(DEFAULT_MODEL).styles}
    assert sorted(styles) == [entry["name"] for entry in entries]
    for entry in entries:
        del entry["file"]
        remembered = styles[entry["name"]].to_dict()
        del remembered["image_size"]
        assert remembered == {"weight": 1.0} | entry
