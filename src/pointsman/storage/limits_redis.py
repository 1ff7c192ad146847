"""Requests and tokens of all gateways, counted by scripts in Redis or Valkey.

Three kinds of keys for each subject, which end by themselves when they say nothing any more:
`requests` and `tokens`, buckets as in `access.buckets`; `open`, its open requests, and until when
each counts unless it is renewed. The server's clock counts, in whole milliseconds: so every number
is an integer below 2^53, which Lua's are exact to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from urllib.parse import quote

import msgspec

from pointsman.storage.redis_link import RedisLink
from pointsman.storage.redis_scripts import Answer, RedisScripts, Script
from pointsman.types import Allowance, Level, Limits, Subject, Tally

#: Milliseconds until an open request counts no more, and a gateway is taken for dead.
LEASE_MS = 10_000
#: What is more than this, a minute or a request, counts as this.
MOST = 50_000_000_000
_SECOND = 1000
#: Open requests that one call renews, and calls that are under way at once.
_PORTION = 500
_TOGETHER = 32

_BUCKETS = """
local MINUTE, MOST = 60000, 9e15
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function ceil(a, b)
  local rest = math.fmod(a, b)
  return (a - rest) / b + (rest > 0 and 1 or 0)
end
-- What was taken and is not back yet, times a minute; and the rate at which it was to come back.
local function missing(key, rate)
  local kept = redis.call('HMGET', key, 'missing', 'at', 'rate')
  if not kept[1] then return 0, rate end
  -- From a time when the clock was ahead: it comes back from now on, not from then.
  if tonumber(kept[2]) > now then redis.call('HSET', key, 'at', now) end
  local back = math.max(0, now - kept[2]) * kept[3]
  return math.max(0, kept[1] - back), tonumber(kept[3])
end
local function put(key, missed, rate)
  missed = math.min(MOST, math.max(0, missed))
  if missed == 0 then return redis.call('DEL', key) end
  redis.call('HSET', key, 'missing', missed, 'at', now, 'rate', rate)
  redis.call('PEXPIRE', key, ceil(missed, rate) + 1000)
end
-- Without those that were not renewed, nor those from a time when the clock was ahead.
local function open(key, lease)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', key, now + 2 * lease, '+inf')
  return redis.call('ZCARD', key)
end
local function hold(key, id, lease)
  redis.call('ZADD', key, now + lease, id)
  redis.call('PEXPIRE', key, lease + 1000)
end
"""
#: Numbers as one word: reading and writing them one by one would cost a client more than all else.
_NUMBERS = """
local n = {}
for number in string.gmatch(ARGV[3], '%-?%d+') do n[#n + 1] = tonumber(number) end
"""
#: KEYS: buckets, then sets of open requests. ARGV: the time, or nothing for the server's; the
#: request's id; numbers: for how long it counts; how many buckets; of each the rate and what is
#: wanted; of each set how many may be open.
_ADMIT = Script(f"""{_BUCKETS}{_NUMBERS}
local lease, buckets = n[1], n[2]
local passes, missed, rates, said = 1, {{}}, {{}}, {{}}
for i = 1, buckets do
  local rate, wanted = n[1 + 2 * i], n[2 + 2 * i]
  local before
  missed[i], before = missing(KEYS[i], rate)
  rates[i] = rate
  if before ~= rate then put(KEYS[i], missed[i], rate) end
  local short = math.max(0, missed[i] - (rate - math.min(wanted, rate)) * MINUTE)
  if short > 0 then passes = 0 end
  said[3 * i - 2] = ceil(short, rate)
end
for i = buckets + 1, #KEYS do
  local there = open(KEYS[i], lease)
  if there >= n[2 + buckets + i] then passes = 0 end
  said[2 * buckets + i] = there
end
for i = 1, buckets do
  if passes == 1 then
    missed[i] = missed[i] + math.min(n[2 + 2 * i], rates[i]) * MINUTE
    put(KEYS[i], missed[i], rates[i])
  end
  said[3 * i - 1] = rates[i] - ceil(missed[i], MINUTE)
  said[3 * i] = ceil(missed[i], rates[i])
end
if passes == 1 then
  for i = buckets + 1, #KEYS do hold(KEYS[i], ARGV[2], lease) end
end
for i = 1, #said do said[i] = string.format('%.0f', said[i]) end
return passes .. ' ' .. table.concat(said, ' ')
""")
#: KEYS and ARGV likewise; numbers: how many buckets, and of each the rate and how much more was
#: taken.
_LEAVE = Script(f"""{_BUCKETS}{_NUMBERS}
for i = 1, n[1] do
  local missed, rate = missing(KEYS[i], n[2 * i])
  put(KEYS[i], missed + n[1 + 2 * i] * MINUTE, rate)
end
for i = n[1] + 1, #KEYS do redis.call('ZREM', KEYS[i], ARGV[2]) end
""")
#: KEYS: one set. ARGV: the time, or nothing; for how long they count; their ids. How many there are.
_RENEW = Script(f"""{_BUCKETS}
local lease = tonumber(ARGV[2])
for i = 3, #ARGV do hold(KEYS[1], ARGV[i], lease) end
return open(KEYS[1], lease)
""")


class RedisCounts:
    """`SharedCounts` on Redis >= 6 or Valkey."""

    def __init__(
        self,
        link: RedisLink,
        *,
        gateway: str,
        prefix: str = "pointsman:",
        now: Callable[[], int] | None = None,
    ) -> None:
        """`gateway` is this one's id, unlike any other's; all keys begin with `prefix`.

        `now` in milliseconds stands in for the server's clock.
        """
        self._link = link
        self._gateway = gateway
        self._prefix = prefix
        self._now = now
        self._scripts = RedisScripts(link)

    async def admit(
        self, request_id: str, allowances: Sequence[Allowance], tokens: int
    ) -> tuple[bool, Sequence[Tally]]:
        """See `ports.SharedCounts`."""
        tokens = min(tokens, MOST)
        buckets = [*self._buckets(allowances, tokens)]
        bounded = [each for each in allowances if each.limits.concurrent is not None]
        numbers = [LEASE_MS, len(buckets), *_numbers(buckets)]
        numbers += [each.limits.concurrent or 0 for each in bounded]
        keys = [*(each.key for each in buckets), *self._open(bounded)]
        answer = await self._scripts.run(_ADMIT, keys, self._time(), request_id, _word(numbers))
        passes, *said = _integers(answer)
        levels = iter(
            [
                Level(each.per_minute, left, wait / _SECOND, full / _SECOND)
                for each, (wait, left, full) in zip(buckets, _threes(said), strict=False)
            ]
        )
        opened = iter(said[3 * len(buckets) :])
        return passes == 1, [_tally(each.limits, levels, opened) for each in allowances]

    async def leave(self, request_id: str, allowances: Sequence[Allowance], more: int) -> None:
        """See `ports.SharedCounts`."""
        buckets = [*self._token_buckets(allowances, max(-MOST, min(more, MOST)))] if more else []
        opened = self._open([each for each in allowances if each.limits.concurrent is not None])
        if buckets or opened:
            await self._put_right(request_id, buckets, opened)

    async def charge(self, allowance: Allowance, requests: int, tokens: int) -> None:
        """See `ports.SharedCounts`."""
        buckets = [*self._buckets([allowance], min(tokens, MOST), requests)]
        if buckets:
            await self._put_right("", buckets, ())

    async def renew(self, open_requests: Mapping[Subject, Sequence[str]]) -> int:
        """See `ports.SharedCounts`. It connects, too, which may take its time."""
        await self._link.connect()
        those = (
            (self._key(subject, "open"), ids[i : i + _PORTION])
            for subject, ids in open_requests.items()
            for i in range(0, len(ids), _PORTION)
        )
        while together := [*islice(those, _TOGETHER)]:
            await asyncio.gather(*(self._hold(key, ids) for key, ids in together))
        return await self._hold(f"{self._prefix}gateways", [self._gateway])

    async def _put_right(
        self, request_id: str, buckets: Sequence[_Bucket], opened: Sequence[str]
    ) -> None:
        keys = [*(each.key for each in buckets), *opened]
        numbers = _word([len(buckets), *_numbers(buckets)])
        await self._scripts.run(_LEAVE, keys, self._time(), request_id, numbers)

    async def _hold(self, key: str, ids: Sequence[str]) -> int:
        renewed = await self._scripts.run(_RENEW, [key], self._time(), str(LEASE_MS), *ids)
        return renewed if isinstance(renewed, int) else 0

    def _buckets(
        self, allowances: Sequence[Allowance], tokens: int, requests: int = 1
    ) -> Iterator[_Bucket]:
        """In the order in which `_tally` wants them."""
        for each in allowances:
            if (per_minute := each.limits.requests_per_minute) is not None:
                yield _Bucket(self._key(each.subject, "requests"), min(per_minute, MOST), requests)
            yield from self._token_buckets([each], tokens)

    def _token_buckets(self, allowances: Sequence[Allowance], amount: int) -> Iterator[_Bucket]:
        for each in allowances:
            if (per_minute := each.limits.tokens_per_minute) is not None:
                yield _Bucket(self._key(each.subject, "tokens"), min(per_minute, MOST), amount)

    def _open(self, bounded: Sequence[Allowance]) -> list[str]:
        return [self._key(each.subject, "open") for each in bounded]

    def _key(self, subject: Subject, what: str) -> str:
        return f"{self._prefix}limit:{_name(subject)}:{what}"

    def _time(self) -> str:
        return "" if self._now is None else str(self._now())


class _Bucket(msgspec.Struct, frozen=True):
    key: str
    per_minute: int
    #: What is to be taken out.
    amount: int


@lru_cache(maxsize=10_000)
def _name(subject: Subject) -> str:
    """Unlike any other's: names are quoted. Braces keep an organisation's on one server."""
    organisation, name = (
        quote(each, safe="", errors="surrogatepass")
        for each in (subject.organisation, subject.name)
    )
    return f"{{{organisation}}}:{subject.kind}:{name}"


def _integers(answer: Answer) -> list[int]:
    return [int(each) for each in answer.split()] if isinstance(answer, bytes) else []


def _word(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))


def _numbers(buckets: Sequence[_Bucket]) -> list[int]:
    return [number for each in buckets for number in (each.per_minute, each.amount)]


def _threes(said: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    return zip(said[::3], said[1::3], said[2::3], strict=False)


def _tally(limits: Limits, levels: Iterator[Level], opened: Iterator[int]) -> Tally:
    return Tally(
        None if limits.requests_per_minute is None else next(levels),
        None if limits.tokens_per_minute is None else next(levels),
        0 if limits.concurrent is None else next(opened),
    )
