"""What BERT of `transformers` calls the parts of our encoder."""

_EMBEDDINGS = "encoder.embeddings"
_LAYER = "encoder.layers.N"

# their name -> ours; N stands for the number of a layer
BERT_ENCODER = {
    "embeddings.word_embeddings": f"{_EMBEDDINGS}.tokens",
    "embeddings.position_embeddings": f"{_EMBEDDINGS}.positions",
    "embeddings.token_type_embeddings": f"{_EMBEDDINGS}.segments",
    "embeddings.LayerNorm": f"{_EMBEDDINGS}.layer_norm",
    "encoder.layer.N.attention.self.query": f"{_LAYER}.self_attn.q_proj",
    "encoder.layer.N.attention.self.key": f"{_LAYER}.self_attn.k_proj",
    "encoder.layer.N.attention.self.value": f"{_LAYER}.self_attn.v_proj",
    "encoder.layer.N.attention.output.dense": f"{_LAYER}.self_attn.out_proj",
    "encoder.layer.N.attention.output.LayerNorm": f"{_LAYER}.self_attn_layer_norm",
    "encoder.layer.N.intermediate.dense": f"{_LAYER}.fc1",
    "encoder.layer.N.output.dense": f"{_LAYER}.fc2",
    "encoder.layer.N.output.LayerNorm": f"{_LAYER}.final_layer_norm",
}
BERT_LM_HEAD = {
    "cls.predictions": "lm_head",
    "cls.predictions.transform.dense": "lm_head.dense",
    "cls.predictions.transform.LayerNorm": "lm_head.layer_norm",
}
