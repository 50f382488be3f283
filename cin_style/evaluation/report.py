"""How good a network's pictures are: losses, artefacts, and what they are worth."""

import dataclasses
import hashlib
import json
import logging
import os
import pathlib
import statistics

import numpy as np
from keras import ops

from cin_style import hardware, images, progress, tables
from cin_style.errors import UserError
from cin_style.evaluation import artefacts, page, subjects
from cin_style.evaluation.page import Row
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.evaluation.subjects import Subjects
from cin_style.files import check_format, read_json, writable_folder, write_json, write_text
from cin_style.losses.from_recipe import make_objective, weights_of
from cin_style.losses.objective import StyleObjective
from cin_style.losses.recipe import complete
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting import pixels
from cin_style.painting.stylizer import Stylizer

_LOG = logging.getLogger("cin_style")

# Of report folders; those of before it was noted are of the first.
FORMAT = 1

# The columns of texts, and what no style can be named (`Style`).
TEXTS = ("style", "photo")
_ALL = "all"

# What the table on the terminal shows of styles.csv.
_SHOWN = (
    "style",
    "content_loss",
    "style_loss",
    "relative_style_loss",
    *artefacts.MEASURES,
    "worth",
)


def evaluate(
    recipe: EvaluateRecipe,
    output: str | os.PathLike,
    *,
    network: StyleTransferNetwork | None = None,
) -> Row:
    """Measures how good a network's pictures are, or goes on where an earlier call stopped.

    The folder `output` gets `pairs.csv` (losses and artefacts of every pastiche, a pair of a
    style and a photo a row), `styles.csv` (their means per style), `optimized.csv` and
    `curves.csv` (the pairs whose pixels were optimized: what the pastiche is worth in
    iterations, and the loss after each), plots, `pictures/`, and `report.html`, a page that
    holds all of it. Styles whose image is not in the folder `styles` are left out.

    Args:
        recipe: an `EvaluateRecipe`.
        output: the report's folder; created where needed.
        network: a `StyleTransferNetwork` in place of the one that the recipe's `model` names; the
            report names its fingerprint.

    Returns:
        The means over all pairs, a dict; `worth` is empty where a pastiche is worth more
        iterations than were done.

    Raises:
        UserError: anything wrong with the recipe, the files it names or the folder.

    Example:

        recipe = cin_style.EvaluateRecipe(
            model="run/model.keras", content="my_photos", styles="my_paintings"
        )
        means = cin_style.evaluate(recipe, "report")
        print(means["content_loss"], means["style_loss"])
    """
    if network is None:
        network = storage.load(recipe.model)
    else:
        recipe = recipe.replace(model=network.fingerprint)
    recipe = complete(recipe, network.loss_options)
    recipe = recipe.replace(
        precision=hardware.resolve_precision(recipe.precision), vgg_weights=weights_of(recipe)
    )
    network, seen = _open(recipe, network)
    output = writable_folder(output)
    _note(recipe, network, seen, output)

    pairs = _paint(Stylizer(network), seen, output)
    optimized: list[Row] = []
    curves: list[Row] = []
    if recipe.against_iterations:
        optimized, curves = _optimize(seen, pairs, recipe, output)
    styles = _per_style(pairs, optimized)
    tables.write(output / "styles.csv", styles)
    drawn = _draw(pairs, optimized, curves, styles, output)
    text = page.render(recipe, network.fingerprint, seen, pairs, optimized, styles, drawn, output)
    write_text(output / "report.html", text)
    table = [{name: row[name] for name in _SHOWN if name in row} for row in styles]
    _LOG.info("%s\nwrote %s", tables.align(table), output / "report.html")
    return styles[-1]


def _open(
    recipe: EvaluateRecipe, network: StyleTransferNetwork
) -> tuple[StyleTransferNetwork, Subjects]:
    """The network with just the styles to judge, and what the report is about."""
    network, paintings = subjects.open_paintings(recipe, network)
    photo_names, photos = subjects.open_photos(recipe)
    objective = make_objective(recipe, paintings)
    names = [style.name for style in network.styles]
    return network, Subjects(names, paintings, photo_names, photos, objective)


