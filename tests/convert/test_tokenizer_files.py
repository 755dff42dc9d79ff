"""A tokenizer is imported with its own ids, or not at all."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface import (
    SPECIAL,
    VOCABULARY,
    Ours,
    load_ours,
    run_import,
    save_encoder,
    transformers,
    write_wordpiece,
)
from tokenizers import AddedToken, normalizers, pre_tokenizers, processors

from fairseq_mlkd.cli.import_encoder import main
from fairseq_mlkd.convert import agreement
from fairseq_mlkd.convert.agreement import SENTENCES
from fairseq_mlkd.convert.importer import import_encoder
from fairseq_mlkd.text.tokenizer import Tokenizer

ROLES = ("cls_token", "pad_token", "sep_token", "unk_token", "mask_token")
NAMED = dict(zip(ROLES, SPECIAL.values()))
ADDED = ["covid", "@user", "<ent>"]
WITH_ADDED = ["The covid and @user said <ent> Das <ent>."]
WITH_ADDED += ["covid19", "precovid", "covid"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Save a model whose embeddings have room for some more symbols."""
    folder = tmp_path_factory.mktemp("weights")
    save_encoder(folder, "BertModel", len(VOCABULARY) + 5)
    return folder


@pytest.fixture
def source(weights, tmp_path) -> Path:
    source = tmp_path / "source"
    shutil.copytree(weights, source)
    write_wordpiece(source)
    return source


def check_ids(
    ours: Ours, source: Path, texts: list[str] = SENTENCES, **options
) -> None:
    theirs = transformers.AutoTokenizer.from_pretrained(source, **options)
    symbols = [SPECIAL.get(symbol, symbol) for symbol in ours.dictionary.symbols]
    ids = theirs.convert_tokens_to_ids(symbols)
    for text in texts:
        assert [ids[i] for i in ours.encode(text)] == theirs(text)["input_ids"], text


def write_json(source: Path, name: str, **parts: Any) -> None:
    """`tokenizer.json` with some parts changed, as class `name` reads it."""
    backend = transformers.AutoTokenizer.from_pretrained(source).backend_tokenizer
    for part, value in parts.items():
        setattr(backend, part, value)
    backend.save(str(source / "tokenizer.json"))
    (source / "vocab.txt").unlink()
    options = {"tokenizer_class": name, **NAMED}
    if name == "BertTokenizer":
        options["do_lower_case"] = False
    (source / "tokenizer_config.json").write_text(json.dumps(options))


def frame(single: str) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(
        single=single,
        pair=f"{single} $B:1",
        special_tokens=[("[CLS]", 3), ("[SEP]", 4)],
    )


IMPORTED = {
    "white space": {"pre_tokenizer": pre_tokenizers.Whitespace()},
    "digits": {
        "pre_tokenizer": pre_tokenizers.Sequence(
            [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(True)]
        )
    },
    "replace": {
        "normalizer": normalizers.Sequence(
            [normalizers.Replace("e", "a"), normalizers.BertNormalizer(lowercase=False)]
        )
    },
    "case": {"normalizer": normalizers.BertNormalizer(lowercase=True)},
    "none": {"normalizer": normalizers.Sequence([])},
}
REFUSED = {
    "punctuation": {"pre_tokenizer": pre_tokenizers.Punctuation()},
    "beginning": {"normalizer": normalizers.Prepend("x")},
    "two ends": {"post_processor": frame("[CLS] $A [SEP] [SEP]")},
    "no beginning": {"post_processor": frame("$A [SEP]")},
}


@pytest.mark.parametrize("change", IMPORTED)
def test_a_tokenizer_of_another_kind_is_imported_whole(source, change):
    write_json(source, "PreTrainedTokenizerFast", **IMPORTED[change])
    check_ids(run_import(source, source.with_name("out")), source)


@pytest.mark.parametrize("change", REFUSED)
def test_what_gives_other_ids_is_refused(source, change):
    write_json(source, "PreTrainedTokenizerFast", **REFUSED[change])
    with pytest.raises(ValueError, match="its tokenizer cannot be represented: of"):
        import_encoder(source, source.with_name("out"))
    assert not source.with_name("out").exists()


@pytest.mark.parametrize("change", [*IMPORTED, *REFUSED])
def test_a_class_that_builds_its_own_is_followed(source, change):
    write_json(source, "BertTokenizer", **{**IMPORTED, **REFUSED}[change])
    check_ids(run_import(source, source.with_name("out")), source)


@pytest.mark.parametrize("change", [*IMPORTED, *REFUSED])
def test_without_transformers_the_file_decides(source, change, monkeypatch):
    write_json(source, "PreTrainedTokenizerFast", **{**IMPORTED, **REFUSED}[change])
    monkeypatch.setattr(agreement, "_open_by_transformers", lambda *a: None)
    out = source.with_name("out")
    if change in REFUSED:
        with pytest.raises(ValueError, match="its tokenizer cannot be represented"):
            import_encoder(source, out)
    else:
        check_ids(run_import(source, out), source)


# --- added tokens


