"""Adding styles to a trained network by learning only their gammas and betas."""

import dataclasses
import itertools
import logging
import os
import tempfile
import time

import numpy as np

from cin_style.errors import UserError
from cin_style.losses import per_style as evaluate
from cin_style.losses.recipe import remembered
from cin_style.networks import storage
from cin_style.recipes import check
from cin_style.styles.style_set import StyleSet
from cin_style.training import run as training
from cin_style.training.recipes import FinetuneRecipe

_LOG = logging.getLogger("cin_style")


def finetune(network, styles, content, *, output=None, **options):
    """Adds styles to a trained network (Dumoulin et al. 2017, section 3.2).

    A network of just the new styles, which shares the trained convolutions, learns their
    3,206 numbers each; the convolutions are frozen. Then the new embeddings are appended to
    the old ones, which nothing has touched.

    Args:
        network: a `StyleTransferNetwork`, or what `cin_style.load` takes.
        styles: a path or a list of paths of style images and folders of them.
        content: a folder of photos, or `tfds:NAME`.
        output: the run folder (see `cin_style.train`), where an interrupted run goes on; by
            default a temporary one.
        **options: fields of `FinetuneRecipe`, such as `steps` and `init`; those that decide the
            loss are by default what the network was trained with.

    Returns:
        A new `StyleTransferNetwork` with the old styles and the new ones.

    Raises:
        UserError: a new style's name is taken, or anything wrong with the arguments.
    """
    if isinstance(styles, str | os.PathLike):
        styles = [styles]
    named = isinstance(network, str | os.PathLike)
    base = storage.load(network) if named else network
    recipe = FinetuneRecipe(
        model=os.fspath(network) if named else network.fingerprint,
        styles=tuple(map(os.fspath, styles)),
        content=os.fspath(content),
        **remembered(base) | options,
    )
    if output is not None:
        return run(recipe, base, output)
    with tempfile.TemporaryDirectory() as folder:
        return run(recipe, base, folder)


def run(recipe, base, output, watchers=()):
    """Carries a `FinetuneRecipe` out on the network `base`.

    For `output` and the result see `finetune`, for `watchers` `cin_style.train`.
    """
    check(recipe)
    style_set = StyleSet.from_paths(recipe.styles)
    for style in style_set.styles:
        if style.name in [old.name for old in base.styles]:
            raise UserError(
                f"the network has a style named {style.name} already. Rename the image, or the "
                "old style with cin-style styles --rename."
            )
    if recipe.init not in ("nearest", "ones"):
        base.find_style(recipe.init)

    def make_network(recipe, new_styles):
        network = base.with_styles(new_styles, dtype=recipe.precision)
        for layer in network.convolutions:
            layer.trainable = False
        return network

    def initialize(network, recipe, style_images, objective, photos):
        if recipe.init == "nearest":
            if photos is None:
                raise UserError("--init nearest needs held-out photos: give a --holdout above 0.")
            nearest(network, base, style_images, objective, photos[:4])
            return
        if recipe.init != "ones":
            embedding = base.get_style_embedding(recipe.init)
            network.set_style_embeddings(np.tile(embedding, (network.num_styles, 1)))
        if recipe.palette_start:
            network.set_palettes(style_images)

    def finish(trained):
        return base.append(trained.styles, trained.get_style_embeddings())

    return training.run(recipe, output, style_set, make_network, initialize, finish, watchers)


@dataclasses.dataclass(frozen=True)
class _Start:
    """A place to begin from: old styles in equal parts, and the loss of its pastiches."""

    rows: tuple
    loss: float


def nearest(network, base, style_images, objective, photos, candidates=3):
    """Begins each new style where old styles come closest to it.

    Paints a few photos with every old style, and with every equal mixture of the best few,
    each with the new painting's palette (`StyleTransferNetwork.set_palettes`), and takes
    those whose pastiches have the least loss against the new painting.

    Args:
        network: of the new styles, on the base's convolutions; its embeddings are set.
        base: the trained network.
        style_images: the new style images.
        objective: of the new styles.
        photos: float32 (count, size, size, 3) in [0, 1].
        candidates: how many of the best old styles to mix.

    Returns:
        For each new style, the names of the old ones that it begins as a mixture of.
    """
    begun = time.monotonic()
    old = base.get_style_embeddings()
    network.set_palettes(style_images)
    palettes = network.get_style_embeddings()
    palette = network.palette_columns
    embeddings, names = palettes.copy(), []
    for index, style in enumerate(network.styles):

        def start(rows, index=index):
            embedding = old[list(rows)].mean(axis=0)
            embedding[palette] = palettes[index, palette]
            embeddings[index] = embedding
            network.set_style_embeddings(embeddings)
            losses = evaluate.losses_of_style(network, objective, photos, index)
            return _Start(tuple(rows), losses["content_loss"] + losses["style_loss"])

        singles = sorted((start([row]) for row in range(len(old))), key=lambda s: s.loss)
        best_rows = [single.rows[0] for single in singles[:candidates]]
        mixtures = [
            start(rows)
            for count in range(2, len(best_rows) + 1)
            for rows in itertools.combinations(best_rows, count)
        ]
        best = min([singles[0], *mixtures], key=lambda s: s.loss)
        start(best.rows)
        names.append([base.styles[row].name for row in best.rows])
        _LOG.info("%s begins as %s", style.name, " + ".join(names[-1]))
    _LOG.info("(searched for %.1f s)", time.monotonic() - begun)
    return names
