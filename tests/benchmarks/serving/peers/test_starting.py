"""Peers answer what the network says, and whoever does not is told."""

from __future__ import annotations

from typing import Any, cast

import pytest

from benchmarks.serving.bundles import logits, words
from benchmarks.serving.peers.starting import PEERS, Peer, floats
from benchmarks.serving.servers import Server


class Fake:
    def post(self, _path: str, asked: Any) -> Any:
        return {"shape": [1, 2], "data": [float(sum(asked)), 0.5]}


def test_floats_are_found_however_an_answer_is_built():
    answer = {"name": "a", "shape": [1, 3], "outputs": [{"data": [[1.5, -2.0]]}, {"more": 0.25}]}
    assert floats(answer) == [1.5, -2.0, 0.25]


@pytest.mark.parametrize("expected", [[6.0, 0.6], [6.0], []])
def test_other_numbers_are_no_comparison(expected):
    peer = Peer("fake", cast("Any", None), "/", list)
    server = cast("Server", Fake())
    peer.check(server, [1, 2, 3], [6.0, 0.5])
    with pytest.raises(RuntimeError, match=r"fake: expected .* for \[1, 2, 3\], got \[6.0, 0.5\]"):
        peer.check(server, [1, 2, 3], expected)


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS, ids=[peer.name for peer in PEERS])
def test_a_peer_answers_what_the_network_says(tmp_path, peer):
    (sentence,) = words(1, seed=1).tolist()
    with peer.start(tmp_path) as server:
        peer.check(server, sentence, logits(sentence))
