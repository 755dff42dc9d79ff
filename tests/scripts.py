"""Where the files outside the package are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "mlkd"
PREPROCESS = ROOT / "preprocess"
