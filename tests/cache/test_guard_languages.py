"""The guard in German, French, Spanish, Hindi and Chinese."""

from __future__ import annotations

import pytest

from pointsman.cache.guard import Guard
from pointsman.data import read_guard

GUARD = Guard.parse(read_guard())

DIFFERENT = [
    ("antonym", "Wie schalte ich den Ton ein?", "Wie schalte ich den Ton aus?"),
    ("antonym", "Wie aktiviere ich den Flugmodus?", "Wie deaktiviere ich den Flugmodus?"),
    ("antonym", "Welcher See ist der größte?", "Welcher See ist der kleinste?"),
    ("number", "Darf ich fünf Tage Urlaub nehmen?", "Darf ich sechs Tage Urlaub nehmen?"),
    ("negation", "Was kostet ein Zimmer mit Frühstück?", "Was kostet ein Zimmer ohne Frühstück?"),
    ("negation", "Ist Tee gesund?", "Ist Tee nicht gesund?"),
    ("entity", "Was kostet der Flug am Montag?", "Was kostet der Flug am Dienstag?"),
    ("entity", "Wie weit ist es nach Köln?", "Wie weit ist es nach Leipzig?"),
    ("quantifier", "Wir brauchen mindestens 3 Zimmer", "Wir brauchen höchstens 3 Zimmer"),
    ("format", "Erkläre mir den Wind.", "Erkläre mir den Wind in einem Satz."),
    ("tense", "Was esse ich vor dem Training?", "Was esse ich nach dem Training?"),
    ("language", "Übersetze das ins Englische", "Übersetze das ins Französische"),
    ("antonym", "Comment activer le mode sombre ?", "Comment désactiver le mode sombre ?"),
    ("antonym", "Quel est le plus grand lac ?", "Quel est le plus petit lac ?"),
    ("number", "Combien coûtent trois nuits ?", "Combien coûtent quatre nuits ?"),
    ("negation", "Recette de gâteau avec sucre", "Recette de gâteau sans sucre"),
    ("tense", "Que faire avant une opération ?", "Que faire après une opération ?"),
    ("entity", "Que voir à Rome en mars ?", "Que voir à Rome en avril ?"),
    ("language", "Traduis cette phrase en anglais", "Traduis cette phrase en allemand"),
    ("antonym", "¿Cómo activo el modo oscuro?", "¿Cómo desactivo el modo oscuro?"),
    ("number", "¿Cuánto cuestan veintiuna entradas?", "¿Cuánto cuestan 30 entradas?"),
    ("negation", "¿Puedo viajar sin visado?", "¿Puedo viajar con visado?"),
    ("tense", "¿Qué hago antes del examen?", "¿Qué hago después del examen?"),
    ("entity", "¿Cuál es la capital de Francia?", "¿Cuál es la capital de Italia?"),
    ("format", "Escribe un texto corto sobre el mar", "Escribe un texto largo sobre el mar"),
    ("entity", "दिल्ली से मुंबई कितनी दूर है?", "दिल्ली से पुणे कितनी दूर है?"),
    ("number", "पांच किलोमीटर में कितने मीटर हैं?", "दस किलोमीटर में कितने मीटर हैं?"),
    ("antonym", "दौड़ने के फायदे क्या हैं?", "दौड़ने के नुकसान क्या हैं?"),
    ("antonym", "सबसे सस्ता फोन कौन सा है?", "सबसे महंगा फोन कौन सा है?"),
    ("negation", "क्या मैं दूध पी सकता हूं?", "क्या मैं दूध नहीं पी सकता हूं?"),
    ("tense", "खाने से पहले क्या करें?", "खाने के बाद क्या करें?"),
    ("antonym", "怎么打开飞行模式?", "怎么关闭飞行模式?"),
    ("antonym", "跑步有什么好处?", "跑步有什么坏处?"),
    ("entity", "北京到上海有多远?", "北京到广州有多远?"),
    ("order", "从北京到上海的火车", "从上海到北京的火车"),
    ("number", "五公里等于多少米?", "六公里等于多少米?"),
    ("negation", "我可以喝牛奶吗?", "我不可以喝牛奶吗?"),
    ("format", "解释通货膨胀", "用一句话解释通货膨胀"),
    ("language", "把这句话翻译成英语", "把这句话翻译成法语"),
]

SAME = [
    ("Darf ich fünf Tage Urlaub nehmen?", "Sind 5 Tage Urlaub erlaubt?"),
    ("Kann ich es einundzwanzig Tage behalten?", "Kann ich es 21 Tage lang behalten?"),
    ("Kostet das 1.500 Euro?", "Kostet das 1500 €?"),
    ("Erkläre mir den Wind.", "Kannst du mir den Wind erklären?"),
    ("Combien coûtent trois nuits à Lyon ?", "Quel est le prix de 3 nuits à Lyon ?"),
    ("Puis-je manger du fromage ?", "Est-ce que je peux manger du fromage ?"),
    ("¿Cuánto cuestan dos entradas?", "¿Qué precio tienen 2 entradas?"),
    ("¿Cómo puedo cerrar mi cuenta?", "¿De qué manera cierro mi cuenta?"),
    ("पांच किलोमीटर में कितने मीटर हैं?", "5 किलोमीटर में कितने मीटर होते हैं?"),
    ("भारत की राजधानी क्या है?", "भारत की राजधानी कौन सी है?"),
    ("二十五公里等于多少米?", "25 公里是多少米?"),
    ("怎么学好英语?", "如何把英语学好?"),
    ("苹果手机怎么截屏?", "iPhone 怎么截屏?"),
]


@pytest.mark.parametrize(("name", "a", "b"), DIFFERENT)
def test_a_difference_that_counts_is_named(name: str, a: str, b: str):
    assert GUARD.objection(a, b) == name
    assert GUARD.objection(b, a) == name


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_in_other_words_passes(a: str, b: str):
    assert GUARD.objection(a, b) is None
    assert GUARD.objection(b, a) is None
