"""The questions of the gRPC interface: one class a method, from bytes to a question and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tasks.bundle.manifest import Bundle, Tensor
from tasks.serving.examples import Features, arrays_of, numbers_of, scores_of
from tasks.serving.heads import heads_of, join, of_head
from tasks.serving.questions import ask, pick_signature
from tasks.serving.rpc.messages import MESSAGES, parse
from tasks.serving.rpc.tensors import list_tensor, read_tensor
from tasks.serving.types import DATA_TYPES, Arrays, Code, Question, RequestError, Target

_METHOD = "tensorflow/serving/"


class Spec:
    """Which model a message names.

    Attributes:
        model: Name of the model.
        version: The version that is asked for; None for whichever answers.
        label: The label that is asked for; empty for none.
        signature: Name of the signature; empty for the default.
    """

    def __init__(self, spec: Any) -> None:
        """Read a ``ModelSpec``.

        Raises:
            RequestError: INVALID_ARGUMENT, it names no model.
        """
        if not spec.name:
            raise _invalid("Missing ModelSpec: expected the name of a model")
        self.model: str = spec.name
        self.version: int | None = spec.version.value if spec.HasField("version") else None
        self.label: str = spec.version_label
        self.signature: str = spec.signature_name


class Predict:
    """Tensors in, tensors out."""

    def __init__(self, raw: bytes, max_bytes: int) -> None:
        """Read a ``PredictRequest``; its tensors take at most so much memory each."""
        self._message, self._max_bytes = parse("PredictRequest", raw), max_bytes
        self.spec = Spec(self._message.model_spec)

    def question(self, target: Target, deadline_s: float) -> Question:
        """Ask a version; see `tasks.serving.questions.ask`."""
        message = self._message
        self._signature = pick_signature(target.bundle, self.spec.signature)
        arrays = {
            name: read_tensor(each, name, self._max_bytes) for name, each in message.inputs.items()
        }
        wanted = tuple(message.output_filter)
        return ask(target, self._signature, arrays, wanted, deadline_s)

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        """Write a ``PredictResponse``."""
        told = MESSAGES["PredictResponse"]()
        _tell(told.model_spec, target, self._signature)
        for name, array in arrays.items():
            list_tensor(array, told.outputs[name])
        return told.SerializeToString()  # type: ignore[no-any-return]


class _OfExamples:
    """Examples in; a subclass says how outputs are told."""

    request, response, method = "", "", ""

    def __init__(self, raw: bytes, max_bytes: int) -> None:
        """Read a request; `max_bytes` is the transport's to hold, as nothing here unfolds."""
        del max_bytes
        self._message = parse(self.request, raw)
        self.spec = Spec(self._message.model_spec)

    def question(self, target: Target, deadline_s: float) -> Question:
        """Ask a version; see `tasks.serving.questions.ask`."""
        self._signature = pick_signature(target.bundle, self.spec.signature, self.method)
        examples, context = read_input(self._message.input, target.max_items)
        arrays = arrays_of(target.bundle.signatures[self._signature], examples, context)
        return ask(target, self._signature, arrays, (), deadline_s)

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        """Write the response."""
        told = MESSAGES[self.response]()
        _tell(told.model_spec, target, self._signature)
        _RESULTS[self.method](told.result, target.bundle, self._signature, arrays)
        return told.SerializeToString()  # type: ignore[no-any-return]


class Classify(_OfExamples):
    """Examples in, a score a label out."""

    request, response, method = "ClassificationRequest", "ClassificationResponse", "classify"


class Regress(_OfExamples):
    """Examples in, numbers out."""

    request, response, method = "RegressionRequest", "RegressionResponse", "regress"


