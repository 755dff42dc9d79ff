"""The card of an exported folder: what a stranger must know before using the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fairseq_mlkd.convert.trained import INTENT_SLOT, MLM, PARSING, TOKENS, UP, Trained
from fairseq_mlkd.files.markdown import table
from fairseq_mlkd.metrics.results import Result, latest_results

_UNTOLD = "not recorded"
# of the labelled data; what the encoder learnt from may have others
_LICENCES = {
    "xnli": "XNLI: CC BY-NC 4.0",
    "pawsx": "PAWS-X: free for any purpose, with acknowledgement of Google LLC",
    "wikiann": "Wikiann: text of Wikipedia, CC BY-SA",
    "multiatis": "MultiATIS++: agreement of the Linguistic Data Consortium",
    "massive": "MASSIVE: CC BY 4.0",
    "mtop": "mTOP: CC BY-SA 4.0",
}
_LOADING = {
    "multilingual_mlm": "AutoModelForMaskedLM",
    "zero_shot_classification": "AutoModelForSequenceClassification",
    "zero_shot_tagging": "AutoModelForTokenClassification",
}


def write_card(
    folder: Path,
    trained: Trained,
    *,
    results: Sequence[Result] = (),
    licence: str | None = None,
    sections: Sequence[str] = (),
) -> None:
    """Write `README.md`.

    Args:
        results: of this model, as `fairseq-validate` wrote them.
        licence: of the sources of its training data.
        sections: further ones, Markdown.
    """
    parts = [
        _front_matter(trained, licence),
        f"# {_title(trained)}",
        _describe(trained, licence),
        _size(trained),
        _scores(results),
        _usage(trained),
        _text(trained),
        *sections,
    ]
    text = "\n\n".join(part for part in parts if part)
    (folder / "README.md").write_text(text + "\n", encoding="utf-8")


def _front_matter(trained: Trained, licence: str | None) -> str:
    lines = ["---", "library_name: transformers"]
    if trained.facts.languages:
        lines += ["language:", *(f"- {json.dumps(x)}" for x in trained.facts.languages)]
    if licence:
        lines += ["license: other", f"license_name: {json.dumps(licence)}"]
    return "\n".join([*lines, "---"])


def _title(trained: Trained) -> str:
    facts = trained.facts
    if facts.task == MLM:
        return "Multilingual encoder"
    on = f" on {facts.benchmark}" if facts.benchmark else ""
    task = facts.task.removeprefix("zero_shot_").replace("_", " and ")
    return f"Multilingual {task}{on}, fine-tuned on {facts.source_lang} alone"


def _describe(trained: Trained, licence: str | None) -> str:
    facts = trained.facts
    shape = facts.encoder
    rows = [
        ("", ""),
        ("layers", str(shape["encoder_layers"])),
        ("width", str(shape["encoder_embed_dim"])),
        ("width of feed-forward layers", str(shape["encoder_ffn_embed_dim"])),
        ("attention heads", str(shape["encoder_attention_heads"])),
        ("longest input", f"{facts.max_positions} subwords"),
        ("task", facts.task),
        ("data", facts.benchmark or trained.data.name),
        ("languages", ", ".join(facts.languages) or _UNTOLD),
        ("rows dropped when the data were prepared", _dropped(trained.audit)),
        ("teacher of this training", trained.teacher or "none"),
        ("began with", trained.start or "random weights"),
        ("licence of the sources", licence or _LICENCES.get(facts.benchmark, _UNTOLD)),
    ]
    for head in facts.heads:
        rows.append((f"labels of {head.name}", ", ".join(head.labels)))
    return table([list(row) for row in rows])


def _dropped(audit: dict[str, Any]) -> str:
    totals = audit.get("totals")
    if not totals:
        return _UNTOLD
    found = [f"{name} {x['dropped']}" for name, x in totals.items() if x["dropped"]]
    return ", ".join(found) or "none"


def _size(trained: Trained) -> str:
    total = sum(x.size for x in trained.weights.values())
    embedding = sum(x.size for k, x in trained.weights.items() if k in (TOKENS, UP))
    return (
        f"{total:,} parameters, {total - embedding:,} without the embeddings of "
        f"{trained.facts.vocabulary:,} symbols{_rank(trained)}; "
        f"{total * 4 / 1e6:.1f} MB in float32."
    )


def _rank(trained: Trained) -> str:
    rank = trained.facts.embedding_rank
    return f", of rank {rank}, in transformers whole" if rank else ""


def _scores(results: Sequence[Result]) -> str:
    found = latest_results(results)
    if not found:
        return "## Scores\n\nNone were given: see `--results` of `mlkd-export`."
    rows = [
        [r.split, r.lang, r.metric, f"{r.value:.2f}", str(r.examples), str(r.dropped)]
        for r in found
    ]
    head = ["split", "language", "metric", "value", "examples", "rows dropped"]
    return f"## Scores\n\n{table([head, *rows])}"


def _usage(trained: Trained) -> str:
    facts = trained.facts
    kind = _LOADING.get(facts.task, "AutoModel")
    if facts.task == MLM and not facts.has_lm_head:
        kind = "AutoModel"
    lines = [f"model = {kind}.from_pretrained(FOLDER)"]
    if facts.task == INTENT_SLOT:
        lines = [
            f"{name} = {kind}.from_pretrained(FOLDER, subfolder={name!r})"
            for name, kind in (
                ("intent_head", "AutoModelForSequenceClassification"),
                ("slot_head", "AutoModelForTokenClassification"),
            )
        ]
    code = "\n".join([*lines, "tokenizer = AutoTokenizer.from_pretrained(FOLDER)"])
    text = f"## Use\n\nWith transformers:\n\n```python\n{code}\n```\n\n"
    if facts.task == PARSING:
        text += "That is the encoder; the decoder has no class in transformers. "
    return text + (
        "On raw text, cut and read as in training, without fairseq:\n\n```python\n"
        "from fairseq_mlkd import Predictor\n\nPredictor(FOLDER)(TEXT, lang=LANG)\n```"
    )


def _text(trained: Trained) -> str:
    text = (
        "Special symbols in a text, such as `</s>`, are text, as in training; a pair "
        "is `<s> a </s> b </s>`, and words are labelled at their first piece."
    )
    if trained.tokenizer.normalisation == "spoken":
        text += (
            "\n\n**The tokenizer expects the spoken form** that the model was trained "
            'on ("21%" is "twenty one percent"): it needs rules for each language, '
            "which `tokenizer.json` cannot hold. Give `AutoTokenizer` text that "
            "`fairseq_mlkd.text.spoken.to_spoken` returned, or raw text to "
            "`Predictor`, which applies it. Raw text given to `AutoTokenizer` loses "
            "accuracy."
        )
    return f"## Text\n\n{text}"
