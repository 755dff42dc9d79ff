"""Readers of users' own labelled data, one for each kind of label.

Files are CSV, TSV, JSON lines or CoNLL; labels are whatever training data hold.
"""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from fairseq_mlkd.data.folders import INPUT0, INPUT1, TARGET
from fairseq_mlkd.files.packed import strip_packing
from fairseq_mlkd.prepare.labelled.mtop import POINTERS, point_at_words
from fairseq_mlkd.prepare.labelled.own.conll import find_layout, read_conll
from fairseq_mlkd.prepare.labelled.own.forms import LANG, AnyRecord, Form, Record
from fairseq_mlkd.prepare.labelled.own.tables import (
    describe_table,
    find_delimiter,
    read_json_rows,
    read_table,
)
from fairseq_mlkd.prepare.labelled.own.tags import find_bad_tag, name_scheme, to_iob2
from fairseq_mlkd.prepare.labelled.reader import (
    NO_LABEL,
    AnnotationReader,
    AnyRow,
    Reader,
    SentenceReader,
    Wanted,
)
from fairseq_mlkd.prepare.labelled.rows import (
    Dropped,
    LabelledFile,
    SentencePair,
    WordRow,
    read_rows,
    row_error,
)
from fairseq_mlkd.text.parse_tree import (
    decouple,
    is_decoupled,
    parse_tree,
    split_symbols,
    tree_symbols,
)

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "valid", "validation", "val", "eval"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_ENDINGS = "csv|tsv|txt|tab|jsonl|ndjson|json|conll|conllu|iob|bio"
_DATA = re.compile(r".*\.(?:csv|tsv|tab|jsonl|ndjson|conll|conllu|iob|bio)")
_SPLIT = rf"(?P<split>{'|'.join(_SPLITS)})"
_LANG = r"(?P<lang>[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,4})?)"
_LAYOUTS = tuple(
    re.compile(rf"{stem}(?:\.(?:{_ENDINGS}))?")
    for stem in (
        _SPLIT,
        rf"{_SPLIT}[-_./]{_LANG}",
        rf"{_LANG}[-_./]{_SPLIT}",
    )
)
_SUBSET = re.compile(rf"{_SPLIT}(?:\.{_LANG})?")


