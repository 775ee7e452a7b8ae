"""What keeps others out of a workstation: its token is kept, is never empty, and is made again where it is damaged."""

import os
import stat

import pytest

from examples.sales.web.security import Protection, token_of
from tests.unit.sales.web_desks import open_seat


def test_a_token_outlives_a_restart(tmp_path):
    path = tmp_path / "R1.token"
    token = token_of(path)
    assert len(token) == 32
    assert token_of(path) == token
    assert [file.name for file in tmp_path.iterdir()] == ["R1.token"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other ways to say who may read a file")
def test_nobody_else_may_read_a_token(tmp_path):
    path = tmp_path / "R1.token"
    token_of(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("damaged", [b"", b"\n", b"short", b"\x00" * 32, b"\xff\xfe", b"a b" * 20, b"A" * 33])
def test_a_token_that_was_cut_off_or_damaged_is_made_again(tmp_path, damaged):
    path = tmp_path / "R1.token"
    path.write_bytes(damaged)
    (tmp_path / "R1.token.new").touch()  # Of a start that was killed.
    token = token_of(path)
    assert len(token) == 32
    assert token.encode() != damaged
    assert token_of(path) == token


def test_a_token_that_cannot_be_kept_is_told_with_what_to_do(tmp_path):
    path = tmp_path / "R1.token"
    path.mkdir()
    with pytest.raises(OSError, match=r"R1\.token.* remove the file, and start again"):
        token_of(path)


def test_there_is_no_protection_without_a_token():
    with pytest.raises(ValueError, match="would obey everybody"):
        Protection("", hosts=("127.0.0.1",))


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("127.0.0.1:8701", 200), ("", 421)])
async def test_a_workstation_answers_to_its_own_name(seat, host, status):
    assert (await seat.page("/quotes", Host=host)).status_code == status


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:99@evil.example",
        "[::1]",
        "127.0.0.1:",
        "127.0.0.1.",
    ],
)
async def test_a_workstation_does_not_answer_to_another_name(seat, host):
    assert (await seat.page("/quotes", Host=host)).status_code == 421
