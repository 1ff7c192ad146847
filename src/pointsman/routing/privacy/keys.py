"""Keys that their maker's prefix gives away, private keys, and passwords in addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pointsman.routing.privacy.values import (
    is_key_body,
    is_placeholder,
    looks_random,
    may_be_password,
    trim,
)
from pointsman.routing.privacy.view import Span, View

#: The sign that ends a known prefix: one cheap scan tells whether anything dearer is to be done.
#: Every branch begins with a literal, which lets the engine skip all other places.
_SIGN = re.compile(
    r"-(?:(?<=(?<![^\W_])sk-)|(?<=s k -)|(?=[ ]?BEGIN[ ])|(?<=ox[a-z]-)|(?<=(?:"
    r"pat|ptt|gdt|lrt|cbt|oas|app|SPX|ypi|MAK|api|xai|plx|vly|csp|KEY|pul|RKU|RAK|key|TTY)-))"
    r"|_(?:(?<=(?<![^\W_])(?:sk|rk|hf|r8|pm)_)|(?<=h p _)|(?<=(?:"
    r"ghp|gho|ghu|ghs|ghr|npm|_v1|pat|api|gsk|sbp|tkn|lsa|glc|fm2|sec|ret|ntn|ems|pss|pca|ppa|rys"
    r")_))"
    r"|A(?:(?<=(?<![^\W_])A[KS]IA)|(?<=A K I A)|(?<=(?<![^\W_])EAA))|T(?<=(?<![^\W_])ATATT)|I(?<=(?<![^\W_])LTAI)|D(?<=(?<![^\W_])AKID)"
    r"|J(?:(?<=(?<![^\W_])ey\x4a)|(?<=e y J))|z(?:(?<=(?<![^\W_])AIz)|(?<=A I z))"
    r"|K(?=[0-9a-f]{32})|C(?=[0-9a-f]{32})|~(?<=8Q~)"
    r"|\.(?:(?<=(?<![^\W_])SG\.)|(?<=(?<![^\W_])ya29\.)|(?<=(?<![^\W_])hvs\.)|(?<=slack\.)|(?=[A-Za-z0-9_-]{6}\.))"
    r"|:(?<=[0-9]{8}:)(?=[A-Za-z0-9_-]{34})"
)
#: A prefix that no sign ends.
_DATABRICKS = "dapi"
#: Tokens that are long enough for a key.
_LONG = re.compile(r"[A-Za-z0-9_\-.~:/+=]{18,}+")
#: Prefix, and a body (its group) that must look random.
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?:ant-|proj-|svcacct-|admin-|or-|lf-|v1-|api\d\d-)*([A-Za-z0-9_-]{16,}+)"
    r"|(?:[sr]k_(?:live|test)|whsec|gh[pousr]|github_pat|hf|npm|d[op][opr]_v1|shp(?:at|ca|pa|ss)"
    r"|lin_api|ntn|gsk|r8|sbp|pscale_tkn|glsa|glc|fm2|dckr_pat|rubygems|sntrys|secret)_"
    r"([A-Za-z0-9_]{16,}+)"
    r"|(?:gl(?:pat|ptt|dt|rt|cbt|soat|oas|agent)|xox[a-z]|xapp|GOCSPX|pypi|PMAK|nvapi|xai|pplx|tvly"
    r"|sq0csp|pul|HRKU|NRAK|key|dp\.pt|AGE-SECRET-KEY|s\.)-([A-Za-z0-9_\-.]{16,}+)"
    r"|(?:AKIA|ASIA|LTAI|AKID)([A-Z0-9]{16}|[A-Za-z0-9]{16,}+)"
    r"|(?:AIza|ATATT|EAA)([A-Za-z0-9_\-]{24,}+)"
    r"|(?:SG|ya29|hvs)\.([A-Za-z0-9_\-.]{20,}+)"
    r"|pm_[a-z2-7]{8}_([A-Za-z0-9_-]{32,}+)"
    r"|eyJ([A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+)"
    r"|(?:SK|AC)([0-9a-f]{32})(?![0-9A-Za-z])"
    r"|[0-9]{8,10}:([A-Za-z0-9_-]{34,36})(?![A-Za-z0-9_-])"
    r"|[A-Za-z0-9_~.-]{3}8Q~([A-Za-z0-9_~.-]{30,}+)"
    r"|[MNO]([A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}+)"
    r"|dapi([0-9a-f]{32})(?![0-9A-Za-z])"
    r"|hooks\.slack\.com/services/([A-Z0-9/]{12,}[A-Za-z0-9]{16,}+)"
    r")"
)
_ADDRESS = re.compile(r"://([^\s/@:\"'<>]{0,100}):([^\s/\"'<>]{3,200})@")
#: A command's `-u name:password`.
_OPTION = re.compile(r"(?<!\S)(?:-u|--user)[ =][\"']?[^\s:\"'/]{1,60}:([^\s\"']{4,200})")
_BEGIN = re.compile(r"-{1,5} ?BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?(?: ?-{1,5})?")
_PUTTY = "PuTTY-User-Key-File"
#: How far behind its first line a private key must have begun.
_HEAD = 600
_BODY = re.compile(r"[A-Za-z0-9+/=]{24,}")
#: How the text of each of the usual kinds begins, in base64: no word does.
_STARTS = ("MII", "MC4CAQ", "MHcCAQ", "b3BlbnNzaC")
#: Lines of nothing else, which is no prose.
_LINES = re.compile(
    r"(?:[ \t\r\n\\]|\\r|\\n)*[A-Za-z0-9+/=]{6,}+(?:(?:\s*\n\s*|\\n)[A-Za-z0-9+/=]+)*+\s*"
)
_BLANKS = re.compile(r"\\r|\\n|[\s\\\"'+|>]")
#: Where a private key's text ends.
_FINISH = re.compile(r"-{1,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?(?: ?-{1,5})?")
_PUTTY_FINISH = re.compile(r"Private-MAC: ?[0-9a-fA-F]+")


def find_keys(view: View) -> Iterator[Span]:
    """Keys of a known shape, as they stand, wrapped into lines, or spread out with blanks."""
    if _DATABRICKS not in view.text and not _SIGN.search(view.text):
        return
    yield from _keys(view.text)
    yield from (view.in_joined(*span) for span in _keys(view.joined))
    yield from (view.in_packed(*span) for span in _keys(view.packed))


def _keys(text: str) -> Iterator[Span]:
    for token in _LONG.finditer(text):
        for found in _KEY.finditer(token.group()):
            if _is_key(found):
                yield token.start() + found.start(), token.start() + found.end()


def _is_key(found: re.Match[str]) -> bool:
    body = next(group for group in found.groups() if group is not None)
    return is_key_body(body)


def find_private_keys(view: View) -> Iterator[Span]:
    """Private keys that begin (PEM, OpenSSH, PGP or PuTTY: their first line and some more)."""
    text, last = view.text, 0
    for found in _BEGIN.finditer(text) if "PRIVATE" in text else ():
        if found.start() >= last and _key_follows(text[found.end() : found.end() + _HEAD]):
            last = _end(_FINISH, text, found.end())
            yield found.start(), last
    start = text.find("Private-Lines:") if _PUTTY in text else -1
    if start >= 0 and _key_follows(text[start + 1 : start + _HEAD]):
        yield start, _end(_PUTTY_FINISH, text, start)


def _end(finish: re.Pattern[str], text: str, start: int) -> int:
    """Where what began is over; with the text where nobody says so."""
    found = finish.search(text, start)
    return found.end() if found else len(text)


def _key_follows(text: str) -> bool:
    written, end, _ = text.partition("-----")
    body = _BLANKS.sub("", written)
    if body.startswith(_STARTS) or any(map(looks_random, _BODY.findall(body))):
        return True
    return bool(end and _LINES.fullmatch(written)) and not is_placeholder(body)


def find_address_passwords(view: View) -> Iterator[Span]:
    """The password of `scheme://name:password@host`, or of `-u name:password`."""
    text = view.text
    spans = [found.span(2) for found in _ADDRESS.finditer(text)] if "://" in text else []
    if "-u" in text:
        spans += [found.span(1) for found in _OPTION.finditer(text)]
    for start, end in spans:
        if may_be_password(trim(text[start:end]), quoted=True):
            yield start, end
