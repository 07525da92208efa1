"""Several signatures of a bundle asked at once, with the same inputs: heads of one pass.

A client that wants classes and a number of the same example asks for both signatures; where they
take the same inputs by the same step, the network computes once for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks.bundle.manifest import Bundle, Signature
from tasks.bundle.runtimes import Servable
from tasks.serving.types import Arrays, Code, RequestError

_BESIDE, _BELOW = "+", "/"  # stand in no name of a signature or tensor


def join(bundle: Bundle, names: Iterable[str]) -> str:
    """Name under which signatures are asked together.

    Raises:
        RequestError: One stands there twice, or they take other inputs or steps before.
    """
    heads = sorted(names)
    first = bundle.signatures[heads[0]]
    for name in heads[1:]:
        other = bundle.signatures[name]
        if (other.inputs, other.before, other.batch) != (first.inputs, first.before, first.batch):
            raise RequestError(
                Code.INVALID_ARGUMENT,
                f"Input tensor must be the same for all Signatures: {heads[0]} and {name} take "
                "others; ask for them one by one",
            )
    if twice := next((name for name in heads if heads.count(name) > 1), None):
        raise RequestError(
            Code.INVALID_ARGUMENT, f"Duplicate evaluation of signature: {twice}; ask for it once"
        )
    return _BESIDE.join(heads)


def heads_of(name: str) -> tuple[str, ...]:
    """Signatures that a name stands for."""
    return tuple(name.split(_BESIDE))


def signature_of(bundle: Bundle, name: str) -> Signature:
    """The signature of a name, or of heads together: outputs are then called ``head/name``.

    Raises:
        RequestError: INVALID_ARGUMENT, the bundle has none of that name.
    """
    heads = heads_of(name)
    if odd := next((each for each in heads if each not in bundle.signatures), None):
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"no signature {odd[:100]!r}; there are {', '.join(bundle.signatures)}",
        )
    if len(heads) == 1:
        return bundle.signatures[name]
    signatures = {head: bundle.signatures[head] for head in heads}
    outputs = tuple(
        each.model_copy(update={"name": output_of(head, each.name)})
        for head, signature in signatures.items()
        for each in signature.outputs
    )
    return signatures[heads[0]].model_copy(update={"outputs": outputs})


def ask(servable: Servable, name: str, arrays: Arrays) -> Arrays:
    """Ask a network for what a name stands for.

    Raises:
        DataError: The network can't take the inputs, or gives something else than it says.
    """
    return together(servable.ask_together(heads_of(name), arrays))


def together(found: Mapping[str, Arrays]) -> Arrays:
    """Outputs of one head, or of several under names that say whose they are."""
    if len(found) == 1:
        return next(iter(found.values()))
    return {output_of(head, each): found[head][each] for head in found for each in found[head]}


def output_of(head: str, name: str) -> str:
    """How an output of one of several heads is called."""
    return f"{head}{_BELOW}{name}"


def of_head(arrays: Arrays, head: str) -> Arrays:
    """Outputs of one head among those of several, under their own names."""
    mine = output_of(head, "")
    return {k.removeprefix(mine): array for k, array in arrays.items() if k.startswith(mine)}
