"""How good predicted styles are, at once and as a start for fine-tuning.

    python train/experiments/predicted.py --output DIR

Network, photos and paintings kept out of all training are those of a recipe of `train_predictor`
(`--recipe`). A painting that the network has as a style is `left_out` (of the predictor's training,
not of the network's), any other is `new`. Losses are the network's own, of the 16 photos kept out
of training, at `--photo_size`: smaller crops hold too little of a style to tell how well it is
met. `ratio`: the style loss over that of the nearest old style, which is the one whose pastiches
have the least style loss against the painting; never the painting's own, and fine-tuning of a
`left_out` painting begins with the network without it.

Parts (`--parts`):

- `time`: `time.csv`, how long the prediction for a painting of 512 px takes.
- `at_once`: `at_once.csv`, the losses of each painting as predicted, without a step.
- `starts`: losses at set steps of fine-tuning, the learning rate constant, from the prediction,
  from the nearest mixture of old styles and from ones; of some paintings also after many steps from
  the prediction, the reference. `starts.csv` (a row per painting, start and step), `summary.csv`
  (means and worst of the paintings, also over the reference), `starts.png`.
- `strip`: `strip.jpg`, some paintings, and photos in their nearest old style, as predicted and
  after some steps; `pastiches.jpg`, the same beside the photos.
- `others`: the same for images that are no paintings: `others.csv`, `others.jpg`.
- `ablation`: predictors trained for a few steps with and without each kind of style image:
  `ablation.csv`, what they predict for the held-out paintings.

Pictures at full size lie in `OUTPUT/full`, runs in `OUTPUT/runs`. The same command again goes on
where it stopped.
"""

import argparse
import pathlib
import statistics
import time

import keras
from held_out_styles import held_out_losses, held_out_ratios, keep_predictor, prepare
from predicted_pictures import measure_others, show_strip
from predicted_starts import measure_starts

from cin_style import StylePredictor, tables, train_predictor
from cin_style.files import writable_folder
from cin_style.images.files import load_pixels

RECIPE = pathlib.Path(__file__).parents[1] / "recipes" / "predictor.txt"

ABLATIONS = {
    "all": {},
    "without_generated": {"generated_share": 0.0},
    "without_photos": {"photo_share": 0.0},
    "without_colours": {"colour_share": 0.0},
}


def measure_time(experiment):
    """Writes `time.csv`."""
    path = experiment.output / "time.csv"
    if not path.is_file():
        painting = load_pixels(experiment.paintings.paths[0], short_side=512)
        predictor, seconds = StylePredictor.load(experiment.predictor_file), []
        for _ in range(11):
            begun = time.perf_counter()
            predictor.predict_embedding(painting)
            seconds.append(time.perf_counter() - begun)
        row = {
            "width": painting.shape[1],
            "height": painting.shape[0],
            "seconds_first": seconds[0],
            "seconds": statistics.median(seconds[1:]),
            "bytes": experiment.predictor_file.stat().st_size,
        }
        tables.write(path, [row])
    print(tables.align(tables.read(path)))


def measure_at_once(experiment):
    """Writes `at_once.csv`."""
    path = experiment.output / "at_once.csv"
    if not path.is_file():
        predictor = StylePredictor.load(experiment.predictor_file)
        tables.write(path, held_out_losses(experiment, predictor))
    rows = tables.read(path, ("painting", "group"))
    print(tables.align(rows))
    print("mean ratio", statistics.fmean(row["ratio"] for row in rows))


def ablate(experiment):
    """Writes `ablation.csv`."""
    path, steps = experiment.output / "ablation.csv", experiment.arguments.ablation_steps
    rows = tables.read(path, ("style_images",))
    generated = writable_folder(experiment.output / "generated")
    for name, changes in ABLATIONS.items():
        if (name, steps) in {(row["style_images"], row["steps"]) for row in rows}:
            continue
        folder = writable_folder(experiment.output / "runs" / f"ablation_{name}_{steps}")
        if not (folder / "generated").exists():
            # All learn from the same images, and painting one takes longer than reading it.
            (folder / "generated").symlink_to(generated.resolve(), target_is_directory=True)
        recipe = experiment.recipe.replace(steps=steps, preview_every=0, **changes)
        predictor = train_predictor(recipe, folder)
        rows.append({"style_images": name, "steps": steps} | held_out_ratios(experiment, predictor))
        tables.write(path, rows)
        keras.utils.clear_session()
    print(tables.align(rows))


PARTS = {
    "time": measure_time,
    "at_once": measure_at_once,
    "starts": measure_starts,
    "strip": show_strip,
    "others": measure_others,
    "ablation": ablate,
}


def numbers(text):
    return sorted(int(part) for part in text.split(","))


def names(text):
    return [part for part in text.split(",") if part]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default=RECIPE, help="a flag file of train-predictor")
    parser.add_argument(
        "--predictor",
        default="",
        help="its file, or a run folder: as of its last checkpoint; default: the network's own",
    )
    parser.add_argument("--parts", type=names, default=list(PARTS), help="default: all")
    parser.add_argument(
        "--steps", type=numbers, default="4,24,100", help="to measure at, besides 0"
    )
    parser.add_argument("--reference_steps", type=int, default=1000)
    parser.add_argument("--references", type=int, default=4, help="paintings tuned so long")
    parser.add_argument(
        "--show",
        type=names,
        default="",
        help="paintings of the strip; default: those tuned longest",
    )
    parser.add_argument("--show_steps", type=numbers, default="24,500", help="of the strip")
    parser.add_argument("--photos", type=names, default="astronaut,coffee", help="to show")
    parser.add_argument("--ablation_steps", type=int, default=500)
    parser.add_argument("--image_size", type=int, default=256, help="crops of fine-tuning, px")
    parser.add_argument(
        "--photo_size", type=int, default=336, help="photos that losses are measured on, px"
    )
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--margin", type=int, help="default: as fine-tuning has it")
    parser.add_argument("--style_size", type=int, help="default: as the network was trained")
    parser.add_argument("--output", required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"--parts may be {', '.join(PARTS)}. Received: {', '.join(sorted(unknown))}")
    if "strip" in arguments.parts and not (arguments.show or arguments.references):
        parser.error("--show: give paintings for the strip.")
    arguments.output = writable_folder(arguments.output)
    experiment = prepare(arguments)
    if set(arguments.parts) != {"ablation"}:
        keep_predictor(experiment)
    for name, part in PARTS.items():
        if name in arguments.parts:
            part(experiment)


if __name__ == "__main__":
    main()
