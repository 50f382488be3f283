"""The command line: reads arguments and calls the rooms that do the work."""

import argparse
import dataclasses
import importlib.util
import logging
import os
import pathlib
import re
import sys

from absl import app, flags
from absl import logging as absl_logging
from absl.flags import argparse_flags

from cin_style.errors import UserError
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.losses.recipe import remembered
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.painting.recipes import OptimizeRecipe
from cin_style.training.recipes import FinetuneRecipe, Recipe

_DESCRIPTION = """\
Paint photos in many styles with one network.

  cin-style demo                                          see it work
  cin-style styles                                        list the styles in the package
  cin-style stylize --style NAME --output DIR PHOTO...    paint photos
  cin-style train   --styles DIR --content DIR --output RUN_DIR

`cin-style COMMAND --help` explains each. Arguments can also stand in a file, one a line:
  cin-style train --flagfile=train/recipes/smoke.txt
"""


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that say something."""

    def _get_help_string(self, action):
        if action.default is None:
            return action.help
        return super()._get_help_string(action)


def _parser():
    parser = argparse_flags.ArgumentParser(
        prog="cin-style",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        inherited_absl_flags=None,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name, run, text):
        sub = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            formatter_class=_HelpFormatter,
            inherited_absl_flags=None,
        )
        sub.set_defaults(run=run)
        return sub

    sub = command("train", _train, "train a network on a folder of style images")
    sub.add_argument("--output", required=True, metavar="RUN_DIR", help="folder for the run")
    _add_recipe(sub, Recipe, required=("styles", "content"))

    sub = command("stylize", _stylize, "paint photos")
    _add_model(sub)
    sub.add_argument("photos", nargs="+", metavar="PHOTO|DIR", help="photos, or folders of them")
    sub.add_argument("--style", default="all", help="NAME, NUMBER or all; several with commas")
    sub.add_argument(
        "--output", required=True, metavar="DIR|FILE", help="a folder, or a file for one picture"
    )
    sub.add_argument("--sheet", metavar="FILE", help="also write a contact sheet here")
    sub.add_argument(
        "--format", default="png", choices=("png", "jpg", "webp"), help="of files in a folder"
    )
    sub.add_argument("--quality", type=int, default=95, help="of JPEG and WebP, 1 to 100")
    sub.add_argument("--max_side", type=int, metavar="PX", help="scale larger photos down to this")

    sub.add_argument(
        "--raw_weights", action="store_true", help="keep blend weights as they are; may be negative"
    )
    sub.add_argument("--strength", type=float, default=1.0, help="0 is the photo, 1 the pastiche")
    sub.add_argument(
        "--colours",
        default="style",
        choices=("style", "luminance", "histogram"),
        help="keep the photo's colours: take only the lightness from the pastiche, or match "
        "its histogram to the photo's",
    )

    sub.add_argument(
        "--grain",
        type=float,
        metavar="X",
        help="noise laid over the photo, of which flat regions' strokes are made, from 0; by "
        "default as much as the network was made for",
    )

    sub = command("blend", _blend, "paint a photo in blends of styles")
    _add_model(sub)
    sub.add_argument("photo", metavar="PHOTO", help="a photo")
    sub.add_argument("--styles", required=True, help="two styles for a strip, four for a grid")
    sub.add_argument("--output", required=True, metavar="FILE|DIR", help=".webp: an animation")
    sub.add_argument("--steps", type=int, help="blends from style to style (9; in a grid 5)")
    sub.add_argument("--across", choices=("x", "y", "radial"), help="change across one picture")
    sub.add_argument("--mask", metavar="FILE", help="grey or indexed image: which style where")
    sub.add_argument("--soften", type=float, default=0.0, metavar="PX", help="of mask edges")
    sub.add_argument("--max_side", type=int, metavar="PX", help="scale a larger photo down to this")

    sub = command("finetune", _finetune, "add styles to a trained network")
    sub.add_argument("--output", required=True, metavar="RUN_DIR", help="folder for the run")
    _add_recipe(sub, FinetuneRecipe, required=("styles", "content"))

    sub = command("styles", _styles, "list a network's styles, share or change them")
    _add_model(sub)
    sub.add_argument("--export", metavar="NAME", help="write this style's card to --output")
    sub.add_argument("--import", dest="cards", nargs="+", metavar="CARD", help="add style cards")
    sub.add_argument("--remove", nargs="+", metavar="NAME", help="leave these styles out")
    sub.add_argument("--rename", nargs="+", metavar="OLD=NEW", help="give styles other names")
    sub.add_argument("--output", metavar="FILE", help="the new model, or the card")

    sub = command("evaluate", _evaluate, "measure how good a network's pictures are")
    sub.add_argument("--output", required=True, metavar="REPORT_DIR", help="folder for the report")
    _add_recipe(sub, EvaluateRecipe, required=("model", "content", "styles"))

    sub = command("optimize", _optimize, "paint one photo by optimizing its pixels, slowly")
    sub.add_argument("--output", required=True, metavar="FILE", help="the picture")
    _add_recipe(sub, OptimizeRecipe, required=("content", "style"))

    sub = command("demo", _demo, "paint sample photos with the network in the package")
    sub.add_argument("--output", default="demo", metavar="DIR", help="folder for the pictures")
    sub.add_argument(
        "--train", metavar="STYLES_DIR", help="then also train on these styles, for a minute"
    )
    return parser


def _add_model(sub):
    sub.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="FILE",
        help="a .keras file, or the name of a network in the package",
    )


def _add_recipe(sub, recipe_class, required):
    """Adds an option for every field of a recipe class."""
    for field in dataclasses.fields(recipe_class):
        options = {"help": field.metadata["help"]}
        if field.name in required:
            options["required"] = True
        elif field.name in getattr(recipe_class, "REMEMBERED", ()):
            options["default"] = argparse.SUPPRESS
            options["help"] += f" (default: as the network was trained, else {field.default})"
        elif field.default == "":
            options["default"] = argparse.SUPPRESS  # "(default: )" would say nothing
        else:
            options["default"] = field.default
        if isinstance(field.default, bool):
            options["action"] = argparse.BooleanOptionalAction
        elif isinstance(field.default, tuple):
            options |= {"nargs": "+", "action": "extend", "metavar": "PATH"}
        elif "choices" in field.metadata:
            options["choices"] = field.metadata["choices"]
        else:
            metavars = {int: "N", float: "X", str: "TEXT"}
            options |= {"type": type(field.default), "metavar": metavars[type(field.default)]}
        sub.add_argument(f"--{field.name}", **options)


def _recipe(arguments, recipe_class, network=None):
    """The recipe that the arguments give, filled up with what the network remembers."""
    names = [field.name for field in dataclasses.fields(recipe_class)]
    given = {name: value for name, value in vars(arguments).items() if name in names}
    for name, value in given.items():
        if isinstance(value, str):
            given[name] = _expand(name, value)
        elif isinstance(value, list):
            given[name] = tuple(_expand(name, part) for part in value)
    known = remembered(network, recipe_class.REMEMBERED) if network else {}
    return recipe_class(**known | given)


def _expand(name, text):
    """Fills in ~ and environment variables, so that recipe files can name data folders."""
    expanded = os.path.expanduser(os.path.expandvars(text))
    missing = re.search(r"\$\{?(\w+)", expanded)
    if missing:
        raise UserError(
            f"--{name}={text}: the environment variable {missing[1]} is not set. Set it, or give "
            f"--{name} after the --flagfile."
        )
    return expanded


def _train(arguments):
    recipe = _recipe(arguments, Recipe)
    output = _expand("output", arguments.output)
    from cin_style.training import run as training

    training.train(recipe, output)


def _stylize(arguments):
    from cin_style.painting import stylizer as stylize

    stylize.stylize_files(
        arguments.model,
        arguments.photos,
        arguments.style,
        arguments.output,
        sheet=arguments.sheet,
        file_format=arguments.format,
        quality=arguments.quality,
        max_side=arguments.max_side,
        raw=arguments.raw_weights,
        strength=arguments.strength,
        colours=arguments.colours,
        grain=arguments.grain,
    )


def _blend(arguments):
    from cin_style.painting import blends as compose

    compose.blend_photo(
        arguments.model,
        arguments.photo,
        arguments.styles,
        arguments.output,
        steps=arguments.steps,
        across=arguments.across,
        mask=arguments.mask,
        soften=arguments.soften,
        max_side=arguments.max_side,
    )


def _finetune(arguments):
    from cin_style.networks import storage
    from cin_style.training import finetune as finetuning

    network = storage.load(_expand("model", arguments.model))
    recipe = _recipe(arguments, FinetuneRecipe, network)
    finetuning.run(recipe, network, _expand("output", arguments.output))


def _evaluate(arguments):
    from cin_style.evaluation import report
    from cin_style.networks import storage

    network = storage.load(_expand("model", arguments.model))
    recipe = _recipe(arguments, EvaluateRecipe, network)
    report.run(recipe, network, _expand("output", arguments.output))


def _optimize(arguments):
    recipe = _recipe(arguments, OptimizeRecipe)
    output = _expand("output", arguments.output)
    from cin_style.painting import pixels as optimize

    optimize.optimize_file(recipe, output)


def _styles(arguments):
    from cin_style import files
    from cin_style.networks import cards, storage

    asked = (arguments.export, arguments.cards, arguments.remove, arguments.rename)
    if sum(value is not None for value in asked) > 1:
        raise UserError("give only one of --export, --import, --remove and --rename at a time.")
    if any(value is not None for value in asked):
        if not arguments.output:
            raise UserError("--output is missing: where shall the result go?")
        files.writable_folder(pathlib.Path(arguments.output).parent)
        network = storage.load(arguments.model)
        if arguments.export:
            cards.StyleCard.of(network, arguments.export).save(arguments.output)
        else:
            storage.save(cards.edit_styles(network, *asked[1:]), arguments.output)
        return
    if arguments.output:
        raise UserError("--output goes with --export, --import, --remove or --rename.")
    styles = storage.load(arguments.model).styles
    width = max(len(style.name) for style in styles)
    for number, style in enumerate(styles):
        provenance = [text for text in (style.title, style.artist, style.year) if text]
        print(f"{number:>4}  {style.name:<{width}}  {', '.join(provenance)}".rstrip())


def _demo(arguments):
    from cin_style.commands import demo

    demo.run(arguments.output, train_on=arguments.train)


def _main(arguments):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_logging.set_verbosity(absl_logging.WARNING)
    logger = logging.getLogger("cin_style")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        _import_keras()
        arguments.run(arguments)
    except UserError as error:
        print(f"cin-style: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumable = arguments.command in ("train", "finetune", "evaluate")
        hint = " Run the same command again to go on." if resumable else ""
        print(f"\ncin-style: interrupted.{hint}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"cin-style: {error}", file=sys.stderr)
        return 2
    return 0


def _import_keras():
    """Imports Keras and its backend without what TensorFlow's libraries print as they load.

    They say that without regard to TF_CPP_MIN_LOG_LEVEL, on the bare file descriptor.
    """
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    if not importlib.util.find_spec("tensorflow") and importlib.util.find_spec("jax"):
        os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        os.dup2(nothing, 2)
        import keras  # noqa: F401
    except (ImportError, ValueError) as error:
        raise UserError(
            f"cannot load Keras: {error}. Install a backend, such as `pip install cin_style[cpu]`, "
            "or set KERAS_BACKEND to one that is installed."
        ) from error
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


def _parse(argv):
    try:
        arguments = flags.FLAGS.read_flags_from_files(argv[1:], force_gnu=True)
    except (flags.Error, UnicodeDecodeError) as error:
        reason = str(error).removeprefix("ERROR:: ")
        print(f"cin-style: cannot read the arguments: {reason}", file=sys.stderr)
        sys.exit(2)
    flags.FLAGS.mark_as_parsed()
    return _parser().parse_args(arguments)


def main():
    """Entry point of the `cin-style` command."""
    app.run(_main, flags_parser=_parse)
