"""How good a network's pictures are: losses, artefacts, and what they are worth."""

import dataclasses
import hashlib
import json
import logging
import pathlib
import statistics

import numpy as np
import tqdm
from keras import ops

from cin_style import hardware, images, tables
from cin_style.errors import UserError
from cin_style.evaluation import artefacts, page
from cin_style.files import writable_folder, write_json, write_text
from cin_style.painting import pixels as optimize
from cin_style.painting.stylizer import Stylizer
from cin_style.recipes import check
from cin_style.styles.style_set import StyleSet
from cin_style.training import photos as data
from cin_style.training import run as training

_LOG = logging.getLogger("cin_style")

# The columns of texts, and what no style can be named (`cin_style.styles`).
TEXTS = ("style", "photo")
_ALL = "all"


def run(recipe, network, output):
    """Evaluates a network as an `EvaluateRecipe` says, or goes on where an earlier call stopped.

    The folder `output` gets `pairs.csv` (losses and artefacts of every pastiche, a pair of a
    style and a photo a row), `styles.csv` (their means per style), `optimized.csv` and
    `curves.csv` (the pairs whose pixels were optimized: what the pastiche is worth in
    iterations, and the loss after each), plots, `pictures/`, and `report.html`, a page that
    holds all of it.

    Args:
        recipe: an `EvaluateRecipe`.
        network: the `StyleTransferNetwork` that its `model` names.
        output: the report's folder; created where needed.

    Returns:
        The means over all pairs, a dict; `worth` is empty where a pastiche is worth more
        iterations than were done.

    Raises:
        UserError: anything wrong with the recipe, the files it names or the folder.
    """
    check(recipe)
    wanted = [name.strip() for name in recipe.style_names.split(",") if name.strip()]
    if wanted:
        network = network.select(wanted)
    recipe = dataclasses.replace(
        recipe,
        precision=hardware.resolve_precision(recipe.precision),
        vgg_weights=training.weights_of(recipe),
    )
    photo_names, photos = _open_photos(recipe)
    paintings = _load_paintings(recipe, network)
    objective = training.make_objective(recipe, paintings)
    output = writable_folder(output)
    _note(recipe, network, photo_names, output)

    names = [style.name for style in network.styles]
    subjects = Subjects(names, paintings, photo_names, photos, objective)
    pairs = _paint(Stylizer(network), subjects, output)
    optimized, curves = [], []
    if recipe.against_iterations:
        optimized, curves = _optimize(subjects, pairs, recipe, output)
    styles = _per_style(pairs, optimized)
    tables.write(output / "styles.csv", styles)
    drawn = [page.plot_losses(styles, output / "losses.png")]
    drawn.append(page.plot_artefacts(pairs, optimized, output / "artefacts.png"))
    if curves:
        drawn.append(page.plot_worth(optimized, curves, output / "worth.png"))
    text = page.render(recipe, network, subjects, pairs, optimized, styles, drawn, output)
    write_text(output / "report.html", text)
    shown = (
        "style",
        "content_loss",
        "style_loss",
        "relative_style_loss",
        *artefacts.MEASURES,
        "worth",
    )
    table = [{name: row[name] for name in shown if name in row} for row in styles]
    _LOG.info("%s\nwrote %s", tables.align(table), output / "report.html")
    return styles[-1]


@dataclasses.dataclass(frozen=True)
class Subjects:
    """What is looked at: names and pictures of styles and photos, and the objective."""

    styles: list
    paintings: list
    photo_names: list
    photos: np.ndarray
    objective: object


