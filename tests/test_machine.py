"""What the machine can do: its limits, and its abilities in sentences."""

import os
import stat

import pytest
import torch

from resnet_lib.speed.machine import Machine, abilities, bfloat16_units, compiler, measure, products
from resnet_lib.speed.onednn import can_join


def test_the_roof_by_hand():
    machine = Machine(peak=100e9, side=1024, bandwidth=20e9, threads=2)
    assert machine.ridge == 5
    assert machine.roof(1) == 20e9
    assert machine.roof(5) == 100e9
    assert machine.roof(50) == 100e9


def test_it_is_said_in_a_sentence_with_units_and_threads():
    text = str(Machine(123e9, 1024, 20.5e9, 1))
    assert "1 thread, float32" in text and "1,024 × 1,024 by torch.mm" in text
    assert "123 GFLOP/s (1 MAC = 2 FLOPs)" in text and "20.5 GB/s" in text and "6.0 FLOPs a byte" in text


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_measured_with_the_threads_that_there_are(dtype):
    told = []
    machine = measure(2, sizes=(16, 64), dtype=dtype, progress=lambda *at: told.append(at))
    assert machine.threads == torch.get_num_threads() and machine.dtype == dtype
    assert machine.side in (16, 64)
    assert machine.peak > 0 and machine.bandwidth > 0
    assert told[-1] == ((2 * len(products(16, dtype)) + 1) * 3,) * 2
    assert machine.by in products(16, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_way_of_multiplying_matrices_gives_their_product(dtype):
    found = products(8, dtype)
    assert set(found) == ({"torch.mm", "oneDNN"} if can_join(dtype) else {"torch.mm"})
    for multiply in found.values():
        assert torch.equal(multiply().reshape(8, 8), torch.full((8, 8), 8, dtype=dtype))


@pytest.mark.parametrize("wrong", [{"repeats": 0}, {"sizes": (64, 0)}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must be a whole number, 1 or larger"):
        measure(**wrong)


def test_the_abilities_are_sentences_about_all_that_the_lesson_uses():
    said = abilities()
    for word in ("cores", "vector units", "bfloat16", "oneDNN", "compiler", "GPU"):
        assert any(word in sentence for sentence in said), word
    assert all(sentence.strip().endswith((".", ".)")) for sentence in said)


def test_units_for_bfloat16_are_those_that_torch_tells_of(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert bfloat16_units() == ""
    assert any("No units for bfloat16" in sentence for sentence in abilities())
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert bfloat16_units() == "AMX"
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert bfloat16_units() == "", "an older torch does not know the question"


def script(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return path


def test_where_the_path_to_torch_has_a_space_there_is_no_compiling_and_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/home/me/my course/.venv/lib/torch/__init__.py")
    assert compiler() == ""
    assert any("has a space in it: keep the course in a folder without one." in said for said in abilities())


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins for compilers are shell scripts")
def test_a_compiler_counts_only_if_it_works(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/torch/__init__.py")  # wherever the course lies
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler() == ""
    script(tmp_path, "g++", "exit 1\n")  # a stub that only says how to install one
    assert compiler() == ""
    works = script(tmp_path, "clang++", "exit 0\n")
    assert compiler() == str(works)
    own = script(tmp_path, "my-compiler", "exit 0\n")
    monkeypatch.setenv("CXX", str(own))
    assert compiler() == str(own)
