"""Tests side by side in several processes: those of a file stay together, which share what takes long to make."""

import pytest


@pytest.mark.parametrize("n", range(4))
def test_the_tests_of_a_file_run_in_one_process(in_one_process, n):
    in_one_process("this file")
