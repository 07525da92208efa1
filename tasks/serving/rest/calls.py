"""The questions of the REST interface, from a body to a question and back."""

from __future__ import annotations

from typing import Final

from tasks.serving.examples import arrays_of
from tasks.serving.questions import ask, pick_signature
from tasks.serving.rest.answers import Writer, write_results
from tasks.serving.rest.bodies import Reader, read_examples, signature_name
from tasks.serving.rest.paths import Address
from tasks.serving.types import Arrays, Question, Target

_MAX_MADE: Final = 256  # of versions that are gone, too


class Codecs:
    """Readers and writers of signatures, made once each."""

    def __init__(self) -> None:
        """Begin with none."""
        self._made: dict[tuple[str, int, str], tuple[Reader, Writer]] = {}

    def of(self, target: Target, name: str) -> tuple[Reader, Writer]:
        """Reader and writer of a version's signature."""
        key, signature = (target.model, target.version, name), target.bundle.signatures[name]
        found = self._made.get(key)
        if found is None or found[0].signature is not signature:
            if len(self._made) >= _MAX_MADE:
                del self._made[next(iter(self._made))]  # the oldest
            found = self._made[key] = Reader(signature), Writer(signature)
        return found


class RestCall:
    """A ``POST``, read."""

    def __init__(self, spec: Address, body: bytes, codecs: Codecs) -> None:
        """Note what came; it is understood once the version is known."""
        self.spec = spec
        self._body, self._codecs = body, codecs

    def question(self, target: Target, deadline_s: float) -> Question:
        """Ask a version; see `tasks.serving.questions.ask`.

        Raises:
            RequestError: INVALID_ARGUMENT, the body is not what the signature takes.
        """
        bundle, verb = target.bundle, self.spec.verb
        name = signature_name(self._body)
        if verb == "predict":
            self._name = pick_signature(bundle, name)
            reader, self._writer = self._codecs.of(target, self._name)
            arrays, self._is_by_item = reader.read(self._body, target.max_items)
        else:
            self._name = pick_signature(bundle, name, verb)
            arrays = arrays_of(
                bundle.signatures[self._name], *read_examples(self._body, target.max_items)
            )
        return ask(target, self._name, arrays, (), deadline_s)

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        """Tell what it answered."""
        if self.spec.verb == "predict":
            return self._writer.write(arrays, self._is_by_item)
        return write_results(target.bundle.signatures[self._name], arrays)
