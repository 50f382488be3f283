"""`cin-style styles`: a network's styles listed, shared and changed."""

import argparse
import pathlib

from cin_style.commands import options
from cin_style.errors import UserError
from cin_style.networks import archive
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.runtimes import backend, exported

HELP = "list a network's styles, share or change them"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="FILE",
        help="a .keras file, or the name of a network in the package (default: %(default)s)",
    )
    parser.add_argument("--export", metavar="NAME", help="write this style's card to --output")
    parser.add_argument("--import", dest="cards", nargs="+", metavar="CARD", help="add style cards")
    parser.add_argument("--remove", nargs="+", metavar="NAME", help="leave these styles out")
    parser.add_argument("--rename", nargs="+", metavar="OLD=NEW", help="give styles other names")
    parser.add_argument("--output", metavar="FILE", help="the new model, or the card")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    for name in ("model", "export", "output"):
        if getattr(arguments, name):
            setattr(arguments, name, options.expand(name, getattr(arguments, name), arguments))
    if arguments.cards:
        arguments.cards = [options.expand("import", card, arguments) for card in arguments.cards]
    edits = (arguments.export, arguments.cards, arguments.remove, arguments.rename)
    if sum(value is not None for value in edits) > 1:
        raise UserError("give only one of --export, --import, --remove and --rename at a time.")
    if any(value is not None for value in edits):
        _edit(arguments)
        return
    if arguments.output:
        raise UserError("--output goes with --export, --import, --remove or --rename.")
    if exported.is_exported(arguments.model):
        styles = exported.ExportedNetwork.load(arguments.model).styles
    else:
        styles = archive.read_styles(arguments.model)
    width = max(len(style.name) for style in styles)
    for number, style in enumerate(styles):
        provenance = [text for text in (style.title, style.artist, style.year) if text]
        print(f"{number:>4}  {style.name:<{width}}  {', '.join(provenance)}".rstrip())


def _edit(arguments: argparse.Namespace) -> None:
    if not arguments.output:
        raise UserError("--output is missing: where shall the result go?")
    backend.load()
    from cin_style import files
    from cin_style.networks import cards, storage

    files.writable_folder(pathlib.Path(arguments.output).parent)
    network = storage.load(arguments.model)
    if arguments.export:
        cards.StyleCard.of(network, arguments.export).save(arguments.output)
        return
    if arguments.cards:
        network = cards.import_cards(network, map(cards.StyleCard.load, arguments.cards))
    if arguments.remove:
        network = network.remove(arguments.remove)
    for text in arguments.rename or []:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise UserError(f"--rename takes OLD=NEW. Received: {text}")
        network = network.rename(old, new)
    storage.save(network, arguments.output)
