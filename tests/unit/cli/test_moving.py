"""The folder moves, and a person says so on the command line."""

import shutil

import pytest


@pytest.fixture
def synced(shop, tmp_path):
    """A replica whose folder has a customer in it; (terminal, address of the folder, another directory)."""
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    shop("remote", "use", f"folder:{folder}")
    shop("new", "customer", "name=Ada")
    shop("sync", "--create-folder")
    return shop, folder, other


def segments(folder):
    return sorted(path.name for path in folder.rglob("s-*.crdts"))


def test_a_copied_folder_is_recognised_at_its_new_address(synced):
    shop, folder, other = synced
    shutil.copytree(folder, other, dirs_exist_ok=True)
    shop("remote", "use", f"folder:{other}")
    assert shop.json("sync")["published_files"] == 0
    (remote,) = shop.json("status")["remotes"]
    assert remote["address"] == f"folder:{other}"
    assert (remote["waiting_files"], remote["missing"]) == (0, [])


def test_an_empty_place_is_refused_and_becomes_the_folders_home_when_that_is_said(synced):
    shop, folder, other = synced
    said = shop.fails(4, "sync", f"folder:{other}")
    assert f"folder:{other} is empty, and this replica syncs with folder" in said
    assert list(other.iterdir()) == []
    shop("remote", "use", f"folder:{other}", "--create-folder")
    shop("sync")
    assert segments(other) == segments(folder) != []
    assert [path.name for path in other.glob("folder-*")] == [path.name for path in folder.glob("folder-*")]


def test_the_folder_of_another_group_is_refused_unless_that_is_said(synced, terminal):
    shop, folder, other = synced
    main = terminal("main", "max")
    main("init", "--name", "Main", "--role", "office", "--remote", f"folder:{other}")
    main("sync")
    before = sorted(path.name for path in other.rglob("*"))
    for words in (("sync", f"folder:{other}"), ("remote", "use", f"folder:{other}", "--create-folder")):
        said = shop.fails(1, *words)
        assert "set up by Main, and this replica syncs with" in said
        assert "--other-folder" in said
    assert sorted(path.name for path in other.rglob("*")) == before
    assert shop.json("status")["remote"] == f"folder:{folder}"
    shop("remote", "use", f"folder:{other}", "--other-folder")
    shop("sync")
    assert len(segments(other)) == 1
