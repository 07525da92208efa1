"""Names that tell whose a folder is."""

from __future__ import annotations

import os
import subprocess
import sys

from operators.owners import is_nobodys, owner

TELL = "from operators.owners import owner; print(owner())"


def test_a_folder_is_somebodys_while_its_process_lives() -> None:
    for end in ("abc_d1", "0123abc", "45678"):
        assert not is_nobodys(f"orrery-scratch-{owner()}-{end}")
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True)
    assert is_nobodys(f"{told.stdout.strip()}-abc")


def test_an_id_that_was_given_anew_is_another_process() -> None:
    node, pid, begun = owner().rsplit("-", 2)
    assert pid == str(os.getpid())
    assert not is_nobodys(f"{node}-{pid}-{int(begun) - 5}")
    assert is_nobodys(f"{node}-{pid}-{int(begun) - 5000}")


def test_what_tells_nothing_or_of_another_machine_is_left_alone() -> None:
    for name in ("", "orrery-scratch-abc", "0123456789abcdef", "elsewhere-4194305-1764445216"):
        assert not is_nobodys(name)
