"""Newcomers' wrong inputs to fairseq's commands: one line each, and nothing written.

`tests/test_refusals.py` has those with a story of their own, `tests/cli` the ones of
our own commands.
"""

import errno
import io
import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from own_files import write_own
from refused import MLM, ONCE, PAIRS, TAGS, refusal, train_once, write_data
from tiny import (
    STUDENT,
    flags_of,
    rename_words,
    run,
    shape_flags,
    train,
    write_mlm_data,
)

from fairseq_mlkd.fairseq_fixes.command_line import print_user_errors

INTENTS, PARSES = "zero_shot_intent_slot", "zero_shot_parsing"


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> SimpleNamespace:
    """Return data and models of three tasks, and what is mixed up with them."""
    top = tmp_path_factory.mktemp("wrong")
    data = write_data(top)
    found = {
        "sentences": data[MLM],
        "tags": data[TAGS],
        "pairs": data[PAIRS],
        "nothing": top / "nothing",
        "files": write_own(top / "files", "classification"),
        "empty": top / "empty",
        "text": top / "text.pt",
        "cut": top / "cut.pt",
        "other": Path(shutil.copytree(data[TAGS], top / "other")),
    }
    found["empty"].mkdir()
    rename_words(found["other"])
    found |= train_once(data, top, MLM, TAGS, PAIRS)
    found["text"].write_text("hello")
    found["cut"].write_bytes(found[MLM].read_bytes()[:2000])
    return SimpleNamespace(**found)


def flags(task: str, arch: str = "", criterion: str = "task_cross_entropy") -> list:
    shape = ["--arch", arch] if arch else shape_flags(STUDENT)
    return ["--task", task, *shape, "--criterion", criterion]


