from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel

__all__ = ["MultilingualEncoderModel"]
