"""Batches are a pure function of seed and step, and fair to photos and styles."""

import collections

import numpy as np
import pytest
from PIL import Image

from cin_style.errors import UserError
from cin_style.training.batches import TrainingBatches
from cin_style.training.photos import open_photos


def batches(folder, **options):
    options = {"num_styles": 3, "batch_size": 4, "image_size": 16, "workers": 2} | options
    return TrainingBatches(open_photos(folder), **options)


def photos_in(batch):
    """Which photos of `flat_folder` a batch shows."""
    (pictures, _), *_ = batch
    values = np.rint(pictures * 255)
    for picture in values:
        assert (picture == picture[0, 0]).all()
    return [int(red) // 12 for red in values[:, 0, 0, 0]]


def assert_same(one, two):
    for first, second in zip(one[0], two[0], strict=True):
        np.testing.assert_array_equal(first, second)


# === Batches ===


def test_shapes_types_and_ranges(photo_folder):
    dataset = batches(photo_folder, seed=1)
    drawn = collections.Counter()
    for step in range(8):
        ((pictures, style_ids),) = dataset[step]
        assert pictures.shape == (4, 16, 16, 3) and pictures.dtype == np.float32
        assert 0 <= pictures.min() and pictures.max() <= 1
        assert style_ids.shape == (4,) and style_ids.dtype == np.int32
        drawn.update(style_ids.tolist())
    assert pictures.std() > 0.1
    assert set(drawn) == {0, 1, 2} and min(drawn.values()) >= 4


def test_grain_changes_the_pictures_and_nothing_else(photo_folder):
    plain, grainy = (batches(photo_folder, seed=3, grain=grain)[2][0] for grain in (0.0, 0.05))
    np.testing.assert_array_equal(plain[1], grainy[1])
    strengths = abs(grainy[0] - plain[0]).mean(axis=(1, 2, 3))
    assert len(set(strengths.tolist())) == 4
    assert 0 < strengths.min() and strengths.max() < 0.1
    assert_same((batches(photo_folder, seed=3, grain=0.05)[2][0],), (grainy,))


def test_a_batch_depends_on_seed_and_step_alone(photo_folder):
    read_in_order = batches(photo_folder, seed=5)
    in_order = [read_in_order[step] for step in range(7)]
    # Read at once, out of order, one at a time, or as items of a run resumed at step 4.
    assert_same(batches(photo_folder, seed=5)[6], in_order[6])
    assert_same(batches(photo_folder, seed=5, workers=1)[6], in_order[6])
    again = batches(photo_folder, seed=5)
    for step in (6, 2, 3, 0, 6):
        assert_same(again[step], in_order[step])
    resumed = batches(photo_folder, seed=5, start=4)
    for item in range(3):
        assert_same(resumed[item], in_order[4 + item])


def test_batches_differ_by_step_and_by_seed(photo_folder):
    dataset, other = batches(photo_folder, seed=5), batches(photo_folder, seed=6)
    for one, two in [(dataset[0], dataset[1]), (dataset[0], other[0]), (dataset[7], other[7])]:
        assert not np.array_equal(one[0][0], two[0][0])
    styles = [np.stack([d[step][0][1] for step in range(10)]) for d in (dataset, other)]
    assert not np.array_equal(*styles)


def test_every_photo_once_an_epoch(flat_folder):
    dataset = batches(flat_folder)
    epochs = [sum((photos_in(dataset[5 * epoch + k]) for k in range(5)), []) for epoch in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    assert epochs[0] != epochs[1] != epochs[2] and epochs[0] != list(range(20))


def test_epochs_may_end_within_a_batch(flat_folder):
    dataset = batches(flat_folder, batch_size=8)
    shown = sum((photos_in(dataset[step]) for step in range(5)), [])
    assert sorted(shown[:20]) == sorted(shown[20:]) == list(range(20))


def test_half_of_the_crops_are_mirrored(tmp_path):
    # Brighter to the right; a mirrored crop is brighter to the left.
    ramp = np.repeat(np.tile(np.arange(64, dtype="uint8")[None, :, None] * 4, (64, 1, 1)), 3, -1)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    dataset = batches(tmp_path, batch_size=50)
    pictures = np.concatenate([dataset[step][0][0] for step in range(8)])
    rising = (pictures[:, :, -1].mean((1, 2)) > pictures[:, :, 0].mean((1, 2))).mean()
    assert 0.4 < rising < 0.6


def test_crops_are_squares_of_random_size_and_place(tmp_path):
    # Red says where a pixel was across, green where it was down, in a photo of 200 x 100.
    y, x = np.mgrid[0:100, 0:200]
    photo = np.stack([x, y, np.zeros_like(x)], -1).astype("uint8")
    Image.fromarray(photo).save(tmp_path / "where.png")
    dataset = batches(tmp_path, batch_size=64, image_size=32, smallest_crop=0.5)
    ((pictures, _),) = dataset[0]
    across, down = pictures[..., 0] * 255, pictures[..., 1] * 255
    # A crop of side s, scaled to 32, steps s / 32 from pixel to pixel, alike both ways.
    width = abs(across[:, 16, 24] - across[:, 16, 8]) * 2
    height = (down[:, 24, 16] - down[:, 8, 16]) * 2
    np.testing.assert_allclose(width, height, atol=3)
    assert 48 <= height.min() < 60 and 90 < height.max() <= 102
    centres = across[:, 16, 16]
    assert centres.min() < 60 and centres.max() > 140
    assert abs(np.corrcoef(centres, down[:, 16, 16])[0, 1]) < 0.4
    assert across.max() > 190 and across.min() < 10 and down.max() > 95 and down.min() < 5


# === Photos that can't be read ===


def break_photos(folder, indices):
    for index in indices:
        (folder / f"{index:02}.png").write_bytes(b"no picture")


def test_unreadable_photos_are_replaced_and_named(flat_folder):
    break_photos(flat_folder, [3, 4, 11])
    dataset = batches(flat_folder)
    shown = [photos_in(dataset[step]) for step in range(15)]
    assert set(sum(shown, [])) == set(range(20)) - {3, 4, 11}
    assert sorted(dataset.skipped) == [str(flat_folder / f"{i:02}.png") for i in (3, 4, 11)]
    for name, reason in dataset.skipped.items():
        assert name in reason and "not an image" in reason
    # Whoever has met which of them before, the batch is the same.
    for step in (14, 9):
        assert photos_in(batches(flat_folder, start=step)[0]) == shown[step]


def test_one_readable_photo_is_found_from_every_place_in_an_epoch(flat_folder):
    break_photos(flat_folder, set(range(20)) - {7})
    for start in range(10):
        dataset = batches(flat_folder, batch_size=3, start=start, workers=1)
        assert photos_in(dataset[0]) == [7, 7, 7]


def test_no_readable_photo(flat_folder):
    break_photos(flat_folder, range(20))
    with pytest.raises(UserError, match="none of the 20 content photos can be read. The last: .*"):
        batches(flat_folder)[0]


def test_shares_of_a_batch_make_up_the_whole(photo_folder):
    (whole,) = batches(photo_folder, seed=3)[2]
    shares = [
        batches(photo_folder, seed=3, share=part)[2][0] for part in (slice(0, 2), slice(2, 4))
    ]
    for one, *parts in zip(whole, *shares, strict=True):
        np.testing.assert_array_equal(one, np.concatenate(parts))