CHOSEN_BY = ["--valid-distillation", "--best-checkpoint-metric"]
DISTIL = flags(TAGS, criterion="tinybert")
UNDER = [*DISTIL, "--teacher-path"]
TAUGHT = [*UNDER, "{zero_shot_tagging}"]
START = [*flags(TAGS), "--encoder-path"]
PRETRAINED = [*flags(TAGS, "pretrained"), "--encoder-path", "{multilingual_mlm}"]
NARROW = [*START, "{multilingual_mlm}", "--encoder-embed-dim", 4]
TRAIN = [
    # data, flags, what the line says
    ("nothing", flags(MLM), "nothing: no such folder; name a folder that mlkd-"),
    ("text", flags(MLM), "text.pt: no such folder; name a folder that mlkd-"),
    ("empty", flags(TAGS), "no labelled data for --task zero_shot_tagging"),
    ("empty", flags(MLM), "dict.txt is missing: name a folder that mlkd-"),
    ("files", flags(PAIRS), "files: no labelled data for --task zero_shot_class"),
    ("pairs", flags(TAGS), "whose data are for --task zero_shot_classification"),
    ("tags", flags(PAIRS), "whose data are for --task zero_shot_intent_slot"),
    ("tags", flags(MLM), "--task multilingual_mlm cannot read"),
    ("sentences", flags(TAGS), "no labelled data for --task zero_shot_tagging"),
    ("pairs", flags(INTENTS), "whose data are for --task zero_shot_class"),
    ("tags", flags(PARSES, "pointer_generator_lean_bert_tiny"), "--task zero_shot_int"),
    ("tags", flags(TAGS, "pointer_generator_lean_bert_tiny"), "_parsing alone"),
    ("tags", flags(TAGS, "roberta_base"), "--arch roberta_base is none of ours: "),
    ("tags", flags(TAGS, "pretrained"), "--arch pretrained needs --encoder-path"),
    ("sentences", [*flags(MLM), "--memory-efficient-fp16"], "needs a GPU: leave it"),
    ("tags", [*START, "{nothing}"], "nothing: no such file"),
    ("tags", [*START, "{empty}"], "name the checkpoint in"),
    ("tags", [*START, "{text}"], "not a checkpoint: empty, t"),
    ("tags", [*START, "{cut}"], "not a checkpoint, or cut sh"),
    (
        "tags",
        [*START, "{multilingual_mlm}", "--encoder-embed-dim", 16],
        "choose the --arch it was trained with",
    ),
    (
        "tags",
        [*NARROW, "--encoder-path-layers", "last-1"],
        "last-1 leaves layers out, and a narrower student takes all of its own",
    ),
    (
        "tags",
        [*PRETRAINED, "--max-positions", 30],
        "whose max positions is 512: leave --max-positions 30 out",
    ),
    ("other", [*START, "{multilingual_mlm}"], "another dictionary than this run's"),
    ("tags", DISTIL, "the tinybert criterion needs --teacher-path"),
    ("tags", [*UNDER, "{nothing}"], "nothing: no such file"),
    ("tags", [*UNDER, "{empty}"], "name the checkpoint in it"),
    ("tags", [*UNDER, "{cut}"], "not a checkpoint, or cut short"),
    (
        "tags",
        [*UNDER, "{multilingual_mlm}"],
        "lacks the parameter classification_heads.tagging_head",
    ),
    ("tags", [*UNDER, "{zero_shot_classification}"], "was trained with other labels"),
    ("tags", [*TAUGHT, "--temperature", 0], "--temperature 0.0 is not above"),
    (
        "tags",
        [*TAUGHT, "--logits-weight", -1],
        "--logits-weight -1.0 is below 0: give 0 to leave the term out",
    ),
    ("tags", [*TAUGHT, "--temperature", "nan"], "--temperature nan is not above 0"),
    ("tags", [*TAUGHT, "--hidden-weight", "nan"], "--hidden-weight nan is no finite"),
    ("tags", [*TAUGHT, "--layer-map", "7,9"], "--layer-map 7,9 does not fit"),
    ("tags", [*TAUGHT, "--layer-map", "first"], "give `uniform`, `last`,"),
    (
        "tags",
        [*TAUGHT, *CHOSEN_BY, "hiden_loss"],
        "_en, distillation_loss, nll_loss, logits_loss, embedding_loss, hidden_loss, a",
    ),
    (
        "tags",
        [*TAUGHT, "--unlabelled-data", "{pairs}"],
        "no language folder holds train.idx; name a folder that mlkd-corpus wrote",
    ),
    ("tags", [*flags(TAGS), "--source-lang", "eng"], "no subset valid.eng; there are"),
    ("tags", [*flags(TAGS), "--valid-subset", "dev"], "no subset dev; there are tra"),
    ("tags", [*flags(TAGS), "--valid-subset", "valid.ft"], "no subset valid.ft; there"),
    ("tags", [*flags(TAGS), "--train-subset", "training"], "no subset training; there"),
    ("sentences", [*flags(MLM), "--langs", "en,gr"], "no valid data in gr; there are"),
    ("sentences", [*flags(MLM), "--sampling-alpha", 2], "is not between 0 and 1"),
    ("sentences", [*flags(MLM), "--seed", -1], "--seed -1 is below 0"),
    ("sentences", [*flags(MLM), "--sampling-seed", -2], "--sampling-seed -2 is below"),
    ("sentences", [*flags(MLM), "--lr", -1], "--lr [-1.0] is below 0"),
    ("sentences", [*flags(MLM), "--batch-size", 0], "--batch-size 0 is below 1"),
    ("sentences", [*flags(MLM), "--update-freq", 0], "--update-freq 0 is below 1"),
    ("sentences", [*flags(MLM), "--num-workers", -1], "--num-workers -1 is below 0"),
    (
        "sentences",
        [*flags(MLM), "--encoder-attention-heads", 3],
        "3 attention heads do not divide a width of 8",
    ),
    ("sentences", [*flags(MLM), "--encoder-attention-heads", 0], "-heads 0 is below 1"),
    ("sentences", [*flags(MLM), "--encoder-embed-dim", -8], "-dim -8 is below 1"),
    ("sentences", [*flags(MLM), "--max-positions", -5], "--max-positions -5 is below"),
    ("sentences", [*flags(MLM), "--dropout", 1.5], "--dropout 1.5 is not between 0"),
    (
        "sentences",
        [*flags(MLM), "--attention-dropout", "nan"],
        "--attention-dropout nan is not between 0 and 1",
    ),
    (
        "sentences",
        [*flags(MLM), "--lr-scheduler", "polynomial_decay"],
        "polynomial_decay needs --total-num-update N",
    ),
]
EVALUATE = [
    # command, data, flags, what the line says
    ("validate", "tags", [], "no model is named: give --path CHECKPOINT"),
    ("generate", "tags", [], "no model is named: give --path CHECKPOINT"),
    ("validate", "tags", ["--path", "{nothing}"], "Model file not found: "),
    ("validate", "tags", ["--path", "{empty}"], "name the checkpoint in it"),
    ("validate", "tags", ["--path", "{text}"], "not a checkpoint: empty, torn"),
    ("validate", "tags", ["--path", "{cut}"], "not a checkpoint, or cut short"),
    (
        "validate",
        "tags",
        ["--path", "{zero_shot_classification}"],
        "whose data are for --task zero_shot_intent_slot",
    ),
    (
        "validate",
        "tags",
        ["--path", "{multilingual_mlm}"],
        "--task multilingual_mlm cannot read",
    ),
    (
        "validate",
        "other",
        ["--path", "{zero_shot_tagging}"],
        "its dict.txt is not the one that the checkpoint was trained with",
    ),
    (
        "validate",
        "tags",
        ["--path", "{zero_shot_tagging}", "--valid-subset", "tset"],
        "no subset tset; there are train.en, valid.en, valid.fr",
    ),
    (
        "generate",
        "tags",
        ["--path", "{zero_shot_tagging}"],
        "no subset test; there are train.en, valid.en, valid.fr",
    ),
    (
        "validate",
        "tags",
        ["--path", "{zero_shot_tagging}", "--results", "/dev/full"],
        "--results /dev/full: No space left on device: name a file that can be",
    ),
]


