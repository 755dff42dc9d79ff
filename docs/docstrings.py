"""Our docstrings as griffe reads them: a blank line before each section."""

import re
from typing import Any

import griffe


class Sections(griffe.Extension):
    """Part `Returns:` and `Raises:` from the section above."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = re.sub(r"\n+(Returns|Raises):\n", r"\n\n\1:\n", text)