class OwnReader(Reader[AnyRow]):
    """Read files of users, in whichever form they are.

    Args:
        name: of the data set, in results.
        form: what stands where.
        source_lang: the language of files that do not say.
        files: subset (`train`, `test.de`) -> a file to read whatever its name.
        unknown_labels: as in `Reader`.
    """

    kind: ClassVar[str]
    roles: tuple[str, ...]
    has_words: ClassVar[bool] = False
    expected = (
        "{train,dev,test}.EXT or {train,dev,test}-LANG.EXT, or any other name with "
        "--files SPLIT.LANG=FILE"
    )

    def __init__(
        self,
        name: str = "",
        form: Form | None = None,
        *,
        source_lang: str = "en",
        files: Mapping[str, Path] | None = None,
        unknown_labels: str = "stop",
    ) -> None:
        self.name = self.title = name or self.kind
        self.form = form or Form()
        self.source_lang = source_lang
        self.files = dict(files or {})
        self.unknown_labels = unknown_labels
        unused = self.form.columns.keys() - {*self.roles, LANG}
        if unused:
            raise ValueError(
                f"--columns {unused.pop()}=...: {self.kind} reads "
                f"{', '.join((*self.roles, LANG))}"
            )

    def request(self) -> dict[str, Any]:
        form = {
            "columns": dict(sorted(self.form.columns.items())),
            "delimiter": self.form.delimiter,
        }
        return {"kind": self.kind, **form, "unknown_labels": self.unknown_labels}

    def find(self, folder: Path) -> list[LabelledFile]:
        """Return the files in `folder` whose names say what they hold, and the others.

        Of a file with a column of languages, one for each that it holds.
        """
        found = {
            path: self._subset(match)
            for path, match in _match_files(folder).items()
            if match
        }
        for subset, path in self.files.items():
            match = _SUBSET.fullmatch(subset)
            if match is None:
                raise ValueError(
                    f"--files {subset}={path}: write SPLIT=FILE or SPLIT.LANG=FILE, "
                    "SPLIT being train, dev or test"
                )
            if not path.is_file():
                raise ValueError(f"--files {subset}={path}: no such file")
            split, lang = self._subset(match)
            taken = [p for p, held in found.items() if held == (split, lang)]
            for other in taken:
                del found[other]
            found[path] = split, lang
        has_column = LANG in self.form.columns
        return [
            LabelledFile(path, split, lang)
            for path, (split, named) in found.items()
            for lang in (self._languages(path) if has_column else [named])
        ]

    def passed_over(self, folder: Path) -> list[Path]:
        named = {path.resolve() for path in self.files.values()}
        return [
            path
            for path, match in _match_files(folder).items()
            if not match
            and _DATA.fullmatch(strip_packing(path.name))
            and path.resolve() not in named
        ]

    def _subset(self, match: re.Match[str]) -> tuple[str, str]:
        lang = match.groupdict().get("lang")
        split = _SPLITS[match["split"]]
        return split, tidy_language(lang) if lang else self.source_lang

    def _languages(self, path: Path) -> list[str]:
        records = (r for r in self.records(path) if isinstance(r, Record))
        return list(dict.fromkeys(record.values[LANG] for record in records))

    def records(self, path: Path) -> Iterator[AnyRecord]:
        """Yield the rows of a file as it has them, in all its languages."""
        roles = self._roles()
        read = {"json": read_json_rows, "conll": read_conll, "table": read_table}
        for record in read[self._kind_of(path)](path, roles, self.form):
            if isinstance(record, Record) and LANG in record.values:
                lang = tidy_language(record.values[LANG])
                if not re.fullmatch(_LANG, lang):
                    problem = f"{lang!r} is no code of a language"
                    raise row_error(path, record.line, problem, "write one such as de")
                record.values[LANG] = lang
            yield record

    def rows(self, path: Path, wanted: Wanted) -> Iterator[AnyRow | Dropped]:
        for record in self.records(path):
            if isinstance(record, Dropped):
                yield record
            elif record.values.get(LANG, wanted.lang) == wanted.lang:
                yield self.row(path, record, wanted)

    @abstractmethod
    def row(self, path: Path, record: Record, wanted: Wanted) -> AnyRow | Dropped:
        """Return the row of a record."""

    def notes(self, file: LabelledFile) -> list[str]:
        """Return in which form a file is, as it is read."""
        kind, path, roles = self._kind_of(file.path), file.path, self._roles()
        if kind == "table":
            return [describe_table(path, roles, self.form)]
        if kind == "conll":
            return [find_layout(path, roles, self.form).describe()]
        return ["JSON lines"]

    def _roles(self) -> tuple[str, ...]:
        return (*self.roles, LANG) if LANG in self.form.columns else self.roles

    def _kind_of(self, path: Path) -> str:
        """Return the form of a file: its name says it, or whether it has a header."""
        ending = Path(strip_packing(path.name)).suffix
        first = next(read_rows(path))[1]
        if ending in (".jsonl", ".ndjson", ".json") or first.startswith('{"'):
            return "json"
        if not self.has_words or ending == ".csv":
            return "table"
        if ending in (".conll", ".conllu", ".iob", ".bio"):
            return "conll"
        delimiter = find_delimiter(path, self.roles, Form(self.form.columns, None))
        header = self.form.find(self.roles, first.split(delimiter))
        return "table" if len(header) == len(self.roles) else "conll"


def _match_files(folder: Path) -> dict[Path, re.Match[str] | None]:
    """Return what the name of each file in a folder, or one below, says."""
    found = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if path.is_file():
            name = strip_packing(path.relative_to(folder).as_posix())
            matches = filter(None, (layout.fullmatch(name) for layout in _LAYOUTS))
            found[path] = next(matches, None)  # `train.csv` is in no language csv
    return found


def tidy_language(text: str) -> str:
    """Return a code as it is written here: `EN` -> `en`, `pt_br` -> `pt-BR`."""
    lang, dash, country = text.strip().replace("_", "-").partition("-")
    return lang.lower() + (
        dash + country.upper() if len(country) == 2 else dash + country
    )


