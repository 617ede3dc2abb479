"""`redress run` on what it may be given: files that hold no decision, folders that cannot be written, full disks."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from support import case, leftovers, read_tables
from typer.testing import CliRunner

from pipeline.cli import app

Rows = dict[str, list[dict[str, Any]]]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
ZIP = b"PK\x03\x04\x14\x00\x06\x00word/document.xml" + bytes(200)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Type /Catalog>> endobj\n" * 20


def go(folder: Path, out: Path, *options: str) -> Any:
    """`redress run` in this process: exit code, standard output and standard error."""
    result = CliRunner().invoke(app, ["run", str(folder), "--out", str(out), *options])
    assert result.exception is None or isinstance(result.exception, (SystemExit, click.exceptions.Exit)), (
        result.exception
    )
    return result


def quarantine(out: Path) -> dict[str, tuple[str, str]]:
    return {row["source_file"]: (row["reason"], row["detail"]) for row in read_tables(out)["quarantine"]}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A folder with two decisions; tests add what they need."""
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "numbered.txt").write_text(case("numbered.txt"), encoding="utf-8")
    (folder / "page.html").write_text(case("page.html"), encoding="utf-8")
    return folder


BAD: dict[str, tuple[str, bytes, str, str]] = {
    "empty": ("a.txt", b"", "empty", "nothing but white space"),
    "white space": ("a.txt", b" \r\n\t\n", "empty", "nothing but white space"),
    "pdf": ("a.txt", PDF, "binary", "save the decision as plain text or HTML"),
    "png": ("a.html", PNG, "binary", "save the decision as plain text or HTML"),
    "zip": ("a.txt", ZIP, "binary", "save the decision as plain text or HTML"),
    "index page": ("a.txt", case("index.txt").encode(), "not_a_decision", "search results"),
    "index page, HTML": ("a.html", case("index.html").encode(), "not_a_decision", "search results"),
    "no decision": ("24-001-101.txt", b"Page not found", "not_a_decision", "no title"),
    "no reference": ("a.txt", case("15-005-505.txt").encode(), "no_reference", "rename the file"),
    "unsupported": ("a.docx", ZIP, "unsupported_type", "save the decision as text or HTML"),
    "deep": ("a.html", b"<html><body>" + b"<div>" * 100_000, "nested_too_deep", "save the page again"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_goes_to_quarantine_and_harms_no_other(name: str, raw: Path, tmp_path: Path) -> None:
    file, content, reason, way_out = BAD[name]
    (raw / file).write_bytes(content)
    result = go(raw, tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert f"3 files: 2 decisions, 1 in quarantine (1 {reason})" in result.stdout
    found, detail = quarantine(tmp_path / "out")[file]
    assert found == reason and way_out in detail
    assert [row["source_file"] for row in read_tables(tmp_path / "out")["decisions"]] == ["numbered.txt", "page.html"]


def test_a_file_that_is_too_large(raw: Path, tmp_path: Path) -> None:
    with (raw / "huge.txt").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    assert go(raw, tmp_path / "out").exit_code == 0
    reason, detail = quarantine(tmp_path / "out")["huge.txt"]
    assert reason == "too_large" and "64 MB" in detail


def test_a_file_that_cannot_be_read(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not stop every user, so the system's answer is given by hand.
    (raw / "locked.txt").write_text(case("dashed.txt"), encoding="utf-8")
    read_bytes = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self.name == "locked.txt":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert go(raw, tmp_path / "out").exit_code == 0
    reason, detail = quarantine(tmp_path / "out")["locked.txt"]
    assert reason == "unreadable" and "Permission denied" in detail and "check the file's permissions" in detail


def test_a_link_that_leads_nowhere_is_not_passed_over(raw: Path, tmp_path: Path) -> None:
    (raw / "gone.txt").symlink_to(raw / "nowhere.txt")
    (raw / "round.txt").symlink_to(raw / "round.txt")
    assert "4 files: 2 decisions, 2 in quarantine (2 unreadable)" in go(raw, tmp_path / "out").stdout
    assert set(quarantine(tmp_path / "out")) == {"gone.txt", "round.txt"}


def test_a_pipe_is_not_waited_for(raw: Path, tmp_path: Path) -> None:
    os.mkfifo(raw / "pipe.txt")
    assert "2 files: 2 decisions" in go(raw, tmp_path / "out").stdout


def test_a_name_that_is_no_utf_8(raw: Path, tmp_path: Path) -> None:
    folder = os.fsencode(raw)
    for name, content in ((b"caf\xe9.txt", case("dashed.txt").encode()), (b"na\xefve.txt", b"")):
        with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH118, PTH123 - the name is bytes
            file.write(content)
    result = go(raw, tmp_path / "out")
    assert result.exit_code == 0
    tables = read_tables(tmp_path / "out")
    assert {row["source_file"] for row in tables["decisions"]} == {"caf?.txt", "numbered.txt", "page.html"}
    assert [row["source_file"] for row in tables["quarantine"]] == ["na?ve.txt"]


def test_a_bug_in_the_cleaner_costs_one_file(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import stages

    clean = stages.clean

    def broken(page: Any) -> Any:
        if page.name == "page.html":
            raise ZeroDivisionError("division by zero")
        return clean(page)

    monkeypatch.setattr(stages, "clean", broken)
    assert go(raw, tmp_path / "out").exit_code == 0
    assert quarantine(tmp_path / "out") == {
        "page.html": ("error", "ZeroDivisionError: division by zero; please report this file")
    }


# -- duplicates, joint reports, companions -----------------------------------------------------------------------------


def test_of_two_files_with_one_reference_the_fuller_stays(raw: Path, tmp_path: Path) -> None:
    lines = case("numbered.txt").split("\n")
    (raw / "a copy without header.txt").write_text("\n".join([lines[0], *lines[7:]]), encoding="utf-8")
    (raw / "z copy cut off.txt").write_text(case("numbered.txt").split("Agreed action")[0], encoding="utf-8")
    assert "4 files: 2 decisions, 2 in quarantine (2 duplicate)" in go(raw, tmp_path / "out").stdout
    lost = quarantine(tmp_path / "out")
    assert set(lost) == {"a copy without header.txt", "z copy cut off.txt"}
    for reason, detail in lost.values():
        assert reason == "duplicate" and "lgsco/24-001-101" in detail and detail.endswith("kept numbered.txt")


def test_equal_files_stay_by_name(raw: Path, tmp_path: Path) -> None:
    shutil.copy(raw / "numbered.txt", raw / "a.txt")
    go(raw, tmp_path / "out", "--shard-size", "1")
    assert set(quarantine(tmp_path / "out")) == {"numbered.txt"}


def test_a_joint_report_stays_under_each_reference(raw: Path, tmp_path: Path) -> None:
    for reference in ("15-005-506", "15-005-505", "15-005-507"):
        (raw / f"{reference}.txt").write_text(case("15-005-505.txt"), encoding="utf-8")
    go(raw, tmp_path / "out")
    rows = {row["decision_id"]: row["same_text_as"] for row in read_tables(tmp_path / "out")["decisions"]}
    first = "lgsco/15-005-505"
    assert {k: v for k, v in rows.items() if "/15-" in k} == {
        first: None,
        "lgsco/15-005-506": first,
        "lgsco/15-005-507": first,
    }


def test_gold_and_other_companions_are_passed_over_and_counted(raw: Path, tmp_path: Path) -> None:
    import json

    for name in ("numbered.json", "page.json", "README.md", "notes.jsonl", ".hidden.txt"):
        (raw / name).write_text("{}", encoding="utf-8")
    (raw / ".git").mkdir()
    (raw / ".git" / "config.txt").write_text("x", encoding="utf-8")
    result = go(raw, tmp_path / "out")
    assert "2 files: 2 decisions, 0 in quarantine" in result.stdout
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert manifest["passed_over"] == {".json": 2, ".jsonl": 1, ".md": 1} and manifest["inputs"] == 2


def test_folders_within_folders_and_one_file(raw: Path, tmp_path: Path) -> None:
    (raw / "2024" / "may").mkdir(parents=True)
    (raw / "2024" / "may" / "dashed.txt").write_text(case("dashed.txt"), encoding="utf-8")
    go(raw, tmp_path / "out")
    rows = {row["source_file"] for row in read_tables(tmp_path / "out")["decisions"]}
    assert rows == {"2024/may/dashed.txt", "numbered.txt", "page.html"}
    assert "1 files: 1 decisions" in go(raw / "page.html", tmp_path / "one").stdout


def test_the_dataset_may_stand_in_the_folder_of_raw_files(raw: Path) -> None:
    for _ in range(2):
        assert "2 files: 2 decisions, 0 in quarantine" in go(raw, raw / "dataset").stdout


# -- wrong use: exit code 2 --------------------------------------------------------------------------------------------


def test_a_missing_folder(tmp_path: Path) -> None:
    result = go(tmp_path / "missing", tmp_path / "out")
    assert result.exit_code == 2 and f"{tmp_path / 'missing'}: no such file or folder" in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    result = go(tmp_path / "raw", tmp_path / "out")
    assert result.exit_code == 2 and f"{tmp_path / 'raw'} holds no raw decisions (text, HTML" in result.stderr


def test_a_folder_of_companions_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in ("a.json", "b.json"):
        (tmp_path / "raw" / name).write_text("{}", encoding="utf-8")
    result = go(tmp_path / "raw", tmp_path / "out")
    assert result.exit_code == 2 and "only 2 .json" in result.stderr


def test_a_folder_with_no_readable_file(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.pdf").write_bytes(PDF)
    (tmp_path / "raw" / "b.txt").write_bytes(PNG)
    result = go(tmp_path / "raw", tmp_path / "out")
    assert result.exit_code == 2
    assert (
        f"none of the 2 files in {tmp_path / 'raw'} holds a decision" in result.stderr
        and "quarantine says why" in result.stderr
    )
    assert {name: reason for name, (reason, _) in quarantine(tmp_path / "out").items()} == {
        "a.pdf": "unsupported_type",
        "b.txt": "binary",
    }


# -- what cannot be written: exit code 1 -------------------------------------------------------------------------------


def test_a_file_in_the_place_of_the_output_folder(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    for out in (tmp_path / "out", tmp_path / "out" / "deeper"):
        result = go(raw, out)
        assert result.exit_code == 1 and str(tmp_path / "out") in result.stderr
        assert "a file stands where a folder must be; choose another folder with --out" in result.stderr
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("blocked", [".work", ".work/records", ".work/extracted", "decisions", "quarantine"])
def test_a_file_in_the_place_of_a_folder_within(raw: Path, tmp_path: Path, blocked: str) -> None:
    place = tmp_path / "out" / blocked
    place.parent.mkdir(parents=True)
    place.write_text("mine", encoding="utf-8")
    result = go(raw, tmp_path / "out")
    assert result.exit_code == 1 and str(place) in result.stderr and "choose another folder with --out" in result.stderr
    assert place.read_text(encoding="utf-8") == "mine"
    place.unlink()
    assert go(raw, tmp_path / "out").exit_code == 0
    assert leftovers(tmp_path / "out") == []


def test_a_folder_that_the_system_keeps_for_itself(raw: Path) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    result = go(raw, Path("/proc/redress"))
    assert result.exit_code == 1 and "cannot write /proc/redress" in result.stderr


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Any]:
    """`mounted(options)`: a small file system of its own; the test is skipped where mounting is not allowed."""
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk{len(places)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        places.append(place)
        return place

    if shutil.which("mount") is None:
        pytest.skip("there is no mount here")
    yield mount
    for place in places:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_folder_that_is_read_only(raw: Path, mounted: Any) -> None:
    disk = mounted("size=1m,ro")
    result = go(raw, disk / "out")
    assert result.exit_code == 1 and str(disk / "out") in result.stderr
    assert "this folder cannot be written; choose another with --out" in result.stderr


@pytest.mark.parametrize("free", [0, 8, 40, 80, 120])
def test_a_disk_that_is_full(corpus: Path, tables: Rows, mounted: Any, free: int) -> None:
    """The disk fills up after `free` KiB; once there is room again, a second run ends with the same tables."""
    disk = mounted("size=8m")
    filler = disk / "filler"
    filler.write_bytes(bytes((8 * 1024 - free) * 1024))
    result = go(corpus, disk / "out", "--shard-size", "4")
    assert result.exit_code == 1
    assert f"cannot write {disk / 'out'}" in result.stderr
    assert "the disk is full; free some space and run the same command again, what is done is kept" in result.stderr
    assert not (disk / "out" / "run.json").exists()
    filler.unlink()
    assert go(corpus, disk / "out", "--shard-size", "4").exit_code == 0
    assert read_tables(disk / "out") == tables
    assert leftovers(disk / "out") == []


@pytest.mark.parametrize(
    "place", ["pipeline.records.pq.write_table", "pipeline.dataset.build.pq.write_table", "pathlib.Path.write_text"]
)
def test_a_disk_that_says_it_is_full(
    corpus: Path, tables: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        result = go(corpus, tmp_path / "out", "--shard-size", "4")
    assert result.exit_code == 1 and f"cannot write {tmp_path / 'out'}" in result.stderr
    assert "the disk is full; free some space and run the same command again" in result.stderr
    assert go(corpus, tmp_path / "out", "--shard-size", "4").exit_code == 0
    assert read_tables(tmp_path / "out") == tables and leftovers(tmp_path / "out") == []
