"""The commands, put together, and the way into them."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT001, FBT002

import difflib
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crdtsync.cli import conflicts, creating, documents, folder, kinds, numbers, status, syncing, top, writing
from crdtsync.cli.failures import EXIT_CODES, NoReaderError, reported
from crdtsync.cli.output import print_line
from crdtsync.cli.settings import Settings
from crdtsync.errors import UsageError


class Commands(TyperGroup):
    """A group of commands that reports errors in our way, and names the command that was probably meant."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line and leave with its exit code."""
        extra["standalone_mode"] = False
        result = None
        with reported():
            result = super().main(*args, **extra)
        raise SystemExit(result if isinstance(result, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was found."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise NoReaderError from error  # Else the parser takes it for a failure.

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command a word names."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], self.commands, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"`{ctx.command_path} --help` lists them"
            raise UsageError(f"there is no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    name="crdtsync",
    help="Documents that are edited offline, merge by themselves and travel through a shared folder.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            print_line(f"crdtsync {version('crdtsync')}")
        except PackageNotFoundError:
            print_line("crdtsync (not installed)")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    replica: Annotated[
        Path | None,
        typer.Option(
            "--replica",
            "-C",
            metavar="DIR",
            envvar="CRDTSYNC_REPLICA",
            help="The replica's directory. By default the nearest one upward that holds a replica, "
            "else the user's data directory.",
        ),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            "--author",
            metavar="NAME",
            envvar="CRDTSYNC_AUTHOR",
            help="Who makes the changes, for the history. By default the user's name on this system.",
        ),
    ] = None,
    schema: Annotated[
        list[str] | None,
        typer.Option(
            "--schema",
            metavar="MODULE[:OBJECT]",
            envvar="CRDTSYNC_SCHEMA",
            help="Document classes to work with, beside those the replica keeps: then their own checks and "
            "computed properties count too.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log on standard error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    logger = logging.getLogger("crdtsync")
    logger.handlers = [logging.StreamHandler() if verbose else logging.NullHandler()]
    logger.setLevel(logging.DEBUG if verbose else logging.NOTSET)
    context.obj = Settings(replica, author, tuple(schema or ()))


app.command("init")(creating.init)
app.command("status")(status.status)
app.command("items")(status.items)
app.command("mark")(status.mark)
app.command("reset")(status.reset)
app.command("sync")(syncing.sync)
app.command("agent")(syncing.agent)
app.command("top")(top.top)
app.command("kinds")(kinds.kinds)
app.command("new", help=writing.NEW_HELP)(writing.new)
app.command("edit", help=writing.EDIT_HELP)(writing.edit)
app.command("list")(documents.list_documents)
app.command("show")(documents.show)
app.command("find")(documents.find)
app.command("log")(documents.log)
app.command("export")(documents.export)
app.command("conflicts")(conflicts.conflicts)
app.command("receipts")(status.receipts)

numbers_app = typer.Typer(cls=Commands, help="The ledger of final numbers.", rich_markup_mode=None)
numbers_app.callback(invoke_without_command=True)(numbers.numbers)
numbers_app.command("void")(numbers.void)
app.add_typer(numbers_app, name="numbers")

remote_app = typer.Typer(cls=Commands, help="The shared folder.", rich_markup_mode=None, no_args_is_help=True)
remote_app.command("inspect")(folder.inspect)
remote_app.command("use")(folder.use)
app.add_typer(remote_app, name="remote")


def main() -> None:
    """Run the command line."""
    app()
