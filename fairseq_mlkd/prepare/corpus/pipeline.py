"""The steps from files to binary data, one after the other.

What is computed between the steps is little, depends on their results alone, and is
computed again when a run goes on.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, NamedTuple

from fairseq_mlkd.prepare.corpus.binarise import binarise_chunk, merge_parts, part_files
from fairseq_mlkd.prepare.corpus.chunks import chunk_path, read_file
from fairseq_mlkd.prepare.corpus.clean import CleaningRule, clean_chunk
from fairseq_mlkd.prepare.corpus.draw import CleanChunk, TrainingPlan, plan_training
from fairseq_mlkd.prepare.corpus.duplicates import (
    count_ranges,
    find_duplicates,
    find_threshold,
    hash_files,
    part_chunk,
)
from fairseq_mlkd.prepare.corpus.learn import (
    build_dictionary,
    count_subwords,
    count_words,
    learn_subwords,
    take_subwords,
)
from fairseq_mlkd.prepare.corpus.options import CorpusOptions
from fairseq_mlkd.prepare.corpus.report import describe_language
from fairseq_mlkd.prepare.corpus.tasks import Call, Outcome, Outcomes, Steps

Chunks = dict[str, list[CleanChunk]]


class Built(NamedTuple):
    """The results of the steps: folders to publish, and content of the report."""

    tokenizer: str
    dictionary: str
    merged: list[list[str]]  # by shard, one per language
    report: dict[str, Any]


def run_steps(steps: Steps, options: CorpusOptions) -> Built:
    """Run all steps.

    Raises:
        ValueError: what is wrong with an option or an input, in one line.
    """
    read = _read(steps, options)
    cleaned = _clean(steps, options, read)
    parted = _part(steps, options, cleaned)
    chunks = {
        lang: [
            CleanChunk(lang, i, clean.folder, part.folder, options.seed)
            for i, (clean, part) in enumerate(zip(cleaned[lang], parted[lang]))
        ]
        for lang in parted
    }
    train = {lang: [part.result["train"] for part in parted[lang]] for lang in parted}
    plan = plan_training(train, options)
    tokenizer = _learn(steps, options, chunks, plan).folder
    counted = _count(steps, chunks, plan, tokenizer)
    folders = {lang: _folders(counted[lang]) for lang in counted}
    call = Call(build_dictionary, (folders, options.codes_from))
    dictionary = steps.do_one("dictionary", call)
    encoded = _binarise(steps, options, chunks, plan, tokenizer, dictionary.folder)
    merged = _merge(steps, options, encoded, dictionary.folder)
    languages = {
        lang: describe_language(
            dict(zip(options.files[lang], _results(read[lang]))),
            *(_results(step[lang]) for step in (cleaned, parted, counted, encoded)),
            share_before=plan.share_before[lang],
            share_after=plan.share_after[lang],
            train=sum(plan.written[lang]),
            symbols=dictionary.result["symbols"][lang],
        )
        for lang in read
    }
    report = {
        "training_alpha": options.training_alpha,
        "dictionary_size": dictionary.result["size"],
        "shards": options.shards,
        "languages": languages,
    }
    return Built(tokenizer, dictionary.folder, merged, report)


def _read(steps: Steps, options: CorpusOptions) -> Outcomes:
    read = steps.do(
        "read",
        {
            lang: [Call(read_file, (path,)) for path in paths]
            for lang, paths in options.files.items()
        },
    )
    for lang, files in read.items():
        if not any(file.result["chunks"] for file in files):
            raise ValueError(
                f"language {lang}: no text is in {', '.join(options.files[lang])}"
            )
    return read


def _clean(steps: Steps, options: CorpusOptions, read: Outcomes) -> Outcomes:
    rule = CleaningRule(
        options.min_characters,
        options.min_words,
        options.max_characters,
        options.codes_from,
        options.seed,
    )
    paths = {
        lang: [
            chunk_path(file.folder, number)
            for file in files
            for number in range(file.result["chunks"])
        ]
        for lang, files in read.items()
    }
    return steps.do(
        "clean",
        {
            lang: [Call(clean_chunk, (path, lang, rule), [path]) for path in of_lang]
            for lang, of_lang in paths.items()
        },
    )


def _part(steps: Steps, options: CorpusOptions, cleaned: Outcomes) -> Outcomes:
    folders = {lang: _folders(chunks) for lang, chunks in cleaned.items()}
    ranges = {
        lang: count_ranges(sum(chunk.result["kept"] for chunk in chunks))
        for lang, chunks in cleaned.items()
    }
    compare = {
        lang: [
            Call(find_duplicates, (of_lang, number, ranges[lang]))
            for number in range(ranges[lang])
        ]
        for lang, of_lang in folders.items()
    }
    for lang, of_lang in folders.items():
        compare[lang].append(Call(find_threshold, (of_lang, options.valid)))
    compared = steps.do("duplicates", compare)
    calls = {}
    for lang in cleaned:
        *found, smallest = compared[lang]
        shared = (_folders(found), smallest.result["threshold"])
        calls[lang] = [
            Call(part_chunk, (i, folder, *shared), hash_files(folder))
            for i, folder in enumerate(folders[lang])
        ]
    parted = steps.do("part", calls)
    for lang, chunks in parted.items():
        _check_enough(lang, chunks, options)
    return parted


def _check_enough(lang: str, parted: list[Outcome], options: CorpusOptions) -> None:
    if not any(chunk.result["train"] for chunk in parted):
        left = sum(chunk.result["valid"] for chunk in parted)
        raise ValueError(
            f"language {lang}: only {left} sentences are left of "
            f"{', '.join(options.files[lang])}, too few to hold out {options.valid}; "
            "give more text or a smaller --valid"
        )


def _learn(
    steps: Steps, options: CorpusOptions, chunks: Chunks, plan: TrainingPlan
) -> Outcome:
    if options.codes_from is not None:
        return steps.do_one("learn", Call(take_subwords, (options.codes_from,)))
    counted = steps.do(
        "count words",
        {
            lang: [
                Call(count_words, (chunk, size))
                for chunk, size in zip(chunks[lang], plan.learning[lang])
            ]
            for lang in chunks
        },
    )
    folders = [folder for lang in counted for folder in _folders(counted[lang])]
    arguments = (folders, options.subwords, options.codes)
    return steps.do_one("learn", Call(learn_subwords, arguments))


def _count(
    steps: Steps, chunks: Chunks, plan: TrainingPlan, tokenizer: str
) -> Outcomes:
    return steps.do(
        "count subwords",
        {
            lang: [
                Call(count_subwords, (chunk, size, tokenizer))
                for chunk, size in zip(chunks[lang], plan.written[lang])
            ]
            for lang in chunks
        },
    )


def _binarise(
    steps: Steps,
    options: CorpusOptions,
    chunks: Chunks,
    plan: TrainingPlan,
    tokenizer: str,
    dictionary: str,
) -> Outcomes:
    calls = {}
    for lang in chunks:
        sizes = plan.written[lang]
        before = [0, *accumulate(sizes)]
        calls[lang] = [
            Call(
                binarise_chunk,
                (chunk, size, first, options.shards, tokenizer, dictionary),
                chunk.files(),
            )
            for chunk, size, first in zip(chunks[lang], sizes, before)
        ]
    return steps.do("binarise", calls)


def _merge(
    steps: Steps, options: CorpusOptions, encoded: Outcomes, dictionary: str
) -> list[list[str]]:
    calls = {}
    for lang in encoded:
        parts = _folders(encoded[lang])
        calls[lang] = [
            Call(
                merge_parts,
                (lang, parts, shard, dictionary),
                [path for part in parts for path in part_files(part, shard)],
            )
            for shard in range(options.shards)
        ]
    merged = steps.do("merge", calls)
    return [
        [merged[lang][shard].folder for lang in merged]
        for shard in range(options.shards)
    ]


def _folders(outcomes: list[Outcome]) -> list[str]:
    return [outcome.folder for outcome in outcomes]


def _results(outcomes: list[Outcome]) -> list[Any]:
    return [outcome.result for outcome in outcomes]
