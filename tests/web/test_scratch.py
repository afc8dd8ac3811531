from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from viseme.web.scratch import Scratch, remove_abandoned

HOLD = """
import sys, time
from pathlib import Path
from viseme.web.scratch import Scratch
with Scratch(9, Path(sys.argv[1])) as scratch:
    print(scratch.path, flush=True)
    time.sleep(60)
"""


def test_a_folder_goes_with_its_server(tmp_path: Path) -> None:
    with Scratch(60, tmp_path) as scratch:
        (scratch.files / "a").write_bytes(b"x" * 1000)
        assert scratch.size() == 1000
        assert scratch.path.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_is_old_is_removed_and_what_is_new_stays(tmp_path: Path) -> None:
    with Scratch(60, tmp_path) as scratch:
        for name in ("old", "new"):
            (scratch.files / name).mkdir()
            (scratch.files / name / "file").write_bytes(b"x")
        past = time.time() - 120
        os.utime(scratch.files / "old" / "file", (past, past))
        scratch.remove_old()
        assert not (scratch.files / "old" / "file").exists()
        assert (scratch.files / "new" / "file").exists()


def test_a_killed_server_is_cleared_up_after_and_a_running_one_is_not(tmp_path: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    killed, kept = (Path(one.stdout.readline().strip()) for one in running)
    running[0].send_signal(signal.SIGKILL)
    running[0].wait()
    remove_abandoned(tmp_path)
    assert not killed.exists()
    assert kept.is_dir()
    running[1].kill()
    for one in running:
        one.wait()
        one.stdout.close()
