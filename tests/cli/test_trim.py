"""`mlkd-trim`: fewer pieces, and on the text that decided not a bit of difference."""

import pytest
import torch
from exported import CLASSIFICATION, KINDS, MLM, SENTENCES, TAGGING, make
from huggingface import load_ours
from subword_nmt.apply_bpe import BPE
from tiny import load

from fairseq_mlkd.checkpoint import LABELS_KEY
from fairseq_mlkd.cli.trim import main
from fairseq_mlkd.convert.trim import applied_merges


def run(made, out, *arguments):
    given = [made.path, out, "--tokenizer", made.tokenizer, *arguments]
    main([str(argument) for argument in given])
    return load_ours(out)


def features(ours, text, lang):
    symbols = ours.tokenizer.tokenize(text, lang)
    ids = [0, *map(ours.dictionary.index, symbols), 2]
    with torch.no_grad():
        return symbols, ours.model(torch.tensor([ids]), features_only=True)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_kept_text_has_the_same_hidden_states(tmp_path, capsys, kind):
    made = make(tmp_path, MLM, kind)
    file = tmp_path / "de.txt"
    file.write_text("\n".join([*SENTENCES["de"], ""]))
    whole = tmp_path / "whole"
    whole.mkdir()
    for path in [made.path, *made.tokenizer.iterdir()]:
        (whole / path.name).write_bytes(path.read_bytes())
    before, after = (
        load_ours(whole),
        run(made, tmp_path / "out", "--text", f"de={file}"),
    )
    assert len(after.dictionary) < len(before.dictionary)
    for text in SENTENCES["de"]:
        pieces, states = features(before, text, "de")
        trimmed, same = features(after, text, "de")
        assert trimmed == pieces and torch.equal(states, same)
    assert "are cut as before" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_languages_of_the_data_decide(tmp_path, kind):
    made = make(tmp_path, MLM, kind)
    small = run(made, tmp_path / "small", "--langs", "de", "--data", made.data)
    both = run(made, tmp_path / "both", "--langs", "de,ja", "--data", made.data)
    assert len(small.dictionary) < len(both.dictionary)
    for text in SENTENCES["de"]:
        cut = [x.tokenizer.tokenize(text, "de") for x in (small, both)]
        assert cut[0] == cut[1]
    with pytest.raises(SystemExit, match="no xx/train.idx"):
        run(made, tmp_path / "none", "--langs", "xx", "--data", made.data)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("task", [CLASSIFICATION, TAGGING])
def test_heads_and_labels_stay(tmp_path, task):
    made = make(tmp_path, task)
    file = tmp_path / "en.txt"
    file.write_text("\n".join(SENTENCES["en"]))
    run(made, tmp_path / "out", "--text", f"en={file}")
    before, after = load(made.path), load(tmp_path / "out" / "model.pt")
    assert before["task_state"][LABELS_KEY] == after["task_state"][LABELS_KEY]
    for name, tensor in before["model"].items():
        if "embeddings.tokens" not in name:
            assert torch.equal(tensor, after["model"][name])
    assert (tmp_path / "out" / "label" / "dict.txt").is_file()


def test_merges_that_were_applied_are_enough(tmp_path):
    merges = [("a", "b"), ("ab", "c</w>"), ("b", "c</w>"), ("x", "y"), ("a", "bc</w>")]
    kept = applied_merges(merges, ["abc", "bc"])
    assert kept == [("a", "b"), ("ab", "c</w>"), ("b", "c</w>")]
    path = tmp_path / "codes"
    path.write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in kept))
    with open(path, encoding="utf-8") as codes:
        bpe = BPE(codes)
    assert bpe.segment_tokens(["abc", "bc", "xy"]) == ["abc", "bc", "x@@", "y"]


@pytest.mark.parametrize("text", ["x", "=y", "de="])
def test_text_needs_a_language_and_a_file(tmp_path, text):
    made = make(tmp_path, MLM)
    with pytest.raises(SystemExit, match="write LANG=FILE or LANG=FILE,FILE"):
        run(made, tmp_path / "out", "--text", text)


def test_a_checkpoint_that_is_none_is_named_once(tmp_path):
    path = tmp_path / "junk.pt"
    path.write_text("junk")
    with pytest.raises(SystemExit) as error:
        main([str(path), str(tmp_path / "out"), "--langs", "en"])
    assert str(error.value).startswith(f"mlkd-trim: error: checkpoint {path}: not a")
    assert not (tmp_path / "out").exists()
