"""The launcher: one command starts an office and two roaming workstations, and a page that shows them."""

import argparse
import asyncio
import ipaddress
import secrets
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import uvicorn
from babel import Locale, UnknownLocaleError
from filelock import FileLock, Timeout

from examples.sales.invoices import COLUMNS, Rejections, read_invoices
from examples.sales.web.desk import COMPANY
from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.loading import Loading
from examples.sales.web.overview import Overview
from examples.sales.web.progress import show_progress
from examples.sales.web.security import Protection
from examples.sales.web.workstation import LOOPBACK

DEFAULT_PORT = 8700
PEOPLE = (("office", "office", "Bob"), ("R1", "roaming", "Ada"), ("R2", "roaming", "Cleo"))
EXIT_IMPOSSIBLE = 2
PORT_MAX = 65_535

OPEN_MEANS = (
    "there is no password: whoever reaches {host} in the network can read and change everything here, "
    "and what is sent is not encrypted"
)


class StartError(Exception):
    """It cannot be started like that; says what to do."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the launcher until Ctrl-C; return 0, or 2 if it cannot be started like that."""
    given = _parser().parse_args(arguments)
    try:
        check_host(given.host, is_open_to_network=given.open_to_network)
        check_locale(given.locale)
        check_folder(given.folder)
        check_file(given.invoices)
        with _directory(given.data) as data:
            check_apart(data, given.folder)
            with alone(data, [name for name, _, _ in people_of(given.only)]):
                asyncio.run(run(given, data))
    except StartError as error:
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        return EXIT_IMPOSSIBLE
    except KeyboardInterrupt:
        _say("Stopped.")
    return 0


async def run(given: argparse.Namespace, data: Path) -> None:
    """Start the workstations and serve the page that shows them, until it is stopped.

    Raises:
        StartError: a port is taken, or a workstation could not start.
    """
    people = people_of(given.only)
    overview_port, *ports = free_ports(given.host, given.port, 1 + len(people))
    posts = [
        Post(name, role, author, port, given.host)
        for port, (name, role, author) in zip(ports, people, strict=True)
    ]
    if given.folder is None:
        (data / "folder").mkdir(exist_ok=True)
    folder = (given.folder or data / "folder").resolve()
    overview = f"http://{given.host}:{overview_port}"
    protection = Protection(
        secrets.token_urlsafe(24), hosts=(given.host,), frames=tuple(post.address for post in posts)
    )
    loading = Loading(given.invoices.resolve(), given.invoices_max) if given.invoices is not None else None
    async with Fleet(_place(given, data, folder, overview), posts, loading) as fleet:
        pages = Overview(fleet, protection)
        for post in posts:
            _say(f"{post.name:8} {post.address}")
        await _settle(fleet)
        if not ipaddress.ip_address(given.host).is_loopback:
            _say(f"warning: {OPEN_MEANS.format(host=given.host)}.")
        _say(f"together {overview}\nfolder   {folder}\nCtrl-C stops all.")
        if not given.no_browser:
            webbrowser.open(overview)
        server = uvicorn.Server(
            uvicorn.Config(
                pages.app,
                host=given.host,
                port=overview_port,
                lifespan="off",
                log_level="warning",
                timeout_graceful_shutdown=1,
            )
        )
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(pages.run())]
            if loading is not None:
                await loading.start(data, [(post.name, post.author) for post in posts])
                beside.append(group.create_task(show_progress(loading)))
            await server.serve()
            for task in beside:
                task.cancel()


def people_of(only: Collection[str] | None) -> list[tuple[str, str, str]]:
    """Return who is started, as (name, role, author): those that are named, or all."""
    return [person for person in PEOPLE if not only or person[0] in only]


@contextmanager
def alone(data: Path, names: Iterable[str]) -> Iterator[None]:
    """Let no other launcher start these workstations from the same directory meanwhile.

    The replicas would bear it, but of two processes one syncs, and the pages and switches of the other do nothing.
    The right ends with this process, however that ends.

    Raises:
        StartError: another launcher runs one of them, or nothing can be written there.
    """
    with ExitStack() as held:
        for name in names:
            lock = FileLock(data / f"{name}.lock")
            try:
                # Some network disks lock nothing: there people have to know by themselves.
                with suppress(NotImplementedError):
                    held.enter_context(lock.acquire(blocking=False))
            except Timeout:
                raise StartError(
                    f"{name} runs already, by another launcher, from {data}",
                    hint="Use the page that one has opened, or end it with Ctrl-C; another --data begins anew",
                ) from None
            except OSError as error:
                raise StartError(
                    f"{data} cannot be written to: {error.strerror}", hint="Choose another --data"
                ) from error
        yield


async def _settle(fleet: Fleet) -> None:
    """Wait until every workstation answers.

    Raises:
        StartError: one could not start.
    """
    for desk in fleet.desks.values():
        if await desk.settled() == "dead":
            raise StartError(
                f"{desk.post.name} could not start: {desk.failure}",
                hint=f"Its data is in {fleet.place.data / desk.post.name}; another --data begins anew",
            )


