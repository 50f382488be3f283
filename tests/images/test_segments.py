"""segments.py: masks read and refused, and what one photo has only matched to the other."""

import logging

import numpy as np
import pytest
from PIL import Image

from cin_style.errors import UserError
from cin_style.images import segments

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
SIZE = (20, 30)


@pytest.fixture
def write(tmp_path):
    """Writes an image of vertical stripes in these colours; returns the path."""

    def write(name, *colours, size=SIZE):
        stripes = np.array(colours, "uint8")[np.arange(size[1]) * len(colours) // size[1]]
        Image.fromarray(np.repeat(stripes[None], size[0], axis=0)).save(tmp_path / name)
        return tmp_path / name

    return write


def test_the_same_colour_is_the_same_segment(write):
    content, style = write("a.png", RED, GREEN), write("b.png", GREEN, BLUE, RED)
    one, other, names = segments.read(content, style, SIZE, SIZE)
    assert names == ("#0000ff", "#00ff00", "#ff0000")
    np.testing.assert_array_equal(one[0, [0, 29]], [[0, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(other[0, [0, 15, 29]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]])


def test_an_indexed_mask(tmp_path):
    shares = np.eye(3)[RNG_LABELS]
    segments.save(tmp_path / "a.png", shares)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
    one, other, _ = segments.read(*[tmp_path / "a.png"] * 2, SIZE, SIZE)
    np.testing.assert_array_equal(one, other)
    # In the order of their colours, which is another.
    assert sorted(one.mean(axis=(0, 1))) == pytest.approx(sorted(shares.mean(axis=(0, 1))))


RNG_LABELS = np.random.default_rng(0).integers(0, 3, SIZE)


def test_soft_edges_are_mixtures(tmp_path):
    ramp = np.zeros((*SIZE, 3), "uint8")
    share = np.clip((np.arange(30) - 10) / 9, 0, 1)
    ramp[:, :, 0], ramp[:, :, 2] = np.rint(255 * (1 - share)), np.rint(255 * share)
    # Larger, so that a column of the ramp is rarer than 0.5 %.
    wide = np.concatenate(
        [np.repeat(ramp[:, :1], 120, 1), ramp, np.repeat(ramp[:, -1:], 120, 1)], 1
    )
    Image.fromarray(wide).save(tmp_path / "soft.png")
    size = wide.shape[:2]
    found, _, names = segments.read(*[tmp_path / "soft.png"] * 2, size, size)
    assert names == ("#0000ff", "#ff0000")
    np.testing.assert_allclose(found[0, 120:150, 0], share, atol=0.01)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)


def test_bad_masks_say_what_to_do(write, tmp_path):
    good = write("good.png", RED, GREEN)
    empty = write("empty.png", RED)
    lossy = write("lossy.jpg", RED, GREEN)
    other = write("other.png", RED, GREEN, size=(10, 30))
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype("uint8")
    noise[:, :10], noise[:, 10:20] = RED, GREEN
    Image.fromarray(noise).save(tmp_path / "noise.png")
    for mask, message in [
        (empty, "empty.png is empty: it has one large colour only. Paint each segment"),
        (lossy, "lossy.jpg is a JPEG, which makes false labels.*Save it as PNG"),
        (other, "other.png is 30 x 10 px, but the content photo is 30 x 20 px. Scale the mask"),
        (tmp_path / "noise.png", "noise.png has 199 colours that belong to no segment"),
        (tmp_path / "gone.png", "gone.png"),
    ]:
        with pytest.raises(UserError, match=message):
            segments.read(mask, good, SIZE, SIZE)
    many = [
        tuple(int(v) for v in row) for row in np.random.default_rng(1).integers(0, 256, (40, 3))
    ]
    with pytest.raises(UserError, match="40 large colours, where a segment is one colour"):
        segments.read(*[write("many.png", *many, size=(20, 80))] * 2, (20, 80), (20, 80))


def test_what_one_side_lacks_goes_to_its_most_similar(caplog):
    content, style = np.zeros((2, 10, 3)), np.zeros((2, 10, 3))
    content[:, :6, 0] = content[:, 6:, 1] = 1
    style[:, :3, 0] = style[:, 3:5, 1] = style[:, 5:, 2] = 1
    similarity = np.array([[1, 0, 0.2], [0, 1, 0.7], [0.2, 0.7, 1]])
    with caplog.at_level(logging.INFO, "cin_style"):
        found = segments.matched(content, style, ("sky", "sea", "lake"), similarity)
    assert found.names == ("sky", "sea")
    np.testing.assert_allclose(found.shares, [0.6, 0.4], atol=1e-4)
    np.testing.assert_allclose(found.style.mean(axis=(0, 1)), [0.3, 0.7], atol=1e-4)
    assert "segment lake is in the style photo only: it goes to sea" in caplog.text
    with pytest.raises(UserError, match="no segment in common"):
        segments.matched(np.eye(2)[[[0]]], np.eye(2)[[[1]]], ("a", "b"), np.eye(2))


def test_likeness_is_by_place_and_relative_colour():
    # Sky over land, by day and by night, and a lake of the sky's colour in the land.
    labels = np.zeros((30, 30), int)
    labels[12:], labels[22:, 10:20] = 1, 2
    shares = np.eye(3)[labels]
    day = np.array([[0.5, 0.7, 1], [0.3, 0.3, 0.1], [0.5, 0.7, 0.95]])[labels]
    found = segments.likeness([day, 0.1 * day], [shares, shares])
    assert found[2, 0] > found[2, 1]
    np.testing.assert_allclose(found, found.T)


def test_scaled():
    both = segments.Segments(np.eye(2)[np.eye(8, dtype=int)], np.ones((4, 4, 2)) / 2, ("a", "b"))
    found = both.scaled((4, 4), (9, 5))
    assert found.content.shape == (4, 4, 2) and found.style.shape == (9, 5, 2)
    np.testing.assert_allclose(found.content.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(found.content[0, 0], [0.5, 0.5], atol=1e-5)
