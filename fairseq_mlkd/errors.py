"""The one exception for what a user can put right, and one line for it."""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from hydra.errors import CompactHydraException

from fairseq_mlkd.remedies import describe

logger = logging.getLogger(__name__)
# fairseq has the root logger tell everything; at DEBUG, where an error was raised
logger.setLevel(logging.INFO)

_P = ParamSpec("_P")
_R = TypeVar("_R")


class UserError(CompactHydraException, ValueError):
    """Bad input; the message is one line that says what is wrong and what to do.

    An exception and not the end of the process, so that a notebook catches it and of a
    sweep one job fails alone. Commands print the message only, and end with status 1
    (`fairseq_fixes.command_line`); so does hydra, because of the base class.
    """


def in_one_line(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate: a ValueError or OSError, the user's mistake, becomes a UserError."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except UserError:
            raise
        except (ValueError, OSError) as error:
            logger.debug("where it was raised", exc_info=True)
            raise UserError(f"fairseq_mlkd: {describe(error)}") from None

    # fairseq looks for the parameters that a task's method has
    run.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return run
