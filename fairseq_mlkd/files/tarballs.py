"""Tar archives as untrusted input."""

from __future__ import annotations

import tarfile
from typing import Any

_LONGEST = 1 << 20  # bytes of a name, or of what pax says of a member
_READ_WHOLE = {
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
}


class ShortHeaders(tarfile.TarInfo):
    """Headers for `tarfile.open(tarinfo=...)`; a name of gigabytes is refused.

    `tarfile` reads the long name of a member in one piece, of any size that is stated:
    some megabytes packed would fill the memory.
    """

    @classmethod
    def frombuf(cls, *args: Any, **kwargs: Any) -> ShortHeaders:
        """Do as upstream.

        Raises:
            tarfile.ReadError: a header is longer than a megabyte.
        """
        header = super().frombuf(*args, **kwargs)
        if header.type in _READ_WHOLE and header.size > _LONGEST:
            raise tarfile.ReadError(f"a name of {header.size:,} bytes")
        return header
