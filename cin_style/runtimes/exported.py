"""Exported networks: what their files say of themselves, and painting with them."""

import base64
import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from cin_style.errors import UserError
from cin_style.files import check_format, parse_json
from cin_style.networks.styled import Styled, embedding_size
from cin_style.runtimes.formats import FORMATS, first_installed
from cin_style.styles.style import Style, unique

FORMAT, KIND = 1, "cin_style network"

# What tells exported files from others, and where a SavedModel has its manifest.
SUFFIXES = {format.suffix: name for name, format in FORMATS.items() if format.suffix}
IN_SAVED_MODEL = pathlib.Path("assets.extra") / "cin_style.json"


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What an exported network needs besides its graph.

    Attributes:
        styles: its styles.
        embeddings: float32 (styles, embedding_size), an input of the graph.
        widths, residual_blocks, upsampling, grain: see `StyleTransferNetwork`.
        fingerprint: of the network it was made of.
        precision: as it was exported.
        size: (height, width) of the photos that it takes, or `None`: any.
    """

    styles: tuple[Style, ...]
    embeddings: np.ndarray
    widths: tuple[int, ...]
    residual_blocks: int
    upsampling: str
    grain: float
    fingerprint: str
    precision: str = "float32"
    size: tuple[int, int] | None = None

    @classmethod
    def of(
        cls, network: Styled, precision: str = "float32", size: tuple[int, int] | None = None
    ) -> Self:
        """The manifest of a network."""
        return cls(
            network.styles,
            network.get_style_embeddings(),
            network.widths,
            network.residual_blocks,
            network.upsampling,
            network.grain,
            network.fingerprint,
            precision,
            size,
        )

    def to_text(self) -> str:
        """JSON."""
        half = self.embeddings.astype("<f2")
        exact = np.array_equal(half.astype("float32"), self.embeddings)
        stored = half if exact else self.embeddings.astype("<f4")
        plain = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("styles", "embeddings")
        }
        return json.dumps(
            {
                "format": FORMAT,
                "kind": KIND,
                **plain,
                "styles": [style.to_dict() for style in self.styles],
                "embeddings": {
                    "dtype": stored.dtype.str,
                    "shape": stored.shape,
                    "base64": base64.b64encode(stored.tobytes()).decode(),
                },
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Reads what `to_text` wrote.

        Raises:
            UserError: a newer format.
            ValueError, KeyError, TypeError: what is no manifest.
        """
        found = parse_json(text)
        if found["kind"] != KIND:
            raise ValueError("it is of another kind")
        check_format(found["format"], FORMAT)
        table = found["embeddings"]
        if table["dtype"] not in ("<f2", "<f4"):
            raise ValueError("its embeddings are no floats")
        data = base64.b64decode(table["base64"], validate=True)
        embeddings = np.frombuffer(data, table["dtype"]).reshape(table["shape"])
        styles = unique(found["styles"])
        if embeddings.ndim != 2 or len(embeddings) != len(styles):
            raise ValueError("its embeddings are not those of its styles")
        if not np.isfinite(embeddings).all():
            raise ValueError("its embeddings are not finite")
        widths, blocks = tuple(map(int, found["widths"])), int(found["residual_blocks"])
        if embeddings.shape[1] != embedding_size(widths, blocks):
            raise ValueError("its embeddings are not those of its network")
        return cls(
            styles,
            embeddings.astype("float32"),
            widths,
            blocks,
            str(found["upsampling"]),
            float(found["grain"]),
            str(found["fingerprint"]),
            str(found["precision"]),
            None if found["size"] is None else (int(found["size"][0]), int(found["size"][1])),
        )


class ExportedNetwork(Styled):
    """A network as `export` wrote it: it paints, and has styles added or taken away.

    Args:
        path: the file; a folder for a SavedModel.
        manifest: what it says of itself.

    Attributes:
        path, manifest: as given.
        format: `onnx`, `openvino`, `litert` or `saved_model`.
    """

    def __init__(self, path: pathlib.Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self.format = format_of(path)
        self.precision = manifest.precision
        self.styles = manifest.styles
        self.widths = manifest.widths
        self.residual_blocks = manifest.residual_blocks
        self.upsampling = manifest.upsampling
        self.grain = manifest.grain
        self.loss_options = {}

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Reads what an exported file says of itself; its graph is read by its runtime.

        Raises:
            UserError: a file that is missing or damaged, or that `export` did not write; or its
                runtime is not installed.
        """
        path = pathlib.Path(path)
        if not path.exists():
            raise UserError(f"no such model file: {path}. Check the path.")
        name = format_of(path)
        first_installed(FORMATS[name].painters, str(path))
        try:
            manifest = Manifest.from_text(_READERS[name](path))
            if (manifest.size is None) == (name == "litert"):
                raise ValueError("its size is that of another format")
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # readers raise many kinds; each means a bad file
            raise damaged(path, error) from error
        return cls(path, manifest)

    @property
    def fingerprint(self) -> str:
        """That of the network it was made of, see `Styled`."""
        return self.manifest.fingerprint

    def kernels(self) -> list[np.ndarray]:
        """Refuses: what is exported can't be trained or painted with by another runtime."""
        raise UserError(
            f"{self.path} is exported: it paints, and nothing else. Give the .keras file that it "
            "was made of."
        )

    def get_style_embeddings(self) -> np.ndarray:
        """Every style's gammas and betas: float32 (num_styles, embedding_size)."""
        return self.manifest.embeddings.copy()

    def with_styles(self, styles: Sequence[Any], embeddings: np.ndarray | None = None) -> Self:
        """The same graph with other styles; see `Styled.with_styles`."""
        if embeddings is None:
            raise UserError("an exported network needs the embeddings of its styles.")
        manifest = dataclasses.replace(
            self.manifest, styles=unique(styles), embeddings=np.asarray(embeddings, "float32")
        )
        return type(self)(self.path, manifest)


def damaged(path: pathlib.Path, error: Exception) -> UserError:
    """What to raise for a file that cannot be read as an exported network."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UserError(
        f"{path} is not what `cin-style export` writes, or is damaged ({reason}). Export it again, "
        "or copy it again with all files of its name."
    )


def is_exported(model: Styled | str | os.PathLike) -> bool:
    """Whether a network is exported, or a path is of such a one: by its name or what it holds."""
    if isinstance(model, Styled):
        return isinstance(model, ExportedNetwork)
    path = pathlib.Path(model)
    return path.suffix in SUFFIXES or (path / IN_SAVED_MODEL).is_file()


def format_of(path: pathlib.Path) -> str:
    """The format of an exported network."""
    return SUFFIXES.get(path.suffix, "saved_model")


def beside(path: pathlib.Path) -> pathlib.Path:
    """Where the manifest of a format lies that has no place for it."""
    return path.with_name(path.name + ".json")


# === Where each format has it ===


def _read_onnx(path: pathlib.Path) -> str:
    import onnx

    model = onnx.load(path, load_external_data=False)
    return {entry.key: entry.value for entry in model.metadata_props}["cin_style"]


def _read_beside(path: pathlib.Path) -> str:
    found = beside(path)
    if not found.is_file():
        raise UserError(f"{found.name}, its styles, must lie beside it. Copy all files.")
    return found.read_text(encoding="utf-8")


def _read_saved_model(path: pathlib.Path) -> str:
    return (path / IN_SAVED_MODEL).read_text(encoding="utf-8")


_READERS = {
    "onnx": _read_onnx,
    "openvino": _read_beside,
    "litert": _read_beside,
    "saved_model": _read_saved_model,
}
