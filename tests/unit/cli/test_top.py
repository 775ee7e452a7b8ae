"""`top` shows a replica or a folder, once or again and again, with no terminal and without the application's code."""

import asyncio
import contextlib
import io

import pytest
from rich.console import Console

from crdtsync.cli import top as top_module
from crdtsync.cli.frames import Frame, Section, rendered
from crdtsync.cli.top_folder import folder_frame
from crdtsync.replica import inspect_folder, open_replica


@pytest.fixture
def apart(terminal, tmp_path):
    """An office, and ada at R1, whose folder is set up; ada has written a quote and marked it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    address = f"folder:{folder}"
    office, ada = terminal("office", "bob"), terminal("R1", "ada")
    schema = "tests.unit.cli.shop"
    office("init", "--name", "office", "--role", "office", "--remote", address, "--schema", schema)
    ada("init", "--name", "R1", "--role", "roaming", "--remote", address, "--schema", schema)
    office("sync")
    ada("new", "quote", "customer=Ada")
    ada("mark", "R1-0001")
    ada("sync")
    return office, ada, address


def test_a_replica_is_shown_with_what_waits_and_whom_a_change_has_reached(apart):
    office, ada, address = apart
    frame = ada.json("top", "--once")
    assert frame["replica"]["name"] == "R1"
    assert [(item["title"], item["status"]) for item in frame["waiting"]] == [("R1-0001", "sent")]
    assert [(peer["name"], peer["behind_files"]) for peer in frame["peers"]] == [("office", 1)]
    assert frame["peers"][0]["behind_since"] is not None
    (change,) = frame["latest"]
    assert (change["author"], change["sequence"], change["received_by"]) == ("ada", 1, [])
    text = ada("top", "--once").out
    assert "nobody yet" in text
    assert "R1 (own)" in text

    office("sync")
    ada("sync")
    after = ada.json("top", "--once")
    assert after["waiting"] == []
    assert (after["peers"][0]["behind_files"], after["peers"][0]["behind_since"]) == (0, None)
    assert after["latest"][0]["received_by"] == ["office"]
    assert after["latest"][0]["title"] == "Q-00001"


def test_a_change_that_was_not_published_is_in_no_file_yet(apart):
    _, ada, _ = apart
    ada("edit", "R1-0001", "customer=Bob")
    frame = ada.json("top", "--once")
    assert [change["sequence"] for change in frame["latest"]] == [None, 1]
    assert frame["remotes"][0]["waiting_changes"] == 1
    assert "no file yet" in ada("top", "--once").out


def test_a_folder_is_shown_without_a_replica(apart, terminal):
    office, _, address = apart
    nobody = terminal("nowhere", "")
    frame = nobody.json("top", address, "--once")
    names = {replica["name"]: replica for replica in frame["replicas"]}
    assert (names["office"]["behind_files"], names["office"]["behind_changes"]) == (1, 1)
    assert names["R1"]["behind_files"] == 0
    assert [(feed["replica_name"], feed["last"], feed["changes"]) for feed in frame["feeds"]] == [
        ("R1", 1, 1)
    ]
    text = nobody("top", address, "--once").out
    assert "1 file, 1 change" in text
    office("sync")
    assert nobody.json("top", address, "--once")["ledger"] == {"entries": 1, "last_number": "Q-00001"}


def test_without_a_terminal_it_says_how_to_be_asked(shop):
    said = shop.fails(2, "top")
    assert "--once" in said


def test_a_folder_that_is_not_there_is_told_with_the_exit_code_for_later(terminal, tmp_path):
    assert "error: " in terminal("nowhere", "").fails(4, "top", f"folder:{tmp_path / 'gone'}", "--once")


def test_it_goes_on_with_a_line_of_json_each_time_until_it_is_stopped(apart, monkeypatch):
    _, ada, address = apart
    taken = []

    @contextlib.contextmanager
    def after_three():
        stopped = asyncio.Event()

        class Frames(list):
            def append(self, frame):
                super().append(frame)
                if len(self) == 3:
                    stopped.set()

        taken.append(Frames())
        yield stopped

    monkeypatch.setattr(top_module, "stop_signals", after_three)
    real = top_module.print_json_line
    monkeypatch.setattr(top_module, "print_json_line", lambda facts: (taken[0].append(facts), real(facts)))
    lines = ada("top", address, "--json", "--interval", "0.2").out.splitlines()
    assert len(lines) == 3
    assert taken[0][0]["throughput"] is None
    assert taken[0][2]["throughput"]["files"] == 0.0


async def test_throughput_is_what_came_between_two_frames(apart):
    office, ada, address = apart
    picture = await inspect_folder(address)
    first = folder_frame(picture, None, now_ms=1_000)
    for name in ("Bob", "Cid"):
        await asyncio.to_thread(ada, "edit", "R1-0001", f"customer={name}")
    await asyncio.to_thread(ada, "sync")
    second = folder_frame(await inspect_folder(address, previous=picture), first, now_ms=3_000)
    assert second.facts["throughput"]["changes"] == 1.0
    assert second.facts["throughput"]["files"] >= 0.5
    assert any("1.0 changes/s" in line for line in second.lines)


def test_what_others_wrote_is_drawn_and_not_obeyed():
    hostile = "[red]Ada[/red]\x1b[2J\n"
    frame = Frame({}, ("R1",), (Section("changes", ("what",), ((hostile,),), "none"),), 0, {})
    stream = io.StringIO()
    Console(file=stream, width=100).print(rendered(frame))
    assert "[red]Ada[/red]" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()


async def test_many_drafts_are_not_looked_through_every_time(tmp_path):
    now_ms = 1_000
    read = []

    async with open_replica(tmp_path / "R1", name="R1", role="roaming") as replica:
        view = top_module._ReplicaView(SlowItems(replica, read), lambda: now_ms + 100 * len(read))
        for _ in range(3):
            await view.take()
        assert len(read) == 1
        now_ms += 2_000
        await view.take()
        assert len(read) == 2


class SlowItems:
    """A replica whose items take a tenth of a second, by the clock of the test."""

    def __init__(self, replica, read):
        self._replica = replica
        self._read = read

    def __getattr__(self, name):
        return getattr(self._replica, name)

    async def items(self):
        self._read.append("items")
        return await self._replica.items()
