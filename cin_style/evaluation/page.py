"""A report's plots and its page, from the figures that `report` measures."""

import base64
import hashlib
import io
import os
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from cin_style import hardware, images, plots
from cin_style.evaluation import artefacts
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.evaluation.subjects import Subjects
from cin_style.losses import terms
from cin_style.painting.jobs import cut

_WORST = 4

# In bytes, of a style's or photo's name in the name of a picture.
_LONGEST_PART = 100

# A row of a table of figures: names of columns to texts and numbers.
Row = dict[str, Any]


def picture_path(output: pathlib.Path, style: str, photo: str, suffix: str = "") -> pathlib.Path:
    """Where a report keeps the picture of a pair."""
    return output / "pictures" / f"{_short(style)}_{_short(photo)}{suffix}.png"


def _short(name: str) -> str:
    """A name for a part of a file name, which has to end at 255 bytes in all."""
    data = os.fsencode(name)
    if len(data) <= _LONGEST_PART:
        return name
    # Names that begin alike stay apart.
    digest = hashlib.sha256(data).hexdigest()[:8]
    return f"{cut(name, _LONGEST_PART - len(digest) - 1)}_{digest}"


# === Plots ===


def plot_losses(styles: Sequence[Row], path: pathlib.Path) -> pathlib.Path:
    """Stacked bars: content loss and each layer's style loss, a bar a style."""
    figure = plots.figure(9, 1.2 + 0.32 * len(styles))
    axes = figure.subplots()
    left = np.zeros(len(styles))
    layers = [name for name in styles[0] if name.startswith("style_block")]
    for name in ("content_loss", *layers):
        values = np.array([row[name] for row in styles])
        axes.barh(range(len(styles)), values, left=left, label=name.replace("_", " "))
        left += values
    # A dollar sign is one, and begins no formula.
    names = [row["style"].replace("$", r"\$") for row in styles]
    axes.set_yticks(range(len(styles)), names)
    axes.invert_yaxis()
    axes.set(xlabel="mean loss, weighted")
    axes.grid(alpha=0.3, axis="x")
    figure.legend(frameon=False, loc="outside upper center", ncols=4)
    plots.save(figure, path)
    return path


_COLOURS = {"photo": "tab:blue", "pastiche": "tab:orange", "optimized": "tab:green"}


def plot_artefacts(
    pairs: Sequence[Row], optimized: Sequence[Row], path: pathlib.Path
) -> pathlib.Path:
    """Dots: every picture's measures, for photos, pastiches and optimized pictures."""
    figure = plots.figure(12, 3.4)
    for axes, measure in zip(
        figure.subplots(1, len(artefacts.MEASURES)), artefacts.MEASURES, strict=True
    ):
        groups = {"pastiche": [row[measure] for row in pairs]}
        if f"photo_{measure}" in pairs[0]:
            groups = {"photo": [row[f"photo_{measure}"] for row in pairs]} | groups
        if optimized:
            groups["optimized"] = [row[measure] for row in optimized]
        for place, (name, values) in enumerate(groups.items()):
            spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0]
            axes.plot(place + np.asarray(spread), values, ".", color=_COLOURS[name], alpha=0.6)
            axes.plot([place - 0.3, place + 0.3], [statistics.fmean(values)] * 2, color="black")
        axes.set_xticks(range(len(groups)), groups)
        axes.set_title(measure)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3, axis="y")
    plots.save(figure, path)
    return path


def plot_worth(optimized: Sequence[Row], curves: Sequence[Row], path: pathlib.Path) -> pathlib.Path:
    """The loss of optimized pixels against the network's, a line a pair."""
    figure = plots.figure(9, 4)
    axes = figure.subplots()
    for row in optimized:
        mine = [c for c in curves if (c["style"], c["photo"]) == (row["style"], row["photo"])]
        axes.plot(
            [max(c["iteration"], 0.5) for c in mine],
            [c["loss"] / row["loss"] for c in mine],
            linewidth=1,
            alpha=0.6,
        )
    axes.axhline(1, color="black", linewidth=1)
    axes.text(0.55, 1.03, "the network, in one pass")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="iterations of L-BFGS on the pixels, from the photo",
        ylabel="loss, relative to the network's",
    )
    axes.grid(alpha=0.3, which="both")
    plots.save(figure, path)
    return path


# === The page ===


