from fairseq_mlkd.optim.fused_adamw import FusedAdamW

__all__ = ["FusedAdamW"]
