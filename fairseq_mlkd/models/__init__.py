from fairseq_mlkd.models.multilingual_encoder import MultilingualEncoderModel
from fairseq_mlkd.models.pointer_generator import PointerGeneratorModel

__all__ = ["MultilingualEncoderModel", "PointerGeneratorModel"]
