"""What a user can put right ends in one line that says how, before the work is done."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from refused import MLM, ONCE, PAIRS, TAGS, refusal, train_once, write_data
from tiny import STUDENT, distillation, flags_of, load, run, shape_flags, train

from fairseq_mlkd.metrics.results import read_results


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, Path]:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> dict[str, Path]:
    return train_once(data, tmp_path_factory.mktemp("trained"), MLM, TAGS)


# --- a score does not depend on the criterion


@pytest.mark.parametrize("name", [MLM, TAGS, PAIRS])
@pytest.mark.parametrize(
    "criterion",
    ["cross_entropy", "label_smoothed_cross_entropy", "sentence_prediction"],
)
def test_criterions_that_do_not_know_our_tasks(data, tmp_path, name, criterion):
    flags = ["--task", name, *shape_flags(STUDENT), "--criterion", criterion]
    message = refusal(train, data[name], tmp_path, *flags, *ONCE)
    assert f"--criterion {criterion} does not know --task {name}" in message
    assert "task_cross_entropy or tinybert" in message
    assert ("masked_lm" in message) is (name == MLM)


def test_the_default_criterion_is_fairseqs(data, tmp_path):
    flags = ["--task", MLM, *shape_flags(STUDENT), *ONCE]
    assert "--criterion cross_entropy" in refusal(train, data[MLM], tmp_path, *flags)


def test_the_perplexity_of_fairseqs_masked_lm_is_ours(data, trained, tmp_path):
    path = tmp_path / "other.pt"
    state = load(trained[MLM])
    state["cfg"]["criterion"]["_name"] = "masked_lm"
    torch.save(state, str(path))
    values = []
    for model in (trained[MLM], path):
        results = tmp_path / f"{model.stem}.jsonl"
        flags = ["--task", MLM, "--path", model, "--batch-size", 4]
        run("validate", data[MLM], *flags, "--results", results)
        values.append([r.value for r in read_results([str(results)])])
    assert values[0] == pytest.approx(values[1], rel=1e-6)


# --- no row leaves a score


@pytest.mark.parametrize("name", [MLM, TAGS])
def test_max_tokens_below_the_longest_row(data, trained, tmp_path, name):
    flags = ["--task", name, "--path", trained[name], "--max-tokens", 6]
    results = ["--results", tmp_path / "results.jsonl"]
    for skip in ([], ["--skip-invalid-size-inputs-valid-test"]):
        message = refusal(run, "validate", data[name], *flags, *skip, *results)
        assert "--max-tokens 6: valid has an example of" in message
    assert not (tmp_path / "results.jsonl").exists()


def test_of_training_data_too_long_rows_are_skipped(data, trained, tmp_path):
    flags = [*flags_of(TAGS), "--train-subset", "train.en", "--disable-validation"]
    train(data[TAGS], tmp_path, *flags, "--max-tokens", 12, *ONCE)
    # but not where it is evaluated
    flags = ["--task", TAGS, "--path", trained[TAGS], "--valid-subset", "train"]
    message = refusal(run, "validate", data[TAGS], *flags, "--max-tokens", 6)
    assert "--max-tokens 6: train has an example of" in message


@pytest.mark.parametrize("name, count", [(MLM, 45), (TAGS, 12)])
def test_of_training_data_not_all_rows_may_be_skipped(data, tmp_path, name, count):
    flags = [*flags_of(name), "--train-subset", "train", "--disable-validation"]
    flags += ["--max-tokens", 2, *ONCE]
    message = refusal(train, data[name], tmp_path, *flags)
    assert f"train: all {count} examples are longer than 2 tokens: give a l" in message


def test_rows_longer_than_the_model_are_not_skipped(data, tmp_path):
    flags = [*flags_of(MLM), "--max-positions", 8, *ONCE]
    skip = "--skip-invalid-size-inputs-valid-test"
    message = refusal(train, data[MLM], tmp_path, *flags, skip)
    assert "examples are longer than the 8 subwords that the model takes" in message


# --- flags


@pytest.mark.parametrize(
    "name, flags, message",
    [
        (TAGS, ["--best-checkpoint-metric", "F1"], "valid has loss, ppl, f1, f1_LOC"),
        (TAGS, ["--best-checkpoint-metric", "f1_fr"], "f1_LOC_en"),
        (PAIRS, ["--best-checkpoint-metric", "f1"], "has loss, ppl, accuracy,"),
        (MLM, ["--mask-prob", -1], "--mask-prob -1.0 is not between 0 and 1"),
        (MLM, ["--mask-prob", 1.5], "--mask-prob 1.5 is not between 0 and 1"),
        (MLM, ["--random-token-prob", "nan"], "--random-token-prob nan is not"),
        (
            MLM,
            ["--leave-unmasked-prob", 0.7, "--random-token-prob", 0.4],
            "--leave-unmasked-prob 0.7 and --random-token-prob 0.4 are above 1",
        ),
        (MLM, ["--fp16"], "--fp16 needs a GPU"),
        (MLM, ["--distributed-world-size", 2], "one worker per GPU, and there is none"),
        (
            MLM,
            ["--distributed-world-size", 2, "--distributed-no-spawn"],
            "--distributed-backend nccl needs GPUs: give gloo",
        ),
        (MLM, ["--restore-file", "here/none.pt"], None),
    ],
)
def test_flags(data, tmp_path, name, flags, message):
    arguments = [data[name], tmp_path / "run", *flags_of(name), *flags, *ONCE]
    if message is None:
        train(*arguments)
    else:
        assert message in refusal(train, *arguments)
    assert (tmp_path / "run" / "checkpoint_last.pt").exists() is (message is None)


def test_a_metric_that_there_is_will_do(data, tmp_path):
    flags = ["--valid-subset", "valid.all", "--best-checkpoint-metric", "f1_LOC_fr"]
    flags.append("--maximize-best-checkpoint-metric")
    train(data[TAGS], tmp_path, *flags_of(TAGS), *flags, *ONCE)
    assert load(tmp_path / "checkpoint_best.pt")["extra_state"]["val_loss"] >= 0


@pytest.mark.parametrize("metric", ["distillation_loss", "hidden_loss", "nll_loss"])
def test_a_term_of_distillation_will_do(data, tmp_path, caplog, metric):
    flags = [*distillation(TAGS, data[TAGS], tmp_path), *ONCE, "--valid-distillation"]
    train(data[TAGS], tmp_path, *flags, "--best-checkpoint-metric", metric)
    assert load(tmp_path / "checkpoint_best.pt")["extra_state"]["val_loss"] > 0
    assert "checkpoint_best.pt is" not in caplog.text


@pytest.mark.parametrize(
    "name, metric, flags, said",
    [
        (TAGS, "f1_LOC", [], "the lowest f1_LOC: give --max"),
        (MLM, "ppl", ["--maximize-best-checkpoint-metric"], "the highest ppl: leave"),
        (MLM, "ppl", [], None),
        (PAIRS, "accuracy", ["--maximize-best-checkpoint-metric"], None),
    ],
)
def test_a_worst_checkpoint_called_best_is_said(
    data, tmp_path, caplog, name, metric, flags, said
):
    flags = [*flags_of(name), "--best-checkpoint-metric", metric, *flags]
    train(data[name], tmp_path, *flags, *ONCE)
    lines = [m for m in caplog.messages if "checkpoint_best.pt is the one of" in m]
    assert [said in line for line in lines] == [True] * bool(said)


def test_a_batch_size_is_asked_for(data, trained):
    flags = ["--task", MLM, "--path", trained[MLM]]
    assert "give --batch-size" in refusal(run, "validate", data[MLM], *flags)


# --- files


def test_folders_that_cannot_be_written(data, trained, tmp_path):
    (tmp_path / "file").touch()
    save_dir = tmp_path / "file" / "run"
    assert str(save_dir) in refusal(train, data[MLM], save_dir, *flags_of(MLM), *ONCE)
    flags = ["--task", MLM, "--path", trained[MLM], "--batch-size", 4]
    for results in (tmp_path, tmp_path / "file" / "results.jsonl"):
        message = refusal(run, "validate", data[MLM], *flags, "--results", results)
        assert f"--results {results}: " in message


def test_a_results_path_is_tried_before_the_evaluation(
    data, trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "fairseq_mlkd.tasks.multilingual_mlm.MultilingualMLMTask.valid_step", None
    )
    flags = ["--task", MLM, "--path", trained[MLM], "--batch-size", 4]
    refusal(run, "validate", data[MLM], *flags, "--results", tmp_path)


def test_another_run_in_the_same_folder(data, trained, tmp_path):
    shutil.copy(trained[MLM], tmp_path / "checkpoint_last.pt")
    wider = flags_of(MLM, {**STUDENT, "embed_dim": 16})
    message = refusal(train, data[MLM], tmp_path, *wider, "--max-update", 2)
    assert "checkpoint_last.pt is of another model" in message
    assert "name another --save-dir" in message
    distilled = distillation(MLM, data[MLM], tmp_path)
    message = refusal(train, data[MLM], tmp_path, *distilled, "--max-update", 2)
    assert "checkpoint_last.pt: Criterion does not match" in message


@pytest.mark.parametrize("flag", ["--finetune-from-model", "--restore-file"])
def test_a_pretrained_model_as_a_checkpoint_to_go_on_from(
    data, trained, tmp_path, flag
):
    flags = [*flags_of(TAGS), flag, trained[MLM]]
    assert "give --encoder-path" in refusal(train, data[TAGS], tmp_path, *flags, *ONCE)


def test_a_run_goes_on_where_its_encoder_has_been_moved(data, trained, tmp_path):
    encoder = Path(shutil.copy(trained[MLM], tmp_path / "encoder.pt"))
    flags = ["--task", TAGS, "--criterion", "task_cross_entropy"]
    flags += ["--arch", "pretrained", "--encoder-path", encoder]
    last = train(data[TAGS], tmp_path / "run", *flags, "--max-epoch", 1)
    os.remove(encoder)
    train(data[TAGS], tmp_path / "run", *flags, "--max-epoch", 2)
    assert load(last)["extra_state"]["train_iterator"]["epoch"] == 3
    message = refusal(train, data[TAGS], tmp_path / "new", *flags, *ONCE)
    assert "encoder.pt: no such file" in message


def test_eval_lm_is_refused_by_name(data, trained):
    flags = ["--task", MLM, "--path", trained[MLM], "--gen-subset", "valid"]
    message = refusal(run, "eval_lm", data[MLM], *flags, "--batch-size", 4)
    assert "fairseq-eval-lm is for models that read from left to right" in message


def test_a_training_that_diverges_says_so(data, tmp_path):
    flags = [*flags_of(MLM), "--lr", 1e30, "--max-update", 5]
    message = refusal(train, data[MLM], tmp_path, *flags)
    assert "update 2: gradients are Nan/Inf: training diverged: lower --lr" in message
    assert str(tmp_path / "crash.pt") in message


# --- what fairseq forgets


def test_patience_goes_on_counting(data, tmp_path):
    # without learning, no validation is better than the first
    flags = [*flags_of(TAGS), "--lr", 0, "--patience", 3]
    unbroken = train(data[TAGS], tmp_path / "a", *flags, "--max-epoch", 9)
    epochs = load(unbroken)["extra_state"]["train_iterator"]["epoch"]
    for stop in (2, 3, 9, 9):
        last = train(data[TAGS], tmp_path / "b", *flags, "--max-epoch", stop)
    assert load(last)["extra_state"]["train_iterator"]["epoch"] == epochs == 5
    assert load(last)["task_state"]["patience"]["num_runs"] == 3


def test_generate_prints_no_bleu(data, trained, capsys):
    flags = ["--task", TAGS, "--path", trained[TAGS], "--gen-subset", "valid"]
    run("generate", data[TAGS], *flags, "--batch-size", 4)
    out = capsys.readouterr().out
    assert "BLEU" not in out and "exact match" in out.splitlines()[-1]
