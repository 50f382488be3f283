"""artefacts.py: each measure sees its flaw, and little in photos and noise."""

import numpy as np
import pytest
from skimage import data

from cin_style import images
from cin_style.evaluation import artefacts

RNG = np.random.default_rng(8)
NOISE = RNG.uniform(0.3, 0.7, (128, 160, 3))
PHOTOS = [images.from_uint8(photo) for photo in (data.astronaut(), data.chelsea(), data.coffee())]


# === Checkerboard ===


def test_noise_has_no_checkerboard():
    for side in (64, 99, 128, 257):
        assert 0.7 < artefacts.checkerboard(RNG.random((side, side + 3, 3))) < 3


def test_a_mirrored_picture_has_as_much():
    y, x = np.indices(NOISE.shape[:2])
    slanted = NOISE + 0.03 * np.cos(np.pi / 2 * (x + y))[..., None]
    for picture in (slanted, PHOTOS[2][:256, :256]):
        for mirrored in (picture[:, ::-1], picture[::-1]):
            assert artefacts.checkerboard(mirrored) == pytest.approx(
                artefacts.checkerboard(picture), rel=1e-6
            )


@pytest.mark.parametrize("photo", PHOTOS)
def test_photos_have_little(photo):
    assert artefacts.checkerboard(photo) < 8  # the blocks of JPEG, 8 px wide, show a little


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("direction", ["down", "across", "diagonal", "other diagonal"])
def test_a_faint_grid_shows(period, direction):
    y, x = np.indices(NOISE.shape[:2])
    wave = {"down": y, "across": x, "diagonal": x + y, "other diagonal": x - y}[direction]
    grid = 0.03 * np.cos(2 * np.pi * wave / period)[..., None]
    assert artefacts.checkerboard(NOISE + grid) > 5 * artefacts.checkerboard(NOISE)
    # Another pattern as strong does not.
    other = 0.03 * np.cos(2 * np.pi * wave / 5.3)[..., None]
    assert artefacts.checkerboard(NOISE + other) < 1.5 * artefacts.checkerboard(NOISE)


# === Blockiness ===


@pytest.mark.parametrize("photo", [*PHOTOS, NOISE])
def test_photos_have_no_squares(photo):
    assert artefacts.blockiness(photo) < 0.05


def test_squares_show_wherever_the_grid_lies():
    squares = np.repeat(np.repeat(RNG.random((30, 40, 3)), 4, axis=0), 4, axis=1)
    for shift in range(4):
        # All edges between two of four positions.
        assert artefacts.blockiness(np.roll(squares, shift, (0, 1))) == pytest.approx(
            np.sqrt(3), rel=0.01
        )
    assert artefacts.blockiness(np.full((40, 40, 3), 0.5)) == 0
    # Squares of another size have edges everywhere.
    others = np.repeat(np.repeat(RNG.random((30, 40, 3)), 5, axis=0), 5, axis=1)
    assert artefacts.blockiness(others) < 0.1
    assert artefacts.blockiness(others, period=5) > 1.9


# === Border ===


def test_border():
    picture = np.full((60, 90, 3), 0.5)
    assert artefacts.border(picture) == 0
    assert set(artefacts.edges(picture)) == {
        f"{side}_{channel}"
        for side in ("left", "right", "top", "bottom")
        for channel in ("red", "green", "blue")
    }
    picture[:, :25, 0] = 0.9  # a red band down the left, wider than what is looked at first
    assert artefacts.edges(picture)["left_red"] == pytest.approx(0.4 - 0.4 * 17 / 32)
    assert artefacts.edges(picture)["right_red"] == pytest.approx(0)
    assert artefacts.border(picture) == pytest.approx(0.4 * 15 / 32)
    picture[-8:, :, 2] = 0.1
    assert artefacts.edges(picture)["bottom_blue"] == pytest.approx(-0.4)
    assert artefacts.border(picture) == pytest.approx(0.4)


# === Droplets ===


@pytest.mark.parametrize("colour", [(1, 1, 1), (0, 0, 0), (1, 0, 0)])
def test_a_blob_that_nothing_accounts_for(colour):
    picture = NOISE.copy()
    picture[20:30, 40:52] = colour  # 120 of 20,480 px
    assert artefacts.droplets(picture, NOISE, NOISE) == pytest.approx(120 / 20480)
    # The photo has it there: it accounts for it; elsewhere it does not.
    assert artefacts.droplets(picture, picture, NOISE) == 0
    assert artefacts.droplets(picture, np.roll(picture, 60, axis=1), NOISE) > 0
    # The painting has as much of it.
    assert artefacts.droplets(picture, NOISE, picture) == 0
    assert artefacts.droplets(picture, NOISE, np.tile(NOISE, (2, 2, 1))) > 0


def test_what_is_small_or_not_saturated_is_no_droplet():
    picture = NOISE.copy()
    picture[20:24, 40:45] = 1.0  # 20 px: under 0.1 %
    assert artefacts.droplets(picture, NOISE, NOISE) == 0
    picture[60:100:2, 60:100:2] = 1.0  # many, but not connected
    assert artefacts.droplets(picture, NOISE, NOISE) == 0
    picture[20:60, 20:60] = 0.9
    assert artefacts.droplets(picture, NOISE, NOISE) == 0


def test_all_measures():
    picture, photo = NOISE.copy(), PHOTOS[0][:128, :160]
    picture[20:30, 40:52] = 1.0
    assert artefacts.measure(picture, photo, NOISE) == {
        "checkerboard": artefacts.checkerboard(picture),
        "blockiness": artefacts.blockiness(picture),
        "border": artefacts.border(picture),
        "droplets": artefacts.droplets(picture, photo, NOISE),
    }
