"""Style cards: exact round trips, and every way a card can be bad."""

import json

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.networks import cards, storage
from cin_style.networks.cards import StyleCard
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting.stylizer import Stylizer

RNG = np.random.default_rng(10)


@pytest.fixture(scope="module")
def photo():
    """A small random photo."""
    return RNG.random((24, 20, 3), dtype="float32")


@pytest.fixture
def card(tiny_network, tmp_path):
    """A saved card of the tiny network's second style."""
    path = tmp_path / "b.style.npz"
    StyleCard.of(tiny_network, 1).save(path)
    return path


def rewrite(path, **changes):
    """Saves a card's arrays again with some of them changed."""
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | changes))


def test_a_round_trip_is_exact(tiny_network, card, photo, tmp_path):
    name = tiny_network.styles[1].name
    without = tiny_network.remove([name])
    assert name not in [style.name for style in without.styles]
    again = cards.import_cards(without, [StyleCard.load(card)])
    assert again.styles[-1] == tiny_network.styles[1]
    np.testing.assert_array_equal(Stylizer(again)(photo, name), Stylizer(tiny_network)(photo, name))


def test_a_card_of_the_full_network_is_small(tmp_path):
    network = StyleTransferNetwork([{"name": "a", "title": "t" * 200, "source": "s" * 300}])
    network.set_style_embeddings(RNG.normal(size=(1, 3206)))
    StyleCard.of(network, "a").save(tmp_path / "a.style.npz")
    assert (tmp_path / "a.style.npz").stat().st_size <= 16 * 1024
    loaded = StyleCard.load(tmp_path / "a.style.npz")
    np.testing.assert_array_equal(loaded.embedding, network.get_style_embedding("a"))


def test_the_fingerprint_depends_neither_on_styles_nor_on_precision(tiny_network, tmp_path):
    fingerprint = tiny_network.fingerprint
    assert tiny_network.rename(0, "other").fingerprint == fingerprint
    assert tiny_network.append(["new"], np.ones_like(tiny_network.get_style_embeddings()[:1]))
    storage.save(tiny_network, tmp_path / "half.keras", half=True)
    assert storage.load(tmp_path / "half.keras").fingerprint == fingerprint
    other = tiny_network.with_styles(["a"])
    other.convolutions[0].kernel.assign(other.convolutions[0].kernel + 0.1)
    assert other.fingerprint != fingerprint
    config = tiny_network.get_config()
    nearest = StyleTransferNetwork.from_config(config | {"upsampling": "nearest"})
    nearest.copy_convolutions(tiny_network)
    assert nearest.fingerprint != fingerprint


def test_a_card_of_another_network_is_refused(tiny_network, card):
    other = tiny_network.with_styles(["x"])
    other.convolutions[0].kernel.assign(other.convolutions[0].kernel + 0.1)
    with pytest.raises(UserError, match="was learned on another network"):
        cards.import_cards(other, [StyleCard.load(card)])


def test_a_name_that_is_taken_is_refused(tiny_network, card):
    with pytest.raises(UserError, match="named birch already. Rename one of them first"):
        cards.import_cards(tiny_network, [StyleCard.load(card)])


def test_altered_cards_are_refused(card):
    with np.load(card) as file:
        embedding, text = file["embedding"], json.loads(file["card"].tobytes())
    original = card.read_bytes()

    def encoded(**changes):
        return np.frombuffer(json.dumps(text | changes).encode(), np.uint8)

    for changes, message in [
        ({"embedding": embedding + 1e-3}, "was altered"),
        ({"embedding": embedding * np.nan}, "not finite"),
        ({"embedding": embedding[None]}, "one row of numbers"),
        ({"embedding": embedding[:5]}, "was altered"),
        ({"embedding": np.array("abc")}, "is no style card"),
        ({"card": encoded(fingerprint="0" * 64)}, "was altered"),
        ({"card": encoded(format=2)}, "has the format 2.*Update"),
        ({"card": encoded(style={"name": "../../evil"})}, "a style's name must be"),
        ({"card": encoded(style={"title": "no name"})}, "a style needs a name"),
        ({"card": np.frombuffer(b"{", np.uint8)}, "is no style card"),
    ]:
        card.write_bytes(original)
        rewrite(card, **changes)
        with pytest.raises(UserError, match=message):
            StyleCard.load(card)
    np.savez_compressed(card, embedding=np.zeros(100_000), card=np.zeros(3, "uint8"), seal=[])
    with pytest.raises(UserError, match="unpacks to more than a card can hold"):
        StyleCard.load(card)
    card.write_bytes(original[: len(original) // 2])
    with pytest.raises(UserError, match="is no style card, or is damaged"):
        StyleCard.load(card)
    card.write_bytes(b"x" * 20_000)
    with pytest.raises(UserError, match="larger than a style card can be"):
        StyleCard.load(card)
    with pytest.raises(UserError, match="no such style card"):
        StyleCard.load(card.with_name("missing.npz"))


def test_objects_are_not_unpickled(card):
    rewrite(card, card=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match="is no style card"):
        StyleCard.load(card)


def test_change(tiny_network):
    names = [style.name for style in tiny_network.styles]
    renamed = tiny_network.rename(names[0], "first")
    assert [style.name for style in renamed.styles] == ["first", *names[1:]]
    removed = tiny_network.remove([names[1]])
    assert [style.name for style in removed.styles] == [names[0], names[2]]
    np.testing.assert_array_equal(
        removed.get_style_embeddings(), tiny_network.get_style_embeddings()[[0, 2]]
    )
    selected = tiny_network.select([names[2], 0])
    assert [style.name for style in selected.styles] == [names[2], names[0]]
    for change, message in [
        (lambda: tiny_network.rename(names[0], names[1]), "two styles are named"),
        (lambda: tiny_network.remove(names), "at least one style"),
        (lambda: tiny_network.remove(["nobody"]), "no style named nobody"),
    ]:
        with pytest.raises(UserError, match=message):
            change()
