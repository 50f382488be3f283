"""Content photos: folders and data sets, what is held out, and what tells them apart."""

import hashlib
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.training.batches import TrainingBatches
from cin_style.training.photos import center_crops, hold_out, open_photos


def test_folder_photos(photo_folder):
    photos = open_photos(str(photo_folder))
    assert len(photos) == 7
    names = [photos.name(index) for index in range(7)]
    assert names[0] == str(photo_folder / "seven.jpg")
    assert names[1:] == sorted(names[1:])
    assert images.open_rgb(photos.read(0)).size == (57, 43)


def test_bad_folders(tmp_path):
    with pytest.raises(UserError, match="no such folder of content photos: .*gone.*tfds:NAME"):
        open_photos(tmp_path / "gone")
    with pytest.raises(UserError, match="no image in the folder"):
        open_photos(tmp_path)
    (tmp_path / "a.jpg").touch()
    with pytest.raises(UserError, match="no such folder of content photos: .*a.jpg"):
        open_photos(tmp_path / "a.jpg")


def test_a_folder_is_told_from_another(flat_folder, tmp_path):
    """By names and sizes; wherever it lies, and without reading the photos."""
    fingerprint = open_photos(flat_folder).fingerprint()
    assert fingerprint.startswith("20 photos, ")
    moved = shutil.copytree(flat_folder, tmp_path / "moved")
    assert open_photos(moved).fingerprint() == fingerprint
    (moved / "03.png").write_bytes(b"x" * (moved / "03.png").stat().st_size)
    assert open_photos(moved).fingerprint() == fingerprint
    found = {fingerprint}
    (moved / "04.png").write_bytes(b"another size")
    found.add(open_photos(moved).fingerprint())
    (moved / "05.png").rename(moved / "05.jpg")
    found.add(open_photos(moved).fingerprint())
    (moved / "06.png").unlink()
    (moved / "06.png").symlink_to("nowhere")
    found.add(open_photos(moved).fingerprint())
    os.remove(moved / "06.png")
    found.add(open_photos(moved).fingerprint())
    assert len(found) == 5


