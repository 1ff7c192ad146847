"""A question that is written in an editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from pathlib import Path

from pointsman.cli.chat import words
from pointsman.cli.chat.chat import Chat, on_interrupt
from pointsman.errors import BadRequest

#: Where neither $VISUAL nor $EDITOR says another.
_EDITOR = "vi"


async def edit(chat: Chat, rest: str) -> None:
    """Write a question in $VISUAL or $EDITOR; it begins with TEXT."""
    text = await _edited(rest)
    if not text:
        chat.screen.say("nothing was written, so nothing is asked")
        return
    chat.screen.status(f"asks: {words.short(text)}")
    await chat.ask(chat.talk.question(text))


async def _edited(text: str) -> str:
    """`text` as it is when the editor has ended. Raises BadRequest."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _EDITOR
    with tempfile.TemporaryDirectory(prefix="pointsman-") as folder:  # is 0700
        file = Path(folder) / "question.md"
        file.write_text(text, encoding="utf-8")
        with on_interrupt(lambda: None):  # Ctrl-C is the editor's own matter
            await _run(editor, file)
        try:
            return file.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError as error:
            raise BadRequest("what was written is no text in UTF-8") from error


async def _run(editor: str, file: Path) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*shlex.split(editor), str(file))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadRequest(f"{editor} can't be started: {why}; EDITOR says another") from error
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if code:
        raise BadRequest(f"{editor} ended with exit code {code}, so nothing is asked")
