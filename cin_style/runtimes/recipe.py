"""The recipe of exporting a network."""

import dataclasses

from cin_style.errors import UserError
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.recipes import SMALLEST_SIDE, RecipeBase, option

FORMATS = ("onnx", "openvino", "saved_model", "litert", "web")

# What of these each format can hold.
PRECISIONS = {
    "onnx": ("float32", "float16"),
    "openvino": ("float32", "float16"),
    "saved_model": ("float32",),
    "litert": ("float32", "float16", "int8"),
    "web": ("float32", "float16"),
}


@dataclasses.dataclass(frozen=True)
class ExportRecipe(RecipeBase):
    """Everything that decides what is exported.

    Example:

        >>> ExportRecipe(format="litert", size="256x384").sides
        (256, 384)
    """

    model: str = option(DEFAULT_MODEL, "a .keras file, or the name of a network in the package")
    format: str = option("onnx", "of the file", choices=FORMATS)
    precision: str = option(
        "float32",
        "of the weights in the file: float16 is half as large, int8 (litert) a quarter",
        choices=("float32", "float16", "int8"),
    )
    styles: str = option("all", "the styles that go along, with commas")
    size: str = option("", "HEIGHTxWIDTH of the pictures in px, for litert, which takes one size")

    def check(self) -> None:
        super().check()
        if self.precision not in PRECISIONS[self.format]:
            raise UserError(
                f"`precision` of {self.format} must be one of "
                f"{', '.join(PRECISIONS[self.format])}. Received: {self.precision}"
            )
        if (self.format == "litert") != bool(self.size):
            raise UserError(
                "`size` is for litert, which takes pictures of one size: HEIGHTxWIDTH, such as "
                "512x512."
            )
        _ = self.sides

    @property
    def sides(self) -> tuple[int, int] | None:
        """Height and width, or `None`: any."""
        if not self.size:
            return None
        height, _, width = self.size.lower().partition("x")
        try:
            sides = int(height), int(width)
        except ValueError:
            sides = 0, 0
        if min(sides) < SMALLEST_SIDE or any(side % 4 for side in sides):
            raise UserError(
                f"`size` must be HEIGHTxWIDTH in px, multiples of 4 from {SMALLEST_SIDE} on. "
                f"Received: {self.size}"
            )
        return sides
