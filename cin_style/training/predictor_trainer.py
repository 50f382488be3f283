"""One training step of a style predictor, through the frozen network that paints."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from cin_style.losses.objective import StyleObjective
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import look
from cin_style.training.batches import TrainingBatches
from cin_style.training.devices import ONE, Devices
from cin_style.training.photos import Photos
from cin_style.training.style_images import StyleImages
from cin_style.training.trainer import ObjectiveTrainer

# Crops of each known style's image that are measured.
_CROPS = 4

# Regressed on in each step.
_KNOWN_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class KnownStyles:
    """What images of the network's own styles look like, and which embeddings they have.

    Attributes:
        statistics: float32 (styles, crops, size), of random crops of each image.
        embeddings: float32 (styles, embedding_size).
    """

    statistics: np.ndarray
    embeddings: np.ndarray

    @classmethod
    def of(
        cls,
        network: StyleTransferNetwork,
        rows: Sequence[int],
        pictures: Photos,
        crops: StyleImages,
        share: float,
        objective: StyleObjective,
        layers: Sequence[str],
        seed: int,
    ) -> Self:
        """Measures crops of the images of some of a network's styles.

        Args:
            network: knows the embeddings.
            rows: the numbers of the styles.
            pictures: an image for each of them; those that can't be read are left out.
            crops: crops them.
            share: side of the crops, as a share of the image's short side.
            objective: whose loss network looks at them, at `layers`.
            layers: of the statistics.
            seed: of the crops.
        """
        statistics, read = [], []
        for index, row in enumerate(rows):
            rng = np.random.default_rng([seed, index, 0, 1])
            batch = np.stack([crops.crop(pictures, index, rng, share) for _ in range(_CROPS)])
            if pictures.name(index) in crops.skipped:
                # These are crops of another image.
                continue
            found, _ = look(objective.loss_network, batch, layers, [])
            statistics.append(ops.convert_to_numpy(found))
            read.append(row)
        return cls(np.stack(statistics), network.get_style_embeddings()[read])

    def draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Statistics and embeddings: half of them of one style, half mixed of two (`mixup`).

        Mixing what goes in as what comes out (Zhang et al. 2018, mixup) gives targets for free:
        what lies between two styles' statistics is to lie between their embeddings.

        Returns:
            float32 (count, size) and (count, embedding_size).
        """
        styles = rng.integers(len(self.embeddings), size=(2, count))
        crops = rng.integers(self.statistics.shape[1], size=(2, count))
        share = np.where(rng.random(count) < 0.5, 1, rng.random(count))[:, None]
        one, two = self.statistics[styles, crops]
        first, second = self.embeddings[styles]
        mixed = one * share + two * (1 - share), first * share + second * (1 - share)
        return mixed[0].astype("float32"), mixed[1].astype("float32")


