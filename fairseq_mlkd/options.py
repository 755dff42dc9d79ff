"""How an option of a dataclass is declared, and how help shows those of any command."""

import argparse
from dataclasses import field
from typing import Any

# what an encoder's parameters bear as `param_group`, fairseq's word, in training
ENCODER_GROUP = "encoder"


def option(default: Any, help: str) -> Any:
    """Return the field of a configuration: its default, and what `--help` says."""
    return field(default=default, metadata={"help": help})


class HelpWithDefaults(argparse.RawDescriptionHelpFormatter):
    """Names the default of each option whose help does not."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help or ""
        has_none = action.default in (None, False, "", [], argparse.SUPPRESS)
        if has_none or not action.option_strings or "default" in text:
            return text
        return f"{text} (default: %(default)s)"
