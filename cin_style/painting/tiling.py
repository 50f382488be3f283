"""Whether a photo is painted in tiles, and how large they are."""

import logging
from collections.abc import Sequence

from cin_style import hardware
from cin_style.errors import UserError
from cin_style.painting.recipes import STATISTICS, tile_side

_LOG = logging.getLogger("cin_style")

# The side of tiles, in px, where nothing else is asked for.
USUAL_TILE = 512
# The same where all layers are gone through at once, of which tiles see some 50 px around.
_USUAL_TILE_AT_ONCE = 1024

# On a CPU, painting a megapixel whole takes about this much memory at its peak. Where that is more
# than this share of the memory at hand, a picture is painted in tiles; and where nobody knows how
# much is at hand, above so many megapixels.
GIB_PER_MEGAPIXEL = 1.0
_SHARE_OF_MEMORY = 0.8
MEGAPIXELS_WHOLE = 8


def choose_side(
    size: Sequence[int], tile: int | str | None = "auto", statistics: str = "exact"
) -> int | None:
    """The side of the tiles in which a photo of a size is painted, or `None`: whole.

    Says in a log line why where it is decided here.

    Args:
        size: height and width of the photo; more numbers say nothing.
        tile: a number of px, `"auto"` or `"off"`, see `Stylizer.__call__`.
        statistics: `"exact"` or `"thumbnail"`.

    Raises:
        UserError: `tile` or `statistics` are nothing of what they may be.
    """
    side = tile_side(tile)
    if statistics not in STATISTICS:
        raise UserError(
            f"`statistics` must be one of {', '.join(STATISTICS)}. Received: {statistics}"
        )
    if side == "off" and statistics == "thumbnail":
        raise UserError("`statistics=thumbnail` is for pictures in tiles. Don't put `tile` off.")
    if side == "off":
        return None
    if side != "auto":
        return int(side)
    if statistics == "thumbnail":
        return _USUAL_TILE_AT_ONCE
    height, width = size[:2]
    megapixels = height * width / 1e6
    free = hardware.available_memory()
    if free is None:
        return USUAL_TILE if megapixels > MEGAPIXELS_WHOLE else None
    gib = free / 2**30
    if megapixels * GIB_PER_MEGAPIXEL <= _SHARE_OF_MEMORY * gib:
        return None
    _LOG.info(
        "painting in tiles of %d px: whole, %d x %d px would take some %.1f GiB of memory, and "
        "%.1f GiB are free",
        *(USUAL_TILE, width, height, megapixels * GIB_PER_MEGAPIXEL, gib),
    )
    return USUAL_TILE