def test_a_folder_is_the_same_by_any_name(photo_folder, tmp_path, monkeypatch):
    fingerprint = open_photos(photo_folder).fingerprint()
    monkeypatch.chdir(photo_folder)
    for name in (".", "./", "beach/..", f"../{photo_folder.name}/"):
        assert open_photos(name).fingerprint() == fingerprint
    # All of a name counts, its first letter included.
    for folder, name in (("one", "xa.png"), ("two", "ya.png")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(b"x")
    found = set()
    for folder in ("one", "two"):
        monkeypatch.chdir(tmp_path / folder)
        found.add(open_photos(".").fingerprint())
    assert len(found) == 2


def test_fingerprints_stay_the_same_from_version_to_version(tmp_path):
    """Or else runs that were begun could not go on."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").write_bytes(b"123")
    expected = hashlib.sha256(b"/a/b.png\x003\x00").hexdigest()[:16]
    assert open_photos(tmp_path).fingerprint() == f"1 photos, {expected}"


def test_sample_photos_stand_in_for_a_folder():
    photos, samples = open_photos(""), images.sample_photos()
    assert len(photos) == len(samples) == 4
    for index, (name, photo) in enumerate(samples.items()):
        assert photos.name(index) == f"sample photo {name}"
        np.testing.assert_array_equal(
            images.from_uint8(np.asarray(images.open_rgb(photos.read(index)))), photo
        )
    assert photos.fingerprint() == "4 photos, samples astronaut chelsea coffee rocket"
    assert open_photos("").fingerprint() == photos.fingerprint()


@pytest.mark.parametrize("count", [0, 1, 4, 7, 19])
def test_hold_out_is_disjoint_and_spread(flat_folder, count):
    photos = open_photos(flat_folder)
    training, held = hold_out(photos, count)
    names = [[part.name(i) for i in range(len(part))] for part in (training, held)]
    assert len(held) == count
    assert sorted(sum(names, [])) == [photos.name(index) for index in range(20)]
    assert names[0] == sorted(names[0]) and names[1] == sorted(names[1])
    # In the middle of each of `count` equal stretches.
    for index, name in enumerate(names[1]):
        assert abs(int(name[-6:-4]) - (index + 0.5) * 20 / count) < 1
    assert [str(training.read(index)) for index in range(len(training))] == names[0]


@pytest.mark.parametrize("count", [20, 21])
def test_hold_out_leaves_something_to_train_on(flat_folder, count):
    with pytest.raises(UserError, match=f"`holdout` {count} leaves none of the 20 content photos"):
        hold_out(open_photos(flat_folder), count)


def test_center_crops(tmp_path):
    wide = np.zeros((20, 60, 3), "uint8")
    wide[:, 14:46] = 255  # resampling looks a little beyond the crop
    Image.fromarray(wide).save(tmp_path / "a.png")
    Image.fromarray(255 - wide.transpose(1, 0, 2)).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    crops = center_crops(open_photos(tmp_path), 8)
    assert crops.dtype == np.float32
    np.testing.assert_array_equal(crops, np.stack([np.ones((8, 8, 3)), np.zeros((8, 8, 3))]))
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    with pytest.raises(UserError, match="none of the 1 photos kept out of training can be read"):
        center_crops(open_photos(tmp_path), 8)


# === TensorFlow Datasets ===


@pytest.fixture(scope="module")
def tfds_folder(photo_folder, tmp_path_factory):
    """A folder with the prepared data set `cin_style_test_photos`: `photo_folder`'s photos."""
    tfds = pytest.importorskip("tensorflow_datasets", reason="needs tensorflow-datasets")
    pytest.importorskip("array_record", reason="needs array_record")

    class CinStyleTestPhotos(tfds.core.GeneratorBasedBuilder):
        """Seven photos."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {"label": tfds.features.Text(), "image": tfds.features.Image()}
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, download_manager):
            paths = images.find([photo_folder])
            return {
                "train": self._generate_examples(paths[:5]),
                "test": self._generate_examples(paths[5:]),
            }

        def _generate_examples(self, paths):
            # Files as they are: encoding pixels anew would need TensorFlow.
            for path in paths:
                yield path.name, {"label": path.name, "image": str(path)}

    class CinStyleTestNumbers(tfds.core.GeneratorBasedBuilder):
        """No photo at all."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict({"label": tfds.features.Text()})
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, download_manager):
            return {"train": iter([("a", {"label": "a"})])}

        def _generate_examples(self):
            raise AssertionError("its examples are listed above")

    folder = tmp_path_factory.mktemp("tfds")
    for name in ("cin_style_test_photos", "cin_style_test_numbers"):
        tfds.builder(name, data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def test_tfds(tfds_folder, photo_folder):
    photos = open_photos("tfds:cin_style_test_photos:train", tfds_folder)
    assert len(photos) == 5
    assert photos.name(3) == "tfds:cin_style_test_photos[3]"
    assert photos.fingerprint() == "5 photos, cin_style_test_photos/1.0.0"
    found = [np.asarray(images.open_rgb(photos.read(index))) for index in range(5)]
    expected = [np.asarray(images.open_rgb(path)) for path in images.find([photo_folder])[:5]]
    # TFDS shuffles by key: compare as sets.
    assert sorted(map(bytes, found)) == sorted(map(bytes, expected))
    assert len(open_photos("tfds:cin_style_test_photos", tfds_folder)) == 5
    assert len(open_photos("tfds:cin_style_test_photos:test", tfds_folder)) == 2
    assert len(open_photos("tfds:cin_style_test_photos:train[:60%]", tfds_folder)) == 3


def test_batches_from_tfds(tfds_folder):
    def dataset():
        photos = open_photos("tfds:cin_style_test_photos", tfds_folder)
        return TrainingBatches(photos, 2, batch_size=3, image_size=16)

    assert dataset()[0][0][0].shape == (3, 16, 16, 3)
    in_order = dataset()
    later = [in_order[step] for step in range(4)][3]
    for one, two in zip(later[0], dataset()[3][0], strict=True):
        np.testing.assert_array_equal(one, two)


def test_tfds_errors(tfds_folder, monkeypatch):
    for spec, message in [
        ("no_such_photos_at_all", "cannot read tfds:no_such_photos_at_all: .*no_such_photos"),
        ("cin_style_test_photos:valid", "cannot read tfds:cin_style_test_photos:valid: .*valid"),
        ("cin_style_test_numbers", "the data set cin_style_test_numbers holds no image"),
    ]:
        with pytest.raises(UserError, match=message) as caught:
            open_photos(f"tfds:{spec}", tfds_folder)
        assert "\n" not in str(caught.value)
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_datasets", None)
    with pytest.raises(UserError, match="need the package tensorflow-datasets. Install it, or"):
        open_photos("tfds:cin_style_test_photos", tfds_folder)
