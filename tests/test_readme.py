"""What the README says works when it is pasted: its lines are run here as they stand, but for the port."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from trio.testing import wait_all_tasks_blocked

from slysock import Config, ConnectionRefused, Router, Server
from slysock.config import RATES
from slysock.identity import make_token
from slysock.systems import SYSTEMS
from slysock.testing import serve_memory
from slysock_store.mongo.layout import INDEXES
from tests.clients.runtime import CLIENTS_FOLDER, node_program
from tests.store.mongod import running

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

DEFAULT_URL = "http://127.0.0.1:3000"
LONGEST_SECONDS = 60  # a fail-safe, not an expectation

CHAT = "A chat in five minutes"
FLAG_SECTIONS = (
    "Something to look at",
    "HTTP",
    "Who may come in",
    "Behind a proxy",
    "Rates",
    "The command line",
    "The database file",
    "MongoDB",
)

CHATTED = ["vendor reads Is it still there?", "customer reads It is."]
PRINTED = {
    "Services": ["provider reads: Could you come on Monday?", "admin reads: I cannot find my invoice."],
    "Pets": [
        "about: Golden retriever, two years 500",
        "seller reads: Is she good with children?",
        "buyer gets: image image/png 200",
        "anybody else gets: 401",
    ],
    "Support": [
        "admin learns of it: true",
        "admin reads: أين طلبي؟",
        "conversation: closed with: تم إغلاق محادثة الطلب",
        "too late: 409 Nothing can be sent to this chat",
    ],
}
"""What a walk says, each time."""


def section_of(title: str) -> str:
    """Return the text under a heading."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(language: str, section: str) -> list[str]:
    """Return the code blocks of a section."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section_of(section), re.DOTALL | re.MULTILINE)


def table_rows(section: str) -> list[list[str]]:
    """Return the cells of a section's tables, without the rules under their heads."""
    lines = [line for line in section_of(section).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks to the README's lines like the project's own."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "var" / "walk").mkdir(parents=True)
    return tmp_path


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    """Run `slysock serve` on a port of its own and give its address; it ends gracefully."""
    command = [".venv/bin/python", "-m", "slysock.cli", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(line.split()[1] for line in server.stdout if line.lstrip().startswith("address"))
        finally:
            server.terminate()
            assert server.wait(LONGEST_SECONDS) == 0


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """A server started by the command of `make serve`."""
    with served(folder) as address:
        yield address


def paste(script: str, folder: Path, url: str) -> list[str]:
    """Run lines in a shell and return the lines that they print."""
    environment = {"PATH": os.environ["PATH"], "URL": url, "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(f"--url {DEFAULT_URL}", f"--url {url}")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def walk(section: str, folder: Path, url: str, *, times: int = 1) -> list[str]:
    """Do what a section says, and its last line so many times.

    Without `npm install`: the clients are those that the other tests use.
    """
    *lines, last = [block for block in blocks("sh", section) if "npm" not in block]
    node = f'node() {{ {shlex.quote(node_program())} "$@"; }}\n'
    packages = folder / "var" / "walk" / "node_modules"
    if not packages.is_symlink():
        packages.symlink_to(CLIENTS_FOLDER / "node_modules")
    return paste("".join([node, *lines, *[last] * times]), folder, url)


@pytest.mark.port
@pytest.mark.node
def test_the_walk_through_the_marketplace_chats_and_its_history_grows(folder: Path, url: str) -> None:
    assert sum("npm install --prefix var/walk socket.io-client" in text for text in blocks("sh", CHAT)) == 1
    printed = walk(CHAT, folder, url, times=2)
    assert [line for line in printed if not line.startswith("stored at 20")] == [
        *CHATTED,
        "history: Is it still there? | It is.",
        *CHATTED,
        "history: Is it still there? | It is. | Is it still there? | It is.",
    ]


@pytest.mark.port
@pytest.mark.node
def test_the_demo_and_the_walks_after_it_work_more_than_once(folder: Path, url: str) -> None:
    told = walk("Something to look at", folder, url, times=2)
    assert [line.partition(":")[0] for line in told] == 2 * list(SYSTEMS)
    assert walk(CHAT, folder, url)[1:3] == CHATTED
    for section, lines in PRINTED.items():
        assert walk(section, folder, url, times=2) == 2 * lines


@pytest.mark.port
@pytest.mark.node
@pytest.mark.parametrize("section", ["Services", "Support"])
def test_what_does_not_ask_for_the_demo_works_without(folder: Path, url: str, section: str) -> None:
    assert walk(section, folder, url) == PRINTED[section]


@pytest.mark.port
def test_the_demo_without_an_address_fills_the_store_of_a_server_to_come(folder: Path) -> None:
    before = paste(".venv/bin/slysock demo", folder, "")
    with served(folder) as address:
        assert walk("Something to look at", folder, address) == before


@pytest.mark.port
def test_the_demo_finds_the_secret_of_another_store(folder: Path) -> None:
    store = "--store sqlite:///var/other.db"
    assert f"`{store}`" in section_of("Something to look at")
    with served(folder, *store.split()) as address:
        assert len(paste(f".venv/bin/slysock demo --url {address} {store}", folder, address)) == len(SYSTEMS)


def test_the_table_of_systems_names_all() -> None:
    names = re.findall(r"^\| `(\w+)` \|", README.split("\n## A chat", 1)[0], re.MULTILINE)
    assert names == list(SYSTEMS)


@pytest.mark.port
def test_the_paths_without_a_token_answer(folder: Path, url: str) -> None:
    paths = [path for row in table_rows("HTTP") for path in re.findall(r"`(/[\w.]+)`", row[0])]
    assert paths == ["/docs", "/openapi.json", "/asyncapi.json", "/metrics", "/healthz", "/readyz"]
    for path in paths:
        with urlopen(f"{url}{path}", timeout=LONGEST_SECONDS) as answer:
            assert answer.status == 200, path


def test_the_document_of_events_is_printed(folder: Path) -> None:
    (command,) = blocks("sh", "HTTP")
    assert paste(command, folder, "") == []
    assert (folder / "var" / "asyncapi.json").read_text(encoding="utf-8").startswith('{\n  "asyncapi": "3.0.0"')


def test_the_flags_that_are_named_exist(folder: Path) -> None:
    named = {flag for section in FLAG_SECTIONS for flag in re.findall(r"`(--[a-z-]+)", section_of(section))}
    offered = set(re.findall(r"--[a-z-]+", "\n".join(paste(".venv/bin/slysock serve --help", folder, ""))))
    assert named - offered == {"--url", "--oplog"}  # of `slysock demo`, and of mongodump


@pytest.mark.port
def test_a_database_is_copied_while_it_is_served_and_put_back(folder: Path) -> None:
    copy, put_back = blocks("sh", "The database file")
    with served(folder) as address:
        walk("Something to look at", folder, address)
        copied, checked = paste(copy, folder, address)
        assert copied.startswith("var/backup-20")
        assert checked.endswith("no problems")
    assert paste(put_back, folder, "") == []
    with served(folder):
        assert paste(copy.splitlines()[1], folder, "") == [checked]


def at(address: str, store: str) -> str:
    """Move the URL of a store to another port."""
    return store.replace("127.0.0.1", address)


@pytest.mark.port
def test_mongodb_is_one_flag_away(folder: Path) -> None:
    (command,) = blocks("sh", "MongoDB")
    store = shlex.split(command)[-1]
    (folder / "mongod").mkdir()
    with running(folder / "mongod") as mongod, served(folder, "--store", at(mongod.address, store)) as address:
        assert (folder / "var" / "slysock.jwt-secret").is_file()
        demo = f".venv/bin/slysock demo --url {address} --store '{store}'"
        assert len(paste(demo, folder, address)) == len(SYSTEMS)


def test_the_table_of_indexes_is_that_of_the_code() -> None:
    told: dict[str, dict[str, list[str]]] = {}
    collection = ""
    for first, names, fields in table_rows("MongoDB")[1:]:
        collection = first.strip("`") or collection
        for name in re.findall(r"`(\w+)`", names):
            told.setdefault(collection, {})[name] = fields.split(", ")
    made = {
        collection: {index.document["name"]: list(index.document["key"]) for index in indexes}
        for collection, indexes in INDEXES.items()
    }
    assert told == made


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
    named = re.findall(r"`((?:tests|store|bench|slysock)/[\w/.]+)`", README)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_handlers_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("python", "Handlers")
    served: list[object] = []
    monkeypatch.setattr("slysock.run", lambda *routers, port: served.extend([*routers, port]))
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # the README is ours
    assert len(served) == 2


async def test_what_a_client_has_received_is_known_as_shown() -> None:
    (example,) = blocks("python", "What a client has received")
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(example, "README.md", "exec"), names)  # the README is ours
    root = names["root"]
    assert isinstance(root, Router)
    async with serve_memory(Server(root)) as memory:
        client = await memory.connect()
        await client.call("fetch")
        await client.call("fetch one", 7)
        await wait_all_tasks_blocked()
        assert [event.args for event in client.waiting()] == [(0,), (1,), (2,), (7,)]
    assert names["seen"] == {0, 1, 2, 7}


async def test_the_error_hook_answers_what_exceeds_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("python", "Rates")
    servers: list[Server] = []
    monkeypatch.setattr("slysock.run", lambda *routers, port, config: servers.append(Server(*routers, config=config)))
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # the README is ours
    assert servers[0].config.user_events_per_second * servers[0].config.burst_seconds == 1200
    async with serve_memory(servers[0]) as memory:
        client = await memory.connect("/chat", auth={"name": "ada"})
        answers = [await client.call("say", "x") for _ in range(1250)]
    assert answers[:1200] == [None] * 1200
    (late, *_) = [answer for answer in answers if answer is not None]
    assert isinstance(late, dict)
    assert (late["slowDown"], list(late)) == (True, ["slowDown", "seconds"])


def test_the_table_of_rates_is_that_of_the_config() -> None:
    config, section = Config(), section_of("Rates")
    assert f"`--burst-seconds` ({config.burst_seconds:g})" in section
    told = dict(re.findall(r"^\|[^|]*\| `--([a-z-]+)`[^|]*\| ([0-9 ]+(?: MB)?) \|", section, re.MULTILINE))
    assert set(told) == {name.replace("_", "-") for name in RATES}
    for flag, number in told.items():
        meant = int(number.removesuffix(" MB").replace(" ", "")) * (1_000_000 if number.endswith("MB") else 1)
        assert getattr(config, flag.replace("-", "_")) == meant


async def test_the_hooks_do_what_is_said_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = blocks("python", "Before there is a session")
    servers: list[Server] = []
    monkeypatch.setattr("slysock.run", lambda *routers, port, hooks: servers.append(Server(*routers, hooks=hooks)))
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # the README is ours
    async with serve_memory(servers[0]) as memory:
        target = "/socket.io/?EIO=4&transport=polling"
        refused = await memory.request("GET", target)
        assert (refused.status, refused.body) == (403, b'{"code":4,"message":"a key is needed"}')
        assert refused.body.decode() in example
        opened = await memory.request("GET", target, headers=[("X-API-Key", "sesame"), ("X-Request-Id", "7")])
        assert (opened.status, opened.headers["x-request-id"]) == (200, "7")
        assert opened.headers["set-cookie"] == "server=a; Path=/; HttpOnly"
    assert capsys.readouterr().out == "403 4 a key is needed hook\n"


async def test_a_program_without_the_systems_knows_its_clients_and_is_counted() -> None:
    (example,) = blocks("python", "Tokens, metrics and a log without the four systems")
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(example, "README.md", "exec"), names)  # the README is ours
    server, secret = names["server"], re.findall(r'secret_key\("(.+)"\)', example)[0]
    assert isinstance(server, Server)
    token = make_token(secret, {"sub": "ada"}, now=time.time(), expires_in_seconds=60)
    async with serve_memory(server) as memory:
        with pytest.raises(ConnectionRefused, match="token is missing"):
            await memory.connect("/chat")
        client = await memory.connect("/chat", auth={"token": token})
        assert await client.call("whoami") == "ada"
        answer = await memory.request("GET", "/metrics")
    assert b'slysock_events_total{event="whoami",namespace="/chat"} 1.0' in answer.body
    assert b'slysock_clients{namespace="/chat"} 1.0' in answer.body


def test_the_test_is_a_test(tmp_path: Path) -> None:
    (example,) = blocks("python", "Tests without a network")
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntrio_mode = true\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("command", ["serve", "token", "demo", "asyncapi"])
def test_the_help_of_the_commands_can_be_read(folder: Path, command: str) -> None:
    assert f".venv/bin/slysock {command} --help" in "".join(blocks("sh", "The command line"))
    done = subprocess.run(
        [".venv/bin/python", "-m", "slysock.cli", command, "--help"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: slysock")
