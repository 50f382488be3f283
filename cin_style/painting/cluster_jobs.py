"""What there is to paint on a cluster, and what becomes of it: the plan and its journal."""

import dataclasses
import logging
import os
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from cin_style import progress
from cin_style.errors import UserError
from cin_style.files import clear_temporaries, writable_folder
from cin_style.images import search
from cin_style.networks.styled import Styled
from cin_style.painting.jobs import choose, counted, names_a_file, plan, target_names
from cin_style.painting.journal import NAME, Fingerprints, Journal, facts_of
from cin_style.painting.photo_files import LONGEST_WRITING
from cin_style.painting.places import LocalFiles, RemoteFiles, is_url, open_place
from cin_style.painting.recipes import StylizeRecipe

_LOG = logging.getLogger("cin_style")

# Where the journal is kept elsewhere, it is sent there after so many seconds, and at the end.
_SECONDS_BETWEEN_JOURNALS = 300

# Failures that are named one by one.
_MOST_NAMED = 20


@dataclasses.dataclass
class ClusterJobs:
    """All photos of a call, and what becomes of them.

    Attributes:
        photos: their paths, with what tells each from what it was before.
        targets: the paths of each photo's pictures.
        names, styles: see `Job`.
        source, place: where photos and pictures are, as paths or URLs.
        scratch: a folder of this machine, for the journal of what is elsewhere.
    """

    photos: dict[str, list]
    targets: list[tuple[str, ...]]
    names: tuple[str, ...]
    styles: tuple[str | dict[str, float], ...]
    source: str
    place: str
    scratch: str
    fingerprints: Fingerprints
    overwrite: bool

    @classmethod
    def plan(
        cls, recipe: StylizeRecipe, output: str | os.PathLike, network: Styled, scratch: str
    ) -> "ClusterJobs":
        """Looks for the photos, as `jobs.plan` does, and makes the output folder."""
        if not recipe.photos:
            raise UserError("no photo to paint. Give `photos`: files, or folders of them.")
        urls = [path for path in recipe.photos if is_url(path)]
        grain = network.grain if recipe.grain is None else recipe.grain
        fingerprints = Fingerprints(network, grain, recipe)
        where = os.fspath(output)
        if not is_url(where) and names_a_file(pathlib.Path(where)):
            raise UserError(f"`engine=ray` paints into a folder. `output` is a file: {output}")
        if not urls and not is_url(where):
            jobs = plan(recipe, output, network.styles)
            photos = {str(job.photo): facts_of(job.photo) for job in jobs}
            targets = [tuple(map(str, job.targets)) for job in jobs]
            chosen = dict(zip(jobs[0].names, jobs[0].styles, strict=True))
            clear_temporaries(writable_folder(where), age=LONGEST_WRITING)
        else:
            if urls and len(urls) < len(recipe.photos):
                raise UserError("`photos` are either all URLs or all on this machine.")
            if len({url.partition("://")[0] for url in urls}) > 1:
                raise UserError(
                    "`photos` are of several stores. Paint those of each by themselves."
                )
            source, place = open_place(recipe.photos[0]), open_place(where)
            folder = place.path(where) if isinstance(place, RemoteFiles) else where
            photos = source.find(list(recipe.photos), without=folder)
            chosen = choose(network.styles, recipe.style, recipe.raw_weights)
            rows = target_names([pathlib.Path(path) for path in photos], chosen, recipe.format)
            targets = [tuple(f"{folder.rstrip('/')}/{name}" for name in row) for row in rows]
            if isinstance(place, LocalFiles):
                writable_folder(where)
        return cls(
            photos,
            targets,
            tuple(chosen),
            tuple(chosen.values()),
            recipe.photos[0] if urls else "",
            where,
            scratch,
            fingerprints,
            recipe.overwrite,
        )

    def __post_init__(self) -> None:
        self._files = open_place(self.place)
        self._sizes: dict[str, int] = {}
        self._folder = self.place
        if isinstance(self._files, RemoteFiles):
            self._folder = self.scratch
            self._remote_journal = f"{self._files.path(self.place).rstrip('/')}/{NAME}"
            self._files.begin(self._files.path(self.place))
            self._files.fetch_if_there(self._remote_journal, pathlib.Path(self._folder, NAME))
        self._journal = Journal(self._folder, self._size)
        self._sent = time.monotonic()
        self._written = self._there = 0
        self._failures: list[str] = []

    def refuse_overwriting(self, images: Sequence[str]) -> None:
        """Makes sure that no style image gets lost to a picture; see `search`."""
        if not is_url(self.place):
            search.refuse_overwriting(images, (path for row in self.targets for path in row))

    def _size(self, target: pathlib.Path) -> int | None:
        path = str(target)
        return self._sizes.get(path, self._files.size(path))

    def _absolute(self, target: str) -> str:
        """A path that means the same in processes that began elsewhere."""
        return target if isinstance(self._files, RemoteFiles) else os.path.abspath(target)

    def todo(self) -> list[dict[str, Any]]:
        """A row for each photo of which a picture is missing, as painters take it."""
        rows = []
        for number, ((photo, facts), targets) in enumerate(
            zip(self.photos.items(), self.targets, strict=True)
        ):
            marks = [self.fingerprints.of_file(facts, style) for style in self.styles]
            missing = [
                index
                for index, target in enumerate(targets)
                if self.overwrite or not self._journal.holds(pathlib.Path(target), marks[index])
            ]
            self._there += len(targets) - len(missing)
            if missing:
                rows.append(
                    {
                        "number": number,
                        "photo": photo if self.source else os.path.abspath(photo),
                        "missing": missing,
                        "targets": [self._absolute(targets[index]) for index in missing],
                        "before": [self._files.mark_at_first(targets[index]) for index in missing],
                        "source": self.source,
                        "place": self.place,
                    }
                )
        return rows

    def take(self, results: Iterator[dict[str, Any]], count: int) -> None:
        """Notes what became of photos."""
        paths = list(self.photos)
        with progress.Bar(count, "photo") as bar:
            for result in results:
                number = result["number"]
                facts = self.photos[paths[number]]
                for index, size in result["sizes"].items():
                    target = self.targets[number][int(index)]
                    self._sizes[target] = size
                    mark = self.fingerprints.of_file(facts, self.styles[int(index)])
                    self._journal.note(pathlib.Path(target), mark)
                    self._written += 1
                if result["error"]:
                    self._failures.append(result["error"])
                bar.update()
                if time.monotonic() - self._sent > _SECONDS_BETWEEN_JOURNALS:
                    self.send_journal()

    def send_journal(self) -> None:
        """Puts the journal where the pictures are. Where that can't be, a line in the log."""
        path = pathlib.Path(self._folder, NAME)
        if isinstance(self._files, RemoteFiles) and path.is_file():
            try:
                self._files.put(path, self._remote_journal, keep=True)
            except UserError as error:
                _LOG.warning("%s", error)
        self._sent = time.monotonic()

    def conclude(self, output: str | os.PathLike) -> list[pathlib.Path]:
        """Says what was painted; raises a `UserError` that names what could not be."""
        made = counted(self._written, "picture")
        before = f", {self._there} were there already" if self._there else ""
        if self._failures:
            named = "; ".join(self._failures[:_MOST_NAMED])
            more = len(self._failures) - _MOST_NAMED
            rest = f"; and {more} more" if more > 0 else ""
            raise UserError(f"{named}{rest} (written: {made}{before})")
        _LOG.info("wrote %s to %s%s, painted by Ray", made, output, before)
        return [pathlib.Path(target) for row in self.targets for target in row]
