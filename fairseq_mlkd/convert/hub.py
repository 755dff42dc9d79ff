"""Models by their names on the Hugging Face hub, pinned to the commit that was read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from fairseq_mlkd.files.json_objects import read_json, write_json
from fairseq_mlkd.remedies import describe, needed_for

CONFIG_FILE = "config.json"
SOURCE_FILE = "source.json"
_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
# what `mlkd-import` reads of a Hugging Face folder, weights apart, or of an export
_READ = re.compile(
    r"config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json"
    r"|added_tokens\.json|vocab\.(?:txt|json)|merges\.txt|sentencepiece\.bpe\.model"
    r"|mlkd/[^/]+|[^/]+/head\.safetensors"
)
# the first kind that there is, a file or its parts
_WEIGHTS = (
    re.compile(r"model(?:-[\d-]+of-\d+)?\.safetensors(?:\.index\.json)?"),
    re.compile(r"pytorch_model(?:-[\d-]+of-\d+)?\.bin(?:\.index\.json)?"),
)


class Source(NamedTuple):
    """Where a model lies on this machine, and what it is on the hub.

    Attributes:
        folder: that holds its files.
        name: `owner/name`; empty for a local folder.
        revision: the commit; empty for a local folder.
    """

    folder: Path
    name: str = ""
    revision: str = ""

    def describe(self) -> list[str]:
        """Return a line about its origin, none for a local folder."""
        return [f"source: {self.name} at {self.revision}"] if self.name else []

    def record(self, out: Path) -> None:
        """Write `source.json` into an import of a model of the hub."""
        if self.name:
            found = {"hub": self.name, "revision": self.revision}
            write_json(found, out / SOURCE_FILE)


def find_source(path: Path, revision: str | None = None) -> Source:
    """Return a local file or folder as it is, and the files of `owner/name` on the hub.

    Only what `mlkd-import` reads is fetched, into the cache of `huggingface_hub`: no
    code, and no pickled weights where safetensors are there. Where the hub is out of
    reach or `HF_HUB_OFFLINE` is set, the cache's copy of the revision is taken.

    Args:
        revision: a branch, tag or commit of the hub; None: its main branch.
    Raises:
        ValueError: in one line, neither here nor there, or no way to it.
    """
    name = str(path)
    if path.exists() or not _NAME.fullmatch(name):
        if revision is not None:
            raise ValueError(f"--revision {revision}: {path} is no model of the hub")
        return Source(path)
    with needed_for(f"{name}: no such file or folder; models of the hub"):
        import huggingface_hub
        import huggingface_hub.errors
    folder = _fetch(huggingface_hub, name, revision)
    return Source(folder, name, folder.name)


def read_source_file(folder: Path) -> str:
    """Return where an import came from, in words; empty for none of the hub."""
    path = folder / SOURCE_FILE
    if not path.is_file():
        return ""
    found = read_json(path, "import the model again")
    return f"{found.get('hub')} at {found.get('revision')}"


def _fetch(hub: Any, name: str, revision: str | None) -> Path:
    """Return the folder of the model, called like its commit, in the hub's cache."""
    asked = f"{name}@{revision}" if revision else name
    try:
        listed = hub.HfApi().model_info(name, revision=revision).siblings
        wanted = choose_files(file.rfilename for file in listed)
        return Path(
            hub.snapshot_download(name, revision=revision, allow_patterns=wanted)
        )
    except hub.errors.RepositoryNotFoundError:
        raise ValueError(
            f"{asked}: no such file or folder, and no model that the hub shows you "
            "(`hf auth login` for one that is gated or private)"
        ) from None
    except hub.errors.RevisionNotFoundError:
        raise ValueError(f"{asked}: the hub's model has no such revision") from None
    except Exception as error:  # whatever a connection fails with
        kept = hub.try_to_load_from_cache(name, CONFIG_FILE, revision=revision)
        if isinstance(kept, str):
            return Path(kept).parent
        raise ValueError(
            f"{asked}: no such file or folder, nor in the cache of huggingface_hub, "
            f"and the hub cannot be reached ({describe(error)[:100]})"
        ) from None


def choose_files(names: Iterable[str]) -> list[str]:
    """Return which files of a model `mlkd-import` reads."""
    listed = sorted(names)
    kinds = ([x for x in listed if kind.fullmatch(x)] for kind in _WEIGHTS)
    weights: list[str] = next(filter(None, kinds), [])
    return weights + [x for x in listed if _READ.fullmatch(x)]
