"""Newcomers' wrong inputs to our own commands: one line each, and nothing written."""

import os
import re
import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from exported import TAGGING, make
from labelled_files import write_rows
from own_files import COLUMNS, write_own
from tiny import write_tokenizer

from fairseq_mlkd.cli import COMMANDS

OWN = ["--tokenizer", "{tokenizer}", *COLUMNS["classification"]]
CORPUS = ["--workers", 1, "--valid", 10, "--codes", 60]
SCORE = COLUMNS["classification"]
KIND = "classification"
READ = [KIND, "{files}", "{new}", *OWN]
CASES = [
    # command, arguments, what the line says
    ("corpus", ["en={text}", "{new}"], "write LANG=FILE or LANG=FILE,FILE"),
    ("corpus", ["{new}", "en={nothing}"], "nothing: no such file"),
    ("corpus", ["{new}", "{text}"], "write LANG=FILE or LANG=FILE,FILE"),
    ("corpus", ["{new}", "english={text}"], "write LANG=FILE or LANG=FILE,FILE"),
    ("corpus", ["{new}", "en={empty}"], "empty: a folder; name its files, '"),
    ("corpus", ["{new}", "en={latin}", *CORPUS], "latin.txt:1: not UTF-8"),
    ("corpus", ["{new}", "en={none}", *CORPUS], "none.txt: holds no text"),
    ("corpus", ["{new}", "en={table}", *CORPUS], "rows.csv: a table and no text"),
    ("corpus", ["{new}", "en={tabs}", *CORPUS], "tabs.txt: a table and no text"),
    ("corpus", ["{new}", "en={model}", *CORPUS], "model.pt:1: not UTF-8"),
    ("corpus", ["{new}", "en={text}", "en={text}"], "language en is given twice"),
    ("corpus", ["{new}", "en={text}", "--alpha", 3], "--alpha 3.0: must be between 0"),
    ("corpus", ["{new}", "en={text}", "--codes", 0], "--codes 0: must be at least 1"),
    ("corpus", ["{new}", "en={text}", *CORPUS, "--valid", 9999], "a smaller --valid"),
    ("corpus", ["{files}", "en={text}"], "files: holds something else than the corpus"),
    ("corpus", ["{text}", "en={text}"], "text.txt: a file; name another folder"),
    ("corpus", ["{new}", "en={text}", "--codes-from", "{empty}"], "name a folder that"),
    ("benchmark", [KIND, "{new}", "{files}", *OWN], "new: no such folder"),
    ("benchmark", ["xnli", "{empty}", "{new}", *OWN[:2]], "no training file for 'en'"),
    ("benchmark", [KIND, "{csv}", "{new}", *OWN], "a file where the folder"),
    ("benchmark", ["xnli", "{files}", "{new}", *OWN], "xnli is read as its authors"),
    (
        "benchmark",
        [KIND, "{files}", "{new}", "--tokenizer", "{model}"],
        "model.pt: no dict.txt; name a tokenizer folder",
    ),
    ("benchmark", [KIND, "{files}", "{tokenizer}", *OWN], "other data; name"),
    ("benchmark", [KIND, "{files}", "{text}", *OWN], "other data; name"),
    ("benchmark", ["pairs", "{files}", "{new}", *OWN[:2]], "no text or text_pair"),
    ("benchmark", ["tagging", "{files}", "{new}", *OWN[:2]], "no words or tags"),
    ("benchmark", ["pairs", "{files}", "{new}", *OWN, "words=x"], "pairs reads text,"),
    (
        "benchmark",
        [*READ[:-1], "label=Klase"],
        "no label among the columns (Nr, Satz, Klasse); name it with --columns",
    ),
    ("benchmark", [*READ, "--source-lang", "ger"], "no training file for 'ger'"),
    ("benchmark", [*READ, "--langs", "fr"], "no file for fr in"),
    (
        "benchmark",
        [*READ, "--valid-fraction", 0.1],
        "dev.en.csv is the validation file already; leave out --valid-fraction",
    ),
    (
        "benchmark",
        [*READ, "--delimiter", ",,"],
        "--delimiter ',,': give one character, or tab",
    ),
    ("benchmark", [*READ, "--files", "test.fr"], "--files test.fr: write KEY=VALUE"),
    ("benchmark", [*READ, "--keep-ns"], "no rows t"),
    ("import", ["{new}", "{files}"], "files exists already: name an"),
    ("import", ["{files}", "{new}"], "files: neither config.json, of a Hugging Face"),
    ("import", ["{text}", "{new}"], "not a checkpoint: empty, torn or of another kind"),
    ("import", ["{cut}", "{new}"], "not a checkpoint, or cut short"),
    ("import", ["{files}", "{tokenizer}"], "tokenizer exists already: name another"),
    ("export", ["{nothing}", "{new}"], "nothing: no such file"),
    ("export", ["{new}", "{model}"], "exists already: name another folder"),
    ("export", ["{empty}", "{new}"], "empty: a folder; name the checkpoint in it"),
    ("export", ["{cut}", "{new}"], "not a checkpoint, or cut short"),
    ("export", ["{model}", "{files}"], "files exists already: name another folder"),
    ("export", ["{model}", "{new}", "--tokenizer", "{empty}"], "no subwords.json in"),
    ("export", ["{model}", "{new}", "--tolerance", "nan"], "--tolerance nan: give a"),
    ("predict", ["{nothing}"], "nothing/mlkd/facts.json: "),
    ("predict", ["{model}"], "model.pt: a file, no folder of mlkd-export; export"),
    ("predict", ["{empty}"], "export the model again with mlkd-export"),
    ("trim", ["{nothing}", "{new}", "--langs", "en"], "nothing: no such file"),
    ("trim", ["{model}", "{files}", "--langs", "en"], "files exists already: name an"),
    ("latency", ["{nothing}"], "name a checkpoint, or a folder of mlkd-export"),
    ("score", [KIND, "{csv}", "{nothing}", *SCORE], "check the path"),
    ("score", [KIND, "{csv}", "{other}", *SCORE], "another sentence than"),
    ("score", ["mtop", "{csv}", "{csv}"], "no layout of mTOP has 1 tab-separated"),
    ("score", [KIND, "{csv}", "{model}", *SCORE], "not UTF-8"),
    ("report", ["{nothing}"], "nothing: cannot be read (No such file or directory)"),
    ("report", ["{csv}"], "train.en.csv:1: not JSON"),
    ("report", ["{model}"], "not UTF-8"),
    ("report", ["{none}"], "no result lines in"),
]


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> SimpleNamespace:
    """Return files of many kinds, each of them the wrong one somewhere."""
    top = tmp_path_factory.mktemp("wrong")
    made = make(top / "made", TAGGING)
    files = write_own(top / "files", "classification")
    cats = [f"The cat number {i} sleeps." for i in range(50)]
    found = {
        "nothing": top / "nothing",
        "empty": top / "empty",
        "text": write_rows(top / "text.txt", *cats),
        "none": write_rows(top / "none.txt"),
        "latin": top / "latin.txt",
        "table": write_rows(top / "rows.csv", "id,text", *(f'1,"{c}"' for c in cats)),
        "tabs": write_rows(top / "tabs.txt", *(f"{cat}\tx" for cat in cats)),
        "files": files,
        "csv": files / "train.en.csv",
        "other": files / "test.de.csv",
        "model": made.path,
        "cut": top / "cut.pt",
        "tokenizer": top / "tokenizer",
        "new": top / "new",
    }
    for name in ("empty", "tokenizer"):
        found[name].mkdir()
    found["latin"].write_bytes("Straße\n".encode("latin-1") * 50)
    found["cut"].write_bytes(made.path.read_bytes()[:2000])
    write_tokenizer(found["tokenizer"], ["pay", "my", "bill"])
    return SimpleNamespace(**found)


