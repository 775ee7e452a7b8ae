import pytest
from crdtsync_folder import open_remote
from crdtsync_folder.names import (
    is_temp_name,
    real_name_of_stub,
    split_listed_name,
    split_new_name,
    stub_names,
)

from crdtsync.errors import RemoteAddressError, UsageError


@pytest.mark.parametrize("name", ["x", "a/b-1/x.crdts", "0", "a.b.c", "-", "x" * 120, "1/2/3/4/5/6/7/8"])
def test_names_of_the_contract_may_be_written(name):
    assert name.split("/") == split_new_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "/x",
            "a//b",
            "a/",
            ".",
            "..",
            "a/../b",
            "a..b",
            "./a",
            "A",
            "a b",
            "a\\b",
            "a:b",
            "a\0",
            "a\n",
            "é",
        ),
        *(
            ".a/x",
            "a./x",
            "x.",
            ".x",
            "~x",
            "con",
            "a/nul.x",
            "com1",
            "lpt9.crdts",
            "x.icloud",
            "x.nextcloud",
        ),
        *("x" * 121, "1/2/3/4/5/6/7/8/9"),
    ],
)
def test_other_names_may_not_be_written(name):
    with pytest.raises(UsageError):
        split_new_name(name)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "x\0y", "a/"]
)
def test_a_name_that_could_leave_the_root_may_not_be_opened(name):
    with pytest.raises(UsageError):
        split_listed_name(name)


@pytest.mark.parametrize("name", ["C:x", "a\\..\\b", "x:stream"])
def test_drives_streams_and_backslashes_may_not_be_opened_on_windows(name, monkeypatch):
    monkeypatch.setattr("os.name", "nt")
    with pytest.raises(UsageError):
        split_listed_name(name)


@pytest.mark.parametrize("leaf", ["x.crdts", "Ada's (conflicted copy).crdts", "e\u0301"])
def test_a_stand_in_is_told_by_its_name(leaf):
    assert [leaf] * 3 == [real_name_of_stub(stub) for stub in stub_names(leaf)]
    assert real_name_of_stub(leaf) is None


def test_temporary_files_are_told_by_their_name():
    assert is_temp_name("~cs-0-1.tmp")
    assert not is_temp_name("~cs-0-1.tmp.crdts")


@pytest.mark.parametrize("location", ["", "  ", "a\0b", "~nobody-of-this-name/x"])
def test_an_address_without_a_folder_is_refused(location):
    with pytest.raises(RemoteAddressError):
        open_remote(location)


def test_an_address_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "sales") == open_remote("~/sales").traits.local_root
    assert str(tmp_path / "sales") == open_remote("sales").traits.local_root
    assert f"folder:{tmp_path / 'sales'}" == open_remote("sales").address
    assert not (tmp_path / "sales").exists()
