"""Benchmark files -> binary data that `fairseq-train` reads, with an audit."""

import hashlib
import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Optional

from fairseq.data import Dictionary
from tqdm import tqdm

from fairseq_mlkd.data.audit import (
    FileAudit,
    file_sha256,
    read_audit,
    tokenizer_fingerprint,
    write_audit,
)
from fairseq_mlkd.data.benchmarks.pairs import PairBenchmark
from fairseq_mlkd.data.benchmarks.rows import BenchmarkFile, Dropped, SentencePair
from fairseq_mlkd.data.benchmarks.selection import Settings, select_files
from fairseq_mlkd.data.binary import BinaryWriter, encode_line
from fairseq_mlkd.text.tokenizer import Tokenizer


def is_held_out(pair: SentencePair, fraction: float, seed: int) -> bool:
    """Whether a training pair belongs to the held-out part.

    The first sentence alone decides, so that pairs which share it stay together.
    """
    digest = hashlib.sha256(f"{seed}\t{pair.sentence1}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < fraction * 2**64


class _SubsetWriter:
    """Writes the three binary files of one subset and audits its rows."""

    def __init__(
        self,
        out: Path,
        record: FileAudit,
        tokenizer: Tokenizer,
        dictionary: Dictionary,
        labels: Dictionary,
    ) -> None:
        self.record = record
        self._tokenizer = tokenizer
        self._dictionary = dictionary
        self._labels = labels
        parts = (("input0", dictionary), ("input1", dictionary), ("label", labels))
        self._writers = [
            BinaryWriter(str(out / part / record.subset), len(symbols))
            for part, symbols in parts
        ]

    def __enter__(self) -> "_SubsetWriter":
        with ExitStack() as stack:
            for writer in self._writers:
                stack.enter_context(writer)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: Any) -> Optional[bool]:
        return self._stack.__exit__(*exception)

    def add(self, pair: SentencePair) -> None:
        """Writes one example."""
        lang = self.record.language
        for writer, sentence in zip(self._writers, pair[:2]):
            symbols = self._tokenizer.tokenize(sentence, lang)
            writer.add(encode_line(self._dictionary, symbols))
        self._writers[2].add(encode_line(self._labels, [pair.label]))
        self.record.kept += 1


class Preparation:
    """One run: which files, in which way, to which folder.

    Args:
        folder: where the benchmark's files lie.
        tokenizer: folder with `dict.txt`, `subwords.json` and what that names.
        train: a training file to use in place of the one in `folder`.
    """

    def __init__(
        self,
        benchmark: PairBenchmark,
        folder: Path,
        tokenizer: Path,
        settings: Settings,
        train: Optional[Path] = None,
    ) -> None:
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; name the benchmark's files")
        if not (tokenizer / "dict.txt").is_file():
            raise ValueError(f"{tokenizer}: no dict.txt; name a tokenizer folder")
        if train is not None and not train.is_file():
            raise ValueError(f"--train {train}: no such file")
        self.benchmark = benchmark
        self.tokenizer = tokenizer
        self.settings = settings
        self.files = select_files(benchmark, folder, settings, train)
        self.records = [
            FileAudit(
                path=os.path.relpath(file.path, folder),
                sha256=file_sha256(file.path),
                language=file.lang,
                split=file.split,
                published=(
                    benchmark.published(file.split, file.lang)
                    if file.path != train
                    else None
                ),
            )
            for file in self.files
        ]

    def about(self) -> Dict[str, Any]:
        """What identifies the result, as it stands in `audit.json`."""
        inputs = [[r.path, r.sha256, r.language, r.split] for r in self.records]
        settings = {**asdict(self.settings), "langs": sorted(self.settings.langs)}
        return {
            "benchmark": self.benchmark.name,
            "metric": self.benchmark.metric,
            "labels": list(self.benchmark.labels),
            "tokenizer": tokenizer_fingerprint(self.tokenizer),
            "request": {**settings, "inputs": inputs},
        }

    def is_done(self, out: Path) -> bool:
        """Whether `out` holds the result of this very run.

        Raises:
            ValueError: it holds something else.
        """
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return False
        if (out / "audit.json").is_file():
            audit, about = read_audit(out / "audit.json"), self.about()
            if {key: audit.get(key) for key in about} == about:
                return True
        raise ValueError(
            f"{out} holds other data; remove it or name another output folder"
        )

    def write(self, out: Path) -> List[FileAudit]:
        """Writes everything to `out`, which appears complete or not at all."""
        partial = out.with_name(out.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            for part in ("input0", "input1", "label"):
                (partial / part).mkdir(parents=True)
            records = self._write_subsets(partial)
            write_audit(partial / "audit.json", self.about(), records)
            os.replace(partial, out)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return records

    def _write_subsets(self, out: Path) -> List[FileAudit]:
        shutil.copyfile(self.tokenizer / "dict.txt", out / "dict.txt")
        labels = Dictionary()
        for name in self.benchmark.labels:
            labels.add_symbol(name)
        labels.save(str(out / "label" / "dict.txt"))
        dictionary = Dictionary.load(str(out / "dict.txt"))
        encoding = (Tokenizer.load(str(self.tokenizer)), dictionary, labels)
        written = []
        for file, record in zip(self.files, self.records):
            with ExitStack() as stack:
                writer = stack.enter_context(_SubsetWriter(out, record, *encoding))
                held_out = None
                if record.split == "train" and self.settings.valid_fraction:
                    part = FileAudit(
                        record.path, record.sha256, record.language, "valid"
                    )
                    held_out = stack.enter_context(_SubsetWriter(out, part, *encoding))
                self._write_rows(file, writer, held_out)
                written += [w.record for w in (writer, held_out) if w is not None]
        return written

    def _write_rows(
        self,
        file: BenchmarkFile,
        writer: _SubsetWriter,
        held_out: Optional[_SubsetWriter],
    ) -> None:
        keep = self.settings.keep_placeholders
        rows = self.benchmark.read(file.path, file.lang, keep_placeholders=keep)
        share, seed = self.settings.valid_fraction, self.settings.seed
        for row in tqdm(rows, desc=writer.record.subset, unit=" rows", leave=False):
            if isinstance(row, Dropped):
                writer.record.drop(row.reason, row.line)
            elif held_out is not None and is_held_out(row, share, seed):
                held_out.add(row)
            else:
                writer.add(row)
        for used in filter(None, (writer, held_out)):
            if not used.record.kept:
                raise ValueError(
                    f"{file.path}: no row is left for {used.record.subset}"
                )
