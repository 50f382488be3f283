"""Painting photos from files to files: one; and many, while others are read and written."""

import collections
import concurrent.futures
import dataclasses
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from cin_style import images, progress
from cin_style.errors import UserError
from cin_style.files import clear_temporaries, writable_folder
from cin_style.images import files, limits, search, sheets
from cin_style.networks.styled import Styled
from cin_style.painting import large, predicted
from cin_style.painting.jobs import Job, counted, names_a_file, plan
from cin_style.painting.journal import Fingerprints, Journal
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer, at_once, painted_by
from cin_style.runtimes import choice

_LOG = logging.getLogger("cin_style")

# Bounds on what is in memory at a time: photos read ahead of the one that is painted, and pictures
# that wait to be written.
_READ_AHEAD = 2
_WRITE_BEHIND = 4

# Threads for each.
_READERS = 2
_WRITERS = 2

# No picture takes so long to be written, in seconds: older temporary files are nobody's any more.
_LONGEST_WRITING = 3600


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
        output: a folder, which gets `<photo>_<style>.<format>` for each; or, for one photo in one
            style, a file name. A folder inside of a folder of photos is left out of the search.
        network: in place of the one that `recipe.model` names; of images' styles the predictor is
            then `recipe.predictor`, or one in the package for the same convolutions.

    Returns:
        The paths of the pictures, those that were there already among them, and of the sheet where
        there is one.

    Raises:
        UserError: see `plan`, `Stylizer`; photos that can't be painted are named at the end, after
            all others have been.

    Example:

        recipe = cin_style.StylizeRecipe(photos=["holiday/"], style="starry_night,udnie")
        cin_style.stylize(recipe, "painted/")
    """
    painter = choice.open_network(recipe.model if network is None else network, recipe.runtime)
    asked = predicted.for_stylize(recipe, painter, known=network is None)
    recipe = recipe.replace(style=asked.text, style_image="")
    stylizer = Stylizer(asked.network, grain=recipe.grain, runtime=recipe.runtime)
    jobs = plan(recipe, output, stylizer.styled.styles)
    paths = [target for job in jobs for target in job.targets]
    search.refuse_overwriting(asked.images, filter(None, [*paths, recipe.sheet]))
    one_file = names_a_file(pathlib.Path(output))
    folder = writable_folder(jobs[0].targets[0].parent)
    clear_temporaries(folder, age=_LONGEST_WRITING)
    if recipe.sheet:
        writable_folder(pathlib.Path(recipe.sheet).parent)
    tasks = _tasks(stylizer, jobs, recipe, None if one_file else Journal(folder))
    results = _paint_all(stylizer, tasks, recipe)
    rows = [
        [result.row[place] for place in sorted(result.row)]
        for result in results
        if not result.error
    ]
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


# === One photo ===


def paint_photo(
    stylizer: Stylizer,
    job: Job,
    recipe: StylizeRecipe,
    on_picture: Callable[[pathlib.Path], object] | None = None,
) -> list[np.ndarray]:
    """Paints one photo in its styles, and writes the pictures, one after the other.

    Args:
        stylizer: paints.
        job: the photo, the styles and the files, whose folder exists.
        recipe: how it is painted and written; what its job says is not looked at.
        on_picture: called with the path of each picture as soon as it is written.

    Returns:
        Where the recipe asks for a sheet, the photo and then its pictures, uint8, small enough for
        it; else nothing.

    Raises:
        UserError: a photo that can't be read or painted, a picture that can't be written.
    """
    photo = _read(job, recipe)
    small = [_small(photo.pixels)] if recipe.sheet else []
    for target, pastiche in _pastiches(stylizer, photo.pixels, job, recipe):
        small += _write(target, photo, pastiche, recipe)
        if on_picture:
            on_picture(target)
    return small


@dataclasses.dataclass(frozen=True)
class _Photo:
    """A photo as it was read: uint8 (height, width, 3), and its metadata."""

    pixels: np.ndarray
    metadata: dict[str, bytes]


def _read(job: Job, recipe: StylizeRecipe) -> _Photo:
    pixels = files.load_pixels(
        job.photo, max_side=recipe.max_side, most_pixels=limits.most_pixels()
    )
    for target in job.targets:
        files.check_size(target, *pixels.shape[1::-1])
    return _Photo(pixels, images.read_metadata(job.photo))


def _pastiches(
    stylizer: Stylizer, photo: np.ndarray, job: Job, recipe: StylizeRecipe
) -> Iterator[tuple[pathlib.Path, np.ndarray]]:
    """The picture for each of a job's files: float32; or in tiles, finished as uint8."""
    side = stylizer.choose_tile(photo, recipe.tile, recipe.statistics)
    if side is not None:
        for target, style in zip(job.targets, job.styles, strict=True):
            yield (
                target,
                large.paint(
                    *(stylizer, photo, style),
                    raw=True,
                    stroke_size=recipe.stroke_size,
                    tile=side,
                    statistics=recipe.statistics,
                    colours=recipe.colours,
                    strength=recipe.strength,
                ),
            )
        return
    # Not all at once: in 32 styles a large photo's pictures would fill the memory.
    step = at_once(*photo.shape[:2])
    for start in range(0, len(job.styles), step):
        some = slice(start, start + step)
        pastiches = stylizer(
            photo,
            list(job.styles[some]),
            raw=True,
            stroke_size=recipe.stroke_size,
            tile=recipe.tile,
        )
        yield from zip(job.targets[some], pastiches, strict=True)


def _write(
    target: pathlib.Path, photo: _Photo, pastiche: np.ndarray, recipe: StylizeRecipe
) -> list[np.ndarray]:
    """Writes a picture, and gives it in the size for a sheet, where there is to be one."""
    picture = pastiche
    if pastiche.dtype != np.uint8:
        if recipe.strength != 1 or recipe.colours != "style":
            below = images.from_uint8(photo.pixels)
            pastiche = images.finish(below, pastiche, recipe.strength, recipe.colours)
        picture = images.to_uint8(pastiche)
    images.save(target, picture, quality=recipe.quality, metadata=photo.metadata)
    return [_small(picture)] if recipe.sheet else []


def _small(image: np.ndarray) -> np.ndarray:
    """Keeps sheets of many photos from filling the memory. Takes and gives uint8."""
    picture = Image.fromarray(image)
    picture.thumbnail((sheets.CELL, sheets.CELL))
    return np.asarray(picture)


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
                for _, pastiche in _pastiches(stylizer, photo.pixels, _rest(task), recipe):
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


def _prepare(task: _Task, recipe: StylizeRecipe) -> tuple[_Photo, dict[int, np.ndarray]]:
    """A task's photo, and what of its row for a sheet is there already."""
    photo = _read(_rest(task), recipe)
    row: dict[int, np.ndarray] = {}
    if recipe.sheet:
        row[-1] = _small(photo.pixels)
        for place, target in enumerate(task.job.targets):
            if place not in task.missing:
                row[place] = _small(
                    np.asarray(images.open_rgb(target, most_pixels=limits.most_pixels()))
                )
    return photo, row


def _write_one(
    task: _Task, place: int, photo: _Photo, pastiche: np.ndarray, recipe: StylizeRecipe
) -> list[np.ndarray]:
    small = _write(task.job.targets[place], photo, pastiche, recipe)
    task.note(place)
    return small


def _fail(result: _Result, task: _Task, error: UserError) -> None:
    """Keeps the first thing that went wrong with a photo."""
    named = str(task.job.photo) in str(error)
    result.error = result.error or (str(error) if named else f"{task.job.photo}: {error}")