def start(command: str, *arguments: object) -> None:
    main = import_module(f"fairseq_mlkd.cli.{COMMANDS[f'mlkd-{command}']}").main
    main([str(argument) for argument in arguments])


@pytest.mark.parametrize("command, arguments, message", CASES)
def test_commands(here, command, arguments, message):
    before = list_files(here.text.parent)
    given = [str(argument).format(**vars(here)) for argument in arguments]
    with pytest.raises(SystemExit) as refusal:
        start(command, *given)
    said = str(refusal.value)
    assert message in said and said.startswith(f"mlkd-{command}: error: ")
    assert "\n" not in said and "delete" not in said
    # of a user's own, nothing is to be removed but a line that is no text
    assert not re.search("remove (?!the line|it from the inputs)", said)
    left = list_files(here.text.parent) - before
    # a corpus goes on where it stopped, with the same command
    assert not left or command == "corpus" and all(".partial" in x for x in left)
    shutil.rmtree(here.new, ignore_errors=True)


def list_files(folder: Path) -> set[str]:
    return {os.path.join(top, x) for top, _, names in os.walk(folder) for x in names}


@pytest.mark.parametrize(
    "command, arguments, message",
    [
        ("benchmark", ["xnlli", "a", "b"], "invalid choice: 'xnlli'"),
        ("benchmark", ["xnli", "a", "b"], "the following arguments are required"),
        ("benchmark", ["xnli", "a", "b", "--valid-fraction", 10], "invalid fraction"),
        ("trim", ["a", "b"], "one of the arguments --langs --text"),
        ("download", ["d", "xnlii"], "invalid choice: 'd' (choose from"),
        ("export", ["a"], "the following arguments are required: OUT"),
    ],
)
def test_missing_and_misspelt_arguments(capsys, command, arguments, message):
    with pytest.raises(SystemExit) as refusal:
        start(command, *arguments)
    assert refusal.value.code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_what_a_small_corpus_cannot_give_and_unknown_codes_are_said(here, capsys):
    options = [*CORPUS[:-1], 120_000, "--valid", 2]
    start("corpus", here.new, f"ger={here.text}", f"cz={here.text}", *options)
    out = capsys.readouterr().out
    assert "warning: ger is called de here, by which the rules" in out
    assert "warning: cz is no code of ISO 639" in out and "cs is the language" in out
    assert "warning: --codes 120000: so little text gives" in out
