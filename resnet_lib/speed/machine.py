"""What this machine can do: its threads, its units, a compiler, a GPU; and, measured, how fast it computes and moves
numbers."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from .._common import check
from .onednn import Joined, can_join
from .timing import timings

SIZES = (512, 1024, 2048)  # sides of the matrices: small ones cannot keep a processor busy
COPY = 32_000_000  # numbers copied for the bandwidth: 128 MB in float32, more than caches hold


@dataclass(frozen=True)
class Machine:
    """The two limits of a machine. 1 MAC counts as 2 FLOPs.

    peak:      FLOPs a second of the best matrix product.
    side:      of its matrices, side × side.
    bandwidth: bytes a second that a copy of a large tensor reads and writes.
    threads:   of torch while it was measured.
    dtype:     of the numbers.
    by:        what computed that product, "torch.mm" or "oneDNN".
    """

    peak: float
    side: int
    bandwidth: float
    threads: int
    dtype: torch.dtype = torch.float32
    by: str = "torch.mm"

    @property
    def ridge(self):
        """FLOPs a byte at which the two limits meet: with fewer, memory is the limit; with more, arithmetic."""
        return self.peak / self.bandwidth

    def roof(self, intensity):
        """FLOPs a second that this machine allows at so many FLOPs a byte. Williams, Waterman, Patterson, "Roofline"
        (Communications of the ACM, 2009): the smaller of peak and intensity × bandwidth."""
        return min(self.peak, intensity * self.bandwidth)

    def __str__(self):
        return (
            f"{self.threads} thread{'s' * (self.threads != 1)}, {str(self.dtype).removeprefix('torch.')}: matrix "
            f"products of {self.side:,} × {self.side:,} by {self.by} reach {self.peak / 1e9:,.0f} GFLOP/s (1 MAC = 2 "
            f"FLOPs), a copy moves {self.bandwidth / 1e9:,.1f} GB/s; the limits meet at {self.ridge:.1f} FLOPs a byte"
        )


def measure(repeats=9, *, sizes=SIZES, dtype=torch.float32, device="cpu", progress=None):
    """Measure the machine with torch's present number of threads.

    repeats:  timed runs of each product and of the copy, in turns; their lower quartiles count.
    sizes:    sides of the matrix products tried; the fastest counts.
    progress: called as progress(done, total).
    Returns a Machine. Raises ValueError for numbers out of range.
    """
    check(repeats=repeats, **{f"sizes[{i}]": n for i, n in enumerate(sizes)})
    works = {(n, by): work for n in sizes for by, work in products(n, dtype, device).items()}
    # As many bytes whatever the type, a fourth of them where all is small: only a trial.
    numbers = COPY // (1 if max(sizes) >= 1024 else 4) * 4 // dtype.itemsize
    source, target = (torch.ones(numbers, dtype=dtype, device=device) for _ in range(2))
    found = timings({**works, "copy": lambda: target.copy_(source)}, repeats, progress=progress)
    rates = {(n, by): 2 * n**3 / found[n, by].undisturbed for n, by in works}
    side, by = max(rates, key=rates.get)
    moved = 2 * numbers * dtype.itemsize  # each read once and written once
    bandwidth = moved / found["copy"].undisturbed
    return Machine(rates[side, by], side, bandwidth, torch.get_num_threads(), dtype, by)


def products(side, dtype=torch.float32, device="cpu"):
    """Functions that multiply two matrices of side × side, side³ MACs, by the name of what computes them. What is
    multiplied are ones.

    There are two where oneDNN is: torch.mm may come from a library that does not use all that the processor has. A 1×1
    convolution at `side` places from `side` to `side` channels is such a product.
    """
    a, b, c = (torch.ones(side, side, dtype=dtype, device=device) for _ in range(3))
    found = {"torch.mm": lambda: torch.mm(a, b, out=c)}
    if device == "cpu" and can_join(dtype):
        places = torch.ones(1, side, 1, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
        conv = nn.Conv2d(side, side, 1, bias=False, dtype=dtype).requires_grad_(False)
        conv.weight.fill_(1)
        joined = Joined(conv, False, False, places.shape)
        found["oneDNN"] = lambda: joined(places)
    return found


SPACE = " "


def no_compiler():
    """Why torch.compile is left out where `compiler()` has found none, as the end of a sentence."""
    if SPACE in torch.__file__:
        return "it cannot work where the path to torch has a space in it: keep the course in a folder without one"
    return "no working C++ compiler was found (Debian and Ubuntu: apt install g++; macOS: xcode-select --install)"


def abilities():
    """What this machine has of what makes networks fast, as a list of sentences."""
    units = bfloat16_units()
    found = compiler()
    n = torch.get_num_threads()
    said = [f"{os.cpu_count()} cores as the system counts them; torch computes with {n} thread{'s' * (n > 1)}."]
    said.append(f"The processor's vector units: {torch.backends.cpu.get_cpu_capability()}.")
    said.append(
        f"Units for bfloat16: {units}. How much they help has to be measured."
        if units
        else "No units for bfloat16 that torch knows of: it has to be imitated, which may well be slower."
    )
    said.append(
        "oneDNN, whose convolutions can take in the sum and the ReLU: "
        + ("there." if can_join() else "not in this build of torch.")
    )
    said.append(
        f"A C++ compiler for torch.compile: {found}."
        if found
        else f"torch.compile, which needs a C++ compiler, is left out here: {no_compiler()}."
    )
    said.append(f"GPU: {torch.cuda.get_device_name()}." if torch.cuda.is_available() else "No GPU that torch can use.")
    return said


def bfloat16_units():
    """Names of the processor's units for bfloat16, as far as torch tells; "" where it tells of none."""
    # torch's names for these questions begin with _, and older versions know fewer of them.
    questions = {"_is_avx512_bf16_supported": "AVX-512 BF16", "_is_amx_tile_supported": "AMX"}
    return " and ".join(name for q, name in questions.items() if getattr(torch.cpu, q, bool)())


def compiler():
    """The C++ compiler that torch.compile can use on the processor: its path, or "" where none works."""
    if SPACE in torch.__file__:  # it hands the linker this path without quotes
        return ""
    named = os.environ.get("CXX")
    for name in [named] if named else ["g++", "clang++", "c++"]:
        path = shutil.which(name)
        if path and _works(path):
            return path
    return ""


def _works(path):
    """Whether that compiler makes a library of one line: some are stubs that only say how to install them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "one.cpp"
        source.write_text('#include <cmath>\nextern "C" double one(double x) { return std::cos(x); }\n')
        command = [path, "-shared", "-fPIC", str(source), "-o", str(source.with_suffix(".so"))]
        try:
            return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False
