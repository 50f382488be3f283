"""A small network as version 0.1.0 wrote it, and its pictures; see README.md.

Runs with that version only: python tests/golden/network_0_1_0.py
"""

import pathlib

import keras
import numpy as np
from cin_style import storage
from cin_style.network import StyleTransferNetwork
from cin_style.stylize import Stylizer

FOLDER = pathlib.Path(__file__).parent

keras.utils.set_random_seed(7)
network = StyleTransferNetwork(
    [
        {"name": "ash", "title": "Ash on Snow", "artist": "A. Painter", "year": "1901"},
        {"name": "birch", "title": "Birches"},
        {"name": "cedar"},
    ],
    widths=(4, 6, 8),
    residual_blocks=1,
    upsampling="bilinear",
    grain=0.02,
    loss_options={"padding": "reflect", "style_weight": 3e-4},
)
embeddings = network.get_style_embeddings()
noise = np.random.default_rng(7).normal(0, 0.5, embeddings.shape)
network.set_style_embeddings(embeddings + noise.astype("float32"))
for layer in network.convolutions:
    layer.kernel.assign(np.array(layer.kernel) * 8)
storage.save(network, FOLDER / "network_0_1_0.keras")
photo = np.random.default_rng(3).random((37, 42, 3), dtype="float32")
stylizer = Stylizer(network)
np.savez(
    FOLDER / "network_0_1_0.npz",
    photo=photo,
    ash=stylizer(photo, "ash"),
    blend=stylizer(photo, {"ash": 0.25, "cedar": 0.75}),
    plain=np.array(network([photo[None], np.eye(3, dtype="float32")[1:2]]))[0],
)
