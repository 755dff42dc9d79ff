"""Tables in Markdown."""

Rows = list[list[str]]


def align(rows: Rows) -> str:
    """Return a table whose columns also line up as plain text; the first is a head."""
    cells = _escape(rows)
    widths = [max(3, *map(len, column)) for column in zip(*cells)]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    padded = [
        [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        for row in [cells[0], rule, *cells[1:]]
    ]
    return _join(padded)


def table(rows: Rows) -> str:
    """Return a table of cells as they are, which may be long; the first is a head."""
    head, *others = _escape(rows)
    return _join([head, ["---"] * len(head), *others])


def _escape(rows: Rows) -> Rows:
    return [[cell.replace("|", "\\|") for cell in row] for row in rows]


def _join(rows: Rows) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
