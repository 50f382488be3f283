"""archive.py: what a model file says of itself, without Keras; the errors as of loading it."""

import json
import zipfile

import pytest

from cin_style.errors import UserError
from cin_style.networks import archive, storage
from cin_style.networks.bundled import DEFAULT_MODEL


def test_styles_are_those_of_the_network(tiny_model, tiny_network):
    assert archive.read_styles(tiny_model) == tiny_network.styles
    assert archive.read_styles(str(tiny_model)) == tiny_network.styles
    assert archive.read_styles(DEFAULT_MODEL) == storage.load(DEFAULT_MODEL).styles


@pytest.mark.parametrize(
    "change",
    [{"config": 7}, {"config": {}}, {"config": {"styles": [{"title": "no name"}]}}],
)
def test_styles_that_can_not_be_read(tiny_model, tmp_path, change):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(tiny_model) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "config.json":
                data = json.dumps(json.loads(data) | change).encode()
            target.writestr(entry, data)
    for read in (archive.read_styles, storage.load):
        with pytest.raises(UserError, match="a.keras does not hold a network that this version"):
            read(path)
