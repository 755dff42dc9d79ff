"""A corpus in a folder: built out of sight, moved to its place when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any

from fairseq_mlkd.data.folders import REPORT_FILE
from fairseq_mlkd.files.json_objects import write_json
from fairseq_mlkd.files.writing import copy_file
from fairseq_mlkd.prepare.corpus.card import write_card
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.corpus.pipeline import Built, run_steps
from fairseq_mlkd.prepare.corpus.report import (
    ARGUMENTS_FILE,
    PARTIAL,
    existing_report,
)
from fairseq_mlkd.prepare.corpus.sentence_encoder import load_tokenizer, read_dictionary
from fairseq_mlkd.prepare.corpus.tasks import RESULT_FILE, Call, Execute, Result, Steps
from fairseq_mlkd.prepare.corpus.workers import Workers
from fairseq_mlkd.text.dictionary import DICTIONARY_FILE
from fairseq_mlkd.text.tokenizer import Tokenizer


def build_corpus(
    out: str,
    options: CorpusOptions,
    workers: Workers | None = None,
    seconds: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Write the corpus into `out`, or go on where an interrupted run stopped.

    All is built in one sub-folder and moved up at the end, the report last.

    Args:
        workers: default: this process alone.
        seconds: gets the time that each step took in this run.
    Returns:
        What `report.json` holds.
    Raises:
        ValueError: a bad option or input, in one line; `out` gets nothing.
        WorkerLost: the same call goes on from here, as it does after `OSError`.
    """
    options.check()
    if options.codes_from is not None:  # before hours of reading
        load_tokenizer(options.codes_from)
        read_dictionary(options.codes_from)
    report = existing_report(out, options)
    if report is not None:
        return report
    partial = os.path.join(os.path.abspath(out), PARTIAL)
    execute = _begin(partial, options, workers or Workers())
    steps = Steps(partial, execute, {} if seconds is None else seconds)
    try:
        built = run_steps(steps, options)
    except ValueError:
        _remove(partial)
        raise
    report = {"arguments": options.describe(), **built.report}
    describe = Call(_describe, (report, options.shard_folders(), built))
    described = steps.do_one("describe", describe).folder
    _publish(out, report, options, described, built.merged)
    _remove(partial)
    return report


def _begin(partial: str, options: CorpusOptions, workers: Workers) -> Execute:
    """Make the folder for `options`, unless they have begun there."""
    arguments = os.path.join(partial, ARGUMENTS_FILE)
    is_new = not os.path.exists(arguments)
    if is_new:
        shutil.rmtree(partial, ignore_errors=True)
        os.makedirs(partial)
        write_json(options.describe(), arguments)
    try:
        return workers.executor(os.path.join(partial, "logs"))
    except ValueError:
        if is_new:  # what was begun can go on with other workers
            _remove(partial)
        raise


def _remove(partial: str) -> None:
    """Remove an unfinished corpus; half-removed, it is none that a run goes on with."""
    os.remove(os.path.join(partial, ARGUMENTS_FILE))
    shutil.rmtree(partial, ignore_errors=True)
    out = os.path.dirname(partial)
    if not os.listdir(out):
        os.rmdir(out)


def _describe(
    folder: str, report: dict[str, Any], shards: Sequence[str], built: Built
) -> Result:
    """Write the data card, and tokenizer and dictionary for each folder of data."""
    write_card(report, folder)
    for place in ["", *filter(None, shards)]:
        target = os.path.join(folder, place)
        Tokenizer.load(built.tokenizer).save(target)
        dictionary = os.path.join(built.dictionary, DICTIONARY_FILE)
        copy_file(dictionary, os.path.join(target, DICTIONARY_FILE))
    return {}


def _publish(
    out: str,
    report: dict[str, Any],
    options: CorpusOptions,
    described: str,
    merged: Sequence[Sequence[str]],
) -> None:
    """Move to `out` what an interrupted run has not moved yet, the report last."""
    _move_files(described, out)
    for shard, folders in zip(options.shard_folders(), merged):
        for folder in folders:
            _move_files(folder, os.path.join(out, shard))
    write_json(report, os.path.join(out, REPORT_FILE))


def _move_files(folder: str, target: str) -> None:
    """Move a task's files to the same places below `target`."""
    for above, _, names in os.walk(folder):
        place = os.path.normpath(os.path.join(target, os.path.relpath(above, folder)))
        os.makedirs(place, exist_ok=True)
        for name in set(names) - {RESULT_FILE}:
            os.replace(os.path.join(above, name), os.path.join(place, name))