def _open_photos(recipe):
    """Names and crops (count, size, size, 3) of photos evenly spread over those to take."""
    source = data.open_photos(recipe.content)
    if recipe.holdout:
        _, source = data.hold_out(source, recipe.holdout)
    if recipe.photos > len(source):
        raise UserError(
            f"--photos {recipe.photos} asks for more than the {len(source)} there are. Take fewer, "
            "or another --holdout."
        )
    chosen = [index * len(source) // recipe.photos for index in range(recipe.photos)]
    crops = data.center_crops(data.PhotoSubset(source, chosen), recipe.image_size)
    if len(crops) < len(chosen):
        names = ", ".join(source.name(index) for index in chosen)
        raise UserError(f"not all of these photos can be read: {names}. Replace the bad ones.")
    stems = [pathlib.Path(source.name(index)).stem for index in chosen]
    return [f"{number:02}_{stem}" for number, stem in enumerate(stems)], crops


def _load_paintings(recipe, network):
    """The style images, each at the size asked for or else that it had in training."""
    names = [style.name for style in network.styles]
    style_set = StyleSet.from_folder(recipe.styles, names, recipe.catalogue)
    return [
        images.load(path, short_side=recipe.style_size or style.image_size or 512)
        for path, style in zip(style_set.paths, network.styles, strict=True)
    ]


def _note(recipe, network, photo_names, output):
    """Writes report.json, or checks that the folder's report is this one."""
    embeddings = np.ascontiguousarray(network.get_style_embeddings(), "<f4")
    note = {
        "recipe": dataclasses.asdict(recipe),
        "convolutions": network.fingerprint,
        "embeddings": hashlib.sha256(embeddings.tobytes()).hexdigest(),
        "styles": [style.name for style in network.styles],
        "photos": photo_names,
    }
    path = output / "report.json"
    if not path.is_file():
        write_json(path, note | {"versions": hardware.versions()})
        return
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        same = {name: earlier[name] for name in note} == json.loads(json.dumps(note))
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise UserError(
            f"{output} holds the report of something else. Give the same network, photos and "
            "arguments to go on with it, or choose another --output."
        )


# === Measuring ===


def _losses(objective, photo, style_index, picture):
    """All losses of one picture, weighted: the layers' style losses add up to `style_loss`.

    Besides, `relative_style_loss`: unweighted, as a share of the energy of the painting's Gram
    matrix, the mean over the layers; it compares paintings of all contrasts.
    """
    ids = np.int32([style_index])
    content, style = objective.layer_losses(photo[None], ids, picture[None])
    terms = objective.weigh(content, style, ids)
    total = sum((terms | objective.penalties(picture[None])).values())
    row = {"loss": float(total[0])} | {name: float(value[0]) for name, value in terms.items()}
    for layer, value in style.items():
        factor = ops.convert_to_numpy(objective.factors[layer])[style_index]
        row[f"style_{layer}"] = float(factor) * float(value[0])
    shares = [
        float(value[0]) / objective.energies[layer][style_index] for layer, value in style.items()
    ]
    row["relative_style_loss"] = statistics.fmean(shares) if shares else 0.0
    return row


def _paint(stylizer, subjects, output):
    """Paints and measures every pair that pairs.csv does not hold yet."""
    path = output / "pairs.csv"
    rows = tables.read(path, TEXTS)
    writable_folder(output / "pictures")
    done = {(row["style"], row["photo"]) for row in rows}
    for index, style in enumerate(tqdm.tqdm(subjects.styles, unit="style")):
        new = []
        for photo_name, photo in zip(subjects.photo_names, subjects.photos, strict=True):
            if (style, photo_name) in done:
                continue
            picture = stylizer(photo, index)
            images.save(page.picture_path(output, style, photo_name), picture)
            painting = subjects.paintings[index]
            row = {"style": style, "photo": photo_name}
            row |= _losses(subjects.objective, photo, index, picture)
            row |= artefacts.measure(picture, photo, painting)
            # A photo accounts for all its own blobs: it has no droplets.
            row["photo_checkerboard"] = artefacts.checkerboard(photo)
            row["photo_blockiness"] = artefacts.blockiness(photo)
            row["photo_border"] = artefacts.border(photo)
            new.append(row)
        if new:
            rows += new
            tables.write(path, rows)
    return tables.read(path, TEXTS)


def _optimize(subjects, pairs, recipe, output):
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
    chosen = _choose_pairs(len(subjects.styles), len(subjects.photos), recipe.pairs)
    pixel_loss = optimize.PixelLoss(subjects.objective)
    with tqdm.tqdm(total=len(chosen) * recipe.against_iterations, unit="iteration") as bar:
        for index, number in chosen:
            style, photo_name = subjects.styles[index], subjects.photo_names[number]
            if (style, photo_name) in done:
                bar.update(recipe.against_iterations)
                continue
            photo = subjects.photos[number]
            before = bar.n
            result = optimize.minimize(
                pixel_loss,
                photo,
                photo,
                recipe.against_iterations,
                style_index=index,
                watch=lambda loss, terms: bar.update(),
            )
            if result.interrupted:
                raise KeyboardInterrupt
            bar.update(before + recipe.against_iterations - bar.n)
            images.save(page.picture_path(output, style, photo_name, "_optimized"), result.picture)
            goal = losses[style, photo_name]
            worth = next((k for k, loss in enumerate(result.losses) if loss <= goal), "")
            row = {"style": style, "photo": photo_name, "worth": worth, "loss": goal}
            row |= {"optimized_loss": result.loss}
            found = artefacts.measure(result.picture, photo, subjects.paintings[index])
            rows.append(row | found)
            curves += [
                {"style": style, "photo": photo_name, "iteration": k, "loss": float(loss)}
                for k, loss in enumerate(result.losses)
            ]
            tables.write(curve_table, curves)
            tables.write(table, rows)
    return tables.read(table, TEXTS), tables.read(curve_table, TEXTS)


def _choose_pairs(num_styles, num_photos, count):
    """`count` pairs of indices, all when 0, every style and photo as often as the others."""
    pairs = [
        (index, (index + turn) % num_photos)
        for turn in range(num_photos)
        for index in range(num_styles)
    ]
    return pairs[:count] if count else pairs


def _per_style(pairs, optimized):
    """Means over the photos of each style, and last over all pairs."""
    rows = []
    for style in [*dict.fromkeys(row["style"] for row in pairs), _ALL]:
        of_style = [row for row in pairs if style in (row["style"], _ALL)]
        names = [name for name in pairs[0] if name not in TEXTS]
        row = {"style": style} | {n: statistics.fmean(r[n] for r in of_style) for n in names}
        if optimized:
            others = [other for other in optimized if style in (other["style"], _ALL)]
            row["worth"] = _mean_worth(others)
            for name in artefacts.MEASURES:
                values = [other[name] for other in others]
                row[f"optimized_{name}"] = statistics.fmean(values) if values else ""
        rows.append(row)
    return rows


def _mean_worth(optimized):
    """The mean of the iterations that pastiches are worth; empty where one is worth more."""
    worths = [row["worth"] for row in optimized]
    return statistics.fmean(worths) if worths and "" not in worths else ""
