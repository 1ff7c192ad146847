"""OpenAI's `/audio`: recordings that are said to say something, and silence as speech. Pure."""

from __future__ import annotations

import io
import wave

from msgspec import Struct

from pointsman.providers.scripted.exchange import Answer, Question, whole
from pointsman.providers.scripted.frames import Frame
from pointsman.providers.scripted.reading import Upload, read
from pointsman.tokens import estimate_tokens
from pointsman.types import Json, Usage

SPEECH_TYPE = "audio/wav"
SPEECH_S = 0.1
SAMPLE_RATE = 8_000  # Hz
BYTES_PER_SECOND = 2 * SAMPLE_RATE  # of a recording, for lack of a look into it


class Recorded(Struct):
    """What a transcription is asked of."""

    model: str
    file: Upload
    response_format: str = "json"


class Spoken(Struct):
    """What is to be spoken."""

    model: str
    input: str


def transcribed(question: Question) -> Answer:
    """The text of a recording, which is what the script replies. Raises BadRequest."""
    asked = read(question.body, question.content_type, Recorded)
    script, file = question.script, asked.file
    text = script.reply
    if text is None:
        text = f"A scripted text in the place of {file.filename}, {file.size} bytes."
    if asked.response_format == "text":
        frame = Frame(text.encode() + b"\n", ((0, text),))
        return Answer([frame], "text/plain; charset=utf-8", estimate_tokens(text))
    seconds = file.size / BYTES_PER_SECOND
    usage = script.usage or Usage(round(10 * seconds), estimate_tokens(text))
    body: dict[str, Json] = {"text": text}
    if asked.response_format == "verbose_json":
        body |= {"task": "transcribe", "language": "english", "duration": seconds}
    if not script.no_usage:
        body["usage"] = {
            "type": "tokens",
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }
    return whole(body, said=text, billed=None if script.no_usage else usage.output_tokens)


def spoken(question: Question) -> Answer:
    """A short silence, whatever is to be spoken. Raises BadRequest."""
    read(question.body, question.content_type, Spoken)
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(bytes(round(SPEECH_S * BYTES_PER_SECOND)))
    return Answer([Frame(sound.getvalue())], SPEECH_TYPE)
