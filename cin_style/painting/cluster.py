"""Painting millions of photos on the machines of a Ray cluster, by Ray Data."""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from cin_style.errors import UserError, reason_of
from cin_style.networks import archive
from cin_style.networks.styled import Styled
from cin_style.painting import predicted
from cin_style.painting.cluster_jobs import ClusterJobs
from cin_style.painting.jobs import Job, counted
from cin_style.painting.photo_files import paint_photo
from cin_style.painting.places import open_place
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.runtimes import choice
from cin_style.styles.style import Style

_LOG = logging.getLogger("cin_style")

# Photos of a task: what a painter that dies has to begin again, at most.
_PHOTOS_OF_A_TASK = 8


def stylize(
    recipe: StylizeRecipe, output: str | os.PathLike, network: Styled | None = None
) -> list[pathlib.Path]:
    """What `folder.stylize` does, on a Ray cluster.

    Each painter loads the network once. A photo of a painter that dies is painted by another; what
    was written before is not painted again. The journal is the one that a folder has anyway, so
    that the same call goes on after an interruption, on a cluster or not.

    Args:
        recipe, output: see `folder.stylize`; both may be URLs that fsspec knows.
        network: `None`: painters open the one that the recipe names.

    Raises:
        UserError: Ray is not installed, or there is no such cluster; and see `folder.stylize`.
    """
    ray = _import_ray()
    if network is not None or recipe.sheet:
        raise UserError(
            "`engine=ray` paints with the network that `model` names, and makes no `sheet`. Save "
            "the network in a file, or paint without `engine`."
        )
    painter = choice.open_network(recipe.model, recipe.runtime, recipe.dtype)
    asked = predicted.for_stylize(recipe, painter, known=True)
    recipe = recipe.replace(style=asked.text, style_image="")
    with tempfile.TemporaryDirectory(prefix="cin_style-") as scratch:
        jobs = ClusterJobs.plan(recipe, output, asked.network, scratch)
        jobs.refuse_overwriting(asked.images)
        todo = jobs.todo()
        _LOG.info("%s to paint", counted(sum(len(row["missing"]) for row in todo), "picture"))
        if todo:
            new = asked.network.styles[painter.num_styles :]
            embeddings = asked.network.get_style_embeddings()[painter.num_styles :]
            arguments = (_Model.of(recipe.model), new, embeddings, recipe, jobs.names, jobs.styles)
            try:
                with _connected(ray, recipe.address):
                    jobs.take(_paint(ray, todo, arguments, recipe.workers), len(todo))
            finally:
                jobs.send_journal()
        return jobs.conclude(output)


