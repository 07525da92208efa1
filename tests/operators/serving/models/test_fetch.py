"""The command says what goes wrong in one line; that it fetches is the sources' test."""

from __future__ import annotations

import pytest

from operators.serving.models import fetch
from tasks.core.errors import TransientError


@pytest.mark.parametrize("fails", [False, True])
def test_it_fetches_or_says_why_not(fails, tmp_path, monkeypatch, capsys):
    asked = []

    def answer(*given: object) -> None:
        asked.append(given)
        if fails:
            raise TransientError("MLflow is away:\nreally")

    monkeypatch.setattr("operators.record.model_registry.fetch", answer)
    code = fetch.main(["http://x", "cells", "3", str(tmp_path)])
    assert asked == [("http://x", "cells", 3, tmp_path)]
    assert code == int(fails)
    assert capsys.readouterr().out == ("MLflow is away:\\nreally\n" if fails else "")
