"""Semantic parsing with pointers (mTOP): trained on one language, tested on all."""

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from fairseq.data import Dictionary
from fairseq.dataclass import ChoiceEnum
from fairseq.dataclass.configs import GenerationConfig
from fairseq.models import BaseFairseqModel
from fairseq.search import BeamSearch
from fairseq.tasks import register_task
from torch import Tensor

from fairseq_mlkd.data.folders import ONTOLOGY_FILE, TARGET, WORDS
from fairseq_mlkd.data.parse_dataset import ParseDataset, ParseDictionary, read_ontology
from fairseq_mlkd.distillation.contract import Supervision
from fairseq_mlkd.errors import in_one_line
from fairseq_mlkd.metrics.choice import choose_metric
from fairseq_mlkd.models.pointer_generator import DECODER_HEAD, PointerGeneratorModel
from fairseq_mlkd.options import option
from fairseq_mlkd.tasks._fine_tuning_task import FineTuningTask, FineTuningTaskConfig
from fairseq_mlkd.tasks._generation import TextReader
from fairseq_mlkd.tasks._parse_generator import ParseGenerator
from fairseq_mlkd.text.grammar import GRAMMARS, Grammar


@dataclass
class ZeroShotParsingConfig(FineTuningTaskConfig):
    grammar: ChoiceEnum(GRAMMARS) = option(  # type: ignore[valid-type]
        "none",
        "what generation admits: anything, well-formed trees, or those "
        "whose slots stood under their intents in training",
    )
    valid_beam: int = option(1, "beam of the parses that validation scores; 1: greedy")


@register_task("zero_shot_parsing", dataclass=ZeroShotParsingConfig)
class ZeroShotParsingTask(FineTuningTask):
    """Reads `SPLIT.LANG` in `DATA/{input0,pieces,words,target}`, and the dictionaries.

    Parses point at words by position, so a target does not depend on the subwords.
    Validation generates, as fairseq-generate does with its default lengths.
    """

    cfg: ZeroShotParsingConfig
    label_parts = (TARGET, WORDS)

    def __init__(
        self,
        cfg: ZeroShotParsingConfig,
        dictionary: Dictionary,
        symbols: Dictionary,
        words: Dictionary,
    ) -> None:
        super().__init__(cfg, dictionary, choose_metric(self.label_parts))
        self.parses = ParseDictionary(symbols, words)

    @property
    def target_dictionary(self) -> Dictionary:
        """Of hypotheses and of targets as they are printed: with words."""
        return self.parses.printed

    def load_subset(self, subset: str, data: str | None = None) -> ParseDataset:
        return ParseDataset(
            data or self.cfg.data,
            subset,
            self.dictionary,
            self.parses,
            max_target_positions=self._longest_parse(),
            **self.limits(),
        )

    def read_text(self, text: TextReader, line: str) -> dict[str, list[int]]:
        """Read words, with a parse that nothing reads."""
        words, inputs = text.words(line)
        eos = self.parses.symbols.eos()
        named = self.parses.name_words(words)
        return {**inputs, WORDS: [*named, eos], TARGET: [eos]}

    def _longest_parse(self) -> int:
        shape = self.model_shape
        longest = None if shape is None else shape.max_target_positions
        return sys.maxsize if longest is None else longest

    def add_heads(self, model: BaseFairseqModel) -> None:
        if not isinstance(model, PointerGeneratorModel):
            raise ValueError(
                "--task zero_shot_parsing needs a decoder: choose an --arch "
                "pointer_generator_*"
            )

    def supervise(self, sample: dict[str, Any]) -> Supervision:
        """Return every symbol of the parse that the decoder can say."""
        target = sample["pointer_target"].flatten()
        places = target.ne(self.parses.outputs.pad()).nonzero().flatten()
        return Supervision({DECODER_HEAD: places}, {DECODER_HEAD: target[places]})

    def find_labels(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        return {DECODER_HEAD: sample["pointer_target"].ne(self.parses.outputs.pad())}

    def find_excluded(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Exclude pointers at words without subwords."""
        parses = self.parses
        rows = self.find_labels(sample)[DECODER_HEAD].nonzero()[:, 0]
        missing = self.word_starts(sample).lt(0)[rows, : parses.num_pointers]
        behind = parses.num_pointers - missing.size(1)
        never = F.pad(missing, (0, behind), value=True)
        return {DECODER_HEAD: F.pad(never, (parses.first_pointer, 0), value=False)}

    def word_starts(self, sample: dict[str, Any]) -> Tensor:
        return sample["net_input"]["word_starts"]

    def label_names(self) -> list[str]:
        return self.parses.outputs.symbols

    def place_heads(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        """Place none: without a parse to continue the decoder has nothing to say."""
        return {}

    def count_generated(
        self, sample: dict[str, Any], model: BaseFairseqModel
    ) -> dict[str, Tensor]:
        cfg = GenerationConfig(beam=self.cfg.valid_beam)
        hypotheses = self.build_generator([model], cfg).generate([model], sample)
        best = [row[0] for row in hypotheses]
        gold, predicted = (
            [{TARGET: self.parses.spell(parse)} for parse in parses]
            for parses in (sample["target"], [found["tokens"] for found in best])
        )
        if self.is_restored:
            lprobs = torch.stack([found["positional_scores"].sum() for found in best])
            self.record(sample, gold, predicted, lprobs.exp())
        return self.scores.count(gold, predicted)

    @in_one_line
    def build_generator(
        self, models: list[BaseFairseqModel], args: Any, **kwargs: Any
    ) -> ParseGenerator:
        """Build a beam search whose symbols are the first of `target_dictionary`."""
        grammar = self.grammar

        def build(models: Any, dictionary: Any, **options: Any) -> ParseGenerator:
            if type(options["search_strategy"]) is not BeamSearch:
                raise ValueError("zero_shot_parsing generates by beam search alone")
            _check_search(**options)
            return ParseGenerator(models, self.parses, grammar, **options)

        return super().build_generator(models, args, seq_gen_cls=build, **kwargs)

    @cached_property
    def grammar(self) -> Grammar | None:
        """The grammar that generation keeps; None: there is none."""
        if self.cfg.grammar == "none":
            return None
        pairs = None
        if self.cfg.grammar == "ontology":
            pairs = read_ontology(os.path.join(self.cfg.data, TARGET, ONTOLOGY_FILE))
        return Grammar(self.parses.outputs.symbols, pairs)


def _check_search(
    *, beam_size: int, min_len: int, max_len_a: float, max_len_b: int, **_: Any
) -> None:
    if beam_size < 1:
        raise ValueError(
            f"a beam of {beam_size}: give 1 or more (--beam, --valid-beam)"
        )
    if not max_len_a and max_len_b < min_len:
        raise ValueError(f"--max-len-b {max_len_b} is below --min-len {min_len}")
