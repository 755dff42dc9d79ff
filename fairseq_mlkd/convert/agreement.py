"""Agreement of an imported tokenizer with the source's own, in many scripts."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from fairseq_mlkd.convert.foreign import Vocabulary
from fairseq_mlkd.files.json_objects import read_json
from fairseq_mlkd.remedies import FETCH_AGAIN
from fairseq_mlkd.text.whole_tokenizer import TOKENIZER_FILE, guarded

# whose classes in `transformers` are known to read files of data alone
_KNOWN = {
    *("bert", "camembert", "distilbert", "electra", "roberta", "xlmroberta"),
    *("pretrained", "tokenizersbackend"),
}
Encode = Callable[[str], list[int]]  # a text -> ids, `<s>` and `</s>` included

_MOST_ADDED = 100  # tokens that somebody added, each of which is looked for in a text
SENTENCES = [
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "I'm sure they'll say we've been there; it's 12:30 p.m. on 03/04/2021.",
    "U.S. GDP rose 3.5% to $21,433.2bn (see https://example.org/a_b?c=d#e).",
    "HTTP e-mail: Name.Surname@example.com, C++, A/B, #tag, 50°C, 10 km², ½ × ⅓ ≠ ∞",
    "“Quotes”, ‘single’ – dashes — and … dots; naïve café, Ångström, ﬁne ligature.",
    "Größe, Straße, Äpfel und Übermut: der Bundesverfassungsgerichtspräsident.",
    "L'été dernier, j'ai mangé des œufs à Besançon, n'est-ce pas ?",
    "¿Dónde está el niño? ¡Mañana será otro día en España!",
    "Perché no? È già così: l'università dell'Aquila.",
    "São Paulo não é a capital; a emoção é grande.",
    "Zażółć gęślą jaźń; příliš žluťoučký kůň; İstanbul ışığı; đường phố Hà Nội.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Її ґрунт є.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία, όπως λένε στην Αθήνα.",
    "עברית היא שפה שמית; שָׁלוֹם עוֹלָם.",
    "اللغة العربية جميلة؛ السَّلَامُ عَلَيْكُمْ، كتابٌ ٣٤.",
    "فارسی می‌نویسم و اردو میں لکھتا ہوں۔",
    "यह मेरी किताब है। क्षत्रिय ज्ञान १२३ रु॰",
    "বাংলা ভাষা আমার প্রিয়। தமிழ் மொழி இனிமையானது. తెలుగు ಕನ್ನಡ മലയാളം ગુજરાતી ਪੰਜਾਬੀ",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ ๑๒๓",
    "ພາສາລາວ မြန်မာဘာသာ ភាសាខ្មែរ བོད་ཡིག",
    "我喜欢学习自然语言处理,北京2008年奥运会。繁體中文也要測試!",
    "日本語を話す東京の人、カタカナとひらがな。ｶﾞｷﾞ Ｆｕｌｌ ｗｉｄｔｈ １２３",
    "한국어를 배우고 있습니다. ㅋㅋㅋ",
    "ქართული ენა; Հայերեն լեզու; አማርኛ ቋንቋ; ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ.",
    "Kiswahili ni lugha; Yorùbá ní àmì ohùn; Māori, Hawaiʻi.",
    "Emoji 😀👩‍👩‍👧 🇩🇪 ♥️ ☃ and symbols → ★ € £ ¥ ₹ ™ ® §",
    "cafe\u0301 o\u0308 \u1e9b\u0323 \u212b \u2126 soft\u00adhyphen zero\u200bwidth",
    "lower UPPER Title miXed camelCase snake_case kebab-case 4ever 1st b2b",
    "a  b   c",
    "x" * 120,
    "!?",
]


def choose(
    folder: Path,
    options: Mapping[str, Any],
    candidates: Iterable[Callable[[], Vocabulary]],
) -> Vocabulary:
    """Return the first candidate that agrees with the source's own tokenizer.

    That is the tokenizer which `transformers` opens, if it is installed; else what
    `tokenizer.json` describes. Where there is neither, the first candidate is taken.

    Raises:
        ValueError: none agrees, or none can be built.
    """
    refusal = ValueError("no tokenizer that can be represented")
    with _quiet_library():
        own = _open_by_transformers(folder, options) or _open_json(folder)
        for build in candidates:
            try:
                return guarded(partial(_build_agreeing, build, own, folder))
            except ValueError as error:
                refusal = error
    raise refusal


def _build_agreeing(
    build: Callable[[], Vocabulary], own: Encode | None, folder: Path
) -> Vocabulary:
    vocabulary = build()
    if own is not None:
        _check_agreement(vocabulary, own, folder)
    return vocabulary


@contextmanager
def _quiet_library() -> Iterator[None]:
    """Keep the traceback of a panic in `tokenizers`, which becomes an error, unseen."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def class_name(options: Mapping[str, Any]) -> str:
    """Return whose tokenizer it is: `BertTokenizerFast` -> `bert`."""
    name = options.get("tokenizer_class") or options.get("model_type")
    name = str(name).lower().removesuffix("fast").removesuffix("tokenizer")
    return name.replace("-", "")


def _check_agreement(vocabulary: Vocabulary, own: Encode, folder: Path) -> None:
    for text in [*SENTENCES, *_with_added_tokens(folder)]:
        ours, theirs = vocabulary.encode(text), own(text)
        if ours != theirs:
            at = next(
                (i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b),
                min(len(ours), len(theirs)),
            )
            raise ValueError(
                f"its tokenizer cannot be represented: of {text[:60]!r} id {at + 1} "
                f"and the next are {ours[at : at + 3]}, not {theirs[at : at + 3]}"
            )


def _with_added_tokens(folder: Path) -> list[str]:
    """Return texts with the tokens added to a vocabulary, in all surroundings."""
    tokens: list[str] = []
    for name in (TOKENIZER_FILE, "added_tokens.json"):
        if not (folder / name).is_file():
            continue
        content = read_json(folder / name, FETCH_AGAIN)
        if name == TOKENIZER_FILE:
            added = content.get("added_tokens") or []
            tokens += [token["content"] for token in added if not token.get("special")]
        else:
            tokens += list(content)
    forms = ("a {} b", "{}", "x{}y", "{}, {}19")
    return [form.format(t, t) for t in tokens[:_MOST_ADDED] for form in forms]


def _open_json(folder: Path) -> Encode | None:
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        return None
    text = json.dumps(read_json(path, FETCH_AGAIN))
    tokenizer = guarded(lambda: Tokenizer.from_str(text))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: list(guarded(lambda: tokenizer.encode(text)).ids)


def _open_by_transformers(folder: Path, options: Mapping[str, Any]) -> Encode | None:
    """Open a folder's tokenizer as its users do; None: not installed, or it cannot."""
    if class_name(options) not in _KNOWN:
        return None
    try:
        from transformers import AutoTokenizer
        from transformers.utils import logging as transformers_logging
    except ImportError:
        return None
    their_logging: Any = transformers_logging  # its functions have no types
    level = their_logging.get_verbosity()
    their_logging.set_verbosity_error()
    more = {key: options[key] for key in ("do_lower_case",) if key in options}

    def open_tokenizer() -> Any:
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, **more
        )
        tokenizer("a")
        return tokenizer

    try:
        tokenizer = guarded(open_tokenizer)
    except ValueError as error:  # whatever its classes meet in the files
        logging.getLogger(__name__).debug("transformers: %s", error)
        return None
    finally:
        their_logging.set_verbosity(level)
    return lambda text: list(guarded(lambda: tokenizer(text))["input_ids"])