def check_host(host: str, *, is_open_to_network: bool) -> None:
    """Refuse to be reached from elsewhere unless somebody has said that he wants that.

    Raises:
        StartError: nobody has, or the host is no single address of this machine.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise StartError(
            f"{host!r} is no address",
            hint="Give this machine's own IPv4 address in your network, as in --host 192.168.1.20",
        ) from None
    if address.version != 4 or address.is_unspecified:
        raise StartError(
            f"{host} is not one address that pages can name",
            hint="Give this machine's own IPv4 address in your network, as in --host 192.168.1.20",
        )
    if not address.is_loopback and not is_open_to_network:
        raise StartError(
            OPEN_MEANS.format(host=host),
            hint="If that is what you want, in a network where you trust everybody: add --open-to-network",
        )


def check_locale(name: str) -> None:
    """Refuse a locale that nobody knows.

    Raises:
        StartError: it is none.
    """
    try:
        Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        raise StartError(f"{name!r} is no locale", hint="Write one as in en_US, de_DE or fr_CH") from None


def check_folder(folder: Path | None) -> None:
    """Refuse a folder that is not there: it may be a disk that is not mounted, so nobody makes it by himself.

    Raises:
        StartError: it is not there, or no folder.
    """
    if folder is None or folder.is_dir():
        return
    if folder.exists():
        raise StartError(
            f"{folder} is no folder", hint="Name the folder that your sync service keeps in step"
        )
    raise StartError(
        f"there is no folder {folder}",
        hint="Make it first; or, if it should be there, see whether its disk or its sync service is running",
    )


def check_file(file: Path | None) -> None:
    """Refuse a file that cannot be read, or holds no invoices.

    Raises:
        StartError: it cannot, or holds none.
    """
    if file is None:
        return
    hint = f"Give a CSV file of invoices, gzipped or not, with the columns {', '.join(COLUMNS)}"
    if not file.is_file():
        raise StartError(f"there is no file {file}", hint=hint)
    try:
        first = next(read_invoices(file, Rejections()), None)
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror or error}", hint=hint) from error
    except ValueError as error:
        raise StartError(f"{file} is {error}", hint=hint) from error
    if first is None:
        raise StartError(f"{file} holds no line that can be used", hint=hint)


def check_apart(data: Path, folder: Path | None) -> None:
    """Refuse databases within the shared folder, and a shared folder that is one workstation's own.

    Raises:
        StartError: one is within the other.
    """
    if folder is not None and data.is_relative_to(folder.resolve()):
        raise StartError(
            f"{data} is inside the shared folder",
            hint="A sync service would tear the databases apart: choose another --data",
        )
    if (data / "replica.db").is_file():
        raise StartError(
            f"{data} is one workstation's own directory", hint="Give --data the directory it is in"
        )


def free_ports(host: str, first: int, count: int) -> list[int]:
    """Return consecutive ports that are free, or with 0 any free ones.

    They are free at this moment; a workstation that loses its one meanwhile says so.

    Raises:
        StartError: one is taken, or the host is none of this machine.
    """
    hint = "Something else may run there: choose another --port, or 0 for any that are free"
    if not 0 <= first <= PORT_MAX - count + 1:
        raise StartError(
            f"there are no {count} ports from {first} on",
            hint=f"Give one from 1 to {PORT_MAX - count + 1}, or 0 for any that are free",
        )
    found = []
    with ExitStack() as held:
        for place in range(count):
            wanted = first and first + place
            try:
                probe = held.enter_context(closing(socket.create_server((host, wanted))))
            except OSError as error:
                raise StartError(f"{host}:{wanted} cannot be used: {error.strerror}", hint=hint) from error
            found.append(probe.getsockname()[1])
    return found


def _place(given: argparse.Namespace, data: Path, folder: Path, overview: str) -> Place:
    return Place(
        data,
        folder,
        given.locale,
        overview,
        company=given.company,
        is_locking=given.lock_while_syncing,
    )


@contextmanager
def _directory(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        if chosen.is_file():
            raise StartError(
                f"{chosen} is a file", hint="Give --data a directory; it is made if it is not there"
            )
        try:
            chosen.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=chosen):
                pass  # Whether it can be written to is what the workstations need to know.
        except OSError as error:
            raise StartError(
                f"{chosen} cannot be made, or not be written to: {error.strerror}",
                hint="Choose another --data",
            ) from error
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="sales-", ignore_cleanup_errors=True) as made:
        yield Path(made).resolve()


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise argparse.ArgumentTypeError(f"{count} is less than none")
    return count


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.sales.web",
        description="A sales application: an office and two workstations, joined by a folder.",
        epilog="Exit codes: 0 stopped by Ctrl-C; 2 it cannot be started like that.",
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
        "--invoices", type=Path, metavar="FILE", help="load invoices first: CSV or .csv.gz, one line an item"
    )
    parser.add_argument(
        "--invoices-max",
        type=_count,
        default=0,
        metavar="N",
        help="load the first N invoices only; 0 for all",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"the first of one for each that is started and one for the page of all ({DEFAULT_PORT}); "
        "0 takes any that are free",
    )
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        metavar="ADDRESS",
        help=f"the address to answer at ({LOOPBACK}, this machine alone); see --open-to-network",
    )
    parser.add_argument(
        "--open-to-network",
        action="store_true",
        help="needed with any other --host: there is no password, everybody in the network can read and change "
        "everything",
    )
    parser.add_argument("--locale", default="en_US", help="how money and dates are written (en_US)")
    parser.add_argument(
        "--company",
        default=COMPANY,
        metavar="NAME;LINE;...",
        help=f"who is at the head of what is printed, with address and telephone after semicolons ({COMPANY})",
    )
    parser.add_argument(
        "--lock-while-syncing",
        action="store_true",
        help="an item cannot be edited from its mark until its number is here; it is printed and paid for meanwhile",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser
