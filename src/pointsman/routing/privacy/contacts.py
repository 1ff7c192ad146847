"""E-mail addresses, as they are written and as they are spelled out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pointsman.routing.privacy.view import Span, View

_NAME = re.compile(r"(?<![\w.+!#$%&'*=?^{|}~-])[\w.+!#$%&'*=?^{|}~-]{1,64}+\s?$")
_DOMAIN = re.compile(
    r"\s?(?:[\w-]{1,63}\.){1,8}(?P<last>[^\W\d_]{2,24}|xn--[a-z0-9-]{2,40})(?![\w(])"
)
#: "jane (at) example.com", "jane at example dot com".
_SPELLED = re.compile(
    r"[\w-][ ]?(?:[\[({<][ ]?(?:at|arroba|chiocciola|arobase|ät|a|@)[ ]?[\])}>][ ]?"
    r"(?:[\w-]{1,63}(?:[ ]?[\[({<]?[ ]?(?:\.|dot|punkt|point|punto|ponto)[ ]?[\])}>]?[ ]?)){1,4}|"
    r"[ ]at[ ](?:[\w-]{1,63}[ ]dot[ ]){1,4}|[ ](?:ät|klammeraffe)[ ](?:[\w-]{1,63}[ ]punkt[ ]){1,4}|"
    r"[ ]arobase[ ](?:[\w-]{1,63}[ ]point[ ]){1,4}|[ ]arroba[ ](?:[\w-]{1,63}[ ](?:punto|ponto)[ ]){1,4}|"
    r"[ ]chiocciola[ ](?:[\w-]{1,63}[ ]punto[ ]){1,4})[a-z]{2,24}(?!\w)"
)
_SPELLED_SIGNS = (
    " at ",
    "at]",
    "at)",
    "at}",
    "at>",
    "arroba",
    "chiocciola",
    "arobase",
    "klammeraffe",
)
#: Accounts of machines.
_NOBODY = re.compile(
    r"(?:git|hg|svn|noreply|no-reply|donotreply|do-not-reply|postmaster|mailer-daemon|root|ubuntu|"
    r"ec2-user|actions|dependabot)$"
)
#: What stands for any person in examples; a person's name may be one's, made up or not.
_NO_NAME = re.compile(
    r"(?:user(?:name)?\d?|you|your[._-]?(?:name|email|address)|name|me|email|test\d?|foo|bar|baz|a|b|c|"
    r"x|admin|someone|somebody|person)$"
)
_EXAMPLE_DOMAIN = re.compile(
    r"(?:\w+\.)?(?:example\.(?:com|org|net)|(?:domain|test|foo|bar|email)\.com)$"
)
#: What ends a name in code or a file's name, not a domain.
_NOT_DOMAINS = frozenset(
    {
        *(
            "png",
            "jpg",
            "jpeg",
            "gif",
            "svg",
            "webp",
            "pdf",
            "js",
            "ts",
            "jsx",
            "tsx",
            "css",
            "scss",
        ),
        *("json", "yaml", "yml", "toml", "lock", "txt", "service", "socket", "local", "internal"),
        *(
            "localhost",
            "lan",
            "shape",
            "mean",
            "inv",
            "transpose",
            "dot",
            "sum",
            "reshape",
            "dtype",
        ),
    }
)
_LONGEST_NAME = 66
_LEAD = 4
_LONGEST_DOMAIN = 256


def find_emails(view: View) -> Iterator[Span]:
    """Addresses of persons, not of machines and not those that stand for any."""
    for name, domain in _addresses(view):
        if _is_person(name.group().strip(), domain):
            yield name.start(), domain.end()
    yield from _spelled(view)


def _addresses(view: View) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    low = view.low
    for sign in ("@", "%40"):
        place = low.find(sign)
        while place >= 0:
            after = place + len(sign)
            domain = _DOMAIN.match(low, after, after + _LONGEST_DOMAIN)
            if domain and domain["last"] not in _NOT_DOMAINS:
                name = _NAME.search(low, max(0, place - _LONGEST_NAME), place)
                if name and not _in_address(low, name.start()):
                    yield name, domain
            place = low.find(sign, after)


def _in_address(low: str, start: int) -> bool:
    """Whether this is the password of `scheme://name:password@host`."""
    return low[start - 1 : start] == ":" and "://" in low[max(0, start - _LONGEST_NAME) : start]


def _is_person(name: str, domain: re.Match[str]) -> bool:
    if _NOBODY.match(name) or name.endswith("/"):
        return False
    return not (_NO_NAME.match(name) and _EXAMPLE_DOMAIN.match(domain.group().strip()))


def _spelled(view: View) -> Iterator[Span]:
    low = view.low
    for sign in _SPELLED_SIGNS:
        place = low.find(sign)
        while place >= 0:
            starts = range(max(0, place - _LEAD), place + 1)
            tried = (_SPELLED.match(low, start, place + _LONGEST_DOMAIN) for start in starts)
            if found := next(filter(None, tried), None):
                yield found.span()
            place = low.find(sign, place + len(sign))