def _note(
    recipe: EvaluateRecipe, network: StyleTransferNetwork, seen: Subjects, output: pathlib.Path
) -> None:
    """Writes report.json, or checks that the folder's report is this one."""
    pictures = hashlib.sha256()
    for picture in (*seen.paintings, *seen.photos):
        pictures.update(repr(picture.shape).encode() + images.to_uint8(picture).tobytes())
    embeddings = np.ascontiguousarray(network.get_style_embeddings(), "<f4")
    note = {
        "format": FORMAT,
        "recipe": dataclasses.asdict(recipe),
        "convolutions": network.fingerprint,
        "embeddings": hashlib.sha256(embeddings.tobytes()).hexdigest(),
        "styles": seen.styles,
        "photos": seen.photo_names,
        "pictures": pictures.hexdigest(),
        "measures": [*artefacts.MEASURES, "edges"],
    }
    path = output / "report.json"
    if not path.is_file():
        write_json(path, note | {"versions": hardware.versions()})
        return
    try:
        earlier = {"format": 1} | read_json(path)
        check_format(earlier["format"], FORMAT)
        same = {name: earlier[name] for name in note} == json.loads(json.dumps(note))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise UserError(
            f"{output} holds the report of something else. Give the same network, photos, style "
            "images and arguments to go on with it, or choose another `output`."
        )


def _draw(
    pairs: list[Row],
    optimized: list[Row],
    curves: list[Row],
    styles: list[Row],
    output: pathlib.Path,
) -> list[pathlib.Path]:
    """Writes the plots."""
    drawn = [
        page.plot_losses(styles, output / "losses.png"),
        page.plot_artefacts(pairs, optimized, output / "artefacts.png"),
    ]
    if curves:
        drawn.append(page.plot_worth(optimized, curves, output / "worth.png"))
    return drawn


# === Measuring ===


def _losses(
    objective: StyleObjective, photo: np.ndarray, style_index: int, picture: np.ndarray
) -> Row:
    """All losses of one picture, weighted: the layers' style losses add up to `style_loss`.

    Besides, `relative_style_loss`: unweighted, as a share of the energy of the painting's Gram
    matrix, the mean over the layers; it compares paintings of all contrasts.
    """
    ids = np.array([style_index], "int32")
    content, style = objective.layer_losses(photo[None], ids, picture[None])
    terms = objective.weigh(content, style, ids)
    total = sum((terms | objective.penalty_terms(picture[None])).values())
    row = {"loss": float(total[0])} | {name: float(value[0]) for name, value in terms.items()}
    for layer, value in style.items():
        factor = ops.convert_to_numpy(objective.factors[layer])[style_index]
        row[f"style_{layer}"] = float(factor) * float(value[0])
    shares = [
        float(value[0]) / objective.energies[layer][style_index] for layer, value in style.items()
    ]
    row["relative_style_loss"] = statistics.fmean(shares) if shares else 0.0
    return row


def _paint(stylizer: Stylizer, seen: Subjects, output: pathlib.Path) -> list[Row]:
    """Paints and measures every pair that pairs.csv does not hold yet."""
    path = output / "pairs.csv"
    rows = tables.read(path, TEXTS)
    writable_folder(output / "pictures")
    done = {(row["style"], row["photo"]) for row in rows}
    # A photo accounts for all its own blobs: it has no droplets.
    of_photos = [
        {
            "photo_checkerboard": artefacts.checkerboard(photo),
            "photo_blockiness": artefacts.blockiness(photo),
            "photo_border": artefacts.border(photo),
            **_edges(photo, "photo_"),
        }
        for photo in seen.photos
    ]
    for index, style in enumerate(progress.track(seen.styles, "style")):
        new = []
        for number, photo_name in enumerate(seen.photo_names):
            if (style, photo_name) in done:
                continue
            photo = seen.photos[number]
            picture = stylizer(photo, index)
            images.save(page.picture_path(output, style, photo_name), picture)
            row: Row = {"style": style, "photo": photo_name}
            row |= _losses(seen.objective, photo, index, picture)
            row |= artefacts.measure(picture, photo, seen.paintings[index]) | _edges(picture)
            new.append(row | of_photos[number])
        if new:
            rows += new
            tables.write(path, rows)
    return tables.read(path, TEXTS)


