"""Painting photos from files to files: one; and many, while others are read and written."""

import collections
import concurrent.futures
import dataclasses
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from cin_style import images, progress
from cin_style.errors import UserError
from cin_style.files import clear_temporaries, writable_folder
from cin_style.images import limits, search, sheets
from cin_style.networks.styled import Styled
from cin_style.painting import cluster, photo_files, predicted
from cin_style.painting.jobs import Job, counted, names_a_file, plan
from cin_style.painting.journal import Fingerprints, Journal
from cin_style.painting.photo_files import LONGEST_WRITING, PhotoFile, pastiches
from cin_style.painting.places import is_url
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer, painted_by
from cin_style.runtimes import choice

_LOG = logging.getLogger("cin_style")

# Bounds on what is in memory at a time: photos read ahead of the one that is painted, and pictures
# that wait to be written.
_READ_AHEAD = 2
_WRITE_BEHIND = 4

# Threads for each.
_READERS = 2
_WRITERS = 2


def stylize(
    recipe: StylizeRecipe,
    output: str | os.PathLike,
    *,
    network: Styled | None = None,
) -> list[pathlib.Path]:
    """Paints photos from files in one or more styles, to files.

    ICC profile and EXIF data of the photos are kept. In a folder, a picture that was painted before
    from the same file, with the same network, style and options, is left as it is (`Journal`),
    unless the recipe says `overwrite`: so the same call goes on after an interruption.

    Args:
        recipe: what to paint, in which styles, and how.
        output: a folder (with the engine `ray` also by URL), which gets `<photo>_<style>.<format>`
            for each; or, for one photo in one style, a file name. A folder inside of a folder of
            photos is left out of the search.
        network: in place of the one that `recipe.model` names; of images' styles the predictor is
            then `recipe.predictor`, or one in the package for the same convolutions.

    Returns:
        The paths of the pictures (of URLs without `s3://`), those that were there already among
        them, and of the sheet where there is one.

    Raises:
        UserError: see `plan`, `Stylizer`; photos that can't be painted are named at the end, after
            all others have been.

    Example:

        recipe = cin_style.StylizeRecipe(photos=["holiday/"], style="starry_night,udnie")
        cin_style.stylize(recipe, "painted/")
    """
    if recipe.engine == "ray":
        return cluster.stylize(recipe, output, network)
    if urls := [path for path in (*recipe.photos, os.fspath(output)) if is_url(path)]:
        raise UserError(f"{urls[0]} is a URL, which only `engine=ray` reads and writes.")
    model = recipe.model if network is None else network
    painter = choice.open_network(model, recipe.runtime, recipe.dtype)
    asked = predicted.for_stylize(recipe, painter, known=network is None)
    recipe = recipe.replace(style=asked.text, style_image="")
    stylizer = Stylizer(asked.network, recipe.dtype, recipe.grain, recipe.runtime)
    jobs = plan(recipe, output, stylizer.styled.styles)
    paths = [target for job in jobs for target in job.targets]
    search.refuse_overwriting(asked.images, filter(None, [*paths, recipe.sheet]))
    one_file = names_a_file(pathlib.Path(output))
    folder = writable_folder(jobs[0].targets[0].parent)
    clear_temporaries(folder, age=LONGEST_WRITING)
    if recipe.sheet:
        writable_folder(pathlib.Path(recipe.sheet).parent)
    tasks = _tasks(stylizer, jobs, recipe, None if one_file else Journal(folder))
    results = _paint_all(stylizer, tasks, recipe)
    whole = [result.row for result in results if not result.error]
    rows = [[row[place] for place in sorted(row)] for row in whole]
    if recipe.sheet and rows:
        images.save(recipe.sheet, sheets.style_sheet(rows, jobs[0].names))
    _report(tasks, results, recipe, output, painted_by(stylizer))
    return [*paths, pathlib.Path(recipe.sheet)] if recipe.sheet else paths


def _report(
    tasks: Sequence["_Task"],
    results: Sequence["_Result"],
    recipe: StylizeRecipe,
    output: str | os.PathLike,
    how: str,
) -> None:
    """Says what was painted; raises a `UserError` that names what could not be."""
    painted = sum(result.written for result in results)
    count = counted(painted, "picture")
    there = sum(len(task.job.targets) - len(task.missing) for task in tasks)
    failures = [result.error for result in results if result.error]
    if failures:
        before = f", {there} were there already" if there else ""
        made = f" (written: {count}{before})" if painted or there else ""
        raise UserError("; ".join(failures) + made)
    before = f" ({there} {'was' if there == 1 else 'were'} there already)" if there else ""
    if there and not painted:
        before = f"{before[:-1]}; `overwrite` paints anew)"
    sheet = f", and the sheet {recipe.sheet}" if recipe.sheet else ""
    _LOG.info("wrote %s to %s%s%s%s", count, output, before, sheet, how)


# === Many photos ===


@dataclasses.dataclass(frozen=True)
class _Task:
    """A job, and what of it is left to do.

    Attributes:
        job: all of the photo's pictures.
        missing: the places in the job of those to be painted.
        note: called with the place of each picture when it has been written.
    """

    job: Job
    missing: tuple[int, ...]
    note: Callable[[int], object]


