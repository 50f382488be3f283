"""The terms of the loss that need no loss network: one table, which all others read.

To add a term, write its function in `functional`, make it public in this package's `__init__.py`
(both of its lists), and write its row here. Its options, its place in the objective, in logs and in
plots follow; and, for a term of pastiches, its place in reports and in what a network remembers.
"""

import dataclasses
from typing import Any

from cin_style.recipes import option


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A term of the loss that needs no loss network.

    Attributes:
        name: of the term, and of its function in `cin_style.losses.functional`.
        weight: the recipe's field that holds its weight, 0 by default.
        text: what the weight is of.
        needs: what the function is given: `"pastiches"`, (batch, height, width, 3) in [0, 1]; or
            `"activations"`, what each normalization layer of the network is given (the sum over
            the layers counts).
        arguments: the function's other arguments, a dict of their names to the recipe's field
            and its `option`.
    """

    name: str
    weight: str
    text: str
    needs: str = "pastiches"
    arguments: dict[str, tuple[str, Any]] = dataclasses.field(default_factory=dict)


PENALTIES = (
    Penalty(
        "total_variation",
        "total_variation_weight",
        "weight of the pastiche's total variation",
        arguments={
            "exponent": (
                "total_variation_exponent",
                option(
                    1.0,
                    "1: a faint ripple costs as much as an edge of that height; 2: edges cost most",
                    least=1,
                    most=2,
                ),
            )
        },
    ),
    Penalty(
        "checkerboard",
        "checkerboard_weight",
        "weight of patterns that repeat every 4 px, the grid of the network's upsampling",
    ),
    Penalty(
        "blockiness",
        "blockiness_weight",
        "weight of edges that lie on that grid, which show as small squares of 4 px",
    ),
    Penalty(
        "extreme_activations",
        "activation_penalty",
        "weight of extreme normalized activations, which show as droplets",
        needs="activations",
    ),
)

# The loss without what is weighed against flaws: content and style alone.
NO_PENALTIES = {penalty.weight: 0.0 for penalty in PENALTIES if penalty.needs == "pastiches"}


def fields(needs: str) -> list[tuple[str, type, Any]]:
    """The fields of a recipe that these terms bring, for `dataclasses.make_dataclass`."""
    found: list[tuple[str, type, Any]] = []
    for penalty in PENALTIES:
        if penalty.needs == needs:
            found.append((penalty.weight, float, option(0.0, penalty.text, least=0)))
            found += [(name, float, field) for name, field in penalty.arguments.values()]
    return found


def of(recipe: Any) -> dict[str, tuple[float, dict[str, float]]]:
    """The terms that a recipe gives a weight.

    Returns:
        A dict of their names to the weight and a dict of their functions' other arguments, as
        `StyleObjective` takes it.
    """
    found = {}
    for penalty in PENALTIES:
        weight = getattr(recipe, penalty.weight, 0.0)
        if weight:
            arguments = {
                keyword: getattr(recipe, name) for keyword, (name, _) in penalty.arguments.items()
            }
            found[penalty.name] = (weight, arguments)
    return found
