"""What messages say: an error in one line; advice, always in the same words."""

from collections.abc import Iterator
from contextlib import contextmanager

FETCH_AGAIN = "fetch the file again"
PREPARE_AGAIN = "prepare the data again"
OTHER_FOLDER = "name another folder"
# Optional libraries, by the extra of `setup.py` that installs them.
EXTRAS = {
    "fugashi": "japanese",
    "huggingface_hub": "hub",
    "matplotlib": "report",
    "mwparserfromhell": "corpus",
    "onnx": "export",
    "onnxruntime": "export",
    "pyarrow": "corpus",
    "requests": "download",
    "sacremoses": "corpus",
    "starlette": "serve",
    "submitit": "cluster",
    "unidic_lite": "japanese",
    "uvicorn": "serve",
    "wandb": "tracking",
}


@contextmanager
def needed_for(purpose: str = "") -> Iterator[None]:
    """Turn the ImportError of an optional library into a line that names its extra.

    Args:
        purpose: what needs the library; it begins the line.
    Raises:
        ValueError: it is not installed.
    """
    try:
        yield
    except ImportError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        line = f"{library} is missing: pip install 'fairseq_mlkd[{EXTRAS[library]}]'"
        raise ValueError(f"{purpose}: {line}" if purpose else line) from None


def describe(error: Exception) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
