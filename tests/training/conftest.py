"""What several tests of training share: a small trainer, its data, and ways to look at it."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from cin_style.training.batches import TrainingBatches

LAYERS = {"block1_conv2": 1.0}


class Batches(TrainingBatches):
    """Random images with styles 0 and 2 of three, without end."""

    def __init__(self, batch_size=4):
        self.batch_size = batch_size

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        images = rng.uniform(size=(self.batch_size, 32, 32, 3)).astype("float32")
        return ((images, np.resize(np.int32([0, 2]), self.batch_size)),)


def _make_trainer(optimizer, dtype=None, **options):
    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16
    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.training.trainer import StyleTrainer

    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(4)
    network = StyleTransferNetwork(["a", "b", "c"], (8, 8, 8), 1, dtype=dtype)
    style_images = [rng.uniform(size=(32, 32, 3)).astype("float32") for _ in range(3)]
    objective = StyleObjective(
        VGG16(LAYERS, "random", dtype=dtype),
        style_images,
        content_layers=LAYERS,
        style_layers={"block1_conv2": 1e-4},
    )
    trainer = StyleTrainer(network, objective)
    trainer.compile(optimizer=optimizer, **options)
    return trainer


def _fit(trainer, steps, **options):
    return trainer.fit(
        Batches().for_fit(), steps_per_epoch=steps, verbose=0, shuffle=False, **options
    )


def _values(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


@pytest.fixture(scope="session")
def make_trainer():
    """A function of an optimizer (and a dtype): a compiled trainer of three styles, seeded."""
    return _make_trainer


@pytest.fixture(scope="session")
def fit():
    """A function of a trainer and a number of steps, which takes them as one epoch."""
    return _fit


@pytest.fixture(scope="session")
def values():
    """A function of variables: copies of their values."""
    return _values


@pytest.fixture(scope="session")
def train_recipe(tmp_path_factory):
    """A recipe of six steps at 32 px on two styles and eight photos, all generated."""
    return _recipe(tmp_path_factory.mktemp("data"))


def _recipe(folder):
    from cin_style.training.recipes import TrainRecipe

    rng = np.random.default_rng(5)
    for name, count in (("styles", 2), ("photos", 8)):
        (folder / name).mkdir()
        for index in range(count):
            pixels = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((48, 40), Image.Resampling.BICUBIC)
            image.save(folder / name / f"{name}_{index}.png")
    return TrainRecipe(
        styles=str(folder / "styles"),
        content=str(folder / "photos"),
        steps=6,
        batch_size=2,
        image_size=32,
        style_size=32,
        content_layers="block1_conv2",
        style_layers="block1_conv2",
        vgg_weights="random",
        precision="float32",
        holdout=2,
        checkpoint_every=2,
        preview_every=4,
    )


@pytest.fixture(scope="session")
def finished_run(train_recipe, tmp_path_factory):
    """The folder of an uninterrupted run of `train_recipe`; not to be changed."""
    from cin_style.training.train import train

    output = tmp_path_factory.mktemp("finished") / "run"
    train(train_recipe, output)
    return output


@pytest.fixture
def flat_folder(tmp_path):
    """Twenty photos of one colour each: photo i has the red value 12 i."""
    folder = tmp_path / "flat"
    folder.mkdir()
    for index in range(20):
        size = (30 + index, 44 - index)
        Image.new("RGB", size, (12 * index, 0, 255)).save(folder / f"{index:02}.png")
    return folder
