"""A report's plots and its page, from the figures that `report` measures."""

import base64
import html
import io
import pathlib
import statistics

import numpy as np
from PIL import Image

from cin_style import hardware, images, plots
from cin_style.evaluation import artefacts

_WORST = 4


def picture_path(output, style, photo, suffix=""):
    """Where a report keeps the picture of a pair."""
    return output / "pictures" / f"{style}_{photo}{suffix}.png"


def plot_losses(styles, path):
    """Stacked bars: content loss and each layer's style loss, a bar a style."""
    figure = plots.figure(9, 1.2 + 0.32 * len(styles))
    axes = figure.subplots()
    left = np.zeros(len(styles))
    layers = [name for name in styles[0] if name.startswith("style_block")]
    for name in ("content_loss", *layers):
        values = np.array([row[name] for row in styles])
        axes.barh(range(len(styles)), values, left=left, label=name.replace("_", " "))
        left += values
    axes.set_yticks(range(len(styles)), [row["style"] for row in styles])
    axes.invert_yaxis()
    axes.set(xlabel="mean loss, weighted")
    axes.grid(alpha=0.3, axis="x")
    figure.legend(frameon=False, loc="outside upper center", ncols=4)
    plots.save(figure, path)
    return path


_COLOURS = {"photo": "tab:blue", "pastiche": "tab:orange", "optimized": "tab:green"}


def plot_artefacts(pairs, optimized, path):
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


def plot_worth(optimized, curves, path):
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


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1200px; padding: 0 1rem;
       color: #28282c; background: #faf9f6; }
table { border-collapse: collapse; } td, th { padding: .2rem .6rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f0eee8; }
tr:last-child { font-weight: bold; }
figure { display: inline-block; margin: 0 .4rem .8rem 0; } figcaption { font-size: 12px; }
img { max-width: 100%; } .row img { width: 180px; height: 180px; object-fit: cover; }
"""


def render(recipe, network, subjects, pairs, optimized, styles, drawn, output):
    """The report as one HTML page that holds its pictures.

    Args:
        recipe: the `EvaluateRecipe`.
        network: the `StyleTransferNetwork`.
        subjects: the styles and photos, a `report.Subjects`.
        pairs, optimized, styles: the rows of pairs.csv, optimized.csv and styles.csv.
        drawn: the files of the plots.
        output: the report's folder.

    Returns:
        A text.
    """
    parts = [f"<h1>How good are the pictures of {_text(pathlib.Path(recipe.model).stem)}?</h1>"]
    layers = ", ".join(subjects.objective.style_layers)
    kept_out = " that training had kept out" if recipe.holdout else ""
    size = f"of {recipe.style_size} px" if recipe.style_size else "as large as in training"
    parts.append(
        f"<p>{len(subjects.styles)} styles, {len(subjects.photos)} photos{kept_out}, "
        f"{recipe.image_size} px. Losses in {_text(recipe.loss_network)} at {_text(layers)}, "
        f"{_text(recipe.precision)}, style images {size}, Gram normalization "
        f"{recipe.gram_normalization:g}, {recipe.padding} beyond the border; weights of total "
        f"variation {recipe.total_variation_weight:g}, checkerboards "
        f"{recipe.checkerboard_weight:g} and blockiness {recipe.blockiness_weight:g}. "
        f"Network {network.fingerprint[:12]}, {_text(hardware.device())}.</p>"
    )
    if optimized:
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
        parts.append(f"<p>{text}.</p>")
    parts.append("<h2>Per style</h2>" + _table(styles))
    parts += [_embed(path) for path in drawn]
    if optimized:
        parts.append("<h2>Beside optimized pixels</h2>")
        for row in optimized:
            parts.append(_strip(row, subjects, output, optimized=True))
    parts.append("<h2>The worst pairs</h2>")
    for row in sorted(pairs, key=lambda row: -row["loss"])[:_WORST]:
        parts.append(_strip(row, subjects, output))
    parts.append("<h2>All pictures</h2>")
    for index, style in enumerate(subjects.styles):
        figures = [_captioned(subjects.paintings[index], style)]
        for row in pairs:
            if row["style"] == style:
                path = picture_path(output, style, row["photo"])
                figures.append(_captioned(images.load(path), f"loss {row['loss']:.3g}"))
        parts.append(f'<div class="row">{"".join(figures)}</div>')
    body = "\n".join(parts)
    title = _text(pathlib.Path(recipe.model).stem)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>\n"
    )


def _text(value):
    return html.escape(str(value))


def _table(rows):
    head = "".join(f"<th>{_text(name.replace('_', ' '))}</th>" for name in rows[0])
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td>{value:.4g}</td>" if isinstance(value, float) else f"<td>{_text(value)}</td>"
            for value in row.values()
        )
        + "</tr>"
        for row in rows
    )
    return f"<div style='overflow-x:auto'><table><tr>{head}</tr>{lines}</table></div>"


def _strip(row, subjects, output, optimized=False):
    """Photo, painting and pastiche, and on request the optimized picture, side by side."""
    index = subjects.styles.index(row["style"])
    number = subjects.photo_names.index(row["photo"])
    path = picture_path(output, row["style"], row["photo"])
    figures = [
        _captioned(subjects.photos[number], row["photo"]),
        _captioned(subjects.paintings[index], row["style"]),
        _captioned(images.load(path), f"network, loss {row['loss']:.3g}"),
    ]
    if optimized:
        path = picture_path(output, row["style"], row["photo"], "_optimized")
        worth = f"worth {row['worth']}" if row["worth"] != "" else "not reached"
        caption = f"optimized, loss {row['optimized_loss']:.3g} ({worth})"
        figures.append(_captioned(images.load(path), caption))
    return f'<div class="row">{"".join(figures)}</div>'


def _captioned(picture, caption):
    buffer = io.BytesIO()
    image = Image.fromarray(images.to_uint8(picture))
    image.thumbnail((360, 360))
    image.save(buffer, "JPEG", quality=88)
    return (
        f'<figure><img alt="{_text(caption)}" src="{_data_url(buffer.getvalue(), "jpeg")}">'
        f"<figcaption>{_text(caption)}</figcaption></figure>"
    )


def _embed(path):
    return f'<p><img alt="{_text(path.stem)}" src="{_data_url(path.read_bytes(), "png")}"></p>'


def _data_url(data, kind):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
