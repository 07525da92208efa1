"""What labels stand for: only versions that answer, so that a label's move is never a gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tasks.serving.types import Code, RequestError


def move_labels(
    now: Mapping[str, int], wanted: Mapping[str, int], available: Collection[int]
) -> dict[str, int]:
    """Labels as they can stand: one whose new version isn't there yet stays where it is.

    Args:
        now: Version of each label.
        wanted: Version that each should have; one that isn't named here goes.
        available: Versions that answer.
    """
    found = {}
    for label, version in wanted.items():
        for each in (version, now.get(label)):
            if each is not None and each in available:
                found[label] = each
                break
    return found


def check_labels(model: str, wanted: Mapping[str, int], available: Collection[int]) -> None:
    """Refuse a change of settings whose labels name versions that don't answer.

    Raises:
        RequestError: FAILED_PRECONDITION, a version isn't there.
    """
    for label, version in wanted.items():
        if version not in available:
            known = ", ".join(map(str, sorted(available))) or "none"
            raise RequestError(
                Code.FAILED_PRECONDITION,
                f"Request to assign label {label} to version {version} of model {model}, which is "
                f"not currently available for inference; available: {known}. Load it first",
            )
