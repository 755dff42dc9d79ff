"""Tables in Markdown, for every report."""

Rows = list[list[str]]


def align(rows: Rows) -> str:
    """Return a Markdown table whose columns also line up as plain text."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*cells)]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    lines = []
    for row in [cells[0], rule, *cells[1:]]:
        padded = [row[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)
