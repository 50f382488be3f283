"""What visitors point at and draw."""

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.studio import drawn


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("x,y", [(0, 0), (1, 0), (0, 1), (1, 1), (0.3, 0.8), (-5, 7)])
def test_shares_are_one_together(count, x, y):
    found = drawn.shares([f"s{n}" for n in range(count)], {"x": x, "y": y})
    assert sum(found.values()) == pytest.approx(1, abs=2e-3)
    assert min(found.values()) >= 0


@pytest.mark.parametrize("corner,x,y", [(0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1)])
def test_corners_are_styles(corner, x, y):
    found = drawn.shares("abcd", {"x": x, "y": y})
    assert found["abcd"[corner]] == 1


@pytest.mark.parametrize("chosen", [[], ["a"], list("abcde")])
def test_two_to_four_styles(chosen):
    with pytest.raises(UserError, match="two to four"):
        drawn.shares(chosen, {"x": 0.5, "y": 0.5})


def painted(*parts):
    """What the editor holds: (colour or `None`, columns) painted over 20 x 30 px."""
    layer = np.zeros((20, 30, 4), "uint8")
    for colour, columns in parts:
        layer[:, columns] = (*colour, 255)
    return {"background": None, "layers": [layer], "composite": None}


def test_mask_of_the_styles_that_are_used():
    red, _, blue = drawn.BRUSHES.values()
    near = tuple(value + 3 for value in blue)
    mask, used = drawn.mask_of_styles(
        painted((red, slice(0, 10)), (near, slice(20, 30))), "abcd", (60, 40)
    )
    assert used == ["a", "b", "d"] and mask.size == (60, 40) and mask.mode == "P"
    np.testing.assert_array_equal(np.asarray(mask)[0, [0, 19, 20, 39, 40, 59]], [1, 1, 0, 0, 2, 2])


@pytest.mark.parametrize("given", [None, {}, {"layers": []}, painted()])
def test_nothing_drawn(given):
    with pytest.raises(UserError, match="paint over a part"):
        drawn.mask_of_styles(given, "abcd", (60, 40))
    with pytest.raises(UserError, match="paint over the object"):
        drawn.mask_of_object(given, (60, 40))


def test_all_painted_over_in_one_colour():
    with pytest.raises(UserError, match="leave some"):
        drawn.mask_of_styles(painted(((239, 68, 68), slice(0, 30))), "abcd", (60, 40))


def test_mask_of_an_object_has_soft_edges():
    mask = np.asarray(drawn.mask_of_object(painted(((1, 2, 3), slice(10, 20))), (60, 40)))
    assert mask.shape == (40, 60)
    assert mask[20, 30] == 255 and mask[20, 5] == 0 and 0 < mask[20, 19] < 255
