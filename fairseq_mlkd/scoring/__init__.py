from fairseq_mlkd.scoring.exact_match import ExactMatchScorer

__all__ = ["ExactMatchScorer"]
