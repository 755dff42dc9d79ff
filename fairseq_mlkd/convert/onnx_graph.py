"""A graph of ONNX operators, written node by node.

Exporters trace: they keep the branch that the example took, and write more operators
than the model has. All operators here are standard ones of `OPSET`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fairseq_mlkd.convert.trained import Arrays
from fairseq_mlkd.files.writing import replace_on_success

Shape = Sequence[int | str]  # axes with names are dynamic

OPSET = 20
_IR_VERSION = 10
_INT8 = 127  # the largest magnitude of a weight or activation
_ZERO_POINT = 128  # of activations: unsigned ones are several times as fast
_TINY = 1e-12  # in place of a maximum of 0
_BELOW_GELU = 0.1701  # GELU is nowhere further below 0


class Layer(NamedTuple):
    """A linear layer.

    Attributes:
        name: of it, without `.weight`; equal names are one constant.
        weight: `(outputs, inputs)`.
        bias: `(outputs,)`.
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray


class Graph:
    """Collects nodes and constants; every method returns the name of its output.

    Args:
        weights: parameters by our names.
    Attributes:
        gelus: the outputs of `gelu`.
    """

    _approximate_gelu = "none"

    def __init__(self, weights: Arrays) -> None:
        self.weights = weights
        self.gelus: set[str] = set()
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(
        self, name: str, shape: Sequence[int | str], dtype: Any = np.int64
    ) -> str:
        """Declare an input; axes with names are dynamic."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, x: str, name: str, shape: Shape) -> None:
        """Declare `x`, of float32, an output called `name`."""
        self._nodes.append(helper.make_node("Identity", [x], [name]))
        info = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        self._outputs.append(info)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output."""
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = None, name: str = "") -> str:
        """Add a constant; equal names are one constant."""
        array = np.asarray(value, dtype, order="C")
        name = name or f"constant_{len(self._constants)}"
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(array, name)
        return name

    def ints(self, *values: int) -> str:
        """Add a constant vector of integers, such as axes or a shape."""
        return self.constant(
            values, np.int64, name="ints_" + "_".join(map(str, values))
        )

    def number(self, value: float) -> str:
        """Add a constant scalar of float32."""
        return self.constant(value, np.float32, name=f"number_{value!r}")

    def roll(self, x: str, lead: str, width: int) -> str:
        """Turn `(*lead, width)` into rows `(tokens, width)`, as products take them."""
        return self.node("Reshape", x, self.ints(-1, width))

    def unroll(self, x: str, lead: str, width: int) -> str:
        """Turn rows into `(*lead, width)`."""
        shape = self.node("Concat", lead, self.ints(width), axis=0)
        return self.node("Reshape", x, shape)

    # --- layers

    def embed(self, ids: str, name: str) -> str:
        """Look up rows of an embedding."""
        table = self.constant(self.weights[f"{name}.weight"], name=f"{name}.weight")
        return self.node("Gather", table, ids)

    def layer(self, name: str, factor: float = 1) -> Layer:
        """Return a layer of `weights`, its output times `factor`."""
        weight, bias = (self.weights[f"{name}.{part}"] for part in ("weight", "bias"))
        return Layer(name, weight * np.float32(factor), bias * np.float32(factor))

    def linear(self, x: str, name: str, factor: float = 1) -> str:
        """Apply one layer of `weights`."""
        return self.linears(x, self.layer(name, factor))[0]

    def linears(self, x: str, *layers: Layer) -> list[str]:
        """Return what each layer makes of one input, `x @ weight.T + bias`."""
        outputs = []
        for name, weight, bias in layers:
            turned = self.constant(weight.T, name=f"{name}.weight")
            outputs.append(self.add_bias(self.node("MatMul", x, turned), bias, name))
        return outputs

    def add_bias(self, x: str, bias: np.ndarray, name: str) -> str:
        """Add the bias of a product, unless all of it is 0."""
        if not bias.any():
            return x
        return self.node("Add", x, self.constant(bias, name=f"{name}.bias"))

    def project(self, x: str, tokens: str, bias: str) -> str:
        """Return scores of all rows of an embedding, the output layer being tied."""
        table = self.constant(self.weights[tokens], name=tokens)
        scores = self.node("MatMul", x, self.node("Transpose", table, perm=[1, 0]))
        return self.node("Add", scores, self.constant(self.weights[bias], name=bias))

    def layer_norm(self, x: str, name: str, eps: float) -> str:
        """Normalise the last axis."""
        scale, bias = (
            self.constant(self.weights[f"{name}.{part}"], name=f"{name}.{part}")
            for part in ("weight", "bias")
        )
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=eps)

    def gelu(self, x: str) -> str:
        """Return `x` times the probability of a normal number below it."""
        y = self.node("Gelu", x, approximate=self._approximate_gelu)
        self.gelus.add(y)
        return y

    def save(self, path: Path) -> None:
        """Check the graph and write it."""
        graph = helper.make_graph(
            self._nodes,
            "model",
            self._inputs,
            self._outputs,
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR_VERSION,
            producer_name="fairseq_mlkd",
        )
        onnx.checker.check_model(model)
        path.parent.mkdir(exist_ok=True)
        with replace_on_success(path) as partial:
            onnx.save(model, partial)


