"""The style transfer network: contract, residual, expand (Dumoulin et al. 2017, table 3)."""

import itertools
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.files import check_format
from cin_style.images.samples import shown_in_styles
from cin_style.networks.architecture import Architecture, Layers
from cin_style.networks.form import check_form
from cin_style.networks.layers import (
    ConditionalInstanceNormalization,
    EmbeddedInstanceNormalization,
    HalveMap,
    PadToMultiple,
)
from cin_style.networks.styled import FORMAT, Styled
from cin_style.styles import style as style_sets


@keras.saving.register_keras_serializable(package="cin_style")
class StyleTransferNetwork(Styled, keras.Model):
    """Paints photos in N styles; a style is the gammas and betas of its 16 normalizations.

    Call it as `network([images, style_weights])`:

    - images: float32 (batch, height, width, 3), RGB in [0, 1]; any height and width from
      16 px up.
    - style_weights: (batch, num_styles); row i says in which style image i is painted:
      one-hot for one style, several non-zero weights for a blend.

    Returns the pastiches, float32, shaped like `images`, in [0, 1].

    All styles share the 1,674,432 weights of the sixteen convolutions; a style is 3,206
    numbers more. The final layer is a sigmoid, and every convolution pads by reflection.

    Args:
        styles: names, dictionaries with provenance, or `cin_style.Style`; one per style.
        widths: channels of the contracting convolutions; the expanding ones mirror them.
        residual_blocks: number of residual blocks.
        upsampling: how the expanding part enlarges: `"nearest"`, as in the paper, or
            `"bilinear"`. Neither by itself keeps small squares out of pictures; a loss does,
            with either (`losses.blockiness`).
        grain: how much noise (`cin_style.images.add_grain`) photos shall get before they are
            painted, see `cin_style.Stylizer`; the network itself adds none.
        loss_options: what decides the loss it is trained with (`cin_style.recipe.remember`), for
            fine-tuning and evaluating to go by; a dictionary, by default empty.
        dtype: dtype policy for the layers, such as `"mixed_bfloat16"` to train with; by
            default Keras' global one. It is not saved: a file loads under the global policy.

    Attributes:
        styles: tuple of `cin_style.Style`, in the order of `style_weights`.
        upsampling, grain, loss_options: as given.
        stored_half: whether the file it came from holds float16 (`storage.save`).

    Raises:
        UserError: no style, or two of one name.
        ValueError: an unknown `upsampling`.

    Example:

        >>> network = StyleTransferNetwork(["sea", "sky"], widths=(4, 6, 8), residual_blocks=1)
        >>> photos, weights = np.zeros((1, 16, 20, 3)), np.array([[0.5, 0.5]])
        >>> tuple(network([photos, weights]).shape)
        (1, 16, 20, 3)
    """

    in_keras = True

    def __init__(
        self,
        styles: Sequence[Any],
        widths: Sequence[int] = (32, 64, 128),
        residual_blocks: int = 5,
        upsampling: str = "nearest",
        grain: float = 0.0,
        loss_options: dict[str, Any] | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        known = style_sets.unique(styles)
        widths = tuple(widths)
        check_form(widths, residual_blocks, upsampling, grain)

        # === Functional Model ===
        images = keras.Input((None, None, 3), name="images", dtype="float32")
        style_weights = keras.Input((len(known),), name="style_weights", dtype="float32")
        layers = Layers(dtype)

        def normalize(x, name, depth, **options):
            normalization = layers.get(
                ConditionalInstanceNormalization, f"{name}_norm", len(known), **options
            )
            return normalization([x, style_weights])

        architecture = Architecture(widths, residual_blocks, upsampling)
        pastiches = architecture.connect(layers, normalize, images)
        super().__init__(inputs=[images, style_weights], outputs=pastiches, **kwargs)

        # === Config ===
        self.styles = known
        self.widths = widths
        self.residual_blocks = residual_blocks
        self.upsampling = upsampling
        self.grain = grain
        self.loss_options = dict(loss_options or {})
        self._architecture = architecture
        self._layers_by_name = layers

    def _repr_jpeg_(self) -> bytes:
        """In a notebook: a sample photo in its styles."""

        def paint(photo: np.ndarray, count: int) -> np.ndarray:
            weights = np.eye(self.num_styles, dtype="float32")[:count]
            return self.predict([np.repeat(photo[None], count, 0), weights], 8, verbose=0)

        return shown_in_styles(paint, [style.name for style in self.styles])

    def get_config(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "name": self.name,
            "styles": [style.to_dict() for style in self.styles],
            "widths": list(self.widths),
            "residual_blocks": self.residual_blocks,
            "upsampling": self.upsampling,
            "grain": self.grain,
            "loss_options": dict(self.loss_options),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        config = {**config}
        check_format(config.pop("format", 1), FORMAT)
        return cls(**config)

    @property
    def normalizations(self) -> list[ConditionalInstanceNormalization]:
        """The `ConditionalInstanceNormalization` layers, in network order."""
        return [
            layer for layer in self.layers if isinstance(layer, ConditionalInstanceNormalization)
        ]

    @property
    def convolutions(self) -> list[keras.layers.Conv2D]:
        """The `Conv2D` layers, in network order."""
        return [layer for layer in self.layers if isinstance(layer, keras.layers.Conv2D)]

    @property
    def _starts(self) -> list[int]:
        """The column of style embeddings at which each normalization's gamma begins."""
        widths = [2 * layer.gamma.shape[1] for layer in self.normalizations]
        return [0, *itertools.accumulate(widths)][:-1]

    def get_style_embeddings(self) -> np.ndarray:
        """Every style's gammas and betas: float32 (num_styles, 3206).

        A row is gamma, then beta, of each normalization layer in network order.
        """
        tables = [
            ops.convert_to_numpy(table)
            for layer in self.normalizations
            for table in (layer.gamma, layer.beta)
        ]
        return np.concatenate(tables, axis=1)

    def set_style_embeddings(self, embeddings: np.ndarray) -> None:
        """Sets every style's gammas and betas from an array (num_styles, 3206).

        Raises:
            ValueError: for an array of another shape.
        """
        widths = [layer.gamma.shape[1] for layer in self.normalizations for _ in range(2)]
        expected = (self.num_styles, sum(widths))
        if np.shape(embeddings) != expected:
            raise ValueError(
                f"expected style embeddings of shape {expected}. Received: {np.shape(embeddings)}"
            )
        tables = np.split(np.asarray(embeddings, "float32"), np.cumsum(widths)[:-1], axis=1)
        for index, layer in enumerate(self.normalizations):
            layer.gamma.assign(tables[2 * index])
            layer.beta.assign(tables[2 * index + 1])

    @property
    def palette_columns(self) -> slice:
        """The columns of style embeddings that are the last gamma and beta, as a slice."""
        return slice(-2 * self.normalizations[-1].gamma.shape[1], None)

    def set_palettes(self, style_images: Sequence[np.ndarray]) -> None:
        """Gives every style's pastiches the mean and contrast of its image, per colour channel.

        Sets the last gamma and beta, from which the sigmoid makes the colours, to the standard
        deviation and mean of the image's logits. A start for training that is free: from 1 and
        0, hundreds of steps are spent on it.

        Args:
            style_images: one float array (height, width, 3) in [0, 1] per style.
        """
        last = self.normalizations[-1]
        # Pure black and white have no finite logit.
        pixels = [np.clip(image, 0.02, 0.98).reshape(-1, 3) for image in style_images]
        logits = [np.log(values / (1 - values)) for values in pixels]
        last.gamma.assign(np.stack([values.std(axis=0) for values in logits]))
        last.beta.assign(np.stack([values.mean(axis=0) for values in logits]))

    def copy_convolutions(self, other: "StyleTransferNetwork") -> None:
        """Takes over the convolutions of another network, whose upsampling may differ.

        Raises:
            UserError: when the other has another architecture.
        """
        if (self.widths, self.residual_blocks) != (other.widths, other.residual_blocks):
            raise UserError("the other network has another architecture (widths or blocks).")
        for mine, theirs in zip(self.convolutions, other.convolutions, strict=True):
            # A copy: on JAX, variables would share an array that the first step gives away.
            mine.kernel.assign(np.array(ops.convert_to_numpy(theirs.kernel)))

    def kernels(self) -> list[np.ndarray]:
        """The kernels of the convolutions (height, width, in, out), in network order."""
        return [ops.convert_to_numpy(layer.kernel) for layer in self.convolutions]

    def get_style_embedding(self, key: str | int) -> np.ndarray:
        """One style's gammas and betas: float32 (3206,); see `get_style_embeddings`."""
        row = self.find_style(key)
        tables = [
            ops.convert_to_numpy(table[row])
            for layer in self.normalizations
            for table in (layer.gamma, layer.beta)
        ]
        return np.concatenate(tables)

    def with_styles(
        self,
        styles: Sequence[Any],
        embeddings: np.ndarray | None = None,
        dtype: str | None = None,
    ) -> Self:
        """A new network with these convolutions (copied) and other styles.

        Args:
            styles: the new network's styles.
            embeddings: (len(styles), 3206); `None` gives every style gamma 1 and beta 0.
            dtype: see the class.
        """
        other = type(self)(
            styles,
            self.widths,
            self.residual_blocks,
            self.upsampling,
            self.grain,
            self.loss_options,
            dtype=dtype,
        )
        other.copy_convolutions(self)
        if embeddings is not None:
            other.set_style_embeddings(embeddings)
        return other._came_from(self)

    def painting_graph(self, num_maps: int | None = None) -> keras.Model:
        """The network with style embeddings as an input, for painting without state.

        It shares this network's convolutions, and is made anew at each call. A style is
        *selected*, which blends embeddings by weights, and *modulates* what is normalized, as in
        `ConditionalInstanceNormalization`; only the tables come from outside. So one graph paints
        every style and blend, of this network's styles or of any others.

        Args:
            num_maps: `None` for a blend for each picture. Else k, for a blend for each pixel.

        Returns:
            A Functional model of `[images, embeddings, style_weights]`, all float32: images
            (batch, height, width, 3) in [0, 1]; embeddings (batch, k, 3206); style weights
            (batch, k), or maps (batch, height, width, k) of the images' size. For layers that
            work at a half or a quarter of it, maps are averaged over 2 x 2 pixels once or twice.
        """
        architecture = self._architecture
        images = keras.Input((None, None, 3), name="images", dtype="float32")
        embeddings = keras.Input(
            (num_maps, self.embedding_size), name="embeddings", dtype="float32"
        )
        if num_maps is None:
            weights = keras.Input((None,), name="style_weights", dtype="float32")
            levels = [weights] * (architecture.depth + 1)
        else:
            weights = keras.Input((None, None, num_maps), name="maps", dtype="float32")
            pad = PadToMultiple(2**architecture.depth, name="pad_maps", dtype="float32")
            levels = [pad(weights)]
            for _ in range(architecture.depth):
                levels.append(HalveMap(dtype="float32")(levels[-1]))
        starts = dict(zip((layer.name for layer in self.normalizations), self._starts, strict=True))

        def normalize(x, name, depth, **options):
            trained = self.get_layer(f"{name}_norm")
            normalization = EmbeddedInstanceNormalization(
                starts[trained.name],
                trained.epsilon,
                name=trained.name,
                dtype=trained.dtype_policy,
            )
            return normalization([x, embeddings, levels[depth]])

        pastiches = architecture.connect(self._layers_by_name, normalize, images)
        return keras.Model([images, embeddings, weights], pastiches)