def _import_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UserError(
            f"`engine=ray` needs Ray ({error}). Install cin_style[ray], or paint without `engine`."
        ) from error
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Within this, Ray is connected to a cluster: to the one that it is connected to, or anew."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # for the people who make Ray
    try:
        ray.init(
            address=address,
            include_dashboard=False if address == "local" else None,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = reason_of(error)
        raise UserError(
            f"there is no Ray cluster at `address` {address}: {reason} `address` local starts one "
            "on this machine."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _paint(
    ray: Any, todo: Sequence[dict], arguments: tuple, workers: int | None
) -> Iterator[dict[str, Any]]:
    """What becomes of each photo, as soon as it is known."""
    resources = ray.cluster_resources()
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    rows = [{"task": json.dumps(row)} for row in todo]
    count = workers or max(1, gpus or cpus)
    threads = 0 if gpus else max(1, cpus // count)
    done = ray.data.from_items(
        rows, override_num_blocks=max(1, -(-len(rows) // _PHOTOS_OF_A_TASK))
    ).map_batches(
        Painter,
        fn_constructor_args=(*arguments, threads),
        batch_size=_PHOTOS_OF_A_TASK,
        compute=ray.data.ActorPoolStrategy(size=min(count, len(rows))),
        # What kills three painters, kills all.
        max_task_retries=3,
        **({"num_gpus": 1} if gpus else {"num_cpus": threads}),
    )
    try:
        with _interruption() as told_to_stop:
            for batch in done.iter_batches(batch_size=None, prefetch_batches=0):
                yield from map(json.loads, batch["result"])
                if told_to_stop():
                    raise KeyboardInterrupt
    except ray.exceptions.RayError as error:
        reason = reason_of(error)
        raise UserError(
            f"the painters have failed: {reason} What they painted is kept; the same command goes "
            "on."
        ) from error


@contextlib.contextmanager
def _interruption() -> Iterator[Callable[[], bool]]:
    """Notes Ctrl-C, besides what it does: where it falls into some code of Ray's it is lost.

    Yields:
        Whether there was one. Always `False` outside of the main thread, which alone is told.
    """
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told.is_set
        return

    def note(number: int, frame: Any) -> None:
        told.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield told.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@dataclasses.dataclass(frozen=True)
class _Model:
    """A network as painters get it: its name in the package, a path that they have too, or bytes.

    Attributes:
        name: a name or path.
        data: of a `.keras` file; else empty.
    """

    name: str
    data: bytes = b""

    @classmethod
    def of(cls, model: str) -> "_Model":
        """The network that a recipe names."""
        path = pathlib.Path(archive.find(model)) if model.endswith(".keras") else None
        if path is None:
            return cls(model if not os.path.exists(model) else os.path.abspath(model))
        return cls(path.name, path.read_bytes())

    def open(self, recipe: StylizeRecipe) -> Styled:
        """The network, as the recipe wants it painted with."""
        if not self.data:
            return choice.open_network(self.name, recipe.runtime, recipe.dtype)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, self.name)
            path.write_bytes(self.data)
            return choice.open_network(path, recipe.runtime, recipe.dtype)


class Painter:
    """Paints the photos of tasks; one in each process of the cluster that paints.

    Args:
        model: the network.
        new, embeddings: styles that it gets besides its own.
        recipe: how is painted.
        names, styles: see `Job`.
        threads: that it may take; 0 for all.
    """

    def __init__(
        self,
        model: _Model,
        new: Sequence[Style],
        embeddings: np.ndarray,
        recipe: StylizeRecipe,
        names: tuple[str, ...],
        styles: tuple[str | dict[str, float], ...],
        threads: int,
    ) -> None:
        for variable in ("CIN_STYLE_THREADS", "TF_NUM_INTRAOP_THREADS"):
            if threads:
                os.environ.setdefault(variable, str(threads))
        network = model.open(recipe)
        if len(new):
            network = network.append(new, embeddings)
        self._stylizer = Stylizer(network, recipe.dtype, recipe.grain, recipe.runtime)
        self._recipe, self._names, self._styles = recipe, names, styles

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Paints rows of `ClusterJobs.todo`, given as JSON; says what became of each, likewise."""
        return {"result": [json.dumps(self._paint(json.loads(task))) for task in batch["task"]]}

    def _paint(self, task: dict[str, Any]) -> dict[str, Any]:
        sizes: dict[int, int | None] = {}
        result = {"number": task["number"], "sizes": sizes, "error": ""}
        with tempfile.TemporaryDirectory(prefix="cin_style-") as folder:
            try:
                source, place = open_place(task["source"]), open_place(task["place"])
                left = dict(zip(task["missing"], task["targets"], strict=True))
                # What another painter had written before it died.
                for index, before in zip(task["missing"], task["before"], strict=True):
                    if place.mark(left[index]) not in (None, before):
                        sizes[index] = place.size_now(left.pop(index))
                if not left:
                    return result
                targets = {place.target(path, folder): index for index, path in left.items()}
                job = Job(
                    source.fetch(task["photo"], folder),
                    tuple(self._names[index] for index in left),
                    tuple(self._styles[index] for index in left),
                    tuple(targets),
                )

                def written(path: pathlib.Path) -> None:
                    index, size = targets[path], path.stat().st_size
                    place.put(path, left[index])
                    sizes[index] = size

                paint_photo(self._stylizer, job, self._recipe, written)
            except UserError as error:
                text = str(error).replace(f"{folder}/photo/", "")
                name = pathlib.PurePath(task["photo"]).name
                result["error"] = text if name in text else f"{task['photo']}: {text}"
        return result