def check(message: str, wanted: str) -> None:
    """Check that a line says what is wanted, and deletes nothing."""
    assert wanted in message
    assert "remove" not in message and "delete" not in message


def fill(flags: list, here: SimpleNamespace) -> list[str]:
    return [str(flag).format(**vars(here)) for flag in flags]


def test_labelled_data_are_one_folder(here, tmp_path):
    data = f"{here.tags}{os.pathsep}{here.tags}"
    message = refusal(train, data, tmp_path, *flags(TAGS), *ONCE)
    check(message, f"{data}: --task {TAGS} reads one folder: name one")


@pytest.mark.parametrize("data, flags, message", TRAIN)
def test_train(here, tmp_path, data, flags, message):
    given = [*fill(flags, here), *ONCE]
    check(refusal(train, vars(here)[data], tmp_path, *given), message)
    assert list(tmp_path.glob("*.pt*")) == []


@pytest.mark.parametrize("command, data, flags, message", EVALUATE)
def test_evaluate(here, command, data, flags, message):
    arguments = ["--task", TAGS, "--batch-size", 4, *fill(flags, here)]
    check(refusal(run, command, vars(here)[data], *arguments), message)


def test_a_misspelt_choice_is_answered_by_those_there_are(here, tmp_path, capsys):
    for flag, value in [("--head-map", "mena"), ("--arch", "leanbert")]:
        arguments = [*fill(TAUGHT, here), flag, value]
        with pytest.raises(SystemExit):
            train(here.tags, tmp_path, *arguments, *ONCE)
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert f"argument {flag}" in last and f"invalid choice: '{value}'" in last


def test_a_full_disk_is_said_and_nothing_is_left_half_written(
    here, tmp_path, monkeypatch
):
    def write(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("torch.save", write)
    monkeypatch.setattr("time.sleep", lambda _: None)  # fairseq tries thrice
    message = refusal(train, here.tags, tmp_path, *flags_of(TAGS), *ONCE)
    check(message, f"--save-dir {tmp_path}: No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_command_ends_in_one_line_on_a_file_or_flag_of_fairseqs(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    shown = []
    monkeypatch.setattr("sys.excepthook", lambda *error: shown.append(error))
    print_user_errors()
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "/x/y")
    monkeypatch.setattr("sys.argv", ["/bin/fairseq-generate"])
    sys.excepthook(type(error), error, None)
    assert said.getvalue() == "fairseq_mlkd: /x/y: No such file or directory\n"
    wrong = AssertionError("--sampling requires --nbest to be equal to --beam")
    sys.excepthook(type(wrong), wrong, None)
    assert said.getvalue().endswith(f"\nfairseq_mlkd: {wrong}\n") and shown == []
    sys.excepthook(AssertionError, AssertionError(), None)
    assert len(shown) == 1  # a fault of the program's
    monkeypatch.setattr("sys.argv", ["my_script.py"])
    sys.excepthook(type(error), error, None)
    assert len(shown) == 2  # a program of somebody else's keeps its traceback


# --- what is said, and goes on


def test_a_sampled_corpus_is_not_sampled_again(tmp_path, caplog):
    data = write_mlm_data(tmp_path / "data")
    report = {"arguments": {"sentences": 100}}
    (data / "report.json").write_text(json.dumps(report))
    train(data, tmp_path / "run", *flags_of(MLM), "--sampling-alpha", 0.3, *ONCE)
    assert "--sampling-alpha 0.3 is read as 1: mlkd-corpus --sentences" in caplog.text


def test_odd_distillations_are_said(here, tmp_path, caplog):
    wide = {**STUDENT, "embed_dim": 32}
    weights = ["--ce-weight", 0, "--logits-weight", 0, "--attention-weight", 1e6]
    arguments = [*flags_of(TAGS, wide, here.zero_shot_tagging), *weights, *ONCE]
    train(here.tags, tmp_path, *arguments)
    messages = [record.getMessage() for record in caplog.records]
    (head,) = [m for m in messages if "checkpoint_best.pt is chosen by loss" in m]
    assert "--best-checkpoint-metric distillation_loss" in head
    assert sum("parameters, its teacher" in m for m in messages) == 1
    (term,) = [m for m in messages if "of the loss at the first update" in m]
    assert "attention is 100% of the loss" in term and "--attention-weight " in term
