"""What training minimizes: content and style losses against the paintings' Gram matrices."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.losses import functional, terms
from cin_style.losses.features import see
from cin_style.losses.recipe import LossRecipe, parse_layers

# About the median over paintings and layers of the energy of a Gram matrix, so that a
# normalized style loss is of the size of a plain one.
REFERENCE_ENERGY = 1e9


@dataclasses.dataclass(frozen=True)
class StyleTargets:
    """What the style loss of a batch is measured against, example by example.

    Attributes:
        grams: dict of style layers to float32 (batch, channels, channels): Gram matrices.
        factors: dict of style layers to float32 (batch,), which the layers' losses are
            multiplied with.
    """

    grams: dict[str, Any]
    factors: dict[str, Any]


class StyleObjective(keras.layers.Layer):
    """Content loss plus style loss of pastiches (Dumoulin et al. 2017, equation 1).

    Holds the loss network and, for each style and style layer, the Gram matrix of the style
    image and a factor: the layer's weight times the style's own weight times

        (REFERENCE_ENERGY / energy) ** gram_normalization

    where the energy is the mean squared entry of the style image's Gram matrix. With
    `gram_normalization` 0 this is the paper's loss, in which paintings of high contrast count
    for hundreds of times those of low contrast; with 1 every painting counts the same.

    A layer `block3_conv3/2` is `block3_conv3` of the pictures at half their size, where it sees
    shapes twice as large: of up to 80 px, while `block4_conv3` sees up to 92. Not in any paper.

    Wherever a method takes `style_ids`, it also takes a `StyleTargets` (`targets_of_grams`): of
    style images that come with the batch, and are not in the table.

    Args:
        loss_network: a `cin_style.VGG16` or `VGG19` that gives all the layers named below
            (`recipe.layers_to_see`).
        style_images: float32 (height, width, 3) in [0, 1], one per style; none where all targets
            come with the batches.
        content_layers: dict of layer names to weights; by default as in `LossRecipe`.
        style_layers: dict of layer names to weights; by default as in `LossRecipe`.
        style_factors: a weight for each style; by default 1.
        gram_normalization: exponent from 0 to 1, see above.
        penalties: the terms that need no loss network: a dict of their names (`terms.PENALTIES`)
            to their weight and a dict of their functions' other arguments, as `terms.of` reads
            it from a recipe. Those of weight 0 are left out.
        margin: so many px on each side of images and pastiches are not looked at.

    Attributes:
        energies: dict of style layers to float64 (num_styles,), the energies of the style
            images' Gram matrices.
        term_names: the keys of what `terms` returns.
        needs_activations: whether one of the penalties looks into the network.

    Raises:
        UserError: a style image in which a layer sees nothing, or a layer of another size.
        ValueError: a penalty that `terms.PENALTIES` does not know.

    Example:
        >>> import numpy as np
        >>> from cin_style import VGG16, StyleObjective
        >>> painting, photo, pastiche = np.random.rand(3, 16, 16, 3).astype("float32")
        >>> layers = {"block1_conv2": 1e-4}
        >>> objective = StyleObjective(
        ...     VGG16(layers),
        ...     [painting],
        ...     content_layers=layers,
        ...     style_layers=layers,
        ...     penalties={"total_variation": (1e4, {"exponent": 1.0})},
        ... )
        >>> found = objective.terms(photo[None], np.array([0]), pastiche[None])
        >>> sorted(found)
        ['content_loss', 'style_loss', 'total_variation']
        >>> tuple(found["style_loss"].shape)
        (1,)
    """

    def __init__(
        self,
        loss_network: keras.Model,
        style_images: Sequence[np.ndarray],
        *,
        content_layers: dict[str, float] | None = None,
        style_layers: dict[str, float] | None = None,
        style_factors: Sequence[float] | None = None,
        gram_normalization: float = 0.0,
        penalties: dict[str, tuple[float, dict[str, float]]] | None = None,
        margin: int = 0,
    ) -> None:
        super().__init__(trainable=False)
        if content_layers is None:
            content_layers = parse_layers(LossRecipe.content_layers, LossRecipe.content_weight)
        if style_layers is None:
            style_layers = parse_layers(LossRecipe.style_layers, LossRecipe.style_weight)
        needs = {penalty.name: penalty.needs for penalty in terms.PENALTIES}
        for name in penalties or {}:
            if name not in needs:
                raise ValueError(
                    f"`penalties` may be {', '.join(needs)}. Received: penalties={penalties!r}"
                )
        self.loss_network = loss_network
        self.margin = margin
        self.content_layers = dict(content_layers)
        self.style_layers = dict(style_layers)
        self.gram_normalization = gram_normalization
        self.penalties = {name: given for name, given in (penalties or {}).items() if given[0]}
        self.term_names = ["content_loss", "style_loss", *self.penalties]
        self._needs = {name: needs[name] for name in self.penalties}
        self.needs_activations = "activations" in self._needs.values()
        self.grams: dict[str, Any] = {}
        self.factors: dict[str, Any] = {}
        self.energies: dict[str, np.ndarray] = {}
        if len(style_images):
            self._make_tables(style_images, style_factors)

    def _make_tables(
        self, style_images: Sequence[np.ndarray], style_factors: Sequence[float] | None
    ) -> None:
        """Fills `grams`, `factors` and `energies` with what belongs to each style."""
        if style_factors is None:
            style_factors = [1.0] * len(style_images)
        grams = [self._measure(image) for image in style_images]
        for layer in self.style_layers:
            table = np.stack([gram[layer] for gram in grams])
            energy = np.mean(np.square(table, dtype="float64"), axis=(1, 2))
            if not (energy > 0).all():
                raise UserError(
                    f"style image {int(np.argmin(energy))} (counted from 0) is blank as seen by "
                    f"layer {layer} of the loss network. Replace it."
                )
            self.energies[layer] = energy
            self.grams[layer] = self._constant(f"{layer}_grams", table)
            self.factors[layer] = self._constant(
                f"{layer}_factors", np.asarray(style_factors) * self._factor(layer, energy)
            )

    def _factor(self, layer: str, energy: Any) -> Any:
        """A layer's weight for style images of this energy: an array or tensor like it."""
        return self.style_layers[layer] * (REFERENCE_ENERGY / energy) ** self.gram_normalization

    def _constant(self, name: str, value: np.ndarray) -> Any:
        value = np.asarray(value, "float32")
        return self.add_weight(
            name=name.replace("/", "_by_"),
            shape=value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            dtype="float32",
            autocast=False,
            trainable=False,
        )

    def _measure(self, image: np.ndarray) -> dict[str, np.ndarray]:
        features = see(self.loss_network, image[None], self.style_layers)
        return {
            layer: ops.convert_to_numpy(functional.gram_matrix(features[layer]))[0]
            for layer in self.style_layers
        }

    def content_targets(self, images: Any) -> dict[str, Any]:
        """The features of content images (batch, height, width, 3) at the content layers."""
        return see(self.loss_network, functional.inner(images, self.margin), self.content_layers)

    def targets_of_grams(self, grams: dict[str, Any]) -> StyleTargets:
        """The targets that style images are whose Gram matrices are known.

        Args:
            grams: dict of every style layer to float32 (batch, channels, channels).
        """
        factors = {}
        for layer in self.style_layers:
            energy = ops.mean(ops.square(grams[layer]), axis=(1, 2))
            # Of a picture in which the layer sees nothing, any pastiche would be infinitely far.
            factors[layer] = self._factor(layer, ops.maximum(energy, 1e-6 * REFERENCE_ENERGY))
        return StyleTargets({layer: grams[layer] for layer in self.style_layers}, factors)

    def _targets(self, styles: Any) -> StyleTargets:
        """The targets of `style_ids`; a `StyleTargets` as it is."""
        if isinstance(styles, StyleTargets):
            return styles
        return StyleTargets(
            {layer: ops.take(self.grams[layer], styles, axis=0) for layer in self.style_layers},
            {layer: ops.take(self.factors[layer], styles) for layer in self.style_layers},
        )

    def layer_losses(
        self, images: Any, style_ids: Any, pastiches: Any, targets: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The unweighted losses of every layer.

        Args:
            images: content images (batch, height, width, 3) in [0, 1].
            style_ids: int (batch,), the style each pastiche is meant to be in; or a
                `StyleTargets`.
            pastiches: like `images`.
            targets: the `content_targets` of `images`, which are then not looked at.

        Returns:
            Two dicts of layer names to float32 (batch,): content losses and style losses.
        """
        seen = functional.inner(pastiches, self.margin)
        features = see(self.loss_network, seen, [*self.content_layers, *self.style_layers])
        if targets is None:
            targets = self.content_targets(images)
        content = {
            layer: functional.content_loss(features[layer], targets[layer])
            for layer in self.content_layers
        }
        grams = self._targets(style_ids).grams
        style = {
            layer: functional.style_loss(functional.gram_matrix(features[layer]), grams[layer])
            for layer in self.style_layers
        }
        return content, style

    def style_losses_to_all(self, pastiches: Any) -> Any:
        """The weighted style loss of every pastiche against every style.

        Args:
            pastiches: (batch, height, width, 3) in [0, 1].

        Returns:
            float32 (batch, num_styles).
        """
        seen = functional.inner(pastiches, self.margin)
        features = see(self.loss_network, seen, self.style_layers)
        total: Any = 0.0
        for layer in self.style_layers:
            grams = functional.gram_matrix(features[layer])
            targets = ops.unstack(ops.convert_to_tensor(self.grams[layer]))
            # A style at a time: all at once would hold batch x styles Gram matrices.
            to_each = [functional.style_loss(grams, target) for target in targets]
            total = total + ops.stack(to_each, axis=-1) * self.factors[layer]
        return total

    def weigh(
        self, content: dict[str, Any], style: dict[str, Any], style_ids: Any
    ) -> dict[str, Any]:
        """What `layer_losses` returns, weighted and summed over the layers.

        Returns:
            A dict of float32 (batch,): `content_loss` and `style_loss`.
        """
        factors = self._targets(style_ids).factors
        contents = [weight * content[layer] for layer, weight in self.content_layers.items()]
        styles = [factors[layer] * style[layer] for layer in self.style_layers]
        zeros = ops.zeros_like([*contents, *styles][0])
        return {"content_loss": sum(contents, zeros), "style_loss": sum(styles, zeros)}

    def terms(
        self,
        images: Any,
        style_ids: Any,
        pastiches: Any,
        activations: Sequence[Any] = (),
        targets: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The weighted terms of the loss; their sum is what training minimizes.

        Args:
            images, style_ids, pastiches, targets: see `layer_losses`.
            activations: what the network's normalization layers were given, each
                (batch, height, width, channels).

        Returns:
            A dict of float32 (batch,): `content_loss`, `style_loss` and `penalty_terms`.
        """
        penalties = self.penalty_terms(pastiches, activations)
        if not any([*self.content_layers.values(), *self.style_layers.values()]):
            # Of no weight: what takes most of a step need not be computed.
            zeros = ops.zeros(ops.shape(pastiches)[:1], "float32")
            return {"content_loss": zeros, "style_loss": zeros} | penalties
        content, style = self.layer_losses(images, style_ids, pastiches, targets)
        return self.weigh(content, style, style_ids) | penalties

    def penalty_terms(self, pastiches: Any, activations: Sequence[Any] = ()) -> dict[str, Any]:
        """The weighted terms that need no loss network.

        Args:
            pastiches, activations: see `terms`.

        Returns:
            A dict of float32 (batch,), by the names of the penalties.
        """
        zeros = ops.zeros(ops.shape(pastiches)[:1], "float32")
        seen = functional.inner(pastiches, self.margin)
        given = {"pastiches": [seen], "activations": activations}
        found = {}
        for name, (weight, arguments) in self.penalties.items():
            measure = getattr(functional, name)
            values = (measure(one, **arguments) for one in given[self._needs[name]])
            found[name] = weight * sum(values, zeros)
        return found
