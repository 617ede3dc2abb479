"""The command: help, what it prints, and how it ends."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import CASES, ROOT, command, read_tables, redress
from typer.main import get_command
from typer.testing import CliRunner

from pipeline import __version__
from pipeline.cli import app
from pipeline.schema import TABLES


def _names(group: Any, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands, those of groups too (`rules check`)."""
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from _names(one, (*above, name))
        else:
            yield " ".join((*above, name))


COMMANDS = sorted(_names(get_command(app)))
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def invoke(*arguments: object, **options: object) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of a command in this process."""
    result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERMINAL_WIDTH": "200"}).invoke(
        app, [*map(str, arguments)]
    )
    return result.exit_code, result.stdout, result.stderr


def test_the_commands_are_there() -> None:
    assert {"run", "clean", "extract", "dataset", "show", "schema", "version"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    code, out, _ = invoke(*name.split(), "--help")
    words = " ".join(out.split())
    assert code == 0 and "Usage:" in words
    assert name == "version" or f"Example: redress {name}" in words, out


def test_help_without_arguments_names_the_first_step_and_the_exit_codes() -> None:
    _, out, err = invoke()
    words = " ".join((out + err).split())
    assert "redress run FOLDER --out DIR" in words and "Exit codes" in words


def test_version() -> None:
    assert invoke("version") == (0, f"{__version__}\n", "")


def test_the_installed_command() -> None:
    done = redress("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_schema_prints_every_column() -> None:
    code, out, _ = invoke("schema")
    assert code == 0
    for table in TABLES.values():
        assert f"### {table.name}\n" in out
        for column in table.columns:
            assert f"| `{column.name}` |" in out and column.description in out


def test_schema_of_some_tables() -> None:
    code, out, _ = invoke("schema", "payments", "findings")
    assert code == 0 and out.index("### payments") < out.index("### findings") and "### decisions" not in out
    code, _, err = invoke("schema", "payment")
    assert code == 2 and "no table payment" in err and "payments" in err


@pytest.mark.parametrize("name", ["numbered.txt", "page.html"])
def test_show_prints_header_outline_and_findings(name: str) -> None:
    code, out, _ = invoke("show", CASES / name)
    assert code == 0
    numbered = name == "numbered.txt"
    organisation, reference = (
        ("Larkbridge Borough Council", "24 001 101") if numbered else ("Osmer City Council", "24 004 404")
    )
    assert f"{organisation} ({reference})" in out
    for label in (
        "Category",
        "Decision",
        "Date",
        "Outline",
        "Findings (",
        "Remedies (",
        "Payments (",
        "Law (",
        "Total awarded",
    ):
        assert label in out
    assert ("What I found 6–9  findings" if numbered else "What I found 3–5  findings") in out
    assert out.index("Outline") < out.index("Findings (") < out.index("Remedies (") < out.index("Payments (")


def test_show_of_a_report_without_an_organisation() -> None:
    code, out, _ = invoke("show", CASES / "15-005-505.txt")
    assert code == 0 and "Organisation not named" in out and "15 005 505" in out


def test_show_of_what_is_no_decision(tmp_path: Path) -> None:
    code, out, err = invoke("show", CASES / "index.txt")
    assert (code, out) == (2, "") and f"{CASES / 'index.txt'} holds no decision (not_a_decision)" in err
    for path in (tmp_path / "missing.txt", tmp_path):
        code, _, err = invoke("show", path)
        assert code == 2 and f"cannot read {path}: " in err


def test_the_summary_of_a_run(corpus: Path, tmp_path: Path) -> None:
    done = redress("run", corpus, "--out", tmp_path / "out", "--shard-size", 8)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "32 files: 28 decisions, 4 in quarantine (1 binary, 1 duplicate, 1 empty, 1 not_a_decision)"
    rows = read_tables(tmp_path / "out")
    assert lines[1:] == [f"  {tmp_path / 'out' / name}/  {len(rows[name]):,} rows" for name in TABLES]


def test_progress_is_plain_lines_where_there_is_no_terminal(corpus: Path, tmp_path: Path) -> None:
    done = redress("run", corpus, "--out", tmp_path / "out")
    lines = done.stderr.splitlines()
    assert "\x1b" not in done.stderr and "\r" not in done.stderr
    assert any(re.fullmatch(r"clean: 32 of 32, [\d,]+/s", line) for line in lines)
    assert any(re.fullmatch(r"extract: \d+ of \d+, [\d,]+/s", line) for line in lines)


def test_progress_is_a_bar_on_a_terminal(corpus: Path, tmp_path: Path) -> None:
    screen, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        command("run", corpus, "--out", tmp_path / "out", "--shard-size", 4),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env=environment,
    )
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(screen, 4096):
            shown += part
    except OSError:  # the other end has closed
        pass
    finally:
        os.close(screen)
    assert process.wait(60) == 0
    text = ESCAPES.sub("", shown.decode())
    assert "clean" in text and "━" in text and "32/32" in text and "100%" in text and "/s" in text


def test_the_stages_one_by_one_make_what_a_run_makes(corpus: Path, tables: object, tmp_path: Path) -> None:
    code, out, err = invoke("clean", corpus, "--out", tmp_path / "records", "--shard-size", 5)
    assert code == 0 and "32 files in 7 shards" in out, err
    code, out, err = invoke("extract", tmp_path / "records", "--out", tmp_path / "extracted")
    assert code == 0 and "in 7 shards" in out, err
    code, out, err = invoke("dataset", tmp_path / "extracted", "--out", tmp_path / "out")
    assert code == 0 and out.startswith("32 files: 28 decisions, 4 in quarantine"), err
    assert read_tables(tmp_path / "out") == tables


def test_a_stage_without_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("extract", "dataset"):
        for folder in ("empty", "missing"):
            code, _, err = invoke(name, tmp_path / folder, "--out", tmp_path / "out")
            assert code == 1 and str(tmp_path / folder) in err and "run the stage before it first" in err
    code, _, err = invoke("clean", tmp_path / "missing", "--out", tmp_path / "out")
    assert code == 2 and "no such file or folder" in err


@pytest.mark.parametrize(
    "arguments", [("run",), ("run", "x", "--workers", "0"), ("run", "x", "--shard-size", "0"), ("walk",)]
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    code, _, err = invoke(*arguments)
    assert code == 2 and err