@dataclasses.dataclass
class _Result:
    """What became of a job.

    Attributes:
        row: for a sheet: its pictures by their place in the job, small; at -1 the photo.
        written: how many pictures were.
        error: what went wrong first, if anything.
    """

    row: dict[int, np.ndarray] = dataclasses.field(default_factory=dict)
    written: int = 0
    error: str = ""


def _tasks(
    stylizer: Stylizer, jobs: Iterable[Job], recipe: StylizeRecipe, journal: Journal | None
) -> list[_Task]:
    """What of each job is left to do, as far as a journal knows."""
    if journal is None:
        return [_Task(job, tuple(range(len(job.targets))), lambda place: None) for job in jobs]
    fingerprints = Fingerprints(stylizer.styled, stylizer.grain, recipe)
    tasks = []
    for job in jobs:
        # Looked at before the photo is read: should it change meanwhile, it is painted again.
        marks = [fingerprints.of(job.photo, style) for style in job.styles]
        missing = tuple(
            place
            for place, (target, mark) in enumerate(zip(job.targets, marks, strict=True))
            if recipe.overwrite or not journal.holds(target, mark)
        )

        def note(place: int, job: Job = job, marks: list[str] = marks) -> None:
            journal.note(job.targets[place], marks[place])

        tasks.append(_Task(job, missing, note))
    return tasks


def _paint_all(stylizer: Stylizer, tasks: Sequence[_Task], recipe: StylizeRecipe) -> list[_Result]:
    """Paints photo after photo, while the next are read and the last pictures written.

    What is interrupted ends with whole files: pictures that were painted are still written.
    """
    results = [_Result() for _ in tasks]
    todo = [number for number, task in enumerate(tasks) if task.missing or recipe.sheet]
    total = sum(len(task.job.targets) for task in tasks)
    left = sum(len(task.missing) for task in tasks)
    # In the order of painting: the number of the task, the place in its job.
    writing: collections.deque[tuple[int, int, concurrent.futures.Future]] = collections.deque()

    def settle(most: int) -> None:
        """Waits until at most so many pictures are left to be written."""
        while len(writing) > most:
            number, place, future = writing.popleft()
            try:
                for small in future.result():
                    results[number].row[place] = small
                results[number].written += 1
            except UserError as error:
                _fail(results[number], tasks[number], error)
            bar.update()

    threads = concurrent.futures.ThreadPoolExecutor
    with (
        progress.Bar(total, "picture", total - left, shown=left >= 4) as bar,
        threads(_WRITERS, "write") as writers,
        threads(_READERS, "read") as readers,
    ):
        for number, future in _ahead(readers, lambda n: _prepare(tasks[n], recipe), todo):
            task, painted = tasks[number], 0
            try:
                photo, results[number].row = future.result()
                for _, pastiche in pastiches(stylizer, photo.pixels, _rest(task), recipe):
                    place = task.missing[painted]
                    write = writers.submit(_write_one, task, place, photo, pastiche, recipe)
                    writing.append((number, place, write))
                    painted += 1
                    settle(_WRITE_BEHIND)
            except UserError as error:
                _fail(results[number], task, error)
                bar.update(len(task.missing) - painted)
        settle(0)
    return results


def _ahead(
    pool: concurrent.futures.Executor, function: Callable[[int], object], items: Iterable[int]
) -> Iterator[tuple[int, concurrent.futures.Future]]:
    """Items with what a function makes of them, of which a few are begun ahead."""
    begun: collections.deque[tuple[int, concurrent.futures.Future]] = collections.deque()
    for item in items:
        begun.append((item, pool.submit(function, item)))
        if len(begun) > _READ_AHEAD:
            yield begun.popleft()
    yield from begun


def _rest(task: _Task) -> Job:
    """A task's job without the pictures that are there already."""
    job = task.job
    return dataclasses.replace(
        job,
        names=tuple(job.names[place] for place in task.missing),
        styles=tuple(job.styles[place] for place in task.missing),
        targets=tuple(job.targets[place] for place in task.missing),
    )


def _prepare(task: _Task, recipe: StylizeRecipe) -> tuple[PhotoFile, dict[int, np.ndarray]]:
    """A task's photo, and what of its row for a sheet is there already."""
    photo = photo_files.read(_rest(task), recipe)
    row: dict[int, np.ndarray] = {}
    if recipe.sheet:
        row[-1] = photo_files.small(photo.pixels)
        for place, target in enumerate(task.job.targets):
            if place not in task.missing:
                row[place] = photo_files.small(
                    np.asarray(images.open_rgb(target, most_pixels=limits.most_pixels()))
                )
    return photo, row


def _write_one(
    task: _Task,
    place: int,
    photo: PhotoFile,
    pastiche: np.ndarray,
    recipe: StylizeRecipe,
) -> list[np.ndarray]:
    small = photo_files.write(task.job.targets[place], photo, pastiche, recipe)
    task.note(place)
    return small


def _fail(result: _Result, task: _Task, error: UserError) -> None:
    """Keeps the first thing that went wrong with a photo."""
    named = str(task.job.photo) in str(error)
    result.error = result.error or (str(error) if named else f"{task.job.photo}: {error}")
