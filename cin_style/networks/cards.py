"""Style cards: one style as a small file, for the network it was learned on."""

import hashlib
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Iterable
from typing import Any, Self, TypeVar

import numpy as np

from cin_style import hardware
from cin_style.errors import UserError
from cin_style.files import check_format, parse_json, printable, write_beside
from cin_style.networks.styled import Styled
from cin_style.styles.style import Style

FORMAT = 1
LARGEST = 16 * 1024

AnyStyled = TypeVar("AnyStyled", bound=Styled)

# How the names of their files end.
SUFFIX = ".style.npz"


class StyleCard:
    """A style's embedding with its provenance and the base network it belongs to.

    Args:
        style: a `Style`.
        embedding: float array (3206,), see `StyleTransferNetwork.get_style_embedding`.
        fingerprint: of the network's convolutions and upsampling
            (`StyleTransferNetwork.fingerprint`).
        network: what the network is called, and of which version, for people
            (`StyleTransferNetwork.origin`).

    Attributes:
        style, embedding, fingerprint, network: as given; the embedding as float32.

    Raises:
        UserError: an embedding that is not one row of finite numbers.

    Example:

        card = cin_style.StyleCard.of(network, "starry_night")
        card.save("starry_night.style.npz")
        same = cin_style.StyleCard.load("starry_night.style.npz")
    """

    def __init__(self, style: Any, embedding: Any, fingerprint: str, network: str = "") -> None:
        self.style = Style.of(style)
        self.embedding = np.asarray(embedding, "float32")
        self.fingerprint = fingerprint
        self.network = printable(network)[:200]
        if self.embedding.ndim != 1 or not self.embedding.size:
            raise UserError(
                "a style embedding must be one row of numbers. "
                f"Received: shape {self.embedding.shape}"
            )
        if not np.isfinite(self.embedding).all():
            raise UserError("the style embedding holds numbers that are not finite.")

    @classmethod
    def of(cls, network: Styled, key: str | int) -> Self:
        """The card of one of a network's styles (name or number)."""
        style = network.styles[network.find_style(key)]
        embedding = network.get_style_embedding(key)
        name = f"{network.origin}, cin_style {hardware.version_of('cin_style')}"
        return cls(style, embedding, network.fingerprint, name if network.origin else "")

    def _seal(self, text: bytes) -> np.ndarray:
        digest = hashlib.sha256(text + self.embedding.astype("<f4").tobytes())
        return np.frombuffer(digest.digest(), np.uint8)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the card (`.npz`, at most 16 KB), atomically.

        Raises:
            UserError: another suffix, or provenance too long to fit.
        """
        path = pathlib.Path(path)
        if not path.name.endswith(SUFFIX):
            raise UserError(f"a style card's name must end in {SUFFIX}. Received: {path}")
        card = {
            "format": FORMAT,
            "network": self.network,
            "fingerprint": self.fingerprint,
            "style": self.style.to_dict(),
        }
        text = json.dumps(card, ensure_ascii=False).encode()
        buffer = io.BytesIO()
        np.savez(
            buffer,
            card=np.frombuffer(text, np.uint8),
            embedding=self.embedding,
            seal=self._seal(text),
        )
        if len(buffer.getvalue()) > LARGEST:
            raise UserError(
                f"the card of {self.style.name} would be larger than {LARGEST // 1024} KB. "
                "Shorten its provenance."
            )
        with write_beside(path) as temporary:
            temporary.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Reads a card.

        Raises:
            UserError: a file that is missing, no card, cut short, altered, of a newer
                format, or whose contents are not allowed.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            raise UserError(f"no such style card: {path}. Check the path.")
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} is larger than a style card can be ({LARGEST // 1024} KB).")
        try:
            with zipfile.ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                    raise ValueError("it unpacks to more than a card can hold")
            with np.load(path, allow_pickle=False) as file:
                text, embedding, seal = (file[name] for name in ("card", "embedding", "seal"))
            text = text.tobytes()
            card = parse_json(text)
            check_format(card["format"], FORMAT)
            result = cls(
                card["style"], embedding, str(card["fingerprint"]), str(card.get("network", ""))
            )
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # whatever a file made up by someone leads to
            raise UserError(
                f"{path} is no style card, or is damaged: {error}. Get it again from its maker."
            ) from error
        if not np.array_equal(seal, result._seal(text)):
            raise UserError(f"{path} was altered after it was made. Get it again from its maker.")
        return result


def import_cards(network: AnyStyled, cards: Iterable[StyleCard]) -> AnyStyled:
    """A new network with the styles of some cards after its own, which stay as they are.

    Args:
        network: of any kind.
        cards: `StyleCard`s.

    Raises:
        UserError: a card of another base network, or a style whose name is taken.
    """
    cards = list(cards)
    fingerprint, names = network.fingerprint, {style.name for style in network.styles}
    length = network.get_style_embedding(0).size
    for card in cards:
        if card.fingerprint != fingerprint:
            raise UserError(
                f"the card of {card.style.name} was learned on another network, "
                f"{card.network or 'unnamed'} ({card.fingerprint[:12]}; this is "
                f"{network.origin or 'unnamed'}, {fingerprint[:12]}): a style only works with the "
                "convolutions and the upsampling it was learned on. Import it into that network, "
                "or learn its painting on this one with `finetune`."
            )
        if card.embedding.size != length:
            raise UserError(
                f"the card of {card.style.name} has {card.embedding.size} numbers; this network's "
                f"styles have {length}. Get the card again from its maker."
            )
        if card.style.name in names:
            raise UserError(
                f"the network has a style named {card.style.name} already. Rename "
                "one of them first."
            )
    return network.append([card.style for card in cards], [card.embedding for card in cards])
