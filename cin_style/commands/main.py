"""The command line: reads arguments, and calls the command's file."""

import argparse
import importlib
import io
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from absl import app, flags
from absl import logging as absl_logging
from absl.flags import argparse_flags

import cin_style
from cin_style.errors import Terminated, UserError
from cin_style.files import printable

_DESCRIPTION = """\
Paint photos in many styles with one network.

  cin-style demo                                          see it work
  cin-style styles                                        list the styles in the package
  cin-style stylize --style NAME --output DIR PHOTO...    paint photos
  cin-style train   --styles DIR --content DIR --output RUN_DIR

`cin-style COMMAND --help` explains each. Arguments can also stand in a file, one a line:
  cin-style train --flagfile=train/recipes/smoke.txt
"""

# A file each in this folder (with _ for -), with the text `HELP`, `add_options(parser)` and
# `run(arguments)`, which calls `backend.load` where it needs Keras.
COMMANDS = (
    *("train", "stylize", "blend", "finetune", "train-predictor"),
    *("styles", "export", "evaluate", "optimize", "photoreal", "composite", "demo", "studio"),
)

# What goes on where it stopped when it is started again.
_RESUMABLE = ("train", "finetune", "train-predictor", "evaluate", "stylize")


# The exit code of what was told to end (SIGTERM) and has saved what it did: by sysexits.h what
# can be tried again. A job that a scheduler stops is to be started again where it ends so.
TERMINATED = 75


class _Parser(argparse_flags.ArgumentParser):
    """Says on one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"cin-style: {printable(message)}. {self.prog} --help explains it.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cin-style",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        inherited_absl_flags=None,
    )
    parser.add_argument("--version", action="version", version=cin_style.__version__)
    parser.set_defaults(run=lambda arguments: parser.print_help())
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        command = importlib.import_module(f"cin_style.commands.{name.replace('-', '_')}")
        sub = subparsers.add_parser(
            name,
            help=command.HELP,
            description=command.HELP[0].upper() + command.HELP[1:] + ".",
            inherited_absl_flags=None,
        )
        command.add_options(sub)
        sub.set_defaults(run=command.run, names=_names(sub))
    return parser


def _names(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What the arguments of a command are called on the command line."""
    names = {}
    for action in parser._actions:
        options = [option for option in action.option_strings if option.startswith("--")]
        names[action.dest] = options[0] if options else str(action.metavar)
    return names


def say(message: str, names: dict[str, str]) -> str:
    """A message of the library in words of the command line.

    The library quotes arguments and functions in backticks; here they become options (`steps=0`
    to --steps=0) and commands (`finetune` to cin-style finetune).
    """

    def replace(match: re.Match) -> str:
        name, value = match[1], match[2]
        if name in names:
            return names[name] + value
        command = name.replace("_", "-")
        return f"cin-style {command}" if command in COMMANDS and not value else match[0]

    return re.sub(r"`([a-z_]+)((?:=[^`]*)?)`", replace, message)


class _Formatter(logging.Formatter):
    """Log lines in words of the command line, see `say`."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__("%(message)s")
        self._names = names

    def format(self, record: logging.LogRecord) -> str:
        lines = say(super().format(record), self._names).split("\n")
        return "\n".join(map(printable, lines))


def run(arguments: argparse.Namespace) -> int:
    """Runs a command; returns the exit code."""
    names = getattr(arguments, "names", {})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_logging.set_verbosity(absl_logging.WARNING)
    logger = logging.getLogger("cin_style")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(names))
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        arguments.run(arguments)
    except UserError as error:
        print(f"cin-style: {printable(say(str(error), names))}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"cin-style: out of memory ({error}). Take less at a time.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        hint = " Run the same command again to go on." if arguments.command in _RESUMABLE else ""
        print(f"\ncin-style: interrupted.{hint}", file=sys.stderr)
        return 130
    except Terminated as error:
        saved = "" if error.step is None else f"; all is saved up to step {error.step}"
        print(
            f"\ncin-style: told to end{saved}. Run the same command again to go on.",
            file=sys.stderr,
        )
        return TERMINATED
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"cin-style: {printable(str(error))}", file=sys.stderr)
        return 2
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the command line, the program's name included."""
    try:
        arguments = flags.FLAGS.read_flags_from_files(argv[1:], force_gnu=True)
    except (flags.Error, UnicodeDecodeError) as error:
        reason = str(error).removeprefix("ERROR:: ")
        print(f"cin-style: cannot read the arguments: {reason}", file=sys.stderr)
        sys.exit(2)
    flags.FLAGS.mark_as_parsed()
    # What stands here itself, and not in a file of arguments.
    return _parser().parse_args(arguments, argparse.Namespace(directly=tuple(argv[1:])))


def main() -> None:
    """Entry point of the `cin-style` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a title that a terminal can't show
            stream.reconfigure(errors="backslashreplace")
    try:
        app.run(run, flags_parser=parse)
    except KeyboardInterrupt:  # before the command has begun
        print("\ncin-style: interrupted.", file=sys.stderr)
        sys.exit(130)