class MultiInference:
    """Examples in, answers of several heads out, by one pass of what they share."""

    def __init__(self, raw: bytes, max_bytes: int) -> None:
        """Read a ``MultiInferenceRequest``.

        Raises:
            RequestError: INVALID_ARGUMENT, it has no task, or they are for other models;
                UNIMPLEMENTED, a method is neither classify nor regress.
        """
        del max_bytes
        self._message = parse("MultiInferenceRequest", raw)
        if not self._message.tasks:
            raise _invalid("Inference request must have at least one InferenceTask")
        specs = [Spec(each.model_spec) for each in self._message.tasks]
        self.spec = specs[0]
        if len({(each.model, each.version, each.label) for each in specs}) > 1:
            raise _invalid("All ModelSpecs in a MultiInferenceRequest must access the same model")
        self._asked = []
        for task, spec in zip(self._message.tasks, specs, strict=True):
            method = task.method_name.removeprefix(_METHOD)
            if method not in _RESULTS:
                raise RequestError(
                    Code.UNIMPLEMENTED,
                    f"Unsupported signature method_name: {task.method_name[:100]}; expected "
                    f"{_METHOD}classify or {_METHOD}regress",
                )
            self._asked.append((spec.signature, method))

    def question(self, target: Target, deadline_s: float) -> Question:
        """Ask a version; see `tasks.serving.questions.ask`."""
        self._heads = [pick_signature(target.bundle, *each) for each in self._asked]
        together = join(target.bundle, self._heads)
        examples, context = read_input(self._message.input, target.max_items)
        arrays = arrays_of(target.bundle.signatures[self._heads[0]], examples, context)
        return ask(target, together, arrays, (), deadline_s)

    def answer(self, target: Target, arrays: Arrays) -> bytes:
        """Write a ``MultiInferenceResponse``, a result a task."""
        told = MESSAGES["MultiInferenceResponse"]()
        is_one = len(heads_of("+".join(self._heads))) == 1
        for head, (_, method) in zip(self._heads, self._asked, strict=True):
            result = told.results.add()
            _tell(result.model_spec, target, head)
            part = result.classification_result
            part = part if method == "classify" else result.regression_result
            mine = arrays if is_one else of_head(arrays, head)
            _RESULTS[method](part, target.bundle, head, mine)
        return told.SerializeToString()  # type: ignore[no-any-return]


def read_input(given: Any, max_items: int) -> tuple[list[Features], Features]:
    """Examples and context of an ``Input``.

    Raises:
        RequestError: INVALID_ARGUMENT, so many examples may not be.
    """
    has_context = given.HasField("example_list_with_context")
    told = given.example_list_with_context if has_context else given.example_list
    if len(told.examples) > max_items:
        raise _invalid(
            f"expected at most {max_items} examples, got {len(told.examples)}; ask for them in "
            "several requests"
        )
    context = _features(told.context) if has_context else {}
    return [_features(each) for each in told.examples], context


def write_metadata(model: str, version: int, bundle: Bundle) -> bytes:
    """Write a ``GetModelMetadataResponse``: what can be asked."""
    told = MESSAGES["GetModelMetadataResponse"]()
    told.model_spec.name, told.model_spec.version.value = model, version
    signatures = MESSAGES["SignatureDefMap"]()
    for name, each in bundle.signatures.items():
        signature = signatures.signature_def[name]
        signature.method_name = f"{_METHOD}{each.method}"
        for tensors, infos in ((each.inputs, signature.inputs), (each.outputs, signature.outputs)):
            _tell_tensors(tensors, infos)
    told.metadata["signature_def"].Pack(signatures)
    return told.SerializeToString()  # type: ignore[no-any-return]


def _tell_tensors(tensors: Sequence[Tensor], infos: Any) -> None:
    for each in tensors:
        info = infos[each.name]
        info.name, info.dtype = each.name, DATA_TYPES[each.dtype][1]
        info.tensor_shape.SetInParent()
        for size, axis in zip(each.sizes, each.shape, strict=True):
            info.tensor_shape.dim.add(size=size, name=axis if isinstance(axis, str) else "")


def _features(example: Any) -> Features:
    return {
        name: each.bytes_list.value or each.float_list.value or each.int64_list.value
        for name, each in example.features.feature.items()
    }


def _tell(spec: Any, target: Target, signature: str) -> None:
    spec.name, spec.signature_name = target.model, signature
    spec.version.value = target.version


def _tell_classes(told: Any, bundle: Bundle, signature: str, arrays: Arrays) -> None:
    for scores in scores_of(bundle.signatures[signature], arrays):
        item = told.classifications.add()
        for label, score in scores:
            item.classes.add(label=label, score=score)


def _tell_numbers(told: Any, bundle: Bundle, signature: str, arrays: Arrays) -> None:
    for value in numbers_of(bundle.signatures[signature], arrays):
        told.regressions.add(value=value)


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)


_RESULTS: Final[Mapping[str, Any]] = {"classify": _tell_classes, "regress": _tell_numbers}
CALLS: Final[Mapping[str, type[Any]]] = {
    each.__name__: each for each in (Predict, Classify, Regress, MultiInference)
}
