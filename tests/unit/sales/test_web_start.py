"""The launcher's command line: what it refuses with what advice, what it loads, and how it ends."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crdtsync import open_replica
from examples.sales.generated import generate_invoices
from examples.sales.invoices import COLUMNS
from examples.sales.model import KINDS, Customer, Product, Quote, Sale
from examples.sales.web import start
from examples.sales.web.loading import load
from examples.sales.web.start import StartError, check_host, free_ports, main

WAIT_S = 60
ROOT = Path(__file__).parents[3]
INVOICES = f"""{",".join(COLUMNS)}
1,A1,Blind,2,2010-12-01 08:26:00,2.55,17850,United Kingdom
1,A2,Rail,1,2010-12-01 08:26:00,3.39,17850,United Kingdom
2,A1,Blind,6,2010-12-01 08:28:00,2.55,13047,France
C3,A1,Blind,-1,2010-12-01 09:41:00,2.55,17850,United Kingdom
no number at all
"""


def refused(capsys, *arguments):
    # A port that is none: should nothing else be refused, nothing is started all the same.
    assert main(["--no-browser", "--port=-1", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: ")
    assert "\nhint: " in told.err
    return told.err


def test_a_folder_that_is_not_there_is_not_made(capsys, tmp_path):
    told = refused(capsys, "--folder", tmp_path / "Dropbox", "--data", tmp_path / "data")
    assert "there is no folder" in told
    assert not (tmp_path / "Dropbox").exists()


def test_a_file_is_no_folder(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert "is no folder" in refused(capsys, "--folder", tmp_path / "file")


def test_databases_do_not_go_into_the_shared_folder(capsys, tmp_path):
    told = refused(capsys, "--folder", tmp_path, "--data", tmp_path / "data")
    assert "inside the shared folder" in told


def test_a_workstations_own_directory_is_not_the_one_to_give(capsys, tmp_path):
    (tmp_path / "replica.db").touch()
    assert "own directory" in refused(capsys, "--data", tmp_path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a directory that nobody can write to")
def test_a_directory_that_cannot_be_written_to_is_told(capsys):
    assert "or not be written to" in refused(capsys, "--data", "/proc/self")


def test_a_file_of_invoices_that_is_not_there_is_told_before_anything_starts(capsys, tmp_path):
    assert "there is no file" in refused(capsys, "--invoices", tmp_path / "none.csv")


def test_a_locale_that_is_none_is_told(capsys):
    assert "'klingon_XX' is no locale" in refused(capsys, "--locale", "klingon_XX")


def test_a_port_that_is_taken_is_told_with_another_way(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused(capsys, "--port", port, "--data", tmp_path)
    assert f"127.0.0.1:{port} cannot be used" in told
    assert "choose another --port" in told


def test_ports_that_are_free_are_all_found():
    assert len(set(free_ports("127.0.0.1", 0, 4))) == 4
    for first in (-1, 65_535, 10**9):
        with pytest.raises(StartError, match="no 2 ports"):
            free_ports("127.0.0.1", first, 2)


@pytest.mark.parametrize("port", [70_000, 65_533, -1])
def test_a_port_that_is_none_is_told_with_those_there_are(capsys, port):
    assert main(["--no-browser", f"--port={port}"]) == 2
    told = capsys.readouterr().err
    assert f"there are no 4 ports from {port} on" in told
    assert "hint: Give one from 1 to 65532, or 0 for any that are free" in told


@pytest.mark.parametrize(("only", "count"), [([], 4), (["R1"], 2), (["R1", "R2", "R1"], 3)])
def test_as_many_ports_are_taken_as_are_started_and_one(capsys, monkeypatch, only, count):
    asked = []

    def none_free(*wanted):
        asked.append(wanted[-1])
        raise StartError("all are taken", hint="wait")

    monkeypatch.setattr(start, "free_ports", none_free)
    assert main(["--no-browser", *(f"--only={name}" for name in only)]) == 2
    assert asked == [count]


def test_fewer_invoices_than_none_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--invoices-max", "-3"])
    assert "-3 is less than none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "has no column 'InvoiceNo'"),
        ("", "has no column 'InvoiceNo'"),
        (f"{','.join(COLUMNS)}\nx\n", "holds no line that can be used"),
    ],
)
def test_a_file_that_holds_no_invoices_is_told_before_anything_starts(capsys, tmp_path, text, told):
    (tmp_path / "invoices.csv").write_text(text)
    said = refused(capsys, "--invoices", tmp_path / "invoices.csv")
    assert told in said
    assert "InvoiceNo, StockCode" in said


def test_a_file_is_no_directory_for_data(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert "is a file" in refused(capsys, "--data", tmp_path / "file")


@pytest.mark.parametrize("host", ["192.168.1.20", "10.0.0.1"])
def test_the_network_is_let_in_only_when_somebody_says_so(host):
    with pytest.raises(StartError, match="no password") as told:
        check_host(host, is_open_to_network=False)
    assert "--open-to-network" in told.value.hint
    check_host(host, is_open_to_network=True)
    check_host("127.0.0.1", is_open_to_network=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1", "everywhere"])
def test_an_address_that_pages_cannot_name_is_refused_with_an_example(host):
    with pytest.raises(StartError) as told:
        check_host(host, is_open_to_network=True)
    assert "192.168.1.20" in told.value.hint


async def test_invoices_are_loaded_once_whoever_loads_them_again(tmp_path):
    invoices = list(generate_invoices(12, 1))
    told = []
    async with (
        open_replica(tmp_path / "office", name="office", role="office", kinds=KINDS) as office,
        open_replica(tmp_path / "R1", name="R1", role="roaming", kinds=KINDS) as ada,
    ):
        for _ in range(2):
            await load(((office, "bob"), (ada, "ada")), invoices, lambda *step: told.append(step))
        assert await office.count(Customer) > 0
        assert await office.count(Product) > 0
        assert await ada.count(Product) == 0
        for replica in (office, ada):
            for quote in await replica.find(Quote):
                [invoice] = [
                    i for i in invoices if len(i.lines) == len(quote.lines) and i.dated == quote.dated
                ][:1]
                assert len(quote.lines) == len(invoice.lines)
        quotes = await office.count(Quote) + await ada.count(Quote)
        returns = sum(invoice.is_return for invoice in invoices)
        assert quotes == len(invoices) - returns
        assert await office.count(Sale) + await ada.count(Sale) >= returns
    assert told[0][1] == 0
    assert told[-1] == ("invoices", 12, 12)


def launch(tmp_path, *arguments):
    (tmp_path / "folder").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "examples.sales.web", "--no-browser", "--port=0"]
        + [f"--data={tmp_path / 'data'}", f"--folder={tmp_path / 'folder'}", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="ends with a POSIX signal")
def test_invoices_are_loaded_and_ctrl_c_ends_everything_and_leaves_the_data(tmp_path):
    (tmp_path / "invoices.csv").write_text(INVOICES)
    process = launch(tmp_path, "--only=office", f"--invoices={tmp_path / 'invoices.csv'}")
    try:
        lines = []
        while "Ctrl-C" not in (lines or [""])[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        loaded = process.stderr.readline()
        assert loaded == "3 invoices loaded; 1 lines could not be used\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (0, "")
    assert "Stopped." in out
    port = int(re.search(r"office +http://127.0.0.1:(\d+)", "".join(lines))[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0

    async def counted():
        async with open_replica(tmp_path / "data" / "office", kinds=KINDS) as office:
            return await office.count(Quote), await office.count(Customer)

    assert asyncio.run(counted()) == (2, 2)


@pytest.mark.slow
def test_data_of_another_role_is_told_and_nothing_goes_on_running(tmp_path):
    async def make():
        async with open_replica(tmp_path / "data" / "office", name="R7", role="roaming"):
            pass

    asyncio.run(make())
    process = launch(tmp_path, "--only=office")
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert err.startswith("error: office could not start: ")
    assert "R7" in err
    assert "another --data begins anew" in err
    assert "Traceback" not in err
