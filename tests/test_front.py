"""The front of the library: few names, and every name of earlier versions where it was."""

import importlib
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PUBLIC = json.loads((HERE / "public_names.json").read_text(encoding="utf-8"))


def test_a_visitor_sees_few_names():
    names = [p for p in Path(importlib.import_module("resnet_lib").__file__).parent.iterdir() if p.name[:2] != "__"]
    files = [p.name for p in names if p.is_file()]
    assert sorted(files) == ["activations.py", "anatomy.py", "blocks.py", "network.py"]
    assert len(names) - len(files) <= 11, "ten rooms, and the helpers below them"


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_can_still_be_imported(module):
    missing = [name for name in PUBLIC[module] if not hasattr(importlib.import_module(module), name)]
    assert not missing
