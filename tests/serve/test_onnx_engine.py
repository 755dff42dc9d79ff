"""ONNX Runtime computes what a graph says, on every processor."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from fairseq_mlkd.serve.onnx_engine import session_options


def test_products_of_8_bits_do_not_overflow():
    rng = np.random.default_rng(1)
    x = rng.integers(128, 256, (4, 384), dtype=np.uint8)
    weight = rng.integers(-127, 128, (384, 32)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "weight"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        [onnx.numpy_helper.from_array(weight, "weight")],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(),
        session_options(threads=1),
        providers=["CPUExecutionProvider"],
    )
    (found,) = session.run(None, {"x": x})
    np.testing.assert_array_equal(found, x.astype(int) @ weight.astype(int))
