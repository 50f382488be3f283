"""The folder of one run: its files, whose run it is, and what must not happen to it."""

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import filelock

from cin_style import hardware
from cin_style.errors import UserError
from cin_style.files import check_format, clear_temporaries, read_json, writable_folder, write_json
from cin_style.styles.style import Style
from cin_style.training.recipes import RunRecipe

# The arguments that say which data.
NAMING_DATA = (
    "content",
    "styles",
    "held_out_styles",
    "style_names",
    "catalogue",
    "init_from",
    "teacher",
    "model",
    "predictor",
    "vgg_weights",
)


# Of run folders; those of before it was noted are of the first.
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Identity:
    """What makes a run the run it is.

    Attributes:
        kind: the verb, such as `"train"`.
        recipe: with all that it leaves open filled in.
        data: fingerprints of what the recipe only names: a text for each of its arguments, such
            as `content`, or for `styles` a dict of the styles' names to texts.
    """

    kind: str
    recipe: RunRecipe
    data: dict[str, Any]


class RunFolder:
    """The folder that a run writes to, created where needed.

    Args:
        path: the folder.
        result: the name of the file that the run ends with.

    Attributes:
        path: as given.
        record: `run.json`, whose run it is.
        checkpoint, best: `checkpoint.npz`, which the run goes on from, and `best.npz`, what it was
            after the epoch with the least mean loss.
        result: `model.keras`, or what else a finished run has.
        losses, curves: `losses.csv` and `losses.png`, of training.
        before, evaluation: `before.json` and `evaluation.csv`, losses on held-out photos before
            training, and before and after.
        start, before_after: `start.npy`, the style embeddings that fine-tuning began with, and
            `before_after.jpg`, held-out photos in these and in the learned ones.
        skipped: `skipped_photos.txt`, why photos could not be read.
        previews, tensorboard, generated: folders; the last one of style images, of which any run
            makes the same.

    Raises:
        UserError: when nothing can be written to the folder.

    Example:

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as parent:
        ...     folder = RunFolder(f"{parent}/run")
        ...     folder.result.relative_to(parent).as_posix()
        'run/model.keras'
    """

    def __init__(self, path: str | os.PathLike, result: str = "model.keras") -> None:
        try:
            os.fspath(path).encode()
        except UnicodeEncodeError as error:  # as TensorFlow, which writes there, wants it
            raise UserError(
                "the name of the `output` folder is not in UTF-8. Choose another."
            ) from error
        self.path = writable_folder(path)
        self.record = self.path / "run.json"
        self.checkpoint = self.path / "checkpoint.npz"
        self.best = self.path / "best.npz"
        self.result = self.path / result
        self.losses = self.path / "losses.csv"
        self.curves = self.path / "losses.png"
        self.before = self.path / "before.json"
        self.evaluation = self.path / "evaluation.csv"
        self.start = self.path / "start.npy"
        self.before_after = self.path / "before_after.jpg"
        self.skipped = self.path / "skipped_photos.txt"
        self.previews = self.path / "previews"
        self.tensorboard = self.path / "tensorboard"
        self.generated = self.path / "generated"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out of the folder; the lock of one that died keeps nobody out.

        Raises:
            UserError: another process trains in it.
        """
        lock = filelock.FileLock(self.path / ".lock", blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise UserError(
                f"another process trains in {self.path}. Wait for its end, or choose another "
                "`output`."
            ) from error
        try:
            clear_temporaries(self.path, below=True)
            yield
        finally:
            lock.release()

    def state(self, identity: Identity) -> str:
        """How far this run has come here: `"new"`, `"begun"` or `"finished"`.

        Raises:
            UserError: the folder holds something that another run made, or nobody knows which.
        """
        for path in (self.result, self.checkpoint):
            if path.is_file():
                self._check_same(self._read_record(path), identity)
                return "finished" if path is self.result else "begun"
        for path in (self.evaluation, self.curves):
            if path.is_file() and self.record.is_file():
                raise UserError(
                    f"{self.path} holds the records of a finished run, whose {self.result.name} "
                    "was taken away. Choose another `output`."
                )
        return "new"

    def _read_record(self, found: pathlib.Path) -> dict[str, Any]:
        try:
            record = read_json(self.record)
            if not isinstance(record["recipe"], dict):
                raise ValueError("its recipe is no object")
            check_format(record.get("format", 1), FORMAT)
        except UserError as error:
            raise UserError(f"{self.record}: {error}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.path} holds a {found.name} but no run.json that tells of which run. Choose "
                "another `output`."
            ) from error
        return record

    def _check_same(self, record: dict[str, Any], identity: Identity) -> None:
        earlier, recipe = record["recipe"], identity.recipe
        kind = record.get("kind", "finetune" if "model" in earlier else "train")
        if kind != identity.kind:
            raise UserError(
                f"{self.path} holds a run of `{kind}`, not of `{identity.kind}`. Choose another "
                "`output`."
            )
        # A run that was begun before an option existed went without it.
        fields = dataclasses.fields(recipe)
        without = {
            f.name: f.metadata.get("earlier", f.metadata.get("otherwise", f.default))
            for f in fields
        }
        earlier = without | earlier
        if "data" not in record and record.get("versions", {}).get("backend") == "tensorflow":
            earlier["style_rate"] = 1.0  # whatever it says: then it did nothing on TensorFlow
        now = json.loads(json.dumps(dataclasses.asdict(recipe)))
        others = [
            name
            for name, value in now.items()
            if name not in recipe.RESUMABLE and earlier[name] != value
        ]
        # What is filled in of the other arguments (`holdout`, say) follows from the data: that it
        # is another number would not tell what to put back.
        renamed = [name for name in others if name in NAMING_DATA]
        changed = _differences(record.get("data", {}), identity.data)
        if changed and not renamed:
            raise UserError(
                f"{self.path} holds a run on other data. Changed since it was begun: "
                f"{'; '.join(changed)}. Put it back to go on, or choose another `output`."
            )
        for name in renamed or others:
            raise UserError(
                f"{self.path} holds a run with `{name}`={_shown(earlier[name])}, not "
                f"{_shown(now[name])}. Give the same arguments to go on with it, or choose another "
                "`output`."
            )

    def begin(self, identity: Identity, num_photos: int, styles: Sequence[Style]) -> None:
        """Notes whose run it is, and clears away what a run left that had no checkpoint yet."""
        if self.record.is_file():
            for path in (self.best, self.before, self.start, self.losses, self.skipped):
                path.unlink(missing_ok=True)
            for path in (self.previews, self.tensorboard):
                shutil.rmtree(path, ignore_errors=True)
        write_json(
            self.record,
            {
                "format": FORMAT,
                "kind": identity.kind,
                "recipe": dataclasses.asdict(identity.recipe),
                "started": datetime.datetime.now().isoformat(timespec="seconds"),
                "photos": num_photos,
                "styles": [style.to_dict() for style in styles],
                "data": identity.data,
                "versions": hardware.versions(),
            },
        )


def _shown(value: Any) -> Any:
    """A value of a field as messages name it."""
    return "(none)" if value in ("", None, []) else value


def _differences(earlier: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs of what was noted earlier, in words."""
    found = []
    for name, value in earlier.items():
        other = now.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            differing = sorted(key for key in {*value, *other} if value.get(key) != other.get(key))
            found += [f"{key} of `{name}`" for key in differing]
        elif value != other:
            found.append(f"`{name}` ({value}; now {other})")
    return found


def check_apart(output: str | os.PathLike, content: str) -> None:
    """Raises a `UserError` for an output folder in the content folder, links followed.

    The run's own previews would be among the photos when it goes on.
    """
    if not content or content.startswith("tfds:"):
        return
    photos, results = (pathlib.Path(path).resolve() for path in (content, output))
    if results == photos or photos in results.parents:
        raise UserError(
            f"the output folder {output} lies in the content folder {content}: its previews would "
            "be trained on. Choose another `output`."
        )
