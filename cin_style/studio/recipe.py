"""The recipe of the studio: which network paints, and who may reach the page."""

import dataclasses

from cin_style.errors import UserError
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.recipes import RecipeBase, option
from cin_style.runtimes.formats import RUNTIMES

# Names of this machine that no other can reach it by.
LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclasses.dataclass(frozen=True)
class StudioRecipe(RecipeBase):
    """Everything that decides what the studio serves, and to whom.

    Example:

        >>> StudioRecipe(port=8000).is_local
        True
    """

    model: str = option(DEFAULT_MODEL, "a .keras file, or the name of a network in the package")
    runtime: str = option(
        "auto",
        "what computes the pictures; auto takes the fastest one installed",
        choices=("auto", *RUNTIMES),
    )
    host: str = option("127.0.0.1", "address to serve at; 0.0.0.0 opens it to other machines")
    port: int = option(7860, "port to serve at", least=1, most=65_535)
    browser: bool = option(True, "open the page in a browser")
    auth: str = option("", "NAME:PASSWORD that visitors have to give; or a file with one a line")
    megapixels: float = option(50.0, "the largest photo that is taken", above=0)
    megabytes: int = option(60, "the largest file that is taken", least=1, most=10_000)
    waiting: int = option(20, "how many pictures may wait to be painted", least=1, most=10_000)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host in LOCAL

    def check(self) -> None:
        super().check()
        if not self.host:
            raise UserError("`host` must be an address, such as 127.0.0.1. Received: nothing")
