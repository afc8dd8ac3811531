"""viseme: one photo and a voice into a talking-head video, by several families of models, fairly compared.

The functions of the command line under the same names: `viseme.prepare`, `viseme.train`, `viseme.generate`, ... They
are looked up on first use, so that importing the package stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    api = import_module("viseme.api")
    if name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module 'viseme' has no attribute {name!r}")
