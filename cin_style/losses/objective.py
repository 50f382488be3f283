"""What training minimizes: content and style losses against the paintings' Gram matrices."""

import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.losses import functional as losses

CONTENT_LAYERS = {"block3_conv3": 1.0}
STYLE_LAYERS = dict.fromkeys(("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"), 1e-4)

# About the median over paintings and layers of the energy of a Gram matrix, so that a
# normalized style loss is of the size of a plain one.
REFERENCE_ENERGY = 1e9


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

    Args:
        loss_network: a `cin_style.vgg.VGG16` or `VGG19` that gives all the layers named below
            (`layers_to_see`).
        style_images: list of float32 (height, width, 3) in [0, 1], one per style.
        content_layers: dict of layer names to weights.
        style_layers: dict of layer names to weights.
        style_factors: a weight for each style; by default 1.
        total_variation_weight: weight of the pastiche's total variation.
        total_variation_exponent: see `losses.total_variation`.
        checkerboard_weight: weight of the pastiche's checkerboard artifacts
            (`losses.checkerboard`).
        blockiness_weight: weight of the pastiche's blockiness (`losses.blockiness`).
        gram_normalization: exponent from 0 to 1, see above.
        activation_penalty: weight of the extreme activations in the network
            (`losses.extreme_activations`, summed over its normalization layers).

    Attributes:
        energies: dict of style layers to float64 (num_styles,), the energies of the style
            images' Gram matrices.
    """

    def __init__(
        self,
        loss_network,
        style_images,
        *,
        content_layers=None,
        style_layers=None,
        style_factors=None,
        total_variation_weight=0.0,
        total_variation_exponent=1.0,
        checkerboard_weight=0.0,
        blockiness_weight=0.0,
        gram_normalization=0.0,
        activation_penalty=0.0,
    ):
        super().__init__(trainable=False)
        self.loss_network = loss_network
        self.content_layers = dict(CONTENT_LAYERS if content_layers is None else content_layers)
        self.style_layers = dict(STYLE_LAYERS if style_layers is None else style_layers)
        self.total_variation_weight = total_variation_weight
        self.total_variation_exponent = total_variation_exponent
        self.checkerboard_weight = checkerboard_weight
        self.blockiness_weight = blockiness_weight
        self.activation_penalty = activation_penalty
        if style_factors is None:
            style_factors = [1.0] * len(style_images)

        grams = [self._measure(image) for image in style_images]
        self.grams, self.factors, self.energies = {}, {}, {}
        for layer, weight in self.style_layers.items():
            table = np.stack([gram[layer] for gram in grams])
            energy = np.mean(np.square(table, dtype="float64"), axis=(1, 2))
            if not (energy > 0).all():
                raise UserError(
                    f"style image {int(np.argmin(energy))} (counted from 0) is blank as seen by "
                    f"layer {layer} of the loss network. Replace it."
                )
            self.energies[layer] = energy
            factors = (REFERENCE_ENERGY / energy) ** gram_normalization
            self.grams[layer] = self._constant(f"{layer}_grams", table)
            self.factors[layer] = self._constant(
                f"{layer}_factors", weight * np.asarray(style_factors) * factors
            )

    def _constant(self, name, value):
        value = np.asarray(value, "float32")
        return self.add_weight(
            name=name.replace("/", "_by_"),
            shape=value.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype),
            dtype="float32",
            autocast=False,
            trainable=False,
        )

    def _see(self, images, layers):
        """The features of images at layers, in a dict; one look for every size."""
        parts = {layer: _parts(layer) for layer in layers}
        seen = {}
        for divisor in sorted({divisor for _, divisor in parts.values()}):
            # Strides have to be given: with JAX, Keras 3.15 gets their default wrong.
            scaled = ops.average_pool(images, divisor, divisor) if divisor > 1 else images
            seen[divisor] = self.loss_network(scaled)
        return {layer: seen[divisor][name] for layer, (name, divisor) in parts.items()}

    def _measure(self, image):
        features = self._see(image[None], self.style_layers)
        return {
            layer: ops.convert_to_numpy(losses.gram_matrix(features[layer]))[0]
            for layer in self.style_layers
        }

    def content_targets(self, images):
        """The features of content images (batch, height, width, 3) at the content layers."""
        return self._see(images, self.content_layers)

    def layer_losses(self, images, style_ids, pastiches, targets=None):
        """The unweighted losses of every layer.

        Args:
            images: content images (batch, height, width, 3) in [0, 1].
            style_ids: int (batch,), the style each pastiche is meant to be in.
            pastiches: like `images`.
            targets: the `content_targets` of `images`, which are then not looked at.

        Returns:
            Two dicts of layer names to float32 (batch,): content losses and style losses.
        """
        features = self._see(pastiches, [*self.content_layers, *self.style_layers])
        if targets is None:
            targets = self.content_targets(images)
        content = {
            layer: losses.content_loss(features[layer], targets[layer])
            for layer in self.content_layers
        }
        style = {
            layer: losses.style_loss(
                losses.gram_matrix(features[layer]), ops.take(self.grams[layer], style_ids, axis=0)
            )
            for layer in self.style_layers
        }
        return content, style

    def style_losses_to_all(self, pastiches):
        """The weighted style loss of every pastiche against every style.

        Args:
            pastiches: (batch, height, width, 3) in [0, 1].

        Returns:
            float32 (batch, num_styles).
        """
        features = self._see(pastiches, self.style_layers)
        total = 0.0
        for layer in self.style_layers:
            grams = losses.gram_matrix(features[layer])
            grams_of_styles = ops.convert_to_tensor(self.grams[layer])
            # A style at a time: all at once would hold batch x styles Gram matrices.
            to_each = [losses.style_loss(grams, target) for target in ops.unstack(grams_of_styles)]
            total = total + ops.stack(to_each, axis=-1) * self.factors[layer]
        return total

    def weigh(self, content, style, style_ids):
        """What `layer_losses` returns, weighted and summed over the layers.

        Returns:
            A dict of float32 (batch,): `content_loss` and `style_loss`.
        """
        zeros = ops.zeros(ops.shape(style_ids), "float32")
        return {
            "content_loss": sum(
                (weight * content[layer] for layer, weight in self.content_layers.items()), zeros
            ),
            "style_loss": sum(
                (
                    ops.take(self.factors[layer], style_ids) * style[layer]
                    for layer in self.style_layers
                ),
                zeros,
            ),
        }

    @property
    def term_names(self):
        """The keys of what `terms` returns."""
        names = ["content_loss", "style_loss"]
        if self.total_variation_weight:
            names.append("total_variation")
        if self.checkerboard_weight:
            names.append("checkerboard")
        if self.blockiness_weight:
            names.append("blockiness")
        if self.activation_penalty:
            names.append("extreme_activations")
        return names

    def terms(self, images, style_ids, pastiches, activations=(), targets=None):
        """The weighted terms of the loss; their sum is what training minimizes.

        Args:
            images, style_ids, pastiches, targets: see `layer_losses`.
            activations: what the network's normalization layers were given, each
                (batch, height, width, channels).

        Returns:
            A dict of float32 (batch,): `content_loss`, `style_loss` and `penalties`.
        """
        content, style = self.layer_losses(images, style_ids, pastiches, targets)
        return self.weigh(content, style, style_ids) | self.penalties(pastiches, activations)

    def penalties(self, pastiches, activations=()):
        """The weighted terms that need no loss network, those that have a weight.

        Args:
            pastiches, activations: see `terms`.

        Returns:
            A dict of float32 (batch,): some of `total_variation`, `checkerboard`, `blockiness`
            and `extreme_activations`.
        """
        terms = {}
        if self.total_variation_weight:
            terms["total_variation"] = self.total_variation_weight * losses.total_variation(
                pastiches, self.total_variation_exponent
            )
        if self.checkerboard_weight:
            terms["checkerboard"] = self.checkerboard_weight * losses.checkerboard(pastiches)
        if self.blockiness_weight:
            terms["blockiness"] = self.blockiness_weight * losses.blockiness(pastiches)
        if self.activation_penalty:
            zeros = ops.zeros(ops.shape(pastiches)[:1], "float32")
            terms["extreme_activations"] = self.activation_penalty * sum(
                map(losses.extreme_activations, activations), zeros
            )
        return terms


def _parts(layer):
    """Splits `"block3_conv3/2"` to the loss network's layer and the divisor of the size."""
    name, slash, divisor = layer.partition("/")
    if not slash:
        return name, 1
    if divisor != "2":
        raise UserError(
            f"a layer can be looked at in the picture, or as {name}/2 in the picture at half its "
            f"size. Received: {layer}"
        )
    return name, 2


def layers_to_see(layers):
    """The layers that the loss network has to give for these content and style layers."""
    return [_parts(layer)[0] for layer in layers]


def parse_layers(text, default_weight):
    """Parses `"block1_conv2,block3_conv3/2=3e-4"` to a dict of layer names to weights.

    Raises:
        UserError: a weight that is not a finite number of at least 0.
    """
    layers = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        layer, _, weight = part.partition("=")
        try:
            layers[layer.strip()] = float(weight) if weight else float(default_weight)
        except ValueError:
            layers[layer.strip()] = -1.0
        if not 0 <= layers[layer.strip()] < float("inf"):
            raise UserError(
                f"the weight of layer {layer} must be a number of at least 0. Received: {weight}"
            )
    return layers
