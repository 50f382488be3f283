"""The recipe of exporting a network."""

import dataclasses

from cin_style.errors import UserError
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.recipes import SMALLEST_SIDE, RecipeBase, option
from cin_style.runtimes.formats import FORMATS


@dataclasses.dataclass(frozen=True)
class ExportRecipe(RecipeBase):
    """Everything that decides what is exported.

    Example:

        >>> ExportRecipe(format="litert", size="256x384").sides
        (256, 384)
    """

    model: str = option(DEFAULT_MODEL, "a .keras file, or the name of a network in the package")
    format: str = option("onnx", "of the file", choices=tuple(FORMATS))
    precision: str = option(
        "float32",
        "of the weights in the file: float16 is half as large, int8 (litert) a quarter",
        choices=("float32", "float16", "int8"),
    )
    styles: str = option("all", "the styles that go along, with commas")
    size: str = option("", "HEIGHTxWIDTH of the photos in px, for litert, which takes one size")

    def check(self) -> None:
        super().check()
        precisions = FORMATS[self.format].precisions
        if self.precision not in precisions:
            raise UserError(
                f"`precision` of {self.format} must be one of {', '.join(precisions)}. "
                f"Received: {self.precision}"
            )
        if (self.format == "litert") != bool(self.size):
            raise UserError(
                "`size` is for litert, which takes photos of one size: HEIGHTxWIDTH, such as "
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
        if min(sides) < SMALLEST_SIDE:
            raise UserError(
                f"`size` must be HEIGHTxWIDTH in px, each from {SMALLEST_SIDE} on. "
                f"Received: {self.size}"
            )
        return sides