@pytest.mark.parametrize("kind", ["added_tokens.json", "options", "tokenizer.json"])
def test_added_tokens_are_found(source, kind):
    first = len(VOCABULARY)
    if kind == "added_tokens.json":
        ids = {token: first + i for i, token in enumerate(ADDED)}
        (source / kind).write_text(json.dumps(ids))
    elif kind == "options":
        described = {first + i: {"content": token} for i, token in enumerate(ADDED)}
        write_wordpiece(source, added_tokens_decoder=described)
    else:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        tokenizer.add_tokens(ADDED)
        tokenizer.save_pretrained(source)
    ours = run_import(source, source.with_name("out"))
    assert set(ADDED) <= set(ours.dictionary.symbols)
    check_ids(ours, source, [*SENTENCES, *WITH_ADDED])


def test_added_tokens_that_hold_a_space_are_refused(source):
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    tokenizer.add_tokens([AddedToken("New York")])
    tokenizer.save_pretrained(source)
    with pytest.raises(ValueError, match="cannot be represented: of 'a New York b'"):
        import_encoder(source, source.with_name("out"))


def test_special_symbols_in_a_text_are_text(source):
    write_json(source, "PreTrainedTokenizerFast", **IMPORTED["digits"])
    ours = run_import(source, source.with_name("out"))
    specials = {ours.dictionary.index(s) for s in ("<s>", "<pad>", "</s>", "<mask>")}
    inner = ours.encode("[CLS] a [MASK] b [SEP] <mask>")[1:-1]
    assert not specials & set(inner)


# --- case


def test_the_case_of_a_vocabulary_without_options_is_guessed(source, capsys):
    (source / "tokenizer_config.json").unlink()
    for number, (flag, lowercase) in enumerate(
        ((None, False), ("--cased", False), ("--uncased", True))
    ):
        out = source.with_name(f"out{number}")
        main([str(source), str(out), *([flag] if flag else [])])
        told = re.search("case: no .* pieces have capitals", capsys.readouterr().out)
        assert bool(told) == (flag is None)
        check_ids(load_ours(out), source, do_lower_case=lowercase)
    lower = [piece for piece in VOCABULARY if piece == piece.lower() or "[" in piece]
    (source / "vocab.txt").write_text("\n".join(lower) + "\n", encoding="utf-8")
    check_ids(run_import(source, source.with_name("lower")), source, do_lower_case=True)


def test_a_case_that_nothing_confirms_is_asked_for(source):
    write_json(source, "BertTokenizer")
    (source / "tokenizer_config.json").unlink()
    with pytest.raises(ValueError, match="choose with --cased or --uncased"):
        import_encoder(source, source.with_name("out"))
    import_encoder(source, source.with_name("out"), cased=True)
    check_ids(load_ours(source.with_name("out")), source, do_lower_case=False)


# --- what belongs to other tokenizers


@pytest.mark.parametrize(
    "name", ["BertJapaneseTokenizer", "PhobertTokenizer", "XLMRobertaTokenizer"]
)
def test_a_vocabulary_of_another_tokenizer_is_refused(source, name):
    write_wordpiece(source, tokenizer_class=name)
    (source / "vocab.txt").write_text("toi 10\nla 9\n")
    with pytest.raises(ValueError, match=f"vocab.txt: goes with the tokenizer {name}"):
        import_encoder(source, source.with_name("out"))


# --- hostile files


def hostile(content: dict[str, Any]) -> dict[str, Any]:
    """Return parts of `tokenizer.json` and what replaces them, by kind of attack."""
    ids, nested = content["model"]["vocab"], {"type": "Lowercase"}
    for _ in range(300):
        nested = {"type": "Sequence", "normalizers": [nested]}
    huge, short = "/" * 22 + "==", "BAAAAP////8="
    tables = [{"type": "Precompiled", "precompiled_charsmap": x} for x in (huge, short)]
    return {
        "a table that takes all memory": ("normalizer", tables[0]),
        "a table that panics": ("normalizer", tables[1]),
        "a deep normaliser": ("normalizer", nested),
        "a text": ("normalizer", "text"),
        "no model": ("model", [1]),
        "a row far away": ("model", {**content["model"], "vocab": {**ids, "z": 2**31}}),
        "a negative row": ("model", {**content["model"], "vocab": {**ids, "z": -1}}),
        "a random model": (
            "model",
            {**content["model"], "type": "BPE", "dropout": 0.5},
        ),
        "no number": ("added_tokens", [{"id": "x", "content": "y"}]),
    }


ATTACKS = list(hostile({"model": {"vocab": {}}}))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_crafted_tokenizer_is_refused_in_one_line(source, attack, capfd):
    write_json(source, "PreTrainedTokenizerFast")
    path = source / "tokenizer.json"
    content = json.loads(path.read_text())
    part, value = hostile(content)[attack]
    path.write_text(json.dumps({**content, part: value}))
    capfd.readouterr()
    with pytest.raises(SystemExit) as error:
        main([str(source), str(source.with_name("out"))])
    assert str(error.value).startswith(f"mlkd-import: error: {source}")
    assert "\n" not in str(error.value) and capfd.readouterr().err == ""
    assert not source.with_name("out").exists()


def test_a_whole_tokenizer_is_read_back(source):
    write_json(source, "PreTrainedTokenizerFast", **IMPORTED["digits"])
    ours = run_import(source, source.with_name("out"))
    again = source.with_name("again")
    ours.tokenizer.save(str(again))
    assert Tokenizer.load(str(again)).tokenize(
        "a 12 b", "en"
    ) == ours.tokenizer.tokenize("a 12 b", "en")
    (again / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="tokenizer.json: not a tokenizer"):
        Tokenizer.load(str(again))
