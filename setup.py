"""Install fairseq_mlkd; see the README for the order in which to install torch."""

import re
import sys
from pathlib import Path

if not (3, 10) <= sys.version_info[:2] < (3, 14):
    sys.exit(
        "fairseq_mlkd needs Python 3.10 to 3.13, and this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: install it with another "
        "interpreter, for example python3.11."
    )

from setuptools import find_packages, setup

INIT = Path(__file__).with_name("fairseq_mlkd") / "__init__.py"

# What only some users need; `fairseq_mlkd/remedies.py` names the extra of each library.
EXTRAS = {
    "cluster": [
        "submitit",
        # fairseq 0.12.2 pins a hydra for which there is no launcher
        'hydra-submitit-launcher; python_version >= "3.11"',
        'snakemake-executor-plugin-slurm; python_version >= "3.11"',
    ],
    "corpus": ["mwparserfromhell", "pyarrow", "sacremoses"],
    "download": ["requests"],
    "export": ["onnx", "onnxruntime"],
    "hub": ["huggingface_hub"],  # mlkd-import by a name
    "japanese": ["fugashi", "unidic-lite"],
    "report": ["matplotlib"],
    "serve": ["onnxruntime", "starlette", "uvicorn"],
    "study": [
        'snakemake>=7.32,<8; python_version < "3.11"',  # the last one for it
        'pulp<2.8; python_version < "3.11"',  # as that one calls it
        'snakemake>=9; python_version >= "3.11"',
    ],
    "tracking": ["tensorboard", "wandb"],
}

setup(
    name="fairseq_mlkd",
    version=re.search('__version__ = "(.+)"', INIT.read_text()).group(1),
    description="A fairseq plugin for multilingual knowledge distillation",
    author="fairseq_mlkd authors",
    license="MIT",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["fairseq_mlkd", "fairseq_mlkd.*"]),
    package_data={
        "fairseq_mlkd": ["py.typed"],
        "fairseq_mlkd.report": ["paper.json"],
        "fairseq_mlkd.serve": ["page.html"],
    },
    install_requires=[
        # The last official release cannot be imported on Python 3.11 and later.
        'fairseq==0.12.2; python_version < "3.11"',
        'fairseq-fixed==0.12.3.1; python_version >= "3.11"',
        "torch>=2.6",
        "langcodes",
        "numpy",
        "protobuf",  # sentencepiece's description of its models needs it
        "safetensors",
        "sentencepiece",
        "seqeval",
        "subword-nmt",
        "tensorboardX",  # small; where it is missing, fairseq says so at each start
        "tokenizers",
        "tqdm",
        "unicode-rbnf",
        "zstandard",
    ],
    extras_require={
        **EXTRAS,
        "all": sorted({library for extra in EXTRAS.values() for library in extra}),
        "docs": [
            'mkdocs-material; python_version >= "3.11"',
            'mkdocstrings[python]; python_version >= "3.11"',
        ],
        "dev": [
            "build",
            "mypy==2.4.1",  # pinned with ruff: .pre-commit-config.yaml runs both
            "pre-commit",
            "psutil",
            "pytest",
            "pytest-xdist",
            "ruff==0.17.6",
            "types-protobuf",
            "types-psutil",
            "types-requests",
            # version 5 wants a newer torch than fairseq 0.12.2 runs with
            'transformers<5; python_version < "3.11"',
            'transformers; python_version >= "3.11"',
        ],
    },
    entry_points={
        "console_scripts": [
            "mlkd = fairseq_mlkd.__main__:main",
            "mlkd-average = fairseq_mlkd.cli.average:main",
            "mlkd-benchmark = fairseq_mlkd.cli.benchmark:main",
            "mlkd-corpus = fairseq_mlkd.cli.corpus:main",
            "mlkd-download = fairseq_mlkd.cli.download:main",
            "mlkd-evaluate = fairseq_mlkd.cli.evaluate:main",
            "mlkd-export = fairseq_mlkd.cli.export:main",
            "mlkd-import = fairseq_mlkd.cli.import_encoder:main",
            "mlkd-latency = fairseq_mlkd.cli.latency:main",
            "mlkd-predict = fairseq_mlkd.cli.predict:main",
            "mlkd-report = fairseq_mlkd.cli.report:main",
            "mlkd-trim = fairseq_mlkd.cli.trim:main",
            "mlkd-serve = fairseq_mlkd.cli.serve:main",
            "mlkd-score = fairseq_mlkd.cli.score:main",
        ],
    },
    zip_safe=False,
)
