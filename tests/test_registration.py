"""`--user-dir` registers whoever imported the package first, and serving does not."""

import subprocess
import sys
from pathlib import Path

import pytest

import fairseq_mlkd

USER_DIR = Path(fairseq_mlkd.__file__).parent
ASK = f"""
from argparse import Namespace
from fairseq import utils
utils.import_user_module(Namespace(user_dir={str(USER_DIR)!r}))
from fairseq.criterions import CRITERION_REGISTRY
from fairseq.models import MODEL_REGISTRY
from fairseq.tasks import TASK_REGISTRY
assert "tinybert" in CRITERION_REGISTRY and "zero_shot_tagging" in TASK_REGISTRY
assert "multilingual_encoder" in MODEL_REGISTRY
"""


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_package_alone_imports_neither_fairseq_nor_torch():
    run(
        "import fairseq_mlkd, sys\n"
        "assert not {'fairseq', 'torch', 'fairseq_mlkd.tasks'} & set(sys.modules)"
    )


@pytest.mark.slow
def test_user_dir_registers_a_package_that_is_new_or_imported_before_fairseq():
    run(ASK)
    run(f"import fairseq_mlkd\n{ASK}")
    run(f"import fairseq_mlkd.text.tokenizer\n{ASK}")


@pytest.mark.slow
def test_importing_after_fairseq_registers():
    run(
        "import fairseq, fairseq_mlkd\n"
        "from fairseq.tasks import TASK_REGISTRY\n"
        "assert 'multilingual_mlm' in TASK_REGISTRY"
    )


@pytest.mark.slow
def test_importing_before_fairseq_registers_too():
    for first in ("", ".text.tokenizer", ".tasks.multilingual_mlm"):
        run(
            f"import fairseq_mlkd{first}\n"
            "from fairseq import checkpoint_utils\n"
            "from fairseq.tasks import TASK_REGISTRY\n"
            "assert 'multilingual_mlm' in TASK_REGISTRY"
        )


@pytest.mark.slow
def test_other_libraries_log_trouble_only_whoever_imports_fairseq():
    for first in ("fairseq", "fairseq_mlkd, fairseq", "fairseq_mlkd.data.binary"):
        run(
            f"import logging, {first}, fairseq_mlkd, fairseq\n"
            "for name in ('matplotlib', 'urllib3', 'httpx', 'httpcore', 'httpcore2'):\n"
            "    assert not logging.getLogger(name).isEnabledFor(logging.INFO)"
        )
