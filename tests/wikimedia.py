"""A server in the layout of dumps.wikimedia.org."""

import hashlib
import json
from contextlib import contextmanager

from file_server import Served, serve


def dump_files(wiki, date, contents, status="done"):
    """Return `Served` by path: a dump's record, its articles and an index of them.

    Args:
        contents: the packed articles, one a part.
    """
    names = [f"{wiki}-{date}-pages-articles-multistream.xml.bz2"]
    if len(contents) > 1:
        stem = names[0].replace(".xml.bz2", "")
        names = [f"{stem}{n}.xml-p{n}p{n}9.bz2" for n in range(1, len(contents) + 1)]
    parts = dict(zip(names, contents))
    index = {f"{wiki}-{date}-pages-articles-multistream-index.txt.bz2": b"BZh index"}
    files = {
        name: {
            "size": len(content),
            "url": f"/{wiki}/{date}/{name}",
            "sha1": hashlib.sha1(content).hexdigest(),
        }
        for name, content in {**parts, **index}.items()
    }
    record = {"jobs": {"articlesmultistreamdump": {"status": status, "files": files}}}
    base = f"/{wiki}/{date}"
    return {
        f"{base}/dumpstatus.json": Served(json.dumps(record).encode()),
        **{f"{base}/{name}": Served(content) for name, content in parts.items()},
    }


@contextmanager
def serve_dumps(wikis):
    """Serve dumps: `(contents, status)` by date, by wiki."""
    files = {}
    for wiki, dumps in wikis.items():
        links = "".join(f'<a href="{date}/">{date}</a>\n' for date in dumps)
        page = f'<a href="../">../</a>\n{links}<a href="latest/">latest</a>'
        files[f"/{wiki}/"] = Served(page.encode(), content_type="text/html")
        for date, (contents, status) in dumps.items():
            files.update(dump_files(wiki, date, contents, status))
    with serve(files) as server:
        yield server
