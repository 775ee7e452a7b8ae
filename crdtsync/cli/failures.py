"""What went wrong, as lines on standard error and an exit code. Nothing foreseeable ends in a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import typer

from crdtsync.cli.output import clean
from crdtsync.errors import (
    CrdtSyncError,
    DocumentNotFoundError,
    RemoteAddressError,
    StoreError,
    UnknownKindError,
    UsageError,
)

FAILED: Final = 1
WRONG_USE: Final = 2
NOT_FOUND: Final = 3
TRY_LATER: Final = 4
STORE: Final = 5
INTERRUPTED: Final = 130
NO_READER: Final = 141

EXIT_CODES: Final = """\
Exit codes: 0 done; 1 failed; 2 wrong use (a command, option, field or value); 3 no such document or kind;
4 not now, and waiting helps (the remote cannot be reached, another process syncs); 5 the replica's database
or disk; 130 interrupted; 141 nobody reads the output any more.
"""

# The parser's exceptions: versions of typer take them from different places, so go by what is public.
_WrongCall: type[Exception] = cast("type[Exception]", typer.BadParameter.__base__)


class NoReaderError(Exception):
    """Nobody reads the output any more, as after `| head`."""


def exit_code(error: CrdtSyncError) -> int:
    """Return the exit code of an error of ours."""
    match error:
        case DocumentNotFoundError() | UnknownKindError():
            return NOT_FOUND
        case _ if error.waiting_helps:
            return TRY_LATER
        case StoreError():
            return STORE
        case UsageError() | RemoteAddressError():
            return WRONG_USE
        case _:
            return FAILED


@contextmanager
def reported() -> Iterator[None]:
    """Turn what is raised inside into lines on standard error and `SystemExit`."""
    try:
        yield
        _flush()
    except CrdtSyncError as error:
        _finish(error.message, error.hint, exit_code(error))
    except _WrongCall as error:
        _finish_wrong_call(error)
    except (KeyboardInterrupt, typer.Abort):
        _finish("interrupted", "", INTERRUPTED)
    except (NoReaderError, BrokenPipeError):
        _forget_output()
        sys.exit(NO_READER)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        _forget_output()
        _finish(f"{error.strerror or error}{where}", "", FAILED)


def say_error(message: str, hint: str = "") -> None:
    """Print an error and what to do about it."""
    say(f"error: {message}")
    if hint:
        say(f"hint: {hint}")


def say(text: str) -> None:
    """Print a line on standard error, if there is one."""
    if sys.stderr is not None:
        try:
            print(clean(text), file=sys.stderr, flush=True)
        except OSError:
            return  # Nobody reads it; the exit code still tells.


def _finish(message: str, hint: str, code: int) -> None:
    say_error(message, hint)
    sys.exit(code)


def _finish_wrong_call(error: Any) -> None:
    # Lists of choices come on lines of their own, and refused values with the validator's own prefix.
    message = " ".join(error.format_message().split()).replace(": Value error, ", ": ").rstrip(".")
    path = error.ctx.command_path if getattr(error, "ctx", None) is not None else "crdtsync"
    if type(error).__name__ == "NoArgsIsHelpError":  # Of newer parsers; older ones print the help and leave.
        error.show()
        sys.exit(WRONG_USE)
    _finish(message[:1].lower() + message[1:], f"`{path} --help` tells more", WRONG_USE)


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _forget_output() -> None:
    """Let the interpreter flush into nothing at its end, instead of failing once more."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, AttributeError, ValueError):
        return  # Standard output is no file of the system's.
