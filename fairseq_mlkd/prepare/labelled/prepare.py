"""Official files -> binary data that `fairseq-train` reads, with an audit."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fairseq_mlkd.data.folders import AUDIT_FILE, DICTIONARY_FILE, read_audit
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
from fairseq_mlkd.prepare.labelled.rows import Dropped, LabelledFile, Row
from fairseq_mlkd.prepare.labelled.selection import Settings, select_files
from fairseq_mlkd.remedies import OTHER_FOLDER
from fairseq_mlkd.text.tokenizer import tokenizer_fingerprint


def is_held_out(row: Row, fraction: float, seed: int) -> bool:
    """Return whether a training row belongs to the held-out part.

    Its key alone decides, so that rows which share it stay together.
    """
    digest = hashlib.sha256(f"{seed}\t{row.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < fraction * 2**64


class Preparation:
    """One run: which files, in which way, to which folder.

    Args:
        reader: of the data set.
        folder: where its files lie.
        tokenizer: folder with `dict.txt`, `subwords.json` and what that names.
        train: a training file to use in place of the one in `folder`.
    """

    def __init__(
        self,
        reader: Reader[Any],
        folder: Path,
        tokenizer: Path,
        settings: Settings,
        train: Path | None = None,
    ) -> None:
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
        self.files = select_files(reader, folder, settings, train)
        self.records = [
            FileAudit(
                path=os.path.relpath(file.path, folder),
                sha256=file_sha256(file.path),
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
            "request": {**settings, "inputs": inputs},
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
        raise ValueError(f"{out} holds other data; remove it or {OTHER_FOLDER}")

    def write(self, out: Path) -> list[FileAudit]:
        """Write everything to `out`, which appears complete or not at all."""
        with folder_on_success(out) as partial:
            records = self._write_subsets(partial)
            write_audit(partial / AUDIT_FILE, self.about(), records)
        return records

    def _write_subsets(self, out: Path) -> list[FileAudit]:
        counts = SymbolCounts(self.reader.fixed_symbols)
        for file in self.files:
            for split, row in self._read(file, "reading"):
                if not isinstance(row, Dropped):
                    counts.add(row, trained=split == "train")
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
        share, seed = self.settings.valid_fraction, self.settings.seed
        rows = self.reader.read(
            file.path,
            file.lang,
            split=file.split,
            keep_placeholders=self.settings.keep_placeholders,
        )
        title = f"{verb} {file.split}.{file.lang}"
        for row in show_progress(title, rows, unit="rows", leave=False):
            held_out = (
                file.split == "train"
                and not isinstance(row, Dropped)
                and is_held_out(row, share, seed)
            )
            yield "valid" if held_out else file.split, row

    def _write_rows(self, file: LabelledFile, writers: dict[str, SubsetWriter]) -> None:
        for split, row in self._read(file, "writing"):
            if isinstance(row, Dropped):
                writers[split].record.drop(row.reason, row.line)
            else:
                writers[split].add(row)
        for writer in writers.values():
            if not writer.record.kept:
                raise ValueError(
                    f"{file.path}: no row is left for {writer.record.subset}"
                )
