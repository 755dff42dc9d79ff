"""Where the scripts outside the package are, and how to load them."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "mlkd"
PREPROCESS = ROOT / "preprocess"


def load_script(name: str) -> ModuleType:
    """Return a script of `preprocess/` as a module."""
    path = PREPROCESS / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_script", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
