"""The same benchmark in other subwords, and what two models of it have in common."""

import shutil
from pathlib import Path
from typing import Any

import torch
from fairseq.data import Dictionary
from laws import Case, Depths, Outputs, World, run_alone
from tiny import make_dictionary, write_sentences

from fairseq_mlkd.data.binary import load_binary
from fairseq_mlkd.distillation.contract import ModelShape

VOCABULARY = 44


def write_resplit(data: Path, folder: Path) -> Path:
    """Copy tiny data and cut its words anew, by a dictionary of its own.

    Words get 1 to 3 subwords, or none: not those that have none in `data`.
    """
    shutil.copytree(data, folder)
    make_dictionary(VOCABULARY).save(str(folder / "dict.txt"))
    for path in sorted((data / "input0").glob("*.idx")):
        rows = read_words(data, path.stem)
        cut = [[resplit(word) for word in words] for words in rows]
        eos = Dictionary().eos()
        lines = [[i for word in words for i in word] + [eos] for words in cut]
        write_sentences(folder / "input0" / path.stem, lines, 99)
        if (data / "pieces").is_dir():
            pieces = [[len(word) for word in words] for words in cut]
            write_sentences(folder / "pieces" / path.stem, pieces, 99)
    return folder


def read_words(data: Path, subset: str) -> list[list[list[int]]]:
    """Return each sentence's words in subwords; without words, each subword is one."""
    lines = load_binary(str(data / "input0" / subset))
    rows = [line.tolist()[:-1] for line in lines]
    if not (data / "pieces").is_dir():
        return [[[i] for i in row] for row in rows]
    pieces = load_binary(str(data / "pieces" / subset))
    return [
        [part.tolist() for part in torch.tensor(row).split(count.tolist())]
        for row, count in zip(rows, pieces)
    ]


def resplit(word: list[int]) -> list[int]:
    number = sum(word) + len(word)
    length = 1 if not word else number % 4
    return [4 + (7 * number + 5 * i) % VOCABULARY for i in range(length)]


class PairedCase(Case):
    """A teacher that has been trained on the data in its own subwords."""

    def __init__(self, world: World, other: World, head_map: str, depths: Depths):
        super().__init__(other, head_map, depths)
        path, teacher, longest = self.path, self.teacher, self.longest
        self.reader, self.their_rows = self.task, self.dataset
        super().__init__(world, head_map, depths)
        self.path, self.teacher = path, teacher
        self.options["teacher_data"] = str(other.data)
        shape = ModelShape.of(teacher.cfg)
        self.task.open_teacher_data(str(other.data), shape, with_states=False)
        self.task.load_dataset("train")
        self.dataset = self.task.datasets["train"]
        self.items = [self.dataset[item["id"]] for item in self.items]
        self.longest += longest
        self.sample = self.dataset.collater(self.items)

    def run_alone(self, sample: dict[str, Any]) -> list[Outputs]:
        """Return both models' outputs at the words that both have subwords for."""
        (index,) = sample["id"].tolist()
        theirs = self.their_rows.collater([self.their_rows[index]])
        own = run_alone(self.task, self.student, sample)
        taught = run_alone(self.reader, self.teacher, theirs)
        logits = {}
        for head, place in self.task.find_labels(sample).items():
            read = self.reader.find_labels(theirs)[head][0].nonzero().view(-1).tolist()
            rows = self._over_common_pointers(index, taught["logits"][head])
            found = dict(zip(read, rows))
            logits[head] = [found.get(i) for i in place[0].nonzero().view(-1).tolist()]
        taught = {**taught, "logits": logits}
        if not self.task.has_words:
            return [own, taught]
        return self._at_common_words(index, own, taught)

    def _over_common_pointers(self, index: int, logits: Any) -> list[Any]:
        """Return the teacher's logits without pointers that the student lacks."""
        rows = list(logits)
        if self.has_decoder:
            first = self.task.parses.first_pointer
            words = read_words(Path(self.task.cfg.data), "train.en")[index]
            for i, word in enumerate(words):
                if not word:
                    rows = [torch.where(at(row, first + i), -1e99, row) for row in rows]
        return rows

    def _at_common_words(
        self, index: int, own: Outputs, taught: Outputs
    ) -> list[Outputs]:
        subset = "train.en"
        datas = (self.task.cfg.data, self.reader.cfg.data)
        sides = [read_words(Path(data), subset)[index] for data in datas]
        common = [i for i, pair in enumerate(zip(*sides)) if all(pair)]
        cut = []
        for outputs, words in zip((own, taught), sides):
            places = [1 + sum(map(len, words[:i])) for i in common]
            cut.append({k: at_places(k, x, places) for k, x in outputs.items()})
        return cut


def at(row: Any, place: int) -> Any:
    return torch.arange(len(row)) == place


def at_places(name: str, states: Any, places: list[int]) -> Any:
    """Return one sentence's states where its places in the source are `places`."""
    if name == "hidden_states":
        return {i: x[:, places] for i, x in states.items()}
    if name == "attention_scores":
        return {i: x[:, :, places][:, :, :, places] for i, x in states.items()}
    if name == "cross_attention_scores":
        return {i: x[:, :, :, places] for i, x in states.items()}
    if name == "attention_vectors":
        return {i: [x[:, :, places] for x in found] for i, found in states.items()}
    if name == "cross_attention_vectors":
        return {
            i: [found[0], *(x[:, :, places] for x in found[1:])]
            for i, found in states.items()
        }
    return states
