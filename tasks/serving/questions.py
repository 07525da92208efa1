"""Makes a question of what an interface read: whom, by which signature, with what arrays."""

from __future__ import annotations

import math

from tasks.bundle.manifest import Bundle, Signature
from tasks.core.errors import DataError
from tasks.serving.heads import signature_of
from tasks.serving.types import Arrays, Code, Question, RequestError, Target

DEFAULT = "serving_default"  # what TensorFlow's clients call the default, whatever its name
_MAX_SHOWN = 100


def pick_signature(bundle: Bundle, name: str, method: str = "") -> str:
    """Name of the signature that a client means.

    Args:
        bundle: What the version's bundle says.
        name: What the client calls it; empty for the first that has the method.
        method: ``classify`` or ``regress``, which only such a signature can be asked by; empty for
            tensors, which each gives.

    Raises:
        RequestError: There is none of that name, or it has another method.
    """
    signatures = bundle.signatures
    if not name and not method:
        return next(iter(signatures))
    fitting = [each for each, one in signatures.items() if method in ("", one.method)]
    if name in ("", DEFAULT) and name not in signatures and fitting:
        return fitting[0]
    if name in fitting:
        return name
    known = ", ".join(fitting) or "none"
    if name in signatures or name in ("", DEFAULT):
        has = f"signature {name!r} is for {signatures[name].method}" if name in signatures else ""
        raise _invalid(
            f"Expected a signature for {method}, {has or 'the model has none'}; those are: {known}"
        )
    raise _invalid(
        f'Serving signature name: "{name[:_MAX_SHOWN]}" not found in signature def; there are: '
        f"{', '.join(signatures)}"
    )


def ask(
    target: Target,
    signature: str,
    arrays: Arrays,
    outputs: tuple[str, ...] = (),
    deadline_s: float = math.inf,
) -> Question:
    """Make a question of arrays that fit the signature.

    Args:
        target: Which version.
        signature: Name of the signature, or of heads together.
        arrays: Array of each input, by name.
        outputs: Names of the outputs that are wanted; empty for all.
        deadline_s: When nobody waits any more.

    Raises:
        RequestError: INVALID_ARGUMENT, a name, type or shape is another one, or there is no item.
    """
    told = signature_of(target.bundle, signature)
    _check_names(told, signature, arrays, outputs)
    sizes: dict[str, int] = {}
    try:
        for each in told.inputs:
            each.check(arrays[each.name], sizes, f"Expecting shape: input {each.name}")
    except DataError as error:
        raise _invalid(str(error)) from error
    if told.batch is not None and sizes.get(told.batch) == 0:
        raise _invalid("expected at least one item, got none")
    return Question(target.model, target.version, signature, arrays, outputs, deadline_s)


def _check_names(told: Signature, signature: str, arrays: Arrays, outputs: tuple[str, ...]) -> None:
    wanted = {each.name for each in told.inputs}
    if odd := arrays.keys() ^ wanted:
        what = "is missing" if min(odd) in wanted else "is unknown"
        raise _invalid(
            f"input {min(odd)[:_MAX_SHOWN]!r} {what}: inputs of signature {signature} are "
            f"expected to be in the set {{{','.join(sorted(wanted))}}}"
        )
    if not outputs:
        return
    known = {each.name for each in told.outputs}
    if unknown := set(outputs) - known:
        raise _invalid(
            f"output tensor alias not found in signature {signature}: "
            f"{min(unknown)[:_MAX_SHOWN]!r}. Outputs expected to be in the set "
            f"{{{','.join(sorted(known))}}}"
        )


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