class Int8Graph(Graph):
    """The same with 8-bit weights and activations.

    Every row of activations (a token) has its own scale, every output channel of a
    weight and every row of an embedding, too: no scale depends on another token, so
    what a sentence gets does not depend on its batch.

    Args:
        smoothing: divisors of the inputs of layers, one number for each channel, by the
            names of the layers that share the input, joined by "+"; their weights are
            multiplied by the same (Xiao et al., 2023).
    """

    _approximate_gelu = "tanh"  # off by 5e-4 at most: far less than rounding is

    def __init__(self, weights: Arrays, smoothing: Mapping[str, np.ndarray]) -> None:
        super().__init__(weights)
        self._smoothing = smoothing
        self._zeros: dict[str, str] = {}
        self._zero = ""

    def roll(self, x: str, lead: str, width: int) -> str:
        if lead not in self._zeros:
            zero = self.constant([_ZERO_POINT], np.uint8, name="zero_point")
            count = self.node("ReduceProd", lead, keepdims=1)
            self._zeros[lead] = self.node("Expand", zero, count)
        self._zero = self._zeros[lead]
        return super().roll(x, lead, width)

    def embed(self, ids: str, name: str) -> str:
        table, scale = quantise_rows(self.weights[f"{name}.weight"])
        rows = self.node("Gather", self.constant(table, name=f"{name}.weight"), ids)
        scales = self.node("Gather", self.constant(scale, name=f"{name}.scale"), ids)
        return self.node("Mul", self.node("Cast", rows, to=TensorProto.FLOAT), scales)

    def linears(self, x: str, *layers: Layer) -> list[str]:
        divisor = self._smoothing.get(joined(layers))
        if divisor is not None:
            x = self.node("Mul", x, self.constant(1 / divisor, np.float32))
            layers = tuple(y._replace(weight=y.weight * divisor) for y in layers)
        rounded = self._round(x)
        outputs = []
        for name, weight, bias in layers:
            quantised, scale = quantise_rows(weight)
            turned = self.constant(quantised.T, name=name)
            product = self._product(*rounded, turned, scale)
            outputs.append(self.add_bias(product, bias, name))
        return outputs

    def project(self, x: str, tokens: str, bias: str) -> str:
        table, scale = quantise_rows(self.weights[tokens])
        rows = self.node("Transpose", self.constant(table, name=tokens), perm=[1, 0])
        scores = self._product(*self._round(x), rows, scale)
        return self.node("Add", scores, self.constant(self.weights[bias], name=bias))

    def _round(self, x: str) -> tuple[str, str]:
        """Return rows of 8 bits and the scale of each.

        A row of zeros has the scale 0, and stays one whatever it is rounded to.
        """
        if x in self.gelus:
            above = self.node("ReduceMax", x, self.ints(-1), keepdims=0)
            largest = self.node("Max", above, self.number(_BELOW_GELU))
        else:
            size = self.node("Abs", x)
            largest = self.node("ReduceMax", size, self.ints(-1), keepdims=0)
        step = self.node("Mul", largest, self.number(1 / _INT8))
        return self.node("QuantizeLinear", x, step, self._zero, axis=0), step

    def _product(self, x: str, step: str, weight: str, scale: np.ndarray) -> str:
        """Return the product of what `_round` returned and `weight * scale.T`."""
        zero = self.constant(_ZERO_POINT, np.uint8, name="zero")
        product = self.node("MatMulInteger", x, weight, zero)
        product = self.node("DequantizeLinear", product, step, axis=0)
        return self.node("Mul", product, self.constant(scale.T, np.float32))


def joined(layers: Sequence[Layer]) -> str:
    """Return the name of layers that share an input."""
    return "+".join(layer.name for layer in layers)


def quantise_rows(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round each row to 8 bits.

    Returns:
        `(rows, columns)` int8 and `(rows, 1)` float32, whose product is near `weight`.
    """
    scale = np.abs(weight).max(axis=1, keepdims=True) / _INT8
    scale = np.maximum(scale, np.float32(_TINY)).astype(np.float32)
    return np.rint(weight / scale).astype(np.int8), scale
