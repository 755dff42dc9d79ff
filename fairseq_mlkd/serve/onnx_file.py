"""Is this an ONNX file that `mlkd-export` could have written? Read before it is run.

ONNX Runtime would follow an external file, run loops and allocate what a shape says.
The file's protocol buffers are walked here without the library `onnx`, whose import
takes longer than answering.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

OPERATORS = frozenset(
    {
        "Abs",
        "Add",
        "Cast",
        "Concat",
        "DequantizeLinear",
        "Expand",
        "Gather",
        "GatherElements",
        "Gelu",
        "Identity",
        "LayerNormalization",
        "Less",
        "MatMul",
        "MatMulInteger",
        "Max",
        "Mul",
        "QuantizeLinear",
        "ReduceMax",
        "ReduceProd",
        "Relu",
        "Reshape",
        "Shape",
        "Slice",
        "Softmax",
        "Squeeze",
        "Sub",
        "Tanh",
        "Transpose",
        "Unsqueeze",
        "Where",
    }
)
# fields of the messages in onnx.proto
_GRAPH, _TRAINING, _FUNCTIONS = 7, 20, 25
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
_OPERATOR, _ATTRIBUTE, _DOMAIN = 4, 5, 7
# kinds of attributes without a graph of their own
_TENSOR, _TENSORS, _PLAIN = 5, 10, {1, 2, 3, 4, 5, 7, 8, 9, 10, 13, 20}
_EXTERNAL, _LOCATION = 13, 14


def check_onnx(path: Path) -> None:
    """Refuse a file with anything but plain tensors and the operators that we write.

    Raises:
        ValueError: in one line, what is in it.
    """
    try:
        _check_model(memoryview(path.read_bytes()))
    except (IndexError, UnicodeDecodeError):
        raise ValueError(f"{path}: not an ONNX file, or cut short") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}; export the model again") from None


def _check_model(data: memoryview) -> None:
    graphs = 0
    for field, value in _fields(data):
        if field in (_TRAINING, _FUNCTIONS):
            raise ValueError("holds functions or training code")
        if field == _GRAPH:
            graphs += 1
            _check_graph(value)
    if graphs != 1:
        raise ValueError(f"holds {graphs} graphs")


def _check_graph(data: memoryview) -> None:
    for field, value in _fields(data):
        if field == _NODE:
            _check_node(value)
        elif field == _INITIALIZER:
            _check_tensor(value)
        elif field == _SPARSE:
            raise ValueError("holds a sparse tensor")


def _check_node(data: memoryview) -> None:
    operator = domain = ""
    for field, value in _fields(data):
        if field == _OPERATOR:
            operator = bytes(value).decode()
        elif field == _DOMAIN:
            domain = bytes(value).decode()
        elif field == _ATTRIBUTE:
            for kind, part in _fields(value):
                if kind not in _PLAIN:
                    raise ValueError("holds an operator with a graph of its own")
                if kind in (_TENSOR, _TENSORS):
                    _check_tensor(part)
    if domain or operator not in OPERATORS:
        raise ValueError(f"holds the operator {domain}:{operator}")


def _check_tensor(data: memoryview) -> None:
    for field, value in _fields(data):
        if field == _EXTERNAL or (field == _LOCATION and bytes(value) != b"\0"):
            raise ValueError("keeps tensors in another file")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the number and the bytes of each field of a message.

    Raises:
        ValueError: no protocol buffers.
        IndexError: the data are cut short.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind, start = key & 7, at
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, memoryview(bytes([value != 0]))
            continue
        if kind == 2:
            size, start = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("not an ONNX file")
        at = start + size
        if at > len(data):
            raise IndexError
        yield key >> 3, data[start:at]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("not an ONNX file")
