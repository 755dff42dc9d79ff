"""Official files -> binary data that `fairseq-train` reads, with an audit."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fairseq_mlkd.data.folders import (
    AUDIT_FILE,
    INTENT,
    LABEL,
    TARGET,
    WORDS,
    read_audit,
)
from fairseq_mlkd.files.hashing import file_sha256
from fairseq_mlkd.files.progress import show_progress
from fairseq_mlkd.files.writing import folder_on_success, is_free
from fairseq_mlkd.prepare.labelled.audit import FileAudit, write_audit
from fairseq_mlkd.prepare.labelled.reader import Reader
from fairseq_mlkd.prepare.labelled.row_writer import (
    RowEncoder,
    SubsetWriter,
    SymbolCounts,
)
from fairseq_mlkd.prepare.labelled.rows import Dropped, LabelledFile, Row, row_error
from fairseq_mlkd.prepare.labelled.selection import Settings, select_files
from fairseq_mlkd.remedies import OTHER_FOLDER
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE
from fairseq_mlkd.text.pointers import pointer_position
from fairseq_mlkd.text.tokenizer import tokenizer_fingerprint


def is_held_out(row: Row, fraction: float, seed: int) -> bool:
    """Return whether a training row belongs to the held-out part.

    Its key alone decides, so that rows which share it stay together.
    """
    digest = hashlib.sha256(f"{seed}\t{row.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < fraction * 2**64


def _missing_rows(file: LabelledFile, record: FileAudit) -> str:
    """Return the complaint about a file that leaves a subset empty."""
    reasons = [f"{why} (line {lines[0]})" for why, lines in record.dropped.items()]
    if record.split != file.split:
        advice = "add rows, raise --valid-fraction or give a dev file"
    elif reasons:
        advice = f"all are dropped: {', '.join(reasons)}; correct them"
    else:
        advice = "add rows"
    return f"{file.path}: no row is left for {record.subset}; {advice}"


def labels_of(row: Row) -> set[str]:
    """Return all labels of a row; pointers to words are none."""
    symbols = row.symbols()
    found = {s for name in (LABEL, INTENT, TARGET) for s in symbols.get(name, ())}
    return {symbol for symbol in found if pointer_position(symbol) is None}


class Preparation:
    """One run: which files, in which way, to which folder.

    Args:
        reader: of the data set.
        folder: where its files lie.
        tokenizer: folder with `dict.txt`, `subwords.json` and what that names.
        train: a training file to use in place of the one in `folder`.
    Attributes:
        labels: once written, how often each label stands in training data, by folder.
        has_own_labels: whether these are the user's own, and not known beforehand.
    """

    def __init__(
        self,
        reader: Reader[Any],
        folder: Path,
        tokenizer: Path,
        settings: Settings,
        train: Path | None = None,
    ) -> None:
        if folder.is_file():
            raise ValueError(
                f"{folder}: a file where the folder of the data set belongs; name its "
                f"folder, and --train {folder} if its name does not say what it is"
            )
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; name the data set's files")
        if not (tokenizer / DICTIONARY_FILE).is_file():
            raise ValueError(f"{tokenizer}: no dict.txt; name a tokenizer folder")
        if train is not None and not train.is_file():
            raise ValueError(f"--train {train}: no such file")
        if settings.keep_placeholders and reader.placeholder is None:
            raise ValueError(f"--keep-ns: {reader.name} has no rows to keep by it")
        self.reader = reader
        self.tokenizer = tokenizer
        self.settings = settings
        self.labels: dict[str, dict[str, int]] = {}
        self._share = settings.valid_fraction, settings.seed
        self.has_own_labels = bool(reader.request())
        self._known: set[str] = set()
        self._certain: set[str] = set()
        found = reader.find(folder)
        self.files = select_files(reader, folder, found, settings, train)
        self.unread = [
            file
            for file in found
            if file.split == "train"
            and file.lang != settings.source_lang
            and (not settings.langs or file.lang in settings.langs)
        ]
        trained = train and train.resolve()
        self.passed_over = [
            path for path in reader.passed_over(folder) if path.resolve() != trained
        ]
        paths = dict.fromkeys(file.path for file in self.files)
        digests = {path: file_sha256(path) for path in paths}
        self.records = [
            FileAudit(
                path=os.path.relpath(file.path, folder),
                sha256=digests[file.path],
                language=file.lang,
                split=file.split,
                published=(
                    reader.published(file.split, file.lang)
                    if file.path != train
                    else None
                ),
            )
            for file in self.files
        ]

    def about(self) -> dict[str, Any]:
        """Return what identifies the result, as it stands in `audit.json`."""
        inputs = [[r.path, r.sha256, r.language, r.split] for r in self.records]
        settings = {**asdict(self.settings), "langs": sorted(self.settings.langs)}
        return {
            "benchmark": self.reader.name,
            "tokenizer": tokenizer_fingerprint(self.tokenizer),
            "request": {**settings, **self.reader.request(), "inputs": inputs},
        }

    def is_done(self, out: Path) -> bool:
        """Return whether `out` holds the result of this very run.

        Raises:
            ValueError: it holds something else.
        """
        if is_free(out):
            return False
        audit, about = read_audit(out), self.about()
        if {key: audit.get(key) for key in about} == about:
            return True
        raise ValueError(f"{out} holds other data; {OTHER_FOLDER}")

    def write(self, out: Path) -> list[FileAudit]:
        """Write everything to `out`, which appears complete or not at all."""
        with folder_on_success(out) as partial:
            records = self._write_subsets(partial)
            learnt = {"labels": self.labels} if self.has_own_labels else {}
            write_audit(partial / AUDIT_FILE, {**self.about(), **learnt}, records)
        return records

    def notes(self) -> dict[str, list[str]]:
        """Return what the reader has to say of the files -> which of them."""
        found: dict[str, list[str]] = {}
        for path, file in {file.path: file for file in self.files}.items():
            for note in self.reader.notes(file):
                found.setdefault(note, []).append(path.name)
        if self.unread:
            langs = ", ".join(dict.fromkeys(lang for _, _, lang in self.unread))
            source = self.settings.source_lang
            note = f"rows in {langs} are not read: training data are in {source}"
            found[note] = list(dict.fromkeys(path.name for path, _, _ in self.unread))
        if self.passed_over:
            note = "not read, as no name says split and language: use --files"
            found[note] = [path.name for path in self.passed_over]
        return found

    def _write_subsets(self, out: Path) -> list[FileAudit]:
        if self.has_own_labels:
            self._learn_labels()
        counts = SymbolCounts(self.reader.fixed_symbols)
        for file in self.files:
            for split, row in self._read(file, "reading"):
                if not isinstance(row, Dropped):
                    counts.add(row, trained=split == "train")
        self.labels = {
            folder: dict(counts.trained(folder))
            for folder in counts.folders
            if folder != WORDS
        }
        encoder = RowEncoder(out, self.reader, self.tokenizer, counts)
        written = []
        for file, record in zip(self.files, self.records):
            with ExitStack() as stack:
                writers = {
                    found.split: stack.enter_context(SubsetWriter(out, found, encoder))
                    for found in self._records_of(record)
                }
                self._write_rows(file, writers)
                written += [writer.record for writer in writers.values()]
        return written

    def _learn_labels(self) -> None:
        """Find the labels of the training file, and those of what is not held out."""
        file, first = self.files[0], self.records[0]
        record = FileAudit(first.path, first.sha256, first.language, first.split)
        for row in self._rows(file, "learning labels of"):
            if isinstance(row, Dropped):
                record.drop(row.reason, row.line)
            else:
                labels = labels_of(row)
                self._known |= labels
                if not is_held_out(row, *self._share):
                    self._certain |= labels
        if not self._known:  # before rows of other files seem to have wrong ones
            raise ValueError(_missing_rows(file, record))

    def _is_held_out(self, row: Row) -> bool:
        """Say whether a training row is validated on; of rare labels none is."""
        is_drawn = is_held_out(row, *self._share)
        return is_drawn and (not self.has_own_labels or labels_of(row) <= self._certain)

    def _records_of(self, record: FileAudit) -> list[FileAudit]:
        """Return the record of a file, and one for what of it is held out."""
        if record.split != "train" or not self.settings.valid_fraction:
            return [record]
        held_out = FileAudit(record.path, record.sha256, record.language, "valid")
        return [record, held_out]

    def _read(
        self, file: LabelledFile, verb: str
    ) -> Iterator[tuple[str, Row | Dropped]]:
        """Yield every row of a file and the split that it goes to."""
        for row in self._rows(file, verb):
            if isinstance(row, Dropped):
                yield file.split, row
            elif file.split == "train":
                yield "valid" if self._is_held_out(row) else "train", row
            else:
                yield file.split, self._judge(file, row)

    def _rows(self, file: LabelledFile, verb: str) -> Iterator[Row | Dropped]:
        rows = self.reader.read(
            file.path,
            file.lang,
            split=file.split,
            keep_placeholders=self.settings.keep_placeholders,
        )
        title = f"{verb} {file.split}.{file.lang}"
        yield from show_progress(title, rows, unit="rows", leave=False)

    def _judge(self, file: LabelledFile, row: Row) -> Row | Dropped:
        """Return a row as it is kept or dropped if training data lack its labels."""
        rule = self.reader.unknown_labels
        unknown = labels_of(row) - self._known if rule != "keep" else None
        if not unknown:
            return row
        if rule == "drop":
            return Dropped("label that training data lack", row.line)
        label = min(unknown)
        close = get_close_matches(label, self._known, 1)
        meant = f", which have {close[0]!r}" if close else ""
        problem = f"{label!r} is no label of the training data{meant}"
        advice = "correct it, or give --unknown-labels drop, or keep"
        raise row_error(file.path, row.line, problem, advice)

    def _write_rows(self, file: LabelledFile, writers: dict[str, SubsetWriter]) -> None:
        for split, row in self._read(file, "writing"):
            if isinstance(row, Dropped):
                writers[split].record.drop(row.reason, row.line)
            else:
                writers[split].add(row)
        for writer in writers.values():
            if not writer.record.kept:
                raise ValueError(_missing_rows(file, writer.record))
