"""What docs/tutorial.md tells a newcomer to do works as it stands there, in its order, in an empty directory."""

import itertools
import os
import plistlib
import re
import sys
import time

import httpx
import pytest

from tests.e2e.printed import PATIENCE_S, Running, blocks_of, free_port, run, without_chance

PAGE = "docs/tutorial.md"
BLOCKS = blocks_of(PAGE)


def is_endless(line):
    return line.startswith(("python web.py", "python agent.py")) or line.endswith(" agent")


@pytest.mark.slow
def test_the_tutorial_works_block_by_block(tmp_path):
    assert BLOCKS
    said = ""
    servers = []
    for block in BLOCKS:
        if block.file_name:
            (tmp_path / block.file_name).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            said = ""
            for line in block.text.splitlines():
                if line.startswith("python web.py"):
                    servers.append(line)
                elif is_endless(line):
                    see_it_sync(line, tmp_path)
                else:
                    said += run(line, tmp_path)
        elif block.language == "text":
            assert without_chance(said) == without_chance(block.text), (block.heading, said)
        if len(servers) == 2:
            click_as_it_says(servers, tmp_path)
            servers = []


def see_it_sync(line, directory):
    """Start an agent; one that says which numbers are given gets a quote to number."""
    agent = Running(line, directory)
    try:
        if line.startswith("crdtsync"):
            agent.wait_for("syncing R1 with folder:")
            return
        agent.wait_for("HQ syncs")
        run("crdtsync -C data/R1 new quote customer=Eve", directory)
        run("crdtsync -C data/R1 mark --all", directory)
        run("crdtsync -C data/R1 sync", directory)
        agent.wait_for("given: Q-0000")
    finally:
        agent.stop()


@pytest.mark.skipif(os.name == "nt", reason="a program in the place of Python is a shell script here")
@pytest.mark.slow
def test_the_agent_works_where_the_program_is_no_python(tmp_path):
    for name in ("model.py", "agent.py"):
        [text] = [block.text for block in BLOCKS if block.file_name == name]
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "shared").mkdir()
    program = tmp_path / "packed"
    start = f"import runpy, sys; sys.executable, sys.frozen = {str(program)!r}, True; runpy.run_path('agent.py', run_name='__main__')"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)

    office = Running(f"{program} HQ office folder:shared", tmp_path)
    try:
        office.wait_for("HQ syncs")
        run(
            "crdtsync init data/R1 --name R1 --role roaming --schema model --remote folder:shared",
            tmp_path,
            PYTHONPATH=".",
        )
        run("crdtsync -C data/R1 new quote customer=Eve", tmp_path)
        run("crdtsync -C data/R1 mark --all", tmp_path)
        run("crdtsync -C data/R1 sync", tmp_path)
        office.wait_for("given: Q-00001")
    finally:
        office.stop()


def click_as_it_says(lines, directory):
    """Start both servers, and do what the numbered steps below them say."""
    printed = [line.rpartition(" ")[2] for line in lines]
    addresses = [f"http://127.0.0.1:{free_port()}" for _ in lines]
    commands = [
        line.replace(port, address.rpartition(":")[2])
        for line, port, address in zip(lines, printed, addresses, strict=True)
    ]
    office_url, ada_url = addresses
    office, ada = (Running(command, directory) for command in commands)
    try:
        for server in (office, ada):
            server.wait_for("Uvicorn running")

        httpx.post(f"{ada_url}/quotes", data={"customer": "<Dan & Co>"})
        page = httpx.get(ada_url).text
        assert "R1-0002<td>&lt;Dan &amp; Co&gt;<td>148.00" in page
        assert "Dan" not in httpx.get(office_url).text
        [document] = set(re.findall(r"/quotes/(\w+)", page)) - set(
            re.findall(r"/quotes/(\w+)", httpx.get(office_url).text)
        )

        with httpx.stream("GET", f"{office_url}/events", timeout=PATIENCE_S) as told:
            httpx.post(f"{ada_url}/quotes/{document}", data={"mark": ""})
            assert next(told.iter_lines()) == f"data: {document}"
        seen_on(office_url, "Q-00002<td>&lt;Dan &amp; Co&gt;")
        seen_on(ada_url, "Q-00002<td>&lt;Dan &amp; Co&gt;")

        ada.stop()
        before = version_of(document, office_url)
        httpx.post(f"{office_url}/quotes/{document}", data={"quantity": "5", "seen": before, "save": ""})
        ada = Running(commands[1], directory)
        ada.wait_for("Uvicorn running")
        seen_on(ada_url, "&lt;Dan &amp; Co&gt;<td>740.00")

        httpx.post(f"{ada_url}/quotes/{document}", data={"quantity": "6", "seen": before, "save": ""})
        page = httpx.get(ada_url).text
        assert {"Keep 5 by Bob", "Keep 6 by Ada"} == set(re.findall(r"Keep \d by \w+", page))
        [keep] = re.findall(r"value='(lines/\w+/quantity \S+)'>Keep 5", page)
        for _ in range(2):  # the second comes too late, and does no harm
            assert httpx.post(f"{ada_url}/quotes/{document}", data={"keep": keep}).status_code == 303
        page = httpx.get(ada_url).text
        assert "Keep" not in page
        assert "&lt;Dan &amp; Co&gt;<td>740.00" in page
    finally:
        office.stop()
        ada.stop()


def version_of(document, address):
    """Return what the form of a document says that its reader has seen."""
    [version] = re.findall(
        rf"/quotes/{document}>\s*<input type=hidden name=seen value=(\w+)>", httpx.get(address).text
    )
    return version


def seen_on(address, wanted):
    deadline = time.monotonic() + PATIENCE_S
    while wanted not in (page := httpx.get(address).text):
        assert time.monotonic() < deadline, page


def test_every_block_is_run_or_compared():
    languages = {block.language for block in BLOCKS if not block.file_name}
    assert languages == {"sh", "text", "xml", "bat", "console"}
    for before, block in itertools.pairwise(BLOCKS):
        if block.language == "text":
            assert before.language == "sh", block.heading


def test_the_agents_service_files_start_the_agent_of_the_command_above():
    [command] = [
        line
        for block in BLOCKS
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.endswith(" agent")
    ]
    [unit] = [block.text for block in BLOCKS if block.file_name == "shop-sync.service"]
    [started] = re.findall("^ExecStart=(.*)$", unit, re.MULTILINE)
    assert started.replace("%h/shop/.venv/bin/", "").replace("%h/shop/", "") == f"{command} --quiet"

    [plist] = [block.text for block in BLOCKS if block.language == "xml"]
    words = plistlib.loads(plist.encode())["ProgramArguments"]
    assert " ".join(
        word.replace("/Users/ada/shop/.venv/bin/", "").replace("/Users/ada/shop/", "") for word in words
    ) == (f"{command} --quiet")

    [task] = [block.text for block in BLOCKS if block.language == "bat"]
    [started] = re.findall(r'/TR "(.*)"$', task, re.MULTILINE)
    started = started.replace('\\"', "").replace("%USERPROFILE%\\shop\\", "").replace(".venv\\Scripts\\", "")
    assert started.replace("\\", "/").replace(".exe", "") == f"{command} --quiet"
