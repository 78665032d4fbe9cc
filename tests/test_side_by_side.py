"""Tests side by side in several processes: those of a file stay together, which share what takes long to make."""

import os

import pytest


@pytest.mark.parametrize("n", range(4))
def test_the_tests_of_a_file_run_in_one_process(tmp_path_factory, n):
    folder = tmp_path_factory.getbasetemp()  # of this process; the folder above it is the run's
    seen = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "processes"
    with open(seen, "a") as file:
        file.write(f"{os.getpid()}\n")
    assert set(seen.read_text().split()) == {str(os.getpid())}
