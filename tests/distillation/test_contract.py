"""What tasks and criterions agree on."""

import pytest

from fairseq_mlkd.distillation.contract import ModelShape

SHAPE = {
    "encoder_layers": 2,
    "encoder_embed_dim": 8,
    "encoder_attention_heads": 2,
    "max_positions": 512,
}


@pytest.mark.parametrize("value", [None, "8", True, 8.0, [8], 0, -8, 2**40])
@pytest.mark.parametrize("name", SHAPE)
def test_a_shape_that_no_model_has_is_refused(name, value):
    assert ModelShape.of(SHAPE).encoder_layers == 2
    with pytest.raises(ValueError, match=f"a model whose {name} is "):
        ModelShape.of({**SHAPE, name: value})


def test_a_decoder_may_be_missing_but_not_wrong():
    assert ModelShape.of({**SHAPE, "decoder_layers": 3}).decoder_layers == 3
    assert ModelShape.of(SHAPE).decoder_layers is None
    with pytest.raises(ValueError, match="a model whose decoder_layers is '3'"):
        ModelShape.of({**SHAPE, "decoder_layers": "3"})