def render(
    recipe: EvaluateRecipe,
    fingerprint: str,
    seen: Subjects,
    pairs: Sequence[Row],
    optimized: Sequence[Row],
    styles: Sequence[Row],
    drawn: Sequence[pathlib.Path],
    output: pathlib.Path,
) -> str:
    """The report as one HTML page that holds its pictures (`report.html` beside this module).

    Args:
        recipe: the `EvaluateRecipe`.
        fingerprint: the network's.
        seen: the styles and photos.
        pairs, optimized, styles: the rows of pairs.csv, optimized.csv and styles.csv.
        drawn: the files of the plots.
        output: the report's folder.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cin_style", "evaluation"),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    worst = sorted(pairs, key=lambda row: -row["loss"])[:_WORST]
    return environment.get_template("report.html").render(
        title=_title(recipe, fingerprint),
        recipe=recipe,
        num_styles=len(seen.styles),
        num_photos=len(seen.photos),
        style_layers=list(seen.objective.style_layers),
        penalties=_penalties(recipe),
        fingerprint=fingerprint[:12],
        device=hardware.device(),
        worth=_worth(recipe, optimized) if optimized else "",
        table=styles,
        plots=[{"caption": path.stem, "source": _url(path.read_bytes(), "png")} for path in drawn],
        optimized=[_strip(row, seen, output, optimized=True) for row in optimized],
        worst=[_strip(row, seen, output) for row in worst],
        every_style=[
            _all_of(style, painting, pairs, output)
            for style, painting in zip(seen.styles, seen.paintings, strict=True)
        ],
    )


def _title(recipe: EvaluateRecipe, fingerprint: str) -> str:
    """What to call the network: as its file, or if it was handed in, by its fingerprint."""
    if recipe.model == fingerprint:
        return fingerprint[:12]
    return pathlib.Path(recipe.model).stem


def _penalties(recipe: EvaluateRecipe) -> str:
    """The weights of the loss's other terms, in words."""
    *most, last = (
        f"{penalty.name.replace('_', ' ')} {getattr(recipe, penalty.weight):g}"
        for penalty in terms.PENALTIES
        if hasattr(recipe, penalty.weight)
    )
    return f"{', '.join(most)} and {last}" if most else last


def _worth(recipe: EvaluateRecipe, optimized: Sequence[Row]) -> str:
    """How many iterations the pastiches are worth, in words."""
    reached = [row["worth"] for row in optimized if row["worth"] != ""]
    text = f"Of {len(optimized)} pastiches"
    if reached:
        text += (
            f", {len(reached)} are worth {statistics.fmean(reached):.0f} iterations of L-BFGS "
            f"on the pixels on the average ({min(reached)} to {max(reached)})"
        )
    if len(reached) < len(optimized):
        text += (
            f", {len(optimized) - len(reached)} are worth more than the "
            f"{recipe.against_iterations} that were done"
        )
    return text


def _strip(
    row: Row, seen: Subjects, output: pathlib.Path, optimized: bool = False
) -> list[dict[str, str]]:
    """Photo, painting and pastiche, and on request the optimized picture, side by side."""
    style, photo = row["style"], row["photo"]
    pictures = [
        _picture(seen.photos[seen.photo_names.index(photo)], photo),
        _picture(seen.paintings[seen.styles.index(style)], style),
        _picture(
            images.load(picture_path(output, style, photo)), f"network, loss {row['loss']:.3g}"
        ),
    ]
    if optimized:
        worth = f"worth {row['worth']}" if row["worth"] != "" else "not reached"
        caption = f"optimized, loss {row['optimized_loss']:.3g} ({worth})"
        path = picture_path(output, style, photo, "_optimized")
        pictures.append(_picture(images.load(path), caption))
    return pictures


def _all_of(
    style: str, painting: np.ndarray, pairs: Sequence[Row], output: pathlib.Path
) -> list[dict[str, str]]:
    """A painting and all pastiches in its style."""
    return [_picture(painting, style)] + [
        _picture(images.load(picture_path(output, style, row["photo"])), f"loss {row['loss']:.3g}")
        for row in pairs
        if row["style"] == style
    ]


def _picture(picture: np.ndarray, caption: str) -> dict[str, str]:
    """A small JPEG as a `data:` address, with its caption."""
    buffer = io.BytesIO()
    image = Image.fromarray(images.to_uint8(picture))
    image.thumbnail((360, 360))
    image.save(buffer, "JPEG", quality=88)
    return {"caption": caption, "source": _url(buffer.getvalue(), "jpeg")}


def _url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
