"""Records that the stages of `release_model` pass on."""

from __future__ import annotations

from tasks.core.records import FileRef, Record
from tasks.serving.release.canary import Canary


class Candidate(Record):
    """A version that is to be released, and what it is to take the place of.

    Attributes:
        model: Name in the registry.
        version: The candidate.
        served: What the server calls the model.
        stable: The version that answers now; None if none does.
        holder: Name under which this release holds the model.
        bundle: Files of the candidate's bundle.
    """

    schema_id = "serving.candidate/1"

    model: str
    version: int
    served: str
    stable: int | None
    holder: str
    bundle: dict[str, FileRef]


class NetworkToCheck(Record):
    """A network of a bundle."""

    schema_id = "serving.network_to_check/1"

    item_id: str
    bundle: dict[str, FileRef]


class CheckedNetwork(Record):
    """A network that gave all golden outputs.

    Attributes:
        item_id: Its name in the bundle.
        runtime: What opens it.
        num_signatures: Signatures that were replayed.
        difference: Greatest difference of an output.
        curve: CPU microseconds an item by batch size, measured there and then.
    """

    schema_id = "serving.checked_network/1"

    item_id: str
    runtime: str
    num_signatures: int
    difference: float
    curve: tuple[tuple[int, float], ...]


class CheckedBundle(Record):
    """A candidate whose bundle was checked.

    Attributes:
        candidate: The candidate.
        num_signatures: Signatures that were replayed, in all networks together.
        networks: Its networks.
        reasons: Why it can't be released; none if it can.
    """

    schema_id = "serving.checked_bundle/1"

    candidate: Candidate
    num_signatures: int
    networks: tuple[CheckedNetwork, ...]
    reasons: tuple[str, ...]


class Shadowed(Record):
    """What a candidate answered to what was asked before.

    Attributes:
        checked: The candidate, checked.
        source: What was asked again.
        num_asked: How many questions.
        num_failed: How many it did not answer.
        num_compared: How many both versions answered.
        num_disagreeing: Of those, how many name another class, or are no numbers.
        num_differing: Of those, how many differ by more than the tolerance.
        greatest: Greatest difference of a value; None where names or shapes differ.
        reasons: Why it can't be released; none if it can.
    """

    schema_id = "serving.shadowed/1"

    checked: CheckedBundle
    source: str
    num_asked: int
    num_failed: int
    num_compared: int
    num_disagreeing: int
    num_differing: int
    greatest: float | None
    reasons: tuple[str, ...]


class Canaried(Record):
    """How a candidate did in live traffic.

    Attributes:
        shadowed: The candidate, and what came before.
        canary: The canary at its end; None where there was none.
        reasons: Why it can't be released; none if it can.
    """

    schema_id = "serving.canaried/1"

    shadowed: Shadowed
    canary: Canary | None
    reasons: tuple[str, ...]


class Decision(Record):
    """What became of a release.

    Attributes:
        model: Name in the registry.
        version: The candidate.
        before: The version that answered before; None if none did.
        is_promoted: Whether the candidate answers now.
        reasons: Why not; none if it does.
        figures: Numbers of all stages.
        files: The report.
    """

    schema_id = "serving.decision/1"

    model: str
    version: int
    before: int | None
    is_promoted: bool
    reasons: tuple[str, ...]
    figures: dict[str, float]
    files: dict[str, FileRef]
