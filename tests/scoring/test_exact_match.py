"""The scorer of fairseq-generate."""

from fairseq import scoring
from fairseq.data import Dictionary
from omegaconf import OmegaConf

from fairseq_mlkd.scoring import ExactMatchScorer


def test_share_of_equal_strings():
    cfg = OmegaConf.create({"_name": "exact_match"})
    scorer = scoring.build_scorer(cfg, Dictionary())
    assert isinstance(scorer, ExactMatchScorer)
    assert scorer.score() == 0.0
    for target, found in [("a b", "a b"), ("a b", "a"), ("", ""), ("b a", "a b")]:
        scorer.add_string(target, found)
    assert scorer.score() == 50.0
    assert scorer.result_string() == "exact match 50.00 (4 sentences)"
