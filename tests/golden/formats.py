"""A small network, a card, a finished and a begun run, a recipe and a report; see README.md.

    python tests/golden/formats.py tests/golden/formats_1

Only what is small is kept; the photos and style images are made anew by whoever reads the rest.
"""

import pathlib
import shutil
import sys

import numpy as np
from PIL import Image

LAYERS = {"style_layers": "block1_conv1", "content_layers": "block1_conv1"}


def make_images(folder):
    """The photos and style images, as BMP files, the same byte by byte everywhere."""
    rng = np.random.default_rng(11)
    for place, names in {"photos": "123", "paintings": "ab"}.items():
        (folder / place).mkdir(parents=True)
        for name in names:
            pixels = np.kron(rng.integers(0, 256, (8, 9, 3)), np.ones((8, 8, 1)))
            Image.fromarray(pixels.astype("uint8")).save(folder / place / f"{name}.bmp")


def finetuning(network, folder, **changes):
    """The recipe of the runs."""
    from cin_style import FinetuneRecipe

    recipe = FinetuneRecipe(
        styles=(str(folder / "paintings" / "b.bmp"),),
        content=str(folder / "photos"),
        **LAYERS,
        vgg_weights="random",
        steps=2,
        checkpoint_every=1,
        batch_size=1,
        image_size=32,
        style_size=32,
        holdout=1,
        preview_every=0,
        precision="float32",
        init="ones",
        learning_rate=0.01,
    )
    return recipe.replace(**changes)


def main(output):
    import keras

    from cin_style import StyleCard, StyleTransferNetwork, finetune
    from cin_style.networks import storage

    output.mkdir(parents=True)
    keras.utils.set_random_seed(0)
    network = StyleTransferNetwork(
        [{"name": "a", "title": "Ash", "year": "1901"}],
        widths=(4, 6, 8),
        residual_blocks=1,
        grain=0.02,
    )
    network.origin = "golden"
    storage.save(network, output / "network.keras")
    StyleCard.of(network, "a").save(output / "a.style.npz")
    shutil.copy(pathlib.Path(__file__).with_name("formats_recipe.txt"), output / "recipe.txt")

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    scratch = pathlib.Path("golden_images")
    make_images(scratch)
    base = storage.load(output / "network.keras")
    try:
        finetune(finetuning(base, scratch), output / "begun", network=base, watchers=[Stop()])
    except KeyboardInterrupt:
        pass
    finetune(finetuning(base, scratch), output / "finished", network=base)
    shutil.rmtree(scratch)
    for run in ("begun", "finished"):
        shutil.rmtree(output / run / "tensorboard", ignore_errors=True)
        for name in ("losses.png", "before_after.jpg", ".lock"):
            (output / run / name).unlink(missing_ok=True)
    (output / "finished" / "checkpoint.npz").unlink()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
