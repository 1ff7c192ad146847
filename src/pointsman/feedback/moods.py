"""The words by which users say that an answer did well or badly, by language. Pure.

They are looked for where a turn begins: what stands further on belongs to the next question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

Mood: TypeAlias = Literal["complains", "thanks"]

#: Characters at the beginning of a turn in which they stand.
OPENING = 160

#: Regular expressions. Each stands at the beginning of a sentence.
COMPLAINTS: Mapping[str, tuple[str, ...]] = {
    "en": (
        r"no,? (?:that|this|it|you|i (?:meant|said|asked|want))",
        (
            r"(?:that|this|it)(?:['\u2019]s| is| was)(?: still| just| completely| totally| also)?"
            r" (?:wrong|incorrect|false|nonsense|not (?:right|correct|true|what|it|helpful|working|good))"
        ),
        r"(?:that|this|it) (?:still )?(?:isn['\u2019]t|wasn['\u2019]t) (?:right|correct|true|what|it|helpful|working)",
        (
            r"(?:that|this|it|the \w+) (?:still )?(?:doesn['\u2019]t|does not|didn['\u2019]t|did not) (?:work|help|answer"
            r"|compile|run|make sense|match)"
        ),
        r"(?:still )?(?:wrong|incorrect)\b",
        r"still (?:not|wrong|fails|failing|broken|the same|doesn['\u2019]t|getting)",
        r"not what i (?:asked|meant|wanted|said)",
        r"you (?:didn['\u2019]t|did not|haven['\u2019]t|have not) (?:answer|do|follow|read|understand|include|listen)",
        (
            r"you (?:misunderstood|ignored|forgot|missed|made (?:a|an) (?:mistake|error)|got (?:it|that) wrong"
            r"|(?:are|['\u2019]re) wrong)"
        ),
        r"you['\u2019]re wrong",
        r"(?:please )?(?:try|do it|do that) again",
        r"are you sure\b",
        r"(?:i said|i asked for|i told you)\b",
        r"(?:useless|terrible|bad answer|that makes no sense)",
    ),
    "de": (
        r"nein,? (?:das|es|ich|du|so)",
        r"das (?:ist|war|stimmt)(?: so| leider| immer noch| aber)? (?:nicht|falsch|unsinn|quatsch)",
        r"(?:immer noch )?falsch\b",
        r"(?:das|es) (?:funktioniert|geht|klappt|hilft)(?: so| immer noch| leider| mir)? nicht",
        r"(?:das habe ich|danach habe ich|so war das) nicht (?:gefragt|gemeint|gesagt)",
        r"nicht das,? was ich",
        r"du hast (?:das |mich |die frage |es )?(?:nicht|falsch|vergessen|ignoriert|missverstanden|übersehen)",
        r"(?:versuch|probier|mach)(?:e|s)? (?:es |das )?(?:noch ?mal|nochmal|erneut)",
        r"bist du (?:dir )?sicher\b",
    ),
    "es": (
        r"no,? (?:eso|esto|así|quería|quise|te)",
        r"(?:eso|esto) (?:no es|no era|está|es|sigue)(?: siendo)? ?(?:correcto|cierto|lo que|incorrecto|mal|falso)",
        r"(?:está|sigue) mal\b",
        r"(?:eso |esto |aún |todavía )?no (?:funciona|sirve|ayuda|responde)",
        r"no es lo que (?:pedí|quería|pregunté|dije)",
        r"(?:no has|no) (?:respondiste|entendiste|entendido|respondido|hiciste|leído)",
        r"te (?:equivocaste|has equivocado|equivocas)",
        r"(?:inténtalo|hazlo|prueba) (?:otra vez|de nuevo)",
        r"¿?estás segur[oa]\b",
        r"incorrecto\b",
    ),
}
THANKS: Mapping[str, tuple[str, ...]] = {
    "en": (
        r"(?:many )?thank(?:s| you)\b(?! for nothing)",
        r"(?:great|perfect|awesome|excellent|nice|brilliant|amazing|wonderful)\s*(?:[!.,]|$|thank|job|work|answer)",
        (
            r"(?:that|this|it)(?:['\u2019]s| is)? (?:perfect|great|exactly|helpful|works?(?: now| perfectly| great)?\b"
            r"|worked|helps|helped|did it)"
        ),
        r"(?:well done|good job|nice work|works now)",
    ),
    "de": (
        r"(?:vielen |herzlichen |besten )?dank(?:e)?\b",
        r"(?:super|perfekt|klasse|prima|toll|genau|wunderbar|großartig)\s*(?:[!.,]|$|danke)",
        r"(?:das|es|jetzt) (?:ist perfekt|funktioniert(?! (?:\w+ )?nicht)|klappt(?! (?:\w+ )?nicht)|hat geholfen)",
    ),
    "es": (
        r"(?:muchas |mil )?gracias\b",
        r"(?:perfecto|genial|excelente|estupendo|fantástico)\s*(?:[!.,]|$|gracias)",
        r"(?:eso|ahora) (?:es perfecto|funciona|me ayuda|ayudó)",
    ),
}


#: Words that a sentence may begin with besides.
_LINKS = r"(?:but|and|well|sorry|hmm+|ok(?:ay)?|aber|und|pero|y|bueno),? "


def _starting(languages: Mapping[str, tuple[str, ...]]) -> re.Pattern[str]:
    either = "|".join(pattern for patterns in languages.values() for pattern in patterns)
    return re.compile(
        rf"(?:^|[.!?,;:\n])[\s\u00a1\u00bf\"'(]*(?:{_LINKS})?(?:{either})", re.IGNORECASE
    )


_COMPLAINS, _THANKS = _starting(COMPLAINTS), _starting(THANKS)


def mood(text: str) -> Mood | None:
    """What a turn says of the answer before it; None where it says nothing.

    Who thanks and complains complains.
    """
    opening = text.lstrip()[:OPENING]
    if _COMPLAINS.search(opening):
        return "complains"
    return "thanks" if _THANKS.search(opening) else None
