"""The benchmark runs. How fast anything is, it says itself; a test that times would fail on a busy machine."""

import subprocess
import sys

import pytest

from .bench.figures import Times, in_turns
from .conftest import in_full
from .lab import ROOT


def bench(*options):
    command = [sys.executable, "-m", "tests.bench", "--quick", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_a_part_prints_its_figures_and_a_ratio_against_the_named_alternative():
    done = bench("--only", "anatomy")
    assert done.returncode == 0, done.stderr
    assert "torchinfo" in done.stdout
    assert "ratio" in done.stdout
    assert "goal ≤ 0.1" in done.stdout


@in_full
def test_all_parts_that_need_no_browser_run():
    done = bench("--no-browser")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ratio") == 5
    assert "JupyterLab" not in done.stdout


def test_an_unknown_part_is_refused_and_the_known_ones_named(monkeypatch, capsys):
    from .bench.__main__ import main

    monkeypatch.setattr(sys, "argv", ["bench", "--only", "nothing"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "anatomy" in capsys.readouterr().err


def test_median_and_p95():
    times = Times(list(range(1, 101)))
    assert times.median == 50.5
    assert times.p95 == 96


def test_the_ratio_is_of_neighbouring_runs_in_both_orders():
    calls = []
    ours, theirs, ratio = in_turns(lambda: calls.append("a"), lambda: calls.append("b"), 4)
    assert "".join(calls) == "ab" + "abbaabba"
    assert len(ours.all) == len(theirs.all) == 4
    assert ratio > 0
