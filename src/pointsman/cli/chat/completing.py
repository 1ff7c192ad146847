"""What Tab offers: commands, and what they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pointsman.cli.chat.commands import TABLE
from pointsman.cli.chat.keeping import PARAMETERS

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document


def completer(names: Callable[[], tuple[str, ...]]) -> Completer:
    """Completes commands, and behind them the `names` of models, files and parameters."""
    from prompt_toolkit.completion import (  # noqa: PLC0415 - dear to import
        Completer,
        PathCompleter,
        WordCompleter,
    )

    commands = WordCompleter(
        [f"/{name}" for name in TABLE],
        meta_dict={f"/{name}": command.help for name, command in TABLE.items()},
        WORD=True,
    )
    behind: dict[str, Completer] = {
        "names": WordCompleter(lambda: list(names()), WORD=True),
        "files": PathCompleter(expanduser=True),
        "parameters": WordCompleter(list(PARAMETERS), WORD=True),
    }

    class Commands(Completer):
        def get_completions(
            self, document: Document, complete_event: CompleteEvent
        ) -> Iterable[Completion]:
            word, space, rest = document.text_before_cursor.partition(" ")
            if not word.startswith("/"):
                return ()
            if not space:
                return commands.get_completions(document, complete_event)
            command = TABLE.get(word[1:])
            offered = behind.get(command.offers) if command else None
            if offered is None:
                return ()
            return offered.get_completions(type(document)(rest), complete_event)

    return Commands()
