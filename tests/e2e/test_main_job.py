"""The main job of the sales example, whole: sell apart, sync, edit on both sides, sync again, compare."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from examples.sales.command import EXIT_IMPOSSIBLE, EXIT_NO_READER, main
from examples.sales.generated import LONGEST_FROM
from examples.sales.invoices import Rejections, read_invoices

ROOT = Path(__file__).parents[2]
REAL_INVOICES = ROOT.parent / "shared" / "data" / "online-retail-2010-12_2011-03.csv.gz"

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def run(capsys, *arguments):
    """Run the job in this process; return its exit code and the one object it printed."""
    code = main(["run", "--json", *map(str, arguments)])
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") == 1
    return code, json.loads(printed.out)


def assert_nothing_is_lost(code, facts):
    """Check the judgement, and what it rests on."""
    assert facts["faults"] == []
    assert code == 0
    assert facts["divergent"] == 0
    assert (
        facts["conflicts_found"]
        == facts["conflicts_expected"]
        == facts["same_field_edits"] + facts["remove_and_edit_pairs"]
    )
    assert facts["conflicts_missing"] == 0
    assert facts["numbered"] == facts["marked"] > 0
    assert facts["duplicate_numbers"] == facts["holes"] == facts["duplicate_purchase_orders"] == 0


@pytest.mark.parametrize(("documents", "seed"), [(12, 2), (LONGEST_FROM, 1)])
def test_two_workstations_and_an_office_lose_nothing(capsys, documents, seed):
    code, facts = run(capsys, "--documents", documents, "--workstations", 2, "--seed", seed)

    assert_nothing_is_lost(code, facts)
    assert facts["documents"] == documents
    assert facts["documents_by_kind"]["sale"] >= 1
    assert facts["rejected_lines"] == {"count": 0, "first": []}
    assert facts["folder_files"] > 0
    assert facts["folder_bytes"] > 0
    assert facts["changes"] >= sum(facts["documents_by_kind"].values())
    assert {"first sync", "second sync", "compare", "total"} <= facts["seconds"].keys()
    assert facts["replay"].endswith(f"--documents {documents} --workstations 2 --seed {seed}")


def test_a_seed_gives_the_same_run_again(capsys):
    counted = ("documents_by_kind", "changes", "conflicts_found", "converted_twice", "marked")
    first, second = (run(capsys, "--documents", 6, "--workstations", 1, "--seed", 9)[1] for _ in range(2))

    assert {name: first[name] for name in counted} == {name: second[name] for name in counted}


def test_odd_and_dirty_lines_are_reported_and_the_rest_goes_on(capsys, tmp_path):
    path = tmp_path / "invoices.csv"
    path.write_text(
        HEADER
        + '1,A,"\u98a8\u9234 ""\U0001f390"" \u200f\u05e9\u05dc\r\ne\u0301",2,2024-01-02,1.10,7.0,\u00c5land\n'
        + "1,A,x,two,2024-01-02,1.10,7.0,EIRE\n"
        + "C2,B,' OR 1=1 --,-3,2024-01-03,2.20,,EIRE\n"
        + "3,,,0,2024-01-04,0,,\n"
        + "4,gift_0001_20,=SUM(A1),1,2024-01-05,0.001,8.0,EIRE\n"
        + "5,D,x,1,yesterday,1.10,7.0,EIRE\n",
        encoding="utf-8",
    )

    code, facts = run(capsys, "--invoices", path, "--workstations", 2)

    assert_nothing_is_lost(code, facts)
    assert facts["documents"] == 4
    assert facts["rejected_lines"]["count"] == 2
    assert [item["reason"] for item in facts["rejected_lines"]["first"]] == [
        "Quantity is 'two', no number",
        "InvoiceDate is 'yesterday', no date as in 2010-12-31 08:26:00",
    ]


def test_databases_and_folder_can_be_kept_once(capsys, tmp_path):
    keep = tmp_path / "kept"
    code, facts = run(capsys, "--documents", 2, "--workstations", 1, "--keep", keep)
    assert code == 0
    assert {path.name for path in keep.iterdir()} == {"folder", "office", "R1"}
    files = [path for path in (keep / "folder").rglob("*") if path.is_file()]
    assert facts["folder_files"] == len(files)

    assert main(["run", "--json", "--documents", "2", "--keep", str(keep)]) == EXIT_IMPOSSIBLE
    assert "kept" in capsys.readouterr().err


def test_a_file_that_is_not_there_or_holds_no_invoices_is_told(capsys, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "dates.csv").write_text(HEADER + "1,A,x,2,12/31/2010 8:26,1.10,7,EIRE\n" * 30)

    for name, told in (
        ("missing.csv", "missing.csv: No such file"),
        ("other.csv", "no column 'InvoiceNo', 'StockCode'"),
        ("dates.csv", "line 2: InvoiceDate is '12/31/2010 8:26', no date as in 2010"),
        ("dates.csv", "and 10 more"),
    ):
        assert main(["run", "--json", "--invoices", str(tmp_path / name)]) == EXIT_IMPOSSIBLE
        printed = capsys.readouterr()
        assert told in printed.err
        assert printed.out == ""


def test_a_directory_with_something_in_it_is_not_kept_in(capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    assert main(["run", "--json", "--keep", str(tmp_path)]) == EXIT_IMPOSSIBLE
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert "new one" in capsys.readouterr().err


def test_nobody_who_reads_is_no_failure():
    command = f"{shlex.quote(sys.executable)} -m examples.sales run --json --documents 1 | true"
    ran = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (ran.returncode, ran.stderr) == (EXIT_NO_READER, "")


@pytest.mark.parametrize("count", ["0", "many"])
def test_a_count_that_is_none_is_refused(capsys, count):
    with pytest.raises(SystemExit):
        main(["run", "--documents", count])
    assert "a whole number, at least 1" in capsys.readouterr().err


def test_without_json_a_person_sees_the_phases_and_the_judgement(capsys):
    assert main(["run", "--documents", "2", "--workstations", "1"]) == 0

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "second sync" in printed.err
    assert "Nothing lost, doubled or left over." in printed.err
    assert "customer 2, payment 0" in printed.err
    assert "\nAgain: python -m examples.sales run --documents 2 --workstations 1 --seed 1\n" in printed.err


def test_real_invoices_go_all_the_way(capsys):
    if not REAL_INVOICES.is_file():
        pytest.skip("the optional data set is not at ../shared/data")

    code, facts = run(capsys, "--invoices", REAL_INVOICES, "--documents", 25, "--workstations", 3)

    assert_nothing_is_lost(code, facts)
    assert facts["documents"] == 25
    assert facts["rejected_lines"]["count"] == 0


@pytest.mark.slow
def test_all_real_invoices_are_read():
    if not REAL_INVOICES.is_file():
        pytest.skip("the optional data set is not at ../shared/data")

    rejections = Rejections()
    invoices = list(read_invoices(REAL_INVOICES, rejections))

    assert rejections.count + sum(len(invoice.lines) for invoice in invoices) == 142_083
    assert len({invoice.number for invoice in invoices}) == 6_877
