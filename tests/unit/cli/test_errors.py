"""What is foreseeable ends in a line, a hint and an exit code."""

import datetime as dt
import os
import sqlite3

import pytest
from typer.testing import CliRunner

from crdtsync.cli.app import app
from crdtsync.store import database

NEW = ("init", "--name", "X", "--role", "office")


def test_the_nearest_command_kind_and_option_are_suggested(shop):
    assert "Did you mean 'status'?" in shop.fails(2, "stauts")
    assert "Did you mean 'void'?" in shop.fails(2, "numbers", "vold")
    assert "Did you mean 'quote'?" in shop.fails(3, "list", "qoute")
    assert "--limit" in shop.fails(2, "list", "quote", "--limti", "3")
    assert "crdtsync list --help" in shop.fails(2, "list")


def test_without_a_replica_one_is_told_to_make_one(terminal):
    assert "crdtsync init" in terminal("nowhere", "ada").fails(5, "status")


def test_a_replica_is_not_made_twice(shop):
    assert "already" in shop.fails(5, "init", "--name", "R2", "--role", "roaming")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--remote", "s3x:bucket"), 2, "no adapter"),
        (("--remote", "nothing"), 2, "folder:PATH"),
        (("--schema", "no_such_module_here"), 2, "cannot be imported"),
        (("--schema", "tests.unit.cli.shop:Qoute"), 2, "Did you mean 'Quote'?"),
        (("--schema", "json"), 2, "holds no document classes"),
        (("--series", "quotes"), 2, "NAME=PATTERN[@START]"),
        (("--series", "quotes=Q"), 2, "{number}"),
        (("--series", "a=Q-{number}", "--series", "b=Q-{number:05d}"), 2, "same number"),
        (("--series", "a=A-{number}", "--series", "a=B-{number}"), 2, "twice"),
    ],
)
def test_a_wrong_init_leaves_nothing_behind(terminal, options, code, said):
    ada = terminal("new", "ada")

    assert said in ada.fails(code, *NEW, *options)
    assert not ada.directory.exists()


def test_a_bad_name_is_refused(terminal):
    assert "Not a name" in terminal("new", "ada").fails(2, "init", "--name", "R 2", "--role", "office")


def test_a_replica_inside_the_shared_folder_is_refused(terminal, tmp_path):
    inside = terminal("folder/replica", "ada")
    (tmp_path / "folder").mkdir()

    assert "outside of every synced folder" in inside.fails(
        5, *NEW, "--remote", f"folder:{tmp_path / 'folder'}"
    )
    assert list((tmp_path / "folder").iterdir()) == []
    inside(*NEW)
    assert "outside of every synced folder" in inside.fails(5, "sync", f"folder:{tmp_path / 'folder'}")


def test_a_remote_that_is_not_there_is_waited_for_and_kept(terminal, tmp_path):
    ada = terminal("new", "ada")
    address = f"folder:{tmp_path / 'folder'}"

    made = ada(*NEW, "--remote", address, "--json")
    assert (address, False) == (made.json["remote"], made.json["attached"])
    assert "not attached" in made.err
    assert "is not there" in ada.fails(4, "sync")
    assert "is not there" in ada.fails(4, "remote", "inspect")
    (tmp_path / "folder").mkdir()
    ada("sync")
    assert len(ada.json("remote", "inspect")["markers"]) == 1


