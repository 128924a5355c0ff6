"""The ``unsee`` command: verbs, errors and exit codes.

Exit code 0: done. 1: the run failed. 2: the user's input is wrong (what, got, expected, remedy).
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from unsee.commands.bench import bench
from unsee.commands.doctor import doctor
from unsee.commands.evaluate import evaluate
from unsee.commands.export import export
from unsee.commands.forget import forget
from unsee.commands.listing import list_
from unsee.commands.options import knob_table
from unsee.commands.report import report
from unsee.commands.train import train
from unsee.commands.world import world
from unsee.config import nearest
from unsee.jobs.engines.options import engine_help
from unsee.nouns import UserError, shorten

# The class of all parsing errors; typer carries its own copy of click in newer versions.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
SEVERAL = ("forget", "evaluate")  # verbs that torchrun and accelerate launch may start

app = typer.Typer(
    name="unsee",
    help="Make a vision-language model unsee a person or a concept, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=knob_table())(forget)
app.command(epilog=knob_table())(evaluate)
app.command(epilog=f"{engine_help()}\n\n{knob_table()}")(bench)
app.command()(report)
app.command()(export)
app.command("list")(list_)
app.command()(doctor)
app.command()(train)
app.command()(world)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script; always ends the process with 0, 1 or 2."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code."""
    debug = "--debug" in arguments
    try:
        _check_processes(arguments)
        code = app(list(arguments), prog_name="unsee", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except UserError as error:
        return _fail(error, debug, 2)
    except UsageError as error:
        return _fail(_usage(error, arguments), debug, 2)
    except (KeyboardInterrupt, typer.Abort):
        print("stopped; the same command continues", file=sys.stderr)
        return 1
    except Exception as error:  # the last line of defence: one line for the user, the traceback with --debug
        return _fail(error, debug, 1)


def _check_processes(arguments: Sequence[str]) -> None:
    """Only some verbs work in several processes."""
    many = "RANK" in os.environ and int(os.environ.get("WORLD_SIZE") or 1) > 1
    if many and arguments and arguments[0] not in SEVERAL:
        raise UserError(
            f"unsee {arguments[0]} runs in one process.",
            got=f"{os.environ['WORLD_SIZE']} processes",
            expected=f"one, or one of: {', '.join(SEVERAL)}",
            remedy="start it without torchrun or accelerate launch",
        )


def _silent(error: BaseException) -> bool:
    """Whether another process says it: what is wrong with the input is known to all, the first one tells."""
    told = isinstance(error, UserError) or type(error).__name__ == "ElsewhereError"
    return told and os.environ.get("RANK", "0") != "0"


def _fail(error: BaseException, debug: bool, code: int) -> int:
    if _silent(error):
        return code
    if debug:
        traceback.print_exception(error)
    elif isinstance(error, UserError):
        print(f"error: {error}", file=sys.stderr)
    else:
        print(
            f"failed: {type(error).__name__}: {shorten(error, 500)}\n  the run folder's log.txt says more; "
            "--debug shows the traceback",
            file=sys.stderr,
        )
    return code


def _usage(error: Exception, arguments: Sequence[str]) -> UserError:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    option = getattr(error, "option_name", None)
    verbs = [
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    ]
    verb = arguments[0] if arguments and arguments[0] in verbs else ""
    known = list(getattr(error, "possibilities", None) or [])
    if option is None and not verb and arguments:
        known = [match] if (match := nearest(arguments[0], verbs)) else verbs
    hint = f"did you mean {known[0]}? " if known else ""
    return UserError(
        "The command line is not understood.",
        got=shorten(message),
        expected=f"an option listed by: unsee {verb} --help" if verb else f"one of: {', '.join(verbs)}",
        remedy=f"{hint}see unsee {verb + ' ' if verb else ''}--help",
    )
