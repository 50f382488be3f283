"""Fixtures that several modules' tests share; all small, seeded and made on the spot."""

import json
import logging
import os
import pathlib
import socket

# Before anything imports Keras: quiet logs, no accelerator noise, no weights of the user's.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tests compile far more than they compute: a third of their time on JAX.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.pop("CIN_STYLE_VGG_WEIGHTS", None)
os.environ.pop("CIN_STYLE_VGG19_WEIGHTS", None)

import hypothesis
import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent

hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
hypothesis.settings.load_profile("tests")


def _keep_to_own_cores():
    """Gives each of several pytest-xdist workers its share of the cores.

    Threads of one would wait for those of another, for longer than they work.
    """
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    if name.startswith("gw") and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        own = cores[int(name[2:]) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
        if own:
            os.sched_setaffinity(0, own)


_keep_to_own_cores()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Makes any connection to another machine fail at once."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "localhost",
            "127.0.0.1",
            "::1",
        ):
            raise OSError(f"tests may not use the network: {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _make_photo(width, height, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [
        np.sin(2 * np.pi * (x * rng.uniform(-3, 3) + y * rng.uniform(-3, 3) + rng.random()))
        for _ in range(3)
    ]
    picture = 127.5 + 100 * np.stack(waves, axis=-1) + rng.normal(0, 8, (height, width, 3))
    return np.rint(picture.clip(0, 255)).astype("uint8")


@pytest.fixture(scope="session")
def make_photo():
    """A function of (width, height, seed): a smooth, noisy uint8 picture (height, width, 3)."""
    return _make_photo


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory):
    """A folder with seven photos in it and its two subfolders; not to be written to."""
    folder = tmp_path_factory.mktemp("photos")
    sizes = {
        "beach/one.jpg": (48, 40),
        "beach/two.png": (64, 33),
        "beach/three.jpg": (40, 70),
        "city/four.webp": (50, 50),
        "city/five.jpg": (90, 60),
        "city/six.png": (36, 52),
        "seven.jpg": (57, 43),
    }
    for seed, (name, (width, height)) in enumerate(sizes.items()):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(_make_photo(width, height, seed)).save(path)
    return folder


@pytest.fixture(scope="session")
def style_folder(tmp_path_factory):
    """A folder with three style images and a styles.json; not to be written to."""
    folder = tmp_path_factory.mktemp("styles")
    catalogue = []
    for seed, (name, title, artist, size) in enumerate(
        [
            ("waves", "Great Waves", "A. Painter", (40, 36)),
            ("dots", "Many Dots", "B. Painter", (36, 44)),
            ("ash", "Ash on Snow", None, (52, 36)),
        ]
    ):
        Image.fromarray(_make_photo(*size, 100 + seed)).save(folder / f"{name}.png")
        entry = {"name": name, "file": f"{name}.png", "title": title, "artist": artist}
        catalogue.append({key: value for key, value in entry.items() if value})
    (folder / "styles.json").write_text(json.dumps(catalogue), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_network():
    """A network of three styles (ash, birch, cedar) that differ; not to be changed."""
    import keras

    from cin_style.networks.style_transfer import StyleTransferNetwork

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
    )
    embeddings = network.get_style_embeddings()
    noise = np.random.default_rng(7).normal(0, 0.5, embeddings.shape)
    network.set_style_embeddings(embeddings + noise.astype("float32"))
    return network


@pytest.fixture(scope="session")
def tiny_model(tiny_network, tmp_path_factory):
    """The path of `tiny_network` saved."""
    from cin_style.networks import storage

    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    storage.save(tiny_network, path)
    return path


@pytest.fixture(scope="session")
def shared_data():
    """The folder of photos, paintings and VGG16 weights beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the photos and weights in {folder.parent.name}/{folder.name}")
    return folder


@pytest.fixture
def command(capsys):
    """Runs `cin-style` in this process: (exit code, standard output, standard error)."""
    from cin_style.commands import main

    logger = logging.getLogger("cin_style")
    before = logger.handlers, logger.propagate, logger.level

    def run(*arguments):
        try:
            code = main.run(main.parse(["cin-style", *map(str, arguments)]))
        except SystemExit as exit:
            code = exit.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield run
    logger.handlers, logger.propagate, logger.level = before
