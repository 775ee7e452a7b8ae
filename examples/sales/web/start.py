"""The launcher: one command starts an office and two roaming workstations, and a page that shows them."""

import argparse
import asyncio
import secrets
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn

from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.overview import make_overview
from examples.sales.web.security import Protection
from examples.sales.web.workstation import LOOPBACK

DEFAULT_PORT = 8700
PEOPLE = (("office", "office", "Bob"), ("R1", "roaming", "Ada"), ("R2", "roaming", "Cleo"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the launcher until Ctrl-C; return 0."""
    given = _parser().parse_args(arguments)
    try:
        with _directory(given.data) as data:
            asyncio.run(run(given, data))
    except KeyboardInterrupt:
        _say("Stopped.")
    return 0


async def run(given: argparse.Namespace, data: Path) -> None:
    """Start the workstations and serve the page that shows them, until it is stopped."""
    overview_port, *ports = _ports(given.port, 1 + len(PEOPLE))
    posts = [
        Post(name, role, author, port)
        for port, (name, role, author) in zip(ports, PEOPLE, strict=True)
        if not given.only or name in given.only
    ]
    folder = given.folder or data / "folder"
    folder.mkdir(parents=True, exist_ok=True)
    overview = f"http://{LOOPBACK}:{overview_port}"
    protection = Protection(
        secrets.token_urlsafe(24), hosts=(LOOPBACK,), frames=tuple(post.address for post in posts)
    )
    async with Fleet(Place(data, folder, given.locale, overview), posts) as fleet:
        for post in posts:
            _say(f"{post.name:8} {post.address}")
        _say(f"together {overview}\nfolder   {folder}\nCtrl-C stops all.")
        if not given.no_browser:
            webbrowser.open(overview)
        server = uvicorn.Server(
            uvicorn.Config(
                make_overview(fleet, protection),
                host=LOOPBACK,
                port=overview_port,
                lifespan="off",
                log_level="warning",
                timeout_graceful_shutdown=1,
            )
        )
        await server.serve()


@contextmanager
def _directory(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="sales-", ignore_cleanup_errors=True) as made:
        yield Path(made).resolve()


def _ports(first: int, count: int) -> list[int]:
    """Return the ports from a first one on; from 0 on, as many as are free."""
    if first:
        return list(range(first, first + count))
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.sales.web",
        description="A sales application: an office and two workstations, joined by a folder.",
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="a synced folder; a new one without it")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where the databases are kept; gone at the end without it"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[name for name, _, _ in PEOPLE],
        help="start this one only; may be given again",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"the first of four ({DEFAULT_PORT}); 0 for any free"
    )
    parser.add_argument("--locale", default="en_US", help="how money and dates are written (en_US)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser
