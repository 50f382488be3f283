"""What there is to paint: photos, styles and the files of the pictures, as a plan."""

import collections
import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import files, search
from cin_style.painting.recipes import StylizeRecipe
from cin_style.styles import blends
from cin_style.styles.style import Style, find_all

# In bytes. File names end at 255, and while it is being written a file has a longer one.
_LONGEST_NAME = 240
_LONGEST_STYLE = 120


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to paint: in which styles, into which files.

    It holds names and numbers alone, so that another process or machine can do it.

    Attributes:
        photo: the file.
        names: of the styles or the blend, as in the names of files.
        styles: the same as `Stylizer` takes them with `raw=True`: a name, or a dict of names to
            weights.
        targets: the file of each picture.
    """

    photo: pathlib.Path
    names: tuple[str, ...]
    styles: tuple[str | dict[str, float], ...]
    targets: tuple[pathlib.Path, ...]


def plan(recipe: StylizeRecipe, output: str | os.PathLike, styles: Sequence[Style]) -> list[Job]:
    """What it takes to paint a recipe's photos. Looks for them, and writes nothing.

    Args:
        recipe, output: see `stylize`.
        styles: the network's.

    Returns:
        A job for each photo. No two pictures share a file, and none lies on a photo.

    Raises:
        UserError: see `images.find`; an unknown style, bad weights, an output that is a folder of
            photos, that would overwrite one, or that is one file for several pictures; a sheet
            that would overwrite a photo or picture.
    """
    output = pathlib.Path(output)
    photos = _find_photos(recipe.photos, output)
    if recipe.sheet:
        # It may lie in a folder of photos, from the last time.
        given, sheet = set(map(os.path.abspath, recipe.photos)), os.path.abspath(recipe.sheet)
        photos = [
            path
            for path in photos
            if os.path.abspath(path) in given or os.path.abspath(path) != sheet
        ]
    chosen = choose(styles, recipe.style, recipe.raw_weights)
    names = tuple(chosen)
    jobs = [
        Job(photo, names, tuple(chosen.values()), targets)
        for photo, targets in zip(
            photos, _targets(photos, names, output, recipe.format), strict=True
        )
    ]
    search.refuse_overwriting(photos, (target for job in jobs for target in job.targets))
    if recipe.sheet:
        files.check_writable_format(recipe.sheet)
        search.refuse_overwriting(photos, [recipe.sheet], argument="sheet")
        if os.path.abspath(recipe.sheet) in {
            os.path.abspath(target) for job in jobs for target in job.targets
        }:
            raise UserError(f"{recipe.sheet} is one of the pictures, too. Choose another `sheet`.")
    return jobs


def names_a_file(output: pathlib.Path) -> bool:
    """Whether an `output` is meant as one file (it has a suffix), not as a folder."""
    return bool(output.suffix) and not output.is_dir()


def _find_photos(photos: Sequence[str], output: pathlib.Path) -> list[pathlib.Path]:
    """The photos, without what earlier runs have painted into the output folder."""
    if not photos:
        raise UserError("no photo to paint. Give `photos`: files, or folders of them.")
    if output.is_dir():
        for path in photos:
            if os.path.isdir(path) and os.path.samefile(path, output):
                raise UserError(
                    f"the output folder {output} is a folder of photos, too: next time, what was "
                    f"painted would be painted again. Choose another `output`, such as "
                    f"{output / 'painted'}."
                )
    return list(dict.fromkeys(images.find(photos, without=[output])))


def choose(
    styles: Sequence[Style], text: str, raw: bool = False
) -> dict[str, str | dict[str, float]]:
    """The styles or the blend that a text asks for.

    Args:
        styles: the network's.
        text: see `blends.parse`.
        raw: see `blends.weights`.

    Returns:
        A dict of names for files to what `Job.styles` holds.

    Raises:
        UserError: see `blends.parse` and `blends.weights`.

    Example:

        >>> styles = [Style("starry_night"), Style("the_scream")]
        >>> choose(styles, "1,starry_night")
        {'the_scream': 'the_scream', 'starry_night': 'starry_night'}
        >>> choose(styles, "starry_night=3,the_scream=1")
        {'starry_night_0.75_the_scream_0.25': {'starry_night': 0.75, 'the_scream': 0.25}}
    """
    parsed = blends.parse(text)
    if isinstance(parsed, dict):
        row = blends.weights(styles, parsed, raw)
        blend = {
            style.name: float(weight) for style, weight in zip(styles, row, strict=True) if weight
        }
        name = "_".join(f"{style}_{weight:.2g}" for style, weight in blend.items())
        return {cut(name, _LONGEST_STYLE): blend}
    chosen: dict[str, str | dict[str, float]] = {}
    taken: set[str] = set()
    for style in dict.fromkeys(styles[index].name for index in find_all(styles, parsed)):
        # Long names may be alike once cut, and capitals don't tell files apart everywhere.
        for name in _numbered(style, _LONGEST_STYLE):
            if name.casefold() not in taken:
                break
        taken.add(name.casefold())
        chosen[name] = style
    return chosen


def _targets(
    photos: Sequence[pathlib.Path], names: Sequence[str], output: pathlib.Path, file_format: str
) -> list[tuple[pathlib.Path, ...]]:
    """Where each photo's pictures go, all different."""
    if names_a_file(output):
        files.check_writable_format(output)
        if len(photos) * len(names) != 1:
            raise UserError(_one_file(output, len(photos), names))
        return [(output,)]
    rows = target_names(photos, names, file_format)
    return [tuple(output / name for name in row) for row in rows]


