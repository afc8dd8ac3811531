"""The functions of the command line, under the same names, for use from Python.

Each is a thin composition of the parts; what is heavy (torch, dlib, PyAV, pyarrow) is imported on the first call that
needs it. Errors that a user can mend are `viseme.errors.VisemeError`.
"""

from __future__ import annotations

from viseme.api.data import (
    corpora,
    download,
    export_store,
    merge_stores,
    plan_download,
    prepare,
    synthetic,
    verify_store,
)
from viseme.api.judging import compare, demo, doctor, evaluate, inspect, model_card, plan_study, study, time_study
from viseme.api.models import (
    Preset,
    fetch_pretrained,
    generate,
    load_config,
    load_model,
    presets,
    pretrained,
    profile,
    train,
)
from viseme.api.serving import serve

__all__ = [
    "Preset",
    "compare",
    "corpora",
    "demo",
    "doctor",
    "download",
    "evaluate",
    "export_store",
    "fetch_pretrained",
    "generate",
    "inspect",
    "load_config",
    "load_model",
    "merge_stores",
    "model_card",
    "plan_download",
    "plan_study",
    "prepare",
    "presets",
    "pretrained",
    "profile",
    "serve",
    "study",
    "synthetic",
    "time_study",
    "train",
    "verify_store",
]
