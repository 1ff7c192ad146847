"""`/dashboard`: its files, and what a browser is told of them."""

import gzip
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import httpx2
import pytest
from tests.gateway import Gateway, StartGateway

from pointsman import dashboard

STATIC = files(dashboard) / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
PLAIN = {"accept-encoding": "identity"}


def shipped(folder: Traversable, path: str = "") -> list[str]:
    """The names of all files in the folder."""
    return [
        name
        for each in folder.iterdir()
        for name in (shipped(each, f"{path}{each.name}/") if each.is_dir() else [path + each.name])
    ]


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/", "/dashboard/index.html"])
async def test_the_page(start: StartGateway, path: str) -> None:
    gateway = await start(api_key="s3cret")

    page = await gateway.client.get(path, headers=PLAIN)

    assert page.status_code == 200
    assert page.content == (STATIC / "index.html").read_bytes()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == CSP
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["vary"] == "accept-encoding"


async def test_the_page_needs_nothing_that_its_policy_forbids(gateway: Gateway) -> None:
    page = (await gateway.client.get("/dashboard")).text

    assert re.findall(r"<style|\son\w+=|\sstyle=|javascript:|https?://", page) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    for path in named:
        assert (await gateway.client.get(path)).status_code == 200, path
    assert len(named) > 2


@pytest.mark.parametrize(
    ("ending", "content_type"),
    [(".js", "text/javascript; charset=utf-8"), (".css", "text/css; charset=utf-8")],
)
async def test_files_come_whole_and_as_what_they_are(
    gateway: Gateway, ending: str, content_type: str
) -> None:
    names = [name for name in shipped(STATIC) if name.endswith(ending)]

    for name in names:
        got = await gateway.client.get(f"/dashboard/{name}", headers={"accept-encoding": "gzip"})
        assert got.status_code == 200, name
        assert got.headers["content-encoding"] == "gzip"
        assert got.headers["content-type"] == content_type
        assert got.headers["content-security-policy"] == CSP
        assert got.content == STATIC.joinpath(*name.split("/")).read_bytes()
    assert len(names) > 0


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("br", False),
        ("", False),
    ],
)
async def test_what_is_not_accepted_is_not_sent(
    gateway: Gateway, accepted: str, *, packed: bool
) -> None:
    headers = {"accept-encoding": accepted}
    async with gateway.client.stream("GET", "/dashboard", headers=headers) as page:
        raw = b"".join([piece async for piece in page.aiter_raw()])

    plain = (STATIC / "index.html").read_bytes()
    assert (gzip.decompress(raw) if packed else raw) == plain
    assert ("content-encoding" in page.headers) is packed


async def test_what_a_browser_has_is_not_sent_again(gateway: Gateway) -> None:
    async def get(etag: str, encoding: str = "gzip") -> httpx2.Response:
        headers = {"if-none-match": etag, "accept-encoding": encoding}
        return await gateway.client.get("/dashboard", headers=headers)

    first = await get('"nothing"')
    etag = first.headers["etag"]

    for shown in (etag, f'"other", {etag}', f"W/{etag}"):
        again = await get(shown)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["content-security-policy"] == CSP
        assert not {"content-length", "content-encoding"} & set(again.headers)
    assert (await get(etag, "identity")).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        *("nothing.js", "vendor", "views/", "/index.html", "index.html/", "index.html%00.js"),
        *("../__init__.py", "%2e%2e/__init__.py", "..%2f__init__.py", "views/../../__init__.py"),
        *("../data/presets.toml", "..%5c__init__.py", "%2fetc/passwd.txt", "C:%5cx.txt"),
        *(".hidden.js", "//index.html", "%F0%9F%98%80.js", "~.js"),
        *(f"{'a' * 300}.js", f"{'a/' * 2500}a.js"),
    ],
)
async def test_no_name_leads_anywhere_else(gateway: Gateway, name: str) -> None:
    got = await gateway.client.get(f"http://localhost/dashboard/{name}")

    assert got.status_code == 404
    assert got.json()["error"]["code"] == "not_found"


def test_names_are_taken_as_they_are() -> None:
    """Also where a client or a server has not tidied them up before."""
    for name in ("../__init__.py", "views/../index.html", "/etc/passwd", ".", "..", "", "a\0.js"):
        assert dashboard.read_page(name) is None
    assert dashboard.read_page("index.html")