class OwnSentences(OwnReader[SentencePair], SentenceReader):
    """Read single sentences with a label."""

    kind = "classification"
    roles: tuple[str, ...] = ("text", "label")
    folders: tuple[str, ...] = (INPUT0,)

    def row(self, path: Path, record: Record, wanted: Wanted) -> SentencePair | Dropped:
        first, second = record.values["text"], record.values.get("text_pair")
        if not first or second == "":
            return Dropped("empty sentence", record.line)
        label = record.values["label"]
        if label in NO_LABEL and not wanted.predicted:
            return Dropped("no gold label", record.line)
        return SentencePair(first, second, label, record.line)


class OwnPairs(OwnSentences):
    """Read pairs of sentences with a label."""

    kind = "pairs"
    roles: tuple[str, ...] = ("text", "text_pair", "label")
    folders: tuple[str, ...] = (INPUT0, INPUT1)


class OwnWords(OwnReader[WordRow], AnnotationReader):
    """Read words with tags."""

    kind = "tagging"
    task = "zero_shot_tagging"
    metric = "f1"
    roles: tuple[str, ...] = ("words", "tags")
    has_words = True

    def row(self, path: Path, record: Record, wanted: Wanted) -> WordRow | Dropped:
        words, tags = record.values["words"], record.values["tags"]
        intent = record.values.get("intent")
        if not all(words) or not words:
            return Dropped("empty word" if words else "no words", record.line)
        if wanted.predicted:
            return WordRow(words, record.line, tags=tags, intent=intent)
        if len(words) != len(tags):
            problem = f"{len(words)} words and {len(tags)} tags"
            raise row_error(path, record.line, problem)
        bad = find_bad_tag(tags)
        if bad is not None:
            advice = "expected O, B-NAME, I-NAME (or IOB1, BIOES, BILOU)"
            raise row_error(path, record.line, f"unknown tag {bad!r}", advice)
        if intent == "":
            raise row_error(path, record.line, "no intent")
        return WordRow(words, record.line, tags=to_iob2(tags), intent=intent)

    def notes(self, file: LabelledFile) -> list[str]:
        """Return the form of a file, and tags that are no IOB2 and read as that."""
        changed: Counter[str] = Counter()
        for record in self.records(file.path):
            tags = record.values["tags"] if isinstance(record, Record) else []
            scheme = name_scheme(tags, to_iob2(tags))
            changed.update([scheme] if scheme else [])
        said = [
            f"{count:,} sentences with tags in {scheme}, which are read as IOB2"
            for scheme, count in changed.items()
        ]
        return [*super().notes(file), *said]


class OwnIntents(OwnWords):
    """Read words with tags, and the intent of each sentence."""

    kind = "intent_slot"
    task = "zero_shot_intent_slot"
    metric = "exact_match"
    roles = ("words", "tags", "intent")


class OwnParses(OwnReader[WordRow], AnnotationReader):
    """Read sentences with their parse (`[IN:CALL [SL:WHO my mother ] ]`).

    Words that stand in an intent, outside of its slots, are left out of the parse.
    """

    kind = "parsing"
    task = "zero_shot_parsing"
    metric = "exact_match"
    roles = ("words", "parse")
    fixed_symbols = {TARGET: POINTERS}

    def row(self, path: Path, record: Record, wanted: Wanted) -> WordRow | Dropped:
        words, parse = record.values["words"], split_symbols(record.values["parse"])
        if not words:
            return Dropped("no words", record.line)
        try:
            tree = decouple(parse_tree(parse))
        except ValueError as error:
            if wanted.predicted:
                return WordRow(words, record.line, parse=parse)
            advice = "write it as [IN:NAME [SL:NAME words ] ], spaces around brackets"
            raise row_error(path, record.line, str(error), advice) from None
        if wanted.predicted:
            return WordRow(words, record.line, parse=tree_symbols(tree))
        if not is_decoupled(tree):
            return Dropped("the parse is not decoupled", record.line)
        return point_at_words(tree_symbols(tree), words, record.line)
