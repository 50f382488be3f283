"""What training from another network begins with."""

import numpy as np

from cin_style.training.train import _take_over_styles


def test_a_style_that_the_other_network_does_not_know_begins_as_the_mean_of_its_styles(
    tiny_network,
):
    old = tiny_network.get_style_embeddings()
    network = tiny_network.with_styles(["new", "birch"])
    images = [np.full((4, 4, 3), 0.5, "float32"), np.full((4, 4, 3), 0.9, "float32")]
    network.set_palettes(images)
    own = network.get_style_embeddings()
    _take_over_styles(network, tiny_network)
    found = network.get_style_embeddings()
    np.testing.assert_array_equal(found[1], old[1])
    # Three channels' gamma and beta of the last layer are its own palette.
    np.testing.assert_allclose(found[0, :-6], old.mean(axis=0)[:-6], atol=1e-6)
    np.testing.assert_array_equal(found[0, -6:], own[0, -6:])
