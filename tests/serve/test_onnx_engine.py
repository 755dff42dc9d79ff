"""ONNX Runtime computes what a graph says, on every processor."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from fairseq_mlkd.serve.onnx_engine import open_session


def test_products_of_8_bits_do_not_overflow(tmp_path):
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
    onnx.save(model, tmp_path / "product.onnx")
    session = open_session(tmp_path / "product.onnx", threads=1)
    (found,) = session.run(None, {"x": x})
    np.testing.assert_array_equal(found, x.astype(int) @ weight.astype(int))
