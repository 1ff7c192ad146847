"""The words of a text that say what it is about. Pure."""

from __future__ import annotations

import re
import unicodedata
from zlib import crc32

#: Scripts without blanks between words: Han, kana, Thai.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
#: A letter or digit of another script; the signs of Indian scripts are no letters to `re`.
_LETTER = rf"(?:[^\W_{_UNSPACED}]|[\u0900-\u0963\u0966-\u0dff])"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|{_LETTER}+(?:'{_LETTER}+)*")
_RUN = re.compile(f"[{_UNSPACED}]")
#: Romance articles and pronouns that melt into the next word.
_ELIDED = re.compile(r"(?:[cdjlmnst]|qu|dell|all|nell|sull|dall|un|quest)'(?=\w{2})")
_ACCENTS = re.compile("[\u0300-\u036f]")
_PLAIN = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u00df": "ss", "\u0153": "oe", "\u00e6": "ae"}
)
#: Letters of a word from which on an ending is taken from it.
_SHORT = 4
#: Letters of a word from which on a last vowel is an ending in any language, not in English alone.
_LONG = 5
#: Letters of a stem from which on its "-at" is an ending: translat-e, translat-ion.
_LATINATE = 7
#: Endings, the least number of letters before them, and what stands in their place.
_ENDINGS = (
    ("ied", 2, "y"),
    ("ing", 3, ""),
    ("ed", 3, ""),
    ("ly", 4, ""),
    ("tion", 3, "t"),
    ("sion", 3, "s"),
    ("en", 5, ""),
)

# Words that are something else in another language are missing on purpose: die, war, man, come,
# sin, son. Accents are off.
_STOP_WORDS = """
a an and any are aren't as at be been being but by can can't cannot could couldn't did didn't do
does doesn't doing don't dont for from had has have having he her here hers him his how i i'd i'll
i'm i've if in into is isn't it it's its just let's me mine my of on or our ours please she should
shouldn't so some such than that that's the their them then there these they this those to too
us was wasn't we were weren't what what's when where which while who whom whose why will with
won't would wouldn't you you're your yours really actually also hi hello hey thanks thank tell
aber als am auf aus bei bin bist bitte da das dass dein deine dem den denn der des dich dir doch
du ein eine einem einen einer eines er es euch euer fur habe haben hast hat ich ihm ihn ihr ihre
im ist ja kann kannst konnen konnte mein meine meinem meinen meiner mich mir mit muss nach oder
sein seine sich sie sind soll sollte uber um und uns unser von warum was welche welcher welches
wenn wer werden wie wieso wird wo wurde zu zum zur
au aux avec c'est ce ces cette comment dans de des du elle elles est et etre il ils je l la le les
leur leurs lui ma mais mes moi mon ne nos notre nous ou par pas peut peux plait pour pourquoi qu
que quel quelle quelles quels qui quoi sa ses sont sur ta te tes ton tu un une vos votre vous y
al como con cual cuales cuando cuanto de del donde el ella ellas ellos en entre eres es esa ese eso
esta este esto estos estas ha hay la las le les lo los mas me mi mis muy nos o para pero por porque
puede puedo que quien se ser si su sus te tu tus un una unas unos usted y yo
agli ai alla alle allo anche che chi ci con cosa cui da dal dalla degli dei del della delle dello di
dove e ed essere gli ho il in io la le lei li lo loro lui ma mi mia mie miei mio ne nel nella non o
per perche piu posso puo qual quale quali quando quanto quel quella quello questa questo sei si sono
su sua sue sul sulla suo tra tu tua tuo un una uno
ao aos com da das de dela dele do dos e ela elas ele eles em entre era esse essa este esta isso isto
ja lhe mais mas me meu minha na nas nem no nos o os ou para pela pelo por porque posso pra qual
quais quando que quem se sem ser seu seus sua suas tambem te tem um uma voce voces
"""
#: Words that every sentence has, of whatever it is about, in English, German, French, Spanish,
#: Italian and Portuguese.
STOP = frozenset(_STOP_WORDS.split())


def content_words(text: str) -> tuple[str, ...]:
    """Its words in their order: lower case, without accents and endings, without stop words.

    Scripts that set no blanks are cut into pairs of characters. Where a text has nothing but stop
    words, those are its words.
    """
    found = words(text)
    return tuple(stem(word) for word in found if word not in STOP) or tuple(map(stem, found))


def hashes(text: str) -> frozenset[int]:
    """The content words as numbers of 32 bits, the same in every process."""
    return frozenset(crc32(word.encode()) for word in content_words(text))


def words(text: str) -> list[str]:
    """All its words in their order, in lower case and without accents."""
    plain = text.translate(_PLAIN).lower()
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain).translate(_PLAIN)
        bare = _ACCENTS.sub("", unicodedata.normalize("NFD", plain))
        plain = unicodedata.normalize("NFC", bare)
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        if _RUN.match(token):
            found += [token[at : at + 2] for at in range(max(1, len(token) - 1))]
        else:
            found.append(_ELIDED.sub("", token, count=1) if "'" in token else token)
    return found


def stem(word: str) -> str:
    """What the forms of a word have in common, roughly; not itself a word."""
    word = word.partition("'")[0]
    if len(word) < _SHORT or not (word.isascii() and word.isalpha()):
        return word
    word = _singular(word)
    for ending, least, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word.removesuffix(ending) + instead
            break
    if len(word) >= _SHORT and word[-1] in ("aeio" if len(word) >= _LONG else "e"):
        word = word[:-1]
    if len(word) >= _LATINATE and word.endswith("at"):
        word = word[:-2]
    return word[:-1] if word[-1] == word[-2] else word


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
