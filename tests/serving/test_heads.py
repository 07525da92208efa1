"""Several signatures are asked as one, if they take the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.bundle.manifest import Network, Signature
from tasks.bundle.runtimes import Servable
from tasks.serving.heads import ask, heads_of, join, of_head, signature_of
from tasks.serving.types import Code, RequestError
from tests.support.bundle.models import Mean, plain, signature
from tests.support.serving.bundles import LONE, bundle


def test_heads_are_one_signature_with_the_outputs_of_all() -> None:
    told = bundle()
    name = join(told, ["number", "classes"])
    assert heads_of(name) == ("classes", "number")
    together = signature_of(told, name)
    assert [each.name for each in together.outputs] == ["classes/scores", "number/value"]
    assert together.inputs == told.signatures["classes"].inputs
    assert signature_of(told, join(told, ["tags"])) is told.signatures["tags"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["classes", "classes"], "Duplicate evaluation of signature: classes"),
        (["classes", "lone"], "Input tensor must be the same for all Signatures"),
    ],
)
def test_what_can_not_share_a_pass_is_refused(names: list[str], told: str) -> None:
    signatures: dict[str, Signature] = dict(bundle().signatures)
    with pytest.raises(RequestError, match=told) as caught:
        join(bundle(**signatures, lone=LONE), names)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_heads_take_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []

    class Counted(Mean):
        def __call__(self, arrays: Any) -> Any:
            passes.append(len(arrays["x"]))
            return super().__call__(arrays)

    told = plain(tmp_path, monkeypatch, Counted)
    both = {"predict": signature(), "number": signature(method="regress")}
    servable = Servable(tmp_path, told.model_copy(update={"signatures": both}), "plain")
    x = np.arange(8.0).reshape(2, 4)
    found = ask(servable, join(servable.bundle, both), {"x": x})
    assert passes == [2]
    for head in both:
        np.testing.assert_array_equal(of_head(found, head)["y"], [3.0, 11.0])
    np.testing.assert_array_equal(ask(servable, "number", {"x": x})["y"], [3.0, 11.0])
    assert isinstance(told.networks["plain"], Network)
