"""What a translation loses: nothing without being named here.

A decoder notes what the canonical form has no place for: `advisory` where an answer can do without
it, `foreign` where it can't, or may not. An encoder leaves the advisory out and refuses the foreign,
and does the same with what its own format has no words for.

One thing has one name in all formats, so that one entry of `drop_params` lets it go everywhere: the
chat format's word, where it has one. A member that nobody knows is named by its place, whichever
format it came in: `messages[].<name>`, `messages[].content[].<name>`,
`messages[].tool_calls[].<name>`, `tools[].<name>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from pointsman.conversation import Addressee, Conversation, Opaque, ToolCall
from pointsman.errors import Inexpressible
from pointsman.types import Json

#: Parameters that have a word of their own in some formats; any of them lets all of them go.
_SYNONYMS = (
    frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"}),
    frozenset({"stop", "stop_sequences"}),
    frozenset({"reasoning", "reasoning_effort", "thinking", "think"}),
    frozenset({"response_format", "output_format", "format", "text"}),
    frozenset({"parallel_tool_calls", "disable_parallel_tool_use"}),
    frozenset({"audio", "input_audio"}),
)


def dropped(names: AbstractSet[str]) -> frozenset[str]:
    """What the configuration lets go, in the words of every format."""
    return frozenset(names).union(*(words for words in _SYNONYMS if words & names))


def is_said(name: str, member: Json) -> bool:
    """Whether a member says anything: null and an empty array are what its absence is."""
    del name
    return member is not None and member != []


class Notes:
    """What a decoder finds that the canonical form has no place for, by name."""

    def __init__(self, says: Callable[[str, Json], bool] = is_said) -> None:
        """`says` tells, of a member and its value, whether it says more than its absence does."""
        self._says = says
        self._advisory: dict[str, None] = {}
        self._foreign: dict[str, None] = {}

    @property
    def advisory(self) -> tuple[str, ...]:
        """Bookkeeping and hints: each name once, in the order they came up."""
        return tuple(self._advisory)

    @property
    def foreign(self) -> tuple[str, ...]:
        """What has an effect on the answer, or may have."""
        return tuple(self._foreign)

    def hint(self, name: str) -> None:
        """Something that an answer can do without."""
        self._advisory[name] = None

    def matter(self, name: str) -> None:
        """Something that matters, or may."""
        self._foreign[name] = None

    def rest(
        self,
        value: dict[str, Json],
        known: AbstractSet[str],
        hints: AbstractSet[str] = frozenset(),
        *,
        place: str = "",
    ) -> None:
        """Of a setting, every member that says something and is not `known`.

        It is foreign, for what nobody knows may be what the setting is about; those in `hints` are
        advisory. `place` stands before their names. So it is all over in Anthropic's format, whose
        servers refuse what they don't know, and whose clients count on it.
        """
        self._sort(value, known, value.keys() - hints, place)

    def strangers(
        self,
        value: dict[str, Json],
        known: AbstractSet[str],
        matters: AbstractSet[str] = frozenset(),
        *,
        place: str = "",
    ) -> None:
        """The same of a body, a message, a part or a tool: there, clients put what is their own.

        It is advisory; those in `matters` are foreign.
        """
        self._sort(value, known, matters, place)

    def _sort(
        self, value: dict[str, Json], known: AbstractSet[str], matters: AbstractSet[str], place: str
    ) -> None:
        for name, member in value.items():
            if name not in known and self._says(name, member):
                note = self.matter if name in matters else self.hint
                note(place + name)


class Losses:
    """What one request loses on its way into a format."""

    def __init__(
        self,
        form: str,
        drop: AbstractSet[str] = frozenset(),
        *,
        advisory: Iterable[str] = (),
        foreign: Iterable[str] = (),
    ) -> None:
        """`form` is the format's name in words: `Anthropic messages`; `drop` is configured.

        Raises Inexpressible for what is foreign and not dropped.
        """
        self._form = form
        self._drop = dropped(drop)
        self._left_out = dict.fromkeys(advisory)
        for name in foreign:
            self.refuse(name)

    @classmethod
    def of(cls, told: Conversation, to: Addressee, form: str) -> Losses:
        """What a conversation loses in any format but its own.

        Raises Inexpressible also where a call is demanded and there are no tools: OpenAI refuses
        that, and elsewhere it would be lost with them.
        """
        losses = cls(form, to.drop, advisory=told.advisory, foreign=told.foreign)
        if told.tool_choice and told.tool_choice.mode == "required" and not told.tools:
            losses.refuse("tool_choice", "a required tool call without any tools")
        return losses

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of all that is left out, each once, in the order they came up."""
        return tuple(self._left_out)

    def leave_out(self, name: str) -> None:
        """Leave out something that an answer can do without."""
        self._left_out[name] = None

    def keeps(self, name: str) -> bool:
        """Whether a parameter is to be said; it is left out where the configuration drops it."""
        if name in self._drop:
            self.leave_out(name)
            return False
        return True

    def refuse(self, name: str, feature: str | None = None) -> None:
        """Leave out something that matters; `feature` says in words what it is.

        Raises Inexpressible where the configuration does not drop it.
        """
        if self.keeps(name):
            raise Inexpressible(feature or f"`{name}`", self._form, param=name)

    def refuse_arguments(self, call: ToolCall) -> None:
        """The same of a call's arguments where they are no JSON object: it then has none."""
        what = f"arguments of `{call.name[:64]}` that are no JSON object"
        self.refuse("messages[].tool_calls[].arguments", what)

    def refuse_opaque(self, part: Opaque) -> None:
        """The same of something that only its own format can say."""
        self.refuse(part.kind, f"`{part.kind}` of the {part.format} format")
