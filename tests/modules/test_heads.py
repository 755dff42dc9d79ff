"""Where the heads drop out."""

import torch

from fairseq_mlkd.modules.heads import PooledHead


def test_the_pooled_head_drops_out_after_the_pooler_alone():
    """As BERT does: dropout of everything leaves the bias of the classifier."""
    head = PooledHead(4, 3, dropout=1.0).train()
    pooled = []
    head.dense.register_forward_pre_hook(lambda module, args: pooled.append(args[0]))
    features = torch.randn(2, 4)
    logits = head(features)
    assert torch.equal(pooled[0], features)
    assert torch.equal(logits, head.out_proj.bias.expand(2, 3))