def target_names(
    photos: Sequence[pathlib.Path], names: Iterable[str], file_format: str
) -> list[list[str]]:
    """What the files of each photo's pictures are called, all different.

    Example:

        >>> target_names([pathlib.Path("a/sea.jpg"), pathlib.Path("sky.jpg")], ["udnie"], "png")
        [['sea_udnie.png'], ['sky_udnie.png']]
    """
    endings = [f"_{name}.{file_format}" for name in names]
    room = _LONGEST_NAME - max(len(os.fsencode(ending)) for ending in endings)
    stems = collections.Counter(path.stem for path in photos)
    rows = []
    taken: set[str] = set()
    for path in photos:
        stem = path.stem
        if stems[stem] > 1:
            # Two photos of one name get their folder's name, too.
            stem = f"{path.absolute().parent.name}_{path.name.replace('.', '_')}"
        for unique in _numbered(stem, room):
            row = [unique + ending for ending in endings]
            folded = [name.casefold() for name in row]
            if taken.isdisjoint(folded):
                break
        taken.update(folded)
        rows.append(row)
    return rows


def _one_file(output: pathlib.Path, num_photos: int, names: Sequence[str]) -> str:
    """Says what to do where one file is to hold several pictures."""
    asked = (
        f"{num_photos * len(names)} pictures are asked for, {counted(num_photos, 'photo')} in "
        f"{counted(len(names), 'style')}"
    )
    advice = "Give a folder."
    if num_photos == 1:
        few = names if len(names) < 3 else [names[k * len(names) // 3] for k in range(3)]
        advice = f"Choose one `style`, such as {' or '.join(few)}, or give a folder."
    return f"`output` {output} is one file, but {asked}. {advice}"


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    Example:

        >>> counted(1, "photo"), counted(0, "photo")
        ('1 photo', '0 photos')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _numbered(text: str, length: int) -> Iterator[str]:
    """What to call a file `text`, and what where that is taken: `text_2`, `text_3`, ..."""
    yield cut(text, length)
    for number in itertools.count(2):
        yield cut(text, length - len(f"_{number}")) + f"_{number}"


def cut(text: str, length: int) -> str:
    """The beginning of a text, at most so many bytes, which is what file names are counted in.

    Example:

        >>> cut("Gemälde", 5), cut("Gemälde", 4)
        ('Gemä', 'Gem')
    """
    while len(os.fsencode(text)) > length:
        text = text[:-1]
    return text
