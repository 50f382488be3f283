"""Objects cut out by transparency, mask or box, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.images.cutouts import Cutout, cut_out, grabcut, parse_box


@pytest.fixture
def disc(make_photo):
    """A red disc on a green, noisy ground, uint8 (90, 120, 3), and where it is."""
    picture = make_photo(120, 90, 1) // 4
    picture[..., 1] += 120
    down, across = np.mgrid[0:90, 0:120]
    inside = (down - 50) ** 2 + (across - 40) ** 2 < 20**2
    picture[inside] = make_photo(120, 90, 2)[inside] // 4 + np.uint8([180, 10, 20])
    return picture, inside


@pytest.fixture
def files(disc, tmp_path):
    picture, inside = disc
    images.save(tmp_path / "disc.png", picture)
    alpha = (inside * 255).astype("uint8")
    Image.fromarray(alpha).save(tmp_path / "mask.png")
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "clear.png")
    return tmp_path


def test_by_transparency_and_by_mask_it_is_the_same(files, disc):
    one = cut_out(files / "clear.png")
    other = cut_out(files / "disc.png", mask=files / "mask.png")
    rows, columns = (np.flatnonzero(disc[1].any(axis=axis)) for axis in (1, 0))
    assert one.alpha.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1)
    np.testing.assert_array_equal(one.colours, other.colours)
    np.testing.assert_array_equal(one.alpha, other.alpha)
    assert one.alpha.sum() == disc[1].sum()


def test_in_a_box_it_is_found(disc, files):
    pytest.importorskip("cv2")
    picture, inside = disc
    alpha = grabcut(picture, (14, 22, 54, 56))
    assert np.mean((alpha > 0.5) == inside) > 0.98
    assert not alpha[:22].any() and not alpha[:, 68:].any()
    found = cut_out(files / "disc.png", box="14,22,54,56")
    assert abs(found.alpha.sum() - inside.sum()) < 0.1 * inside.sum()


def test_edges_have_the_colour_of_the_object_at_every_size(files):
    cutout = cut_out(files / "clear.png").scaled(0.5)
    edge = (cutout.alpha > 0.2) & (cutout.alpha < 0.9)
    assert edge.any()
    # None of the green around it.
    assert cutout.colours[edge][:, 0].min() > 150 and cutout.colours[edge][:, 1].max() < 90
    assert cut_out(files / "clear.png").scaled(3.0).alpha.max() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "has no transparency"),
        ({"mask": "grey.png"}, "is empty: it has one shade only"),
        ({"mask": "small.png"}, "is 30 x 20 px, but the object's photo is 120 x 90 px"),
        ({"mask": "mask.jpg"}, "is a JPEG"),
        ({"mask": "gone.png"}, "gone.png"),
        ({"box": "1,2,3"}, "`box` must be X,Y,W,H in px"),
        ({"box": "100,10,30,30"}, "`box` must lie within the object's picture of 120 x 90 px"),
        ({"box": "0,0,120,90"}, "leave some of it outside"),
    ],
)
def test_what_is_refused(files, options, message):
    Image.new("L", (120, 90), 7).save(files / "grey.png")
    Image.new("L", (30, 20)).save(files / "small.png")
    Image.open(files / "mask.png").save(files / "mask.jpg")
    if "mask" in options:
        options = {"mask": files / options["mask"]}
    with pytest.raises(UserError, match=message):
        cut_out(files / "disc.png", **options)


def test_an_empty_object_is_refused(files):
    Image.new("RGBA", (20, 20), (9, 9, 9, 0)).save(files / "nothing.png")
    with pytest.raises(UserError, match="the object is empty"):
        cut_out(files / "nothing.png")
    with pytest.raises(UserError, match="too small"):
        Cutout(np.zeros((10, 10, 3), "uint8"), np.ones((10, 10), "float32")).scaled(0.1)


def test_without_opencv_a_box_says_how_to_get_it(disc, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(UserError, match=r"pip install cin_style\[cutout\]"):
        grabcut(disc[0], parse_box("14,22,54,56", (90, 120)))
