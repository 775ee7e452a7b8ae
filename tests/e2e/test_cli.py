"""The story of an office and a workstation, told by commands alone, and the command line as a process.

Goal: what a person can do with the library can be done from a shell, and scripts can rely on it. Method: two
replicas and a folder in a temporary directory; most commands run in this process, and those whose process
matters (signals, pipes) as children.
"""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crdtsync.cli.app import app

SCHEMA = textwrap.dedent(
    """
    from crdtsync import Document, Entities, Entity, Series, Text, field

    class Line(Entity):
        product: str
        quantity: int = 1

    class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
        customer: str = field(indexed=True)
        agreed: str = field(default="", policy="ask")
        lines: Entities[Line]
        notes: Text
    """
)
PROGRAM = [sys.executable, "-c", "from crdtsync.cli import main; main()"]


class Place:
    """Two replicas and the folder between them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = f"folder:{root / 'folder'}"

    def run(self, who: str, *words: str, code: int = 0) -> str:
        author = {"office": "olga", "r2": "ada"}[who]
        arguments = ["-C", str(self.root / who), "--author", author, *words]
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code == result.exit_code, (words, result.output)
        return result.stdout

    def json(self, who: str, *words: str):
        return json.loads(self.run(who, *words, "--json"))

    def process(self, who: str, *words: str, **options) -> subprocess.Popen:
        arguments = [*PROGRAM, "-C", str(self.root / who), *words]
        return subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("CRDTSYNC_REPLICA", "CRDTSYNC_AUTHOR", "CRDTSYNC_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "story_models.py").write_text(SCHEMA)
    (tmp_path / "folder").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "story_models", raising=False)
    made = Place(tmp_path)
    for who, name, role in (("office", "office", "office"), ("r2", "R2", "roaming")):
        words = ("--name", name, "--role", role, "--schema", "story_models", "--remote", made.folder)
        made.run(who, "init", *words)
    return made


def test_a_quote_goes_from_the_workstation_to_its_number_and_through_a_conflict(place):
    made = place.json("r2", "new", "quote", "customer=Ada", 'lines+={"product": "Shade", "quantity": 2}')
    assert made["reference"] == "R2-0001"
    assert [item["status"] for item in place.json("r2", "items")] == ["draft"]

    assert {"marked": place.json("r2", "mark", "R2-0001")["marked"]} == {"marked": 1}
    place.run("r2", "reset", "R2-0001")
    assert place.json("r2", "mark", "--all")["marked"] == 1
    assert place.json("r2", "sync")["published_files"] > 0
    assert [item["status"] for item in place.json("r2", "items")] == ["sent"]
    assert place.json("office", "sync")["granted"] == 1
    place.run("r2", "sync")
    assert place.json("r2", "items") == []
    assert [item["status"] for item in place.json("r2", "items", "--all")] == ["numbered"]
    assert place.json("r2", "show", "R2-0001")["number"] == "Q-00001"

    place.run(
        "office", "edit", "Q-00001", "agreed=by letter", "lines[0].quantity=7", "--label", "the office's"
    )
    place.run("r2", "edit", "Q-00001", "agreed=by phone", "lines[0]-")
    for who in ("r2", "office", "r2"):
        place.run(who, "sync")
    found = place.json("office", "conflicts")
    assert found == place.json("r2", "conflicts", "R2-0001")
    values, removal = found
    assert (values["path"], values["needs_decision"]) == ("agreed", True)
    assert {("ada", "R2", "by phone"), ("olga", "office", "by letter")} == {
        (value["author"], value["replica"], value["value"]) for value in values["values"]
    }
    assert sorted((value["is_removal"] for value in removal["values"]), reverse=True) == [True, False]
    text = place.run("office", "conflicts")
    assert "waits for a decision" in text
    assert "by phone" in text

    keep = next(value["n"] for value in values["values"] if value["value"] == "by phone")
    place.run("office", "conflicts", "Q-00001", "--resolve", "1", "--keep", str(keep), "--label", "as agreed")
    stay = next(value["n"] for value in removal["values"] if not value["is_removal"])
    assert place.json("office", "conflicts", "--resolve", "1", "--keep", str(stay)) == []
    place.run("office", "sync")
    place.run("r2", "sync")
    assert place.json("r2", "conflicts") == []
    shown = place.json("r2", "show", "Q-00001")
    assert (shown["fields"]["agreed"], shown["fields"]["lines"][0]["quantity"]) == ("by phone", 7)
    assert shown["fields"] == place.json("office", "show", "r2-0001")["fields"]

    assert [item["number"] for item in place.json("office", "find", "r2-0001")] == ["Q-00001"]
    assert "as agreed" in [entry["label"] for entry in place.json("r2", "log", "R2-0001")]
    (receipt,) = place.json("office", "receipts", "Q-00001")
    assert receipt["name"] == "R2"
    assert 0 < receipt["have"] <= receipt["total"]
    assert shown["fields"] == json.loads(place.run("office", "export"))["fields"]


def test_every_command_gives_json(place):
    place.run("r2", "new", "quote", "customer=Ada")
    place.run("r2", "mark", "R2-0001")
    for who in ("r2", "office", "r2"):
        place.run(who, "sync")

    status = place.json("r2", "status")
    assert ("R2", "roaming", place.folder) == (status["name"], status["role"], status["remote"])
    assert [peer["name"] for peer in status["peers"]] == ["office"]
    assert [kind["kind"] for kind in place.json("r2", "kinds")] == ["quote"]
    assert len(place.json("r2", "list", "quote")) == 1
    assert [entry["text"] for entry in place.json("r2", "numbers")] == ["Q-00001"]
    assert place.json("office", "numbers", "void", "quotes", "--reason", "spoiled")["number"] is None
    place.run("office", "sync")
    assert len(place.json("office", "numbers", "--series", "quotes")) == 2
    assert {"reset": place.json("r2", "reset", "Q-00001")["reset"]} == {"reset": 0}
    assert place.folder == place.json("r2", "remote", "use", place.folder)["remote"]
    assert place.json("r2", "sync")["problems"] == []
    for words in (
        ("status",),
        ("items", "--all"),
        ("receipts", "Q-00001"),
        ("log", "Q-00001"),
        ("numbers",),
        ("kinds",),
    ):
        assert place.run("r2", *words)


def test_a_folder_is_inspected_without_a_replica_and_untouched(place):
    place.run("r2", "new", "quote", "customer=Ada")
    place.run("r2", "mark", "--all")
    for who in ("r2", "office", "r2"):
        place.run(who, "sync")
    folder = place.root / "folder"
    segment = next(folder.rglob("s-*"))
    (folder / "segment (conflicted copy).crdts").write_bytes(segment.read_bytes())
    (folder / f"partial-{segment.name}").write_bytes(segment.read_bytes()[:-40])
    (folder / f"damaged-{segment.name}").write_bytes(segment.read_bytes()[:-1] + b"?")
    (folder / "holiday.jpg").write_bytes(b"jpeg")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    found = json.loads(CliRunner().invoke(app, ["remote", "inspect", place.folder, "--json"]).stdout)
    text = CliRunner().invoke(app, ["remote", "inspect", place.folder]).stdout

    assert len(found["markers"]) == 1
    assert [
        (feed["replica_name"], feed["first"], feed["gaps"], feed["breaks"])
        for feed in found["feeds"]
        if feed["requests"]
    ] == [("R2", 1, [], [])]
    assert (found["ledger"]["last_number"], found["ledger"]["head"]) == ("Q-00001", 1)
    assert {"R2", "office"} == {beacon["name"] for beacon in found["beacons"]}
    assert sorted(item["verdict"] for item in found["problems"]) == ["bad", "duplicate", "foreign", "partial"]
    assert "foreign: holiday.jpg" in text
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    segment.unlink()
    (folder / "segment (conflicted copy).crdts").unlink()
    found = json.loads(CliRunner().invoke(app, ["remote", "inspect", place.folder, "--json"]).stdout)
    assert all(feed["replica_name"] != "R2" or feed["gaps"] == [1] for feed in found["feeds"])


def test_the_warnings_of_a_round_are_on_standard_error(place):
    place.run("r2", "new", "quote", "customer=Ada")
    place.run("r2", "mark", "--all")
    place.run("r2", "sync")
    segment = next((place.root / "folder").rglob("s-*"))
    segment.write_bytes(segment.read_bytes()[:-1] + b"?")

    result = CliRunner().invoke(app, ["-C", str(place.root / "office"), "sync", "--json"])

    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["problems"]) == 1
    assert result.stderr.startswith("warning: ")


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_agent_tells_what_happens_and_stops_cleanly(place, number):
    agent = place.process("r2", "agent", "--json")
    try:
        assert json.loads(agent.stdout.readline())["event"] == "started"
        place.run("r2", "new", "quote", "customer=Ada")
        place.run("r2", "mark", "--all")
        events = []
        while "change" not in events:
            events.append(json.loads(agent.stdout.readline())["event"])
        assert "another process" in CliRunner().invoke(app, ["-C", str(place.root / "r2"), "sync"]).stderr
        agent.send_signal(number)
        out, err = agent.communicate(timeout=60)
    finally:
        agent.kill()
        agent.wait()

    assert (agent.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["event"] == "stopped"


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way there")
def test_the_agent_waits_for_a_folder_that_is_not_there(place):
    (place.root / "folder").rename(place.root / "gone")
    agent = place.process("r2", "agent")
    try:
        lines = [agent.stdout.readline(), agent.stdout.readline()]
        agent.terminate()
        agent.communicate(timeout=60)
    finally:
        agent.kill()
        agent.wait()

    assert "syncing R2" in lines[0]
    assert "waits: " in lines[1]
    assert agent.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes end in another way there")
def test_a_reader_that_has_enough_ends_the_command_quietly(place):
    for n in range(3):
        place.run("r2", "new", "quote", f"customer={n}", "notes=" + "x" * 200_000)
    export = place.process("r2", "export")
    export.stdout.read(10)
    export.stdout.close()
    err = export.stderr.read()
    export.stderr.close()

    assert (export.wait(timeout=60), err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_an_error(place):
    place.run("r2", "new", "quote", "customer=Ada")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "-C", str(place.root / "r2"), "export"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left")
    assert "Traceback" not in done.stderr
