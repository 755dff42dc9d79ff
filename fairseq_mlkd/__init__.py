"""Multilingual knowledge distillation for fairseq: `--user-dir fairseq_mlkd`.

Importing the package imports neither fairseq nor torch, so that exported models answer
without them. Once fairseq is imported, or asks by `--user-dir`, `register` runs.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["Predictor", "load", "register"]
__version__ = "0.1.0"


@cache
def register() -> None:
    """Register our tasks, models and criterions with fairseq, and mend it."""
    for room in ("criterions", "models", "optim", "scoring", "tasks"):
        import_module(f"{__name__}.{room}")
    import_module(f"{__name__}.fairseq_fixes").apply_all()
    _quiet_other_libraries()


class _PackagePath(list[str]):
    """The package's path, which registers when fairseq looks itself up in it.

    fairseq imports the module of `--user-dir` only if nobody has; otherwise it asks
    whether the folder is in the `__path__` of the module that is there.
    """

    def __contains__(self, folder: object) -> bool:
        found = super().__contains__(folder)
        if found and "fairseq" in sys.modules:
            register()
        return found


class _FairseqFinder:
    """Registers after `import fairseq`, should it come after that of this package."""

    @classmethod
    def find_spec(cls, name: str, *where: Any) -> ModuleSpec | None:
        """Return fairseq's own spec, whose loader registers in the end."""
        if name != "fairseq":
            return None
        others = (finder for finder in sys.meta_path if finder is not cls)
        specs = (finder.find_spec(name, *where) for finder in others)
        spec = next(filter(None, specs), None)
        if spec and spec.loader:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _quiet_other_libraries()
                _register_if_idle()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _register_if_idle() -> None:
    """Register, unless a module of ours imports fairseq and is itself half there."""
    ours = [m for n, m in sys.modules.items() if n.startswith(f"{__name__}.")]
    if not any(getattr(m.__spec__, "_initializing", False) for m in ours):
        register()


def _quiet_other_libraries() -> None:
    """Have other libraries log trouble only.

    Importing fairseq sets the root logger to DEBUG, at which matplotlib lists all fonts
    and the clients of HTTP every try.
    """
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    for library in ("matplotlib", "httpx", "httpx2", "httpcore", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)


def __getattr__(name: str) -> Any:
    if name == "Predictor":
        return import_module(f"{__name__}.serve.predictor").Predictor
    if name == "load":
        register()
        return import_module(f"{__name__}.loading").load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__path__ = _PackagePath(__path__)
if "fairseq" in sys.modules:
    register()
else:
    sys.meta_path.insert(0, _FairseqFinder)
