"""Training a network on style images and photos."""

import logging

import numpy as np

_LOG = logging.getLogger("cin_style")


def train(recipe, output, watchers=()):
    """Trains a network as a recipe says, or goes on where an earlier call stopped.

    The folder `output` gets `model.keras` and all that tells how it came about: `run.json`
    (arguments, versions, machine, styles), `losses.csv` and `losses.png`, `previews/`,
    `tensorboard/`, `evaluation.csv` (losses per style on held-out photos, before and after),
    `skipped_photos.txt` where photos could not be read, and `checkpoint.npz`.

    Args:
        recipe: a `Recipe`.
        output: the run folder; created where needed.
        watchers: Keras callbacks besides the run's own; an epoch is `checkpoint_every` steps.

    Returns:
        The trained `StyleTransferNetwork`, float32.

    Raises:
        UserError: anything wrong with the recipe, the files it names or the run folder.
    """
    check(recipe)
    names = [name.strip() for name in recipe.style_names.split(",") if name.strip()]
    style_set = styles.StyleSet.from_folder(recipe.styles, names or None, recipe.catalogue)
    other = storage.load(recipe.init_from) if recipe.init_from else None

    def make_network(recipe, new_styles):
        return StyleTransferNetwork(
            new_styles,
            upsampling=recipe.upsampling,
            grain=recipe.grain,
            loss_options=remember(recipe),
            dtype=recipe.precision,
        )

    def initialize(network, recipe, style_images, objective, photos):
        if recipe.palette_start:
            network.set_palettes(style_images)
        if other:
            _start_from(network, other)

    return run(recipe, output, style_set, make_network, initialize, watchers=watchers)


def _start_from(network, other):
    """Takes over another network's convolutions, and its embeddings of styles of equal name."""
    network.copy_convolutions(other)
    if network.upsampling != other.upsampling:
        _LOG.warning(
            "the network to start from has %s upsampling, this one %s; --upsampling=%s keeps it",
            other.upsampling,
            network.upsampling,
            other.upsampling,
        )
    known = {
        style.name: row
        for style, row in zip(other.styles, other.get_style_embeddings(), strict=True)
    }
    embeddings = network.get_style_embeddings()
    # A style it does not know begins as the mean of those it does, with its own palette: a
    # plain 1 and 0 would not fit convolutions that have long been trained.
    unknown = np.mean(list(known.values()), axis=0)
    palette = network.palette_columns
    for index, style in enumerate(network.styles):
        own = embeddings[index, palette].copy()
        embeddings[index] = known.get(style.name, unknown)
        if style.name not in known:
            embeddings[index, palette] = own
    network.set_style_embeddings(embeddings)
