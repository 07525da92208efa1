"""Keys fall to versions by their shares, and to the same again."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tasks.serving.routing import is_picked, pick, place

KEYS = [str(number).encode() for number in range(20_000)]


def test_shares_are_as_asked_for() -> None:
    counts = Counter(pick({"stable": 900, "canary": 100}, key, "some") for key in KEYS)
    # Five standard deviations of a binomial count.
    assert abs(counts["canary"] - 2000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5
    assert counts.total() == 20_000


def test_who_came_to_a_canary_stays_while_it_grows() -> None:
    before: set[bytes] = set()
    for share in (0, 10, 200, 1000):
        now = {k for k in KEYS if pick({"a": 1000 - share, "b": share}, k, "some") == "b"}
        assert before <= now
        before = now
    assert len(before) == len(KEYS)


def test_models_and_shadows_draw_by_themselves() -> None:
    chosen = [is_picked(100, key, "some") for key in KEYS]
    others = [is_picked(100, key, "shadow/some") for key in KEYS]
    both = sum(a and b for a, b in zip(chosen, others, strict=True))
    assert abs(both - 200) < 5 * 200**0.5
    assert not any(is_picked(0, key, "some") for key in KEYS)


@given(st.binary(max_size=50), st.text(max_size=50))
def test_a_place_is_one_of_a_thousand(key: bytes, salt: str) -> None:
    assert place(key, salt) == place(key, salt)
    assert 0 <= place(key, salt) < 1000
