"""per_style.py: means that are the objective's, and photos that are looked at once."""

import numpy as np
import pytest
from keras import ops

from cin_style import images
from cin_style.losses import per_style
from cin_style.losses.objective import StyleObjective
from cin_style.losses.vgg import VGG16

LAYERS = {"block1_conv1": 1.0, "block1_conv2": 2.0}


@pytest.fixture(scope="module")
def objective(make_photo):
    styles = [images.from_uint8(make_photo(32, 32, seed)) for seed in (6, 7, 8)]
    return StyleObjective(
        VGG16(LAYERS, "random", "avg", "float32"),
        styles,
        content_layers={"block1_conv2": 1.0, "block1_conv1/2": 0.5},
        style_layers=LAYERS,
    )


@pytest.fixture(scope="module")
def photos(make_photo):
    return np.stack([images.from_uint8(make_photo(24, 24, seed)) for seed in range(3)])


@pytest.fixture
def looked_at(objective, monkeypatch):
    """How many photos the objective was asked the content features of."""
    counts = []
    original = objective.content_targets

    def count(batch):
        counts.append(len(batch))
        return original(batch)

    monkeypatch.setattr(objective, "content_targets", count)
    return counts


def test_losses_are_means_over_the_photos(tiny_network, objective, photos, looked_at):
    rows = per_style.style_losses(tiny_network, objective, photos, batch_size=2)
    assert looked_at == [2, 1]  # not once for each style
    assert [row.pop("style") for row in rows] == ["ash", "birch", "cedar"]
    for index, row in enumerate(rows):
        assert row == per_style.losses_of_style(tiny_network, objective, photos, index, 2)
        weights = np.eye(3, dtype="float32")[[index]]
        losses = []
        for photo in photos:
            pastiche = tiny_network.predict_on_batch([photo[None], weights])
            ids = np.array([index])
            terms = objective.terms(photo[None], ids, pastiche)
            _, style = objective.layer_losses(photo[None], ids, pastiche)
            losses.append({name: float(value[0]) for name, value in (terms | style).items()})
        assert row.keys() == losses[0].keys() == {"content_loss", "style_loss", *LAYERS}
        for name, value in row.items():
            assert value == pytest.approx(np.mean([one[name] for one in losses]), rel=1e-4)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_with_features_known_photos_are_not_looked_at(
    tiny_network, objective, photos, looked_at, batch_size
):
    expected = per_style.losses_of_style(tiny_network, objective, photos, 1)
    looked_at.clear()
    targets = per_style.content_targets(objective, photos, batch_size)
    assert sum(looked_at) == 3 and max(looked_at) <= batch_size
    found = per_style.losses_of_style(tiny_network, objective, photos, 1, batch_size, targets)
    assert sum(looked_at) == 3
    assert found == pytest.approx(expected, rel=1e-5)


def test_features_are_those_of_the_objective(objective, photos):
    found = per_style.content_targets(objective, photos, batch_size=2)
    assert {layer: tuple(value.shape) for layer, value in found.items()} == {
        "block1_conv2": (3, 24, 24, 64),
        "block1_conv1/2": (3, 12, 12, 64),
    }
    for layer, value in objective.content_targets(photos).items():
        np.testing.assert_allclose(
            ops.convert_to_numpy(found[layer]), ops.convert_to_numpy(value), rtol=1e-4, atol=1e-2
        )


def test_without_content_layers(tiny_network, objective, photos):
    plain = StyleObjective(
        objective.loss_network, list(photos), content_layers={}, style_layers=LAYERS
    )
    assert per_style.content_targets(plain, photos) == {}
    losses = per_style.losses_of_style(tiny_network, plain, photos, 0, targets={})
    assert losses["content_loss"] == 0 < losses["style_loss"]