def test_a_problem_is_shown_with_the_time_of_this_machine(terminal, tmp_path):
    ada = terminal("new", "ada")
    (tmp_path / "folder").mkdir()
    ada(*NEW, "--remote", f"folder:{tmp_path / 'folder'}")
    (tmp_path / "folder").rename(tmp_path / "away")
    assert "make it if it is new" in ada.fails(4, "sync")

    since = ada.json("status")["remotes"][0]["problem_since"]
    local = dt.datetime.fromisoformat(since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert f"problem since {local}: " in ada("status").out


def test_status_says_why_a_replica_was_never_attached(terminal, tmp_path):
    ada = terminal("new", "ada")
    (tmp_path / "folder").mkdir()
    address = f"folder:{tmp_path / 'folder'}"
    ada("init", "--name", "X", "--role", "roaming", "--remote", address)
    assert ada("status").out.count("remote: ") == 1
    assert "is not set up" in ada.fails(4, "sync")
    assert f"remote: {address} (not attached yet)\n  problem since" in ada("status").out
    assert "is not set up" in ada("status").out
    assert ada("status").out.count("remote: ") == 1


def test_a_replica_without_classes_is_told_to_be_given_some(terminal):
    ada = terminal("new", "ada")
    ada(*NEW)

    assert "--schema" in ada.fails(3, "new", "quote")


def test_nothing_found_is_said_beside_the_output(shop):
    listed = shop("list", "quote")
    assert (listed.out, listed.err) == ("", "no quote is found\n")
    assert shop("list", "quote", "--json").err == ""


def test_what_the_parser_refuses_is_said_in_a_line(terminal):
    ada = terminal("new", "ada")
    choices = ada.fails(2, "init", "--name", "X")
    assert "Choose from: office, roaming" in choices
    assert "Value error" not in ada.fails(2, "init", "--name", "X", "--role", "roming")


def test_optional_arguments_are_bracketed_once():
    usage = CliRunner().invoke(app, ["edit", "--help"]).stdout.splitlines()[0]
    assert "[[" not in usage
    assert "CHANGE" in usage


def test_no_remote_at_all_is_said(shop):
    assert "crdtsync sync folder:" in shop.fails(2, "sync")
    assert "folder:" in shop.fails(2, "remote", "inspect")
    assert "no adapter" in shop.fails(2, "remote", "use", "x3:y")


def test_a_folder_that_is_not_set_up_yet_is_waited_for(shop, tmp_path):
    (tmp_path / "folder").mkdir()

    assert "the office sets" in shop.fails(4, "sync", f"folder:{tmp_path / 'folder'}").lower()


def test_a_database_of_a_newer_version_and_one_of_others_are_left_alone(shop):
    path = shop.directory / "replica.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "Update crdtsync" in shop.fails(5, "status")

    path.write_bytes(b"not a database at all" * 100)
    assert shop.fails(5, "status")


@pytest.mark.parametrize(
    ("pragma", "said"),
    [("PRAGMA max_page_count = 1", "Free some space"), ("PRAGMA query_only = ON", "permissions")],
)
def test_a_full_and_a_read_only_disk_are_told_apart(shop, monkeypatch, pragma, said):
    configure = database._configure

    def configure_badly(connection):
        configure(connection)
        connection.execute(pragma)

    monkeypatch.setattr(database, "_configure", configure_badly)

    assert said in shop.fails(5, "new", "quote", "customer=" + "x" * 100_000)


def test_marks_need_documents(shop):
    shop("new", "customer", "name=Ada")

    assert "--all" in shop.fails(2, "mark")
    assert "--all" in shop.fails(2, "reset", "R2-0001", "--all")
    assert "there is no document" in shop.fails(3, "mark", "R2-0009")
    assert shop.json("mark", "--all")["marked"] == 0


def test_numbers_are_the_coordinators(shop):
    assert "coordinator" in shop.fails(2, "numbers", "void", "quotes", "--reason", "spoiled")
    assert "Did you mean 'quotes'?" in shop.fails(3, "numbers", "--series", "qoutes")


def test_conflicts_that_are_not_there_cannot_be_decided(shop):
    assert "belong together" in shop.fails(2, "conflicts", "--resolve", "1")
    assert "no conflict 1" in shop.fails(3, "conflicts", "--resolve", "1", "--keep", "1")


def test_the_replica_is_found_upward_and_by_the_environment(shop, monkeypatch):
    below = shop.directory / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert '"name":"R2"' in CliRunner().invoke(app, ["status", "--json"]).stdout

    monkeypatch.chdir(os.sep)
    monkeypatch.setenv("CRDTSYNC_REPLICA", str(shop.directory))
    assert '"name":"R2"' in CliRunner().invoke(app, ["status", "--json"]).stdout


def test_version_and_help_are_there():
    helped = CliRunner().invoke(app, [])
    assert "Commands:\n" in helped.output
    assert "error:" not in helped.output
    assert "crdtsync " in CliRunner().invoke(app, ["--version"]).stdout
    assert "Exit codes" in CliRunner().invoke(app, ["--help"]).stdout
    assert "NAME[WHICH]@PLACE" in CliRunner().invoke(app, ["edit", "--help"]).stdout