def _optimize(
    seen: Subjects, pairs: list[Row], recipe: EvaluateRecipe, output: pathlib.Path
) -> tuple[list[Row], list[Row]]:
    """Optimizes the pixels of some pairs, those that optimized.csv does not hold yet.

    Returns:
        The rows of optimized.csv and of curves.csv.
    """
    table, curve_table = output / "optimized.csv", output / "curves.csv"
    rows = tables.read(table, TEXTS)
    # A curve without its row is one that was interrupted between the two files.
    done = {(row["style"], row["photo"]) for row in rows}
    curves = [
        row for row in tables.read(curve_table, TEXTS) if (row["style"], row["photo"]) in done
    ]
    losses = {(row["style"], row["photo"]): row["loss"] for row in pairs}
    chosen = _choose_pairs(len(seen.styles), len(seen.photos), recipe.pairs)
    pixel_loss = pixels.PixelLoss(seen.objective)
    with progress.Bar(len(chosen) * recipe.against_iterations, "iteration") as bar:
        for turn, (index, number) in enumerate(chosen, start=1):
            style, photo_name = seen.styles[index], seen.photo_names[number]
            if (style, photo_name) not in done:
                result = pixels.minimize(
                    pixel_loss,
                    seen.photos[number],
                    seen.photos[number],
                    recipe.against_iterations,
                    style_index=index,
                    watch=lambda loss, terms: bar.update(),
                )
                if result.interrupted:
                    raise KeyboardInterrupt
                path = page.picture_path(output, style, photo_name, "_optimized")
                images.save(path, result.picture)
                row: Row = {"style": style, "photo": photo_name}
                curves += [
                    {**row, "iteration": k, "loss": loss} for k, loss in enumerate(result.losses)
                ]
                row |= _compare(result, losses[style, photo_name])
                row |= artefacts.measure(result.picture, seen.photos[number], seen.paintings[index])
                rows.append(row | _edges(result.picture))
                tables.write(curve_table, curves)
                tables.write(table, rows)
            bar.update(turn * recipe.against_iterations - bar.count)
    return tables.read(table, TEXTS), tables.read(curve_table, TEXTS)


def _compare(result: pixels.Result, loss: float) -> Row:
    """What a pastiche of this loss is worth: so many iterations until one was as good."""
    worth = next((k for k, reached in enumerate(result.losses) if reached <= loss), "")
    return {"worth": worth, "loss": loss, "optimized_loss": result.loss}


def _choose_pairs(num_styles: int, num_photos: int, count: int) -> list[tuple[int, int]]:
    """`count` pairs of indices, all when 0, every style and photo as often as the others."""
    pairs = [
        (index, (index + turn) % num_photos)
        for turn in range(num_photos)
        for index in range(num_styles)
    ]
    return pairs[:count] if count else pairs


def _per_style(pairs: list[Row], optimized: list[Row]) -> list[Row]:
    """Means over the photos of each style, and last over all pairs.

    `border` is the largest of the means of the edges, which tells what a network paints at every
    border from what photos happen to have there; over all pairs, the mean of the styles'.
    """
    rows = []
    for style in [*dict.fromkeys(row["style"] for row in pairs), _ALL]:
        of_style = [row for row in pairs if style in (row["style"], _ALL)]
        names = [name for name in pairs[0] if name not in TEXTS]
        row: Row = {"style": style} | {n: statistics.fmean(r[n] for r in of_style) for n in names}
        row |= {f"{of}border": _border(of_style, of) for of in ("", "photo_")}
        if optimized:
            others = [other for other in optimized if style in (other["style"], _ALL)]
            row["worth"] = _mean_worth(others)
            for name in artefacts.MEASURES:
                values = [other[name] for other in others]
                row[f"optimized_{name}"] = statistics.fmean(values) if values else ""
            row["optimized_border"] = _border(others) if others else ""
        rows.append(row)
    return rows


def _edges(picture: np.ndarray, of: str = "") -> dict[str, float]:
    """Columns for `_border`."""
    return {f"{of}edge_{side}": value for side, value in artefacts.edges(picture).items()}


def _border(rows: list[Row], of: str = "") -> float:
    """The largest mean of an edge, over the rows of a style; over the styles, the mean of these."""
    found = []
    for style in dict.fromkeys(row["style"] for row in rows):
        of_style = [row for row in rows if row["style"] == style]
        names = [name for name in of_style[0] if name.startswith(f"{of}edge_")]
        found.append(max(abs(statistics.fmean(row[n] for row in of_style)) for n in names))
    return statistics.fmean(found)


def _mean_worth(optimized: list[Row]) -> float | str:
    """The mean of the iterations that pastiches are worth; empty where one is worth more."""
    worths = [row["worth"] for row in optimized]
    return statistics.fmean(worths) if worths and "" not in worths else ""