class PredictorBatches(TrainingBatches):
    """Endless batches of content photos with a style image each.

    Batch t is a pure function of (seed, t), see `TrainingBatches`, and holds:

    - photos, float32 (batch, image_size, image_size, 3) in [0, 1];
    - style images, float32 (batch, size, size, 3) in [0, 1];
    - where there are known styles: their statistics and embeddings (`KnownStyles.draw`).

    Args:
        photos: a source of photos.
        style_images: draws the style images.
        known: the known styles, or `None`.
        devices: of the run, which say what this machine's share of each batch is.
        parts: in which batches are computed.
        **options: the other arguments of `TrainingBatches`.
    """

    def __init__(
        self,
        photos: Photos,
        style_images: StyleImages,
        known: KnownStyles | None,
        devices: Devices = ONE,
        parts: int = 1,
        **options: Any,
    ) -> None:
        share = devices.share(options["batch_size"])
        super().__init__(photos, num_styles=1, share=share, **options)
        # So many that they, too, can be shared out evenly.
        unit = devices.count * parts
        self._known_at_once = -(-_KNOWN_AT_ONCE // unit) * unit
        self._known_share = devices.share(self._known_at_once)
        self.style_images = style_images
        self.known = known
        # Noted in one place, and looked at by both.
        self.style_images.skipped = self.skipped

    def _style_of(self, step: int, position: int, styles: Sequence[str]) -> list[str]:
        return []  # style images have no names

    def _example(self, step: int, position: int) -> tuple[np.ndarray, Any]:
        photo, _ = super()._example(step, position)
        rng = np.random.default_rng([self.seed, step, position, 2])
        return photo, self.style_images.draw(rng)

    def _collate(self, step: int, examples: list) -> tuple[np.ndarray, ...]:
        batch = tuple(np.stack(arrays) for arrays in zip(*examples, strict=True))
        if self.known is None:
            return batch
        rng = np.random.default_rng([self.seed, step, 0, 3])
        known = self.known.draw(rng, self._known_at_once)
        return *batch, *(values[self._known_share] for values in known)


class PredictorTrainer(ObjectiveTrainer):
    """Trains a style predictor on the batches of `PredictorBatches`, by the network's own loss.

    What is minimized is the mean logarithm of the examples' losses: each improves by its own
    measure. In a plain mean, a few style images of little contrast, whose losses are many times
    those of others, would be all that is learned from.

    Args:
        predictor: a `StylePredictor`, which is trained.
        network: the `StyleTransferNetwork` that paints; a copy of it, in the precision that is
            trained in. It is frozen.
        objective: a `StyleObjective`, without styles of its own.
        regression_weight: of `embedding_loss`: how far predicted embeddings of known styles are
            from theirs (mean square, in units of the predictor's spread), beside the logarithm.

    Attributes:
        network: the predictor: what is trained.
        painter: a graph of (images, embeddings, weights), see
            `StyleTransferNetwork.painting_graph`.
        objective: as given.
    """

    def __init__(
        self,
        predictor: StylePredictor,
        network: StyleTransferNetwork,
        objective: StyleObjective,
        regression_weight: float = 0.0,
    ) -> None:
        more = ["embedding_loss"] if regression_weight else []
        super().__init__(predictor, objective, more)
        network.trainable = False
        self.painter = network.painting_graph()
        self.painter.trainable = False
        self.regression_weight = regression_weight

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        images, style_images, *known = inputs
        statistics, grams = look(
            self.objective.loss_network,
            style_images,
            self.network.view.layers,
            self.objective.style_layers,
        )
        embeddings = self.network(statistics)
        weights = ops.ones_like(embeddings[:, :1])
        pastiches = self.painter([images, embeddings[:, None], weights])
        return pastiches, grams, self.network(known[0]) if known else None

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean logarithm of the examples' total losses, and the regression's, a scalar."""
        images, _, *known = x
        pastiches, grams, predicted = y_pred
        terms = self.objective.terms(images, self.objective.targets_of_grams(grams), pastiches)
        losses = ops.log(sum(terms.values()))
        if known and self.regression_weight:
            distance = embedding_distance(self.network, known[1], predicted)
            terms["embedding_loss"] = self.regression_weight * distance
            losses += ops.mean(terms["embedding_loss"])
        return self.mean_loss(losses, terms)


def embedding_distance(predictor: StylePredictor, embeddings: Any, predicted: Any) -> Any:
    """Mean squared differences of embeddings (batch, size) in units of their spread: (batch,)."""
    one, two = (predictor.in_spreads(values) for values in (embeddings, predicted))
    return ops.mean(ops.square(one - two), axis=-1)


def warm_up(predictor: StylePredictor, known: KnownStyles, steps: int, seed: int) -> float:
    """Trains a predictor on the embeddings of known styles alone, in seconds.

    Args:
        predictor: is trained.
        known: the styles.
        steps: of Adam, at 1e-3, with 32 examples each.
        seed: of the examples.

    Returns:
        The `embedding_distance` on the known styles then.
    """

    def distance(embeddings: Any, predicted: Any) -> Any:
        return embedding_distance(predictor, embeddings, predicted)

    predictor.compile(keras.optimizers.Adam(1e-3), loss=distance)
    for step in range(steps):
        rng = np.random.default_rng([seed, step, 0, 4])
        predictor.train_on_batch(*known.draw(rng, 2 * _KNOWN_AT_ONCE))
    predicted = predictor(known.statistics.reshape(-1, known.statistics.shape[-1]))
    targets = np.repeat(known.embeddings, known.statistics.shape[1], axis=0)
    return float(ops.mean(embedding_distance(predictor, targets, predicted)))
