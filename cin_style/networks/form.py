"""Of which form a network may be."""

from collections.abc import Sequence

from cin_style.errors import UserError

# Beyond these a network is no painter but an attack on the memory.
_LARGEST_WIDTH, _MOST_WIDTHS, _MOST_RESIDUAL_BLOCKS = 4096, 8, 100


def check_form(widths: Sequence[int], residual_blocks: int, upsampling: str, grain: float) -> None:
    """Raises a `UserError` unless a network can be of this form, see `StyleTransferNetwork`."""
    if not (
        1 <= len(widths) <= _MOST_WIDTHS
        and all(isinstance(width, int) and 1 <= width <= _LARGEST_WIDTH for width in widths)
    ):
        raise UserError(
            f"`widths` must be 1 to {_MOST_WIDTHS} whole numbers from 1 to {_LARGEST_WIDTH}. "
            f"Received: {str(widths)[:80]}"
        )
    if not (isinstance(residual_blocks, int) and 0 <= residual_blocks <= _MOST_RESIDUAL_BLOCKS):
        raise UserError(
            f"`residual_blocks` must be a whole number from 0 to {_MOST_RESIDUAL_BLOCKS}. "
            f"Received: {str(residual_blocks)[:80]}"
        )
    if upsampling not in ("nearest", "bilinear"):
        raise UserError(
            f"`upsampling` must be nearest or bilinear. Received: {str(upsampling)[:80]}"
        )
    if not (isinstance(grain, int | float) and 0 <= grain <= 1):
        raise UserError(f"`grain` must be from 0 to 1. Received: {str(grain)[:80]}")
