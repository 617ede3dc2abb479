"""`redress scrape` and `redress replica` as a user meets them: what they print, and how they end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from scraping import CONTACT, contents, published
from typer.testing import CliRunner

from pipeline.scrape.cli import app, replica
from pipeline.scrape.replica import KINDS, Replica

Serve = Callable[..., Replica]
WINDOW = ["--from", "2024-01-01", "--to", "2024-03-31"]


def invoke(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """(exit code, everything printed) of `redress scrape` with these arguments."""
    result = CliRunner().invoke(app, list(arguments), env={"REDRESS_CONTACT": "", **(env or {})})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def scrape(served: Replica, folder: Path, *more: str) -> tuple[int, str]:
    return invoke(
        "lgsco",
        *WINDOW,
        "--archive",
        str(folder),
        "--base-url",
        served.base,
        "--delay",
        "0",
        "--contact",
        CONTACT,
        *more,
    )


def test_a_scrape_and_its_status(serve: Serve, tmp_path: Path) -> None:
    served = serve(40)
    code, said = scrape(served, tmp_path)
    assert code == 0 and "40 pages fetched" in said and "40 decisions of 3 months" in said
    assert contents(tmp_path) == published(served)
    code, said = invoke("status", "--archive", str(tmp_path))
    assert code == 0 and said.count("complete") == 3 and "nothing is open" in said
    code, said = scrape(served, tmp_path)
    assert code == 0 and "0 pages fetched with 4 requests" in said


def test_the_contact_can_come_from_the_environment(serve: Serve, tmp_path: Path) -> None:
    arguments = ["lgsco", *WINDOW, "--archive", str(tmp_path), "--base-url", serve(3).base, "--delay", "0"]
    code, said = invoke(*arguments)
    assert code == 2 and "REDRESS_CONTACT" in said and not list(tmp_path.iterdir())
    assert invoke(*arguments, env={"REDRESS_CONTACT": CONTACT})[0] == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from", "2024-03-01", "--to", "2024-01-01", "--contact", CONTACT], "nothing to ask for"),
        (["--from", "2999-01-01", "--contact", CONTACT], "nothing to ask for"),
        (["--from", "January", "--contact", CONTACT], "does not match"),
        (["--contact", CONTACT], "--from"),
        ([*WINDOW, "--contact", "nobody"], "no contact"),
        ([*WINDOW, "--contact", CONTACT, "--delay", "0.1"], "too fast"),
        ([*WINDOW, "--contact", CONTACT, "--delay", "-1"], "delay"),
        ([*WINDOW, "--contact", CONTACT, "--base-url", "http://example.org"], "only https"),
    ],
)
def test_usage(tmp_path: Path, arguments: list[str], reason: str) -> None:
    code, said = invoke("lgsco", "--archive", str(tmp_path / "raw"), *arguments)
    assert code == 2 and reason in said


def test_a_site_that_changed_ends_with_3(serve: Serve, tmp_path: Path) -> None:
    served = serve(40, ["search-layout"])
    code, said = scrape(served, tmp_path)
    assert code == 3 and f"{served.base}/Decisions/SearchResults" in said and "failed" in said
    assert "next: redress scrape lgsco --from 2024-01-01 --to 2024-03-31" in said
    code, said = invoke("status", "--archive", str(tmp_path))
    assert "open" in said and "next: redress scrape lgsco --from 2024-01-01" in said


def test_trouble_ends_with_1(serve: Serve, tmp_path: Path) -> None:
    served = serve(40, ["elsewhere"], every=11)
    code, said = scrape(served, tmp_path)
    assert code == 1 and "another host" in said and "stays open" in said
    assert scrape(serve(3, ["robots-all"]), tmp_path / "other")[0] == 1


def test_come_back_later_is_remembered(serve: Serve, tmp_path: Path) -> None:
    served = serve(40, ["503-seconds"], every=1, retry_after=7200)
    code, said = scrape(served, tmp_path)
    assert code == 1 and "come back at" in said
    asked = len(served.asked)
    code, said = scrape(served, tmp_path)
    assert code == 1 and "not to be asked before" in said and len(served.asked) == asked


@pytest.mark.parametrize("command", [["forget-gone", "--archive", "{}"], ["--forget-gone", "--archive", "{}"]])
def test_forgetting(serve: Serve, tmp_path: Path, command: list[str]) -> None:
    served = serve(40)
    scrape(served, tmp_path)
    path = next(iter(served.published))
    served.take_down(path)
    scrape(served, tmp_path)
    assert "1 decision gone" in invoke("status", "--archive", str(tmp_path))[1]
    code, said = invoke(*(part.format(tmp_path) for part in command))
    assert code == 0 and path.rpartition("/")[2] in said
    assert contents(tmp_path) == published(served)


def test_without_an_archive(tmp_path: Path) -> None:
    assert invoke("status", "--archive", str(tmp_path / "none"))[0] == 1
    assert invoke("forget-gone", "--archive", str(tmp_path / "none"))[0] == 1
    assert invoke()[0] == 2
    assert not (tmp_path / "none").exists()


def test_words_from_the_site_are_shown_harmlessly(serve: Serve, tmp_path: Path) -> None:
    code, said = scrape(serve(40, ["hostile"]), tmp_path)
    assert code == 3 and "\x1b" not in said and "\x00" not in said


def test_the_replica_can_be_tried_out(tmp_path: Path) -> None:
    script = "import typer; from pipeline.scrape.cli import replica; typer.run(replica)"
    command = [sys.executable, "-c", script, "--port", "0", "--generate", "12"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline()
        base = next(word for word in said.split() if word.startswith("http://127.0.0.1:"))
        code, _ = invoke(
            "lgsco", *WINDOW, "--archive", str(tmp_path), "--base-url", base, "--delay", "0", "--contact", CONTACT
        )
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert code == 0 and len(contents(tmp_path)) == 12


def test_the_replica_lists_its_misdeeds() -> None:
    tool = typer.Typer()
    tool.command()(replica)
    listed = CliRunner().invoke(tool, ["--misbehave", "help"])
    assert listed.exit_code == 0 and all(kind in listed.output for kind in KINDS)
    assert CliRunner().invoke(tool, ["--misbehave", "sulk"]).exit_code == 2
    assert CliRunner().invoke(tool, []).exit_code == 2
