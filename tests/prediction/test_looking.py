"""How style images are looked at."""

import numpy as np

from cin_style.prediction.looking import squares, style_image


def test_of_a_scroll_the_middle_is_looked_at(make_photo):
    scroll = make_photo(400, 20, 5)
    np.testing.assert_array_equal(style_image(scroll, 16), style_image(scroll[:, 160:240], 16))


def test_four_squares_lie_in_the_quarters_or_as_near_as_there_is_room():
    places = np.moveaxis(np.mgrid[:40, :60], 0, -1)
    for side, tops, lefts in ((10, (5, 25), (10, 40)), (40, (0, 0), (0, 20))):
        found = squares(places, side)
        assert found.shape == (4, side, side, 2)
        corners = [(top, left) for top in tops for left in lefts]
        assert [tuple(corner) for corner in found[:, 0, 0].tolist()] == corners
