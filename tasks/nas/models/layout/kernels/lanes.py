"""Numbers of sixteen images in vector registers, and what compiled loops do with them.

Maps are (c, p n): channels outermost, then positions, then images, whose number is padded to a
multiple of `NUM_LANES`. With images innermost a convolution or a pool with any window, stride and
dilation is a sum, or a maximum, over whole rows of images: nothing is gathered or transposed, and
sums stay in registers until they are complete.

Kernels, in the modules beside this one, take addresses of contiguous memory and counts; their first
argument, a zero, says the type of numbers. They check nothing. Letters: o channels made, i channels
read, m numbers of a row of a map, p positions of a map, q of the result, n images; x what is read,
y what is made, g a gradient.

numba compiles a kernel when it is first called and keeps the result in the folder of its module. It
looks at that module for changes, so the digest of this one is part of the key.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.caching import FunctionCache
from numba.extending import intrinsic, models, register_model

NUM_LANES = 16
FOUR = 4 * NUM_LANES  # numbers in as many registers as hide the latency of a multiply-add
_FLOATS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
_SOURCE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class _Cache(FunctionCache):  # type: ignore[misc]
    def _index_key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(signature, codegen), _SOURCE)


def kernel(function: FunctionT) -> FunctionT:
    """Compile a function, once for each type of numbers and machine.

    Sums may be taken in another order; what isn't finite stays so.
    """
    compiled = njit(fastmath={"reassoc", "contract", "nsz"}, nogil=True)(function)
    with contextlib.suppress(RuntimeError):  # no folder to keep it in
        compiled._cache = _Cache(function)
    return cast("FunctionT", compiled)


def inlined(function: FunctionT) -> FunctionT:
    """Let a function be a part of the kernels that call it."""
    return cast("FunctionT", njit(inline="always")(function))


class Lanes(types.Type):  # type: ignore[misc]
    """The type of sixteen numbers in registers."""

    def __init__(self, number: types.Float) -> None:
        self.number = number
        super().__init__(name=f"lanes({number})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _wide(_FLOATS[lanes.number]))


def _wide(number: ir.Type) -> ir.Type:
    return ir.VectorType(number, NUM_LANES)


def _operation(num_given: int, result: Callable[..., Any], emit: Callable[..., Any]) -> Any:
    """An operation of kernels.

    Args:
        num_given: How many values it takes.
        result: Its signature, by their types.
        emit: Emits it: (builder, type of numbers in LLVM, values).
    """

    def typed(*given: Any) -> Any:
        number = _FLOATS.get(getattr(given[0], "number", given[0]))

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
            return emit(builder, number, *values)

        return result(*given), generate

    # numba counts the parameters.
    forms = (
        lambda _, a: typed(a),
        lambda _, a, b: typed(a, b),
        lambda _, a, b, c: typed(a, b, c),
        lambda _, a, b, c, d: typed(a, b, c, d),
    )
    return intrinsic(forms[num_given - 1])


def _place(builder: Any, kind: ir.Type, address: Any, index: Any) -> Any:
    return builder.gep(builder.inttoptr(address, kind.as_pointer()), [index])


def _places(builder: Any, number: ir.Type, address: Any, index: Any) -> Any:
    return builder.bitcast(_place(builder, number, address, index), _wide(number).as_pointer())


def _align(number: ir.Type) -> int:
    return 4 if number == ir.FloatType() else 8


def _emit_spread(builder: Any, number: ir.Type, _: Any, value: Any) -> Any:
    undefined = ir.Constant(_wide(number), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_wide(ir.IntType(32)), None))


def _emit_call(builder: Any, name: str, result: ir.Type, *values: Any, **settings: Any) -> Any:
    kind = ir.FunctionType(result, [value.type for value in values])
    name = f"{name}.v{NUM_LANES}f{8 * _align(values[-1].type.element)}"
    called = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(called, values, **settings)


def _emit_total(builder: Any, number: ir.Type, lanes: Any) -> Any:
    nothing = ir.Constant(number, 0.0)
    name = "llvm.vector.reduce.fadd"
    return _emit_call(builder, name, number, nothing, lanes, fastmath=("reassoc",))


def _emit_if(compare: str, sign: str) -> Callable[..., Any]:
    def emit(builder: Any, number: ir.Type, *values: Any) -> Any:  # noqa: ARG001
        return builder.select(getattr(builder, compare)(sign, *values[:2]), *values[2:])

    return emit


def _of_lanes(*lanes: Any) -> Any:
    return lanes[0](*lanes)


# What stands at an index, given a zero, an address and the index.
load = _operation(
    3,
    lambda zero, *at: Lanes(zero)(zero, *at),
    lambda builder, number, _, *at: builder.load(
        _places(builder, number, *at), align=_align(number)
    ),
)
value_at = _operation(
    3,
    lambda zero, *at: zero(zero, *at),
    lambda builder, number, _, *at: builder.load(_place(builder, number, *at)),
)
# The same of a table of int32, given an address and the index.
entry_at = _operation(
    2,
    lambda *at: types.int32(*at),
    lambda builder, _, *at: builder.load(_place(builder, ir.IntType(32), *at)),
)
# Puts lanes, or with a zero in front one value, to an address and an index.
store = _operation(
    3,
    lambda lanes, *at: types.void(lanes, *at),
    lambda builder, number, lanes, *at: builder.store(
        lanes, _places(builder, number, *at), align=_align(number)
    ),
)
put = _operation(
    4,
    lambda zero, _, *at: types.void(zero, zero, *at),
    lambda builder, number, _, value, *at: builder.store(value, _place(builder, number, *at)),
)
# A value in all lanes, given a zero and the value; and the sum of all lanes.
spread = _operation(2, lambda zero, _: Lanes(zero)(zero, zero), _emit_spread)
total = _operation(1, lambda lanes: lanes.number(lanes), _emit_total)
plus = _operation(2, _of_lanes, lambda builder, _, *lanes: builder.fadd(*lanes))
# The product of the first two, plus the third.
fma = _operation(
    3,
    _of_lanes,
    lambda builder, number, *lanes: _emit_call(builder, "llvm.fma", _wide(number), *lanes),
)
# The third where the first two compare so, else the fourth. What isn't a number counts as greater,
# so that it is seen in the end.
if_greater = _operation(4, _of_lanes, _emit_if("fcmp_unordered", ">"))
if_equal = _operation(4, _of_lanes, _emit_if("fcmp_ordered", "=="))


@inlined
def load4(zero: float, x: int, at: int, step: int = NUM_LANES) -> Any:
    """Numbers in four registers, side by side if nothing else is said."""
    return (
        load(zero, x, at),
        load(zero, x, at + step),
        load(zero, x, at + 2 * step),
        load(zero, x, at + 3 * step),
    )


@inlined
def store4(four: Any, y: int, at: int) -> None:
    """Put what is in four registers side by side."""
    store(four[0], y, at)
    store(four[1], y, at + NUM_LANES)
    store(four[2], y, at + 2 * NUM_LANES)
    store(four[3], y, at + 3 * NUM_LANES)


@inlined
def fma4(factor: Any, four: Any, sums: Any) -> Any:
    """Add a factor's products with four registers to four sums."""
    return (
        fma(factor, four[0], sums[0]),
        fma(factor, four[1], sums[1]),
        fma(factor, four[2], sums[2]),
        fma(factor, four[3], sums[3]),
    )


@inlined
def begin(zero: float, y: int, at: int, bias: int, o: int, adds: bool) -> Any:
    """What a sum begins with: what is there, a bias unless its address is 0, or nothing."""
    if adds:
        return load(zero, y, at)
    if bias:
        return spread(zero, value_at(zero, bias, o))
    return spread(zero, zero)


@inlined
def begin4(zero: float, y: int, at: int, bias: int, o: int, adds: bool) -> Any:
    """`begin` for four registers."""
    return (
        begin(zero, y, at, bias, o, adds),
        begin(zero, y, at + NUM_LANES, bias, o, adds),
        begin(zero, y, at + 2 * NUM_LANES, bias, o, adds),
        begin(zero, y, at + 3 * NUM_LANES, bias, o, adds),
    )
