"""`mlkd-import owner/name`: a server on this machine stands for the hub."""

import hashlib
import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
import torch
from huggingface import run_import, save_encoder, write_wordpiece

from fairseq_mlkd.cli.import_encoder import main
from fairseq_mlkd.convert.hub import choose_files

huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs [hub]")

NAME, COMMIT = "someone/an-encoder", "0123456789abcdef0123456789abcdef01234567"
CODE = ("modeling_evil.py", "pytorch_model.bin", "onnx/model.onnx", "README.md")


class Handler(BaseHTTPRequestHandler):
    """The answers of the hub that a download needs."""

    def __init__(self, folder: Path, asked: list[str], *args):
        self.folder, self.asked = folder, asked
        super().__init__(*args)

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body: bool):
        path = unquote(urlparse(self.path).path)
        names = sorted(x.relative_to(self.folder).as_posix()
                       for x in self.folder.rglob("*") if x.is_file())  # fmt: skip
        head, _, name = path.partition(f"/{NAME}/resolve/")
        name = name.partition("/")[2]
        if path.startswith(f"/api/models/{NAME}/tree/{COMMIT}"):
            body = json.dumps([self.describe(name) for name in names])
        elif path in (f"/api/models/{NAME}", f"/api/models/{NAME}/revision/main"):
            siblings = [{"rfilename": name} for name in names]
            body = json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings})
        elif not head and name in names:
            self.asked.append(name)
            return self.send(200, (self.folder / name).read_bytes(), with_body)
        else:
            is_revision = f"{NAME}/revision" in path
            kind = "RevisionNotFound" if is_revision else "RepoNotFound"
            return self.send(404, b"{}", with_body, {"X-Error-Code": kind})
        return self.send(200, body.encode(), with_body)

    def describe(self, name: str):
        content = (self.folder / name).read_bytes()
        digest = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": name, "oid": digest, "size": len(content)}

    def send(self, status, body, with_body, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Hub:
    """A model on the hub, in reach or not."""

    def __init__(self, folder: Path, server: ThreadingHTTPServer, asked: list[str]):
        self.folder, self.server, self.asked = folder, server, asked

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder, asked = tmp_path / "served", []
    save_encoder(folder, "BertModel", write_wordpiece(folder))
    for name in CODE:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not to be read")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, folder, asked))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    constants = huggingface_hub.constants
    here = f"http://127.0.0.1:{server.server_port}"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, here)
    monkeypatch.setattr(constants, "ENDPOINT", here)
    for module in (constants, huggingface_hub.file_download):
        # the one has it before version 1, the other since
        name = "HUGGINGFACE_CO_URL_TEMPLATE"
        monkeypatch.setattr(module, name, template, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.chdir(tmp_path)
    hub = Hub(folder, server, asked)
    yield hub
    hub.stop()


def refusal(*arguments: str) -> str:
    with pytest.raises(SystemExit) as error:
        main([*map(str, arguments)])
    message = str(error.value)
    assert "\n" not in message and message.startswith("mlkd-import: error: ")
    return message


def test_a_name_is_fetched_pinned_and_read_from_the_cache_thereafter(
    hub, tmp_path, capsys, monkeypatch
):
    wanted = run_import(hub.folder, tmp_path / "local").model.state_dict()
    main([NAME, str(tmp_path / "out")])
    assert f"source: {NAME} at {COMMIT}" in capsys.readouterr().out
    told = json.loads((tmp_path / "out" / "source.json").read_text())
    assert told == {"hub": NAME, "revision": COMMIT}
    found = torch.load(tmp_path / "out" / "model.pt", weights_only=False)["model"]
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    # nothing but what is read: no code, no pickle beside safetensors
    assert not set(hub.asked) & set(CODE) and "model.safetensors" in hub.asked
    assert not (tmp_path / "local" / "source.json").exists()
    hub.stop()
    main([NAME, str(tmp_path / "unplugged")])
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    main([NAME, str(tmp_path / "offline")])
    for name in ("unplugged", "offline"):
        copy = (tmp_path / name / "source.json").read_text()
        assert json.loads(copy) == told
    message = refusal("someone/else", tmp_path / "none")
    assert "else: no such file or folder" in message
    assert "the hub cannot be reached" in message
    assert not (tmp_path / "none").exists()


def test_a_local_folder_wins(hub, tmp_path):
    Path(NAME).parent.mkdir()
    hub.folder.rename(tmp_path / NAME)
    main([NAME, str(tmp_path / "out")])
    assert not hub.asked and not (tmp_path / "out" / "source.json").exists()
    assert "is no model of the hub" in refusal(
        NAME, tmp_path / "again", "--revision", "main"
    )


def test_what_the_hub_does_not_have_is_refused(hub, tmp_path):
    assert "no model that the hub shows you" in refusal("no/body", tmp_path / "out")
    message = refusal(NAME, tmp_path / "out", "--revision", "v9")
    assert f"{NAME}@v9: the hub's model has no such revision" in message
    assert "no such file or folder" in refusal("a/b/c", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pickles_are_chosen_where_no_safetensors_are():
    shards = [f"pytorch_model-0000{i}-of-00002.bin" for i in (1, 2)]
    index = "pytorch_model.bin.index.json"
    listed = [*shards, index, "config.json", "vocab.txt", "run.py", "a/config.json"]
    assert choose_files(listed) == sorted([*shards, index]) + [
        "config.json",
        "vocab.txt",
    ]
    assert choose_files([*listed, "model.safetensors"])[0] == "model.safetensors"
