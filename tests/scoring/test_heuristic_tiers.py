"""What a person would say of a prompt, and what the scorer says, at the default thresholds."""
# ruff: noqa: RUF001 (prompts in many scripts)

from __future__ import annotations

import pytest

from pointsman.scoring import HeuristicScorer
from pointsman.types import Score, Turn

MEDIUM, COMPLEX = 25, 50

SIMPLE_PROMPTS = """
Reverse a linked list
Fix this Python syntax error
What is Python?
Translate to Spanish: good morning
Summarize: Python is a programming language.
Hello!
Who wrote Hamlet?
How do I center a div?
Write fizzbuzz in JavaScript
Implement binary search in Python
Write a Python function to reverse a string
Write a haiku about autumn leaves
What is a design pattern?
What is a race condition?
How many days are in a leap year?
Check the grammar: He go to school
What is the difference between a list and a tuple in Python?
Translate to German: How do I implement a distributed hash table?
I designed a logo yesterday, do you like blue?
She is a famous designer. Who is she?
Suggest a name for my cat
Übersetze ins Englische: Guten Morgen, wie geht es dir?
Schreibe eine Python-Funktion, die einen String umdreht
Wie heißt die Hauptstadt von Italien?
Kehre eine verkettete Liste um
Qu'est-ce que Python ?
Écris un poème sur la mer
Résume : Python est un langage de programmation.
¿Qué es Python?
Traduce al inglés: buenos días
Escribe una función en Python para invertir una cadena
O que é Python?
Escreva um poema curto sobre o mar
Qual é a capital do Brasil?
पायथन क्या है?
अंग्रेजी में अनुवाद करें: सुप्रभात
बारिश पर एक कविता लिखो
什么是Python？
什么是设计模式？
翻译成英文：早上好
写一首关于秋天的诗
反转链表
Cos'è Python?
"""

MEDIUM_PROMPTS = """
Explain Python decorators
Explain transformer attention mechanisms
Explain the Strategy design pattern
Explain how garbage collection works in Java
How does TCP congestion control work?
Write an essay about the causes of World War I
Optimize this SQL query: select * from users where lower(name) = 'bob'
Refactor this function to use async/await
Analyze this poem for its use of metaphor
Prove that there are infinitely many primes
Why does my React component re-render infinitely?
Develop a marketing strategy for a small bakery
Design a logo for my bakery
Build a to-do app in React
What is the difference between optimistic and pessimistic locking, and when would you choose each?
Erkläre, wie Python-Dekoratoren funktionieren
Schreibe einen Aufsatz über die Französische Revolution
Explique comment fonctionne le ramasse-miettes en Java
Rédige une dissertation sur la liberté
Explica los decoradores de Python
Escribe un ensayo sobre la libertad
Explique a diferença entre TCP e UDP
पायथन डेकोरेटर समझाइए
स्वतंत्रता पर एक निबंध लिखो
解释Python装饰器
写一篇关于自由的论文
Leg uit hoe garbage collection in Java werkt
"""

COMPLEX_PROMPTS = """
Design a distributed event streaming platform
Compare CQRS vs Event Sourcing tradeoffs
Design a distributed cache system for a social media platform that handles 10 million requests per second with high availability
Design a banking API
Design a URL shortener
Implement a distributed lock with fencing tokens
Architect a multi-tenant SaaS platform with zero-downtime migrations
Migrate our monolith to microservices with zero downtime and explain the risks
Build a scalable real-time chat backend with presence and message history
What is the best way to design a fault-tolerant payment system?
Analyze the trade-offs between consistency and availability in distributed databases
Implement a lock-free queue in C++ and prove that it is linearizable
Entwirf eine verteilte Plattform für Ereignisströme
Vergleiche Microservices und Monolithen mit Vor- und Nachteilen
Conçois une plateforme distribuée de streaming d'événements
Implémente un verrou distribué avec des jetons de clôture
Diseña un sistema de caché distribuido de alta disponibilidad
Compara CQRS y Event Sourcing y sus compensaciones
Projete uma API bancária
Desenvolva um agendador distribuído tolerante a falhas
एक डिस्ट्रिब्यूटेड इवेंट स्ट्रीमिंग प्लेटफॉर्म डिज़ाइन करें
माइक्रोसर्विस और मोनोलिथ के फायदे और नुकसान की तुलना करें
设计一个分布式事件流平台
比较微服务和单体架构的优缺点
設計一個分散式事件串流平台
Progetta una piattaforma distribuita di streaming di eventi
Ontwerp een gedistribueerd cachesysteem met hoge beschikbaarheid
"""

AT_LEAST_MEDIUM_PROMPTS = """
Prove that sqrt(2) is irrational
Debug this race condition in my Go scheduler and explain why
Beweise, dass die Wurzel aus 2 irrational ist
Démontre que la racine carrée de 2 est irrationnelle
Demuestra que la raíz cuadrada de 2 es irracional
Prove que a raiz quadrada de 2 é irracional
सिद्ध करें कि 2 का वर्गमूल अपरिमेय है
证明根号2是无理数
Спроектируй распределённую платформу потоковой обработки событий
分散イベントストリーミング基盤を設計してください
صمم منصة موزعة لبث الأحداث
분산 이벤트 스트리밍 플랫폼을 설계해 주세요
Dağıtık bir olay akışı platformu tasarla
Zaprojektuj rozproszoną platformę strumieniowania zdarzeń
Rancang platform streaming acara terdistribusi
ออกแบบแพลตฟอร์มสตรีมเหตุการณ์แบบกระจาย
"""

HIGH_STAKES_PROMPTS = """
Review this contract for compliance with GDPR
Is this NDA clause enforceable in California?
Am I liable if my contractor breaches the agreement?
What is the maximum dose of ibuprofen for a child of 20 kg?
Can I take ibuprofen together with warfarin?
I have chest pain and my left arm is numb. What should I do?
Should I invest my savings in index funds or pay off my mortgage?
Can I deduct my home office from my taxes?
Prüfe diesen Vertrag auf DSGVO-Konformität
Welche Dosierung von Paracetamol ist für ein Kind mit 15 kg sicher?
Soll ich einen Kredit aufnehmen oder meine Ersparnisse für das Haus nehmen?
Vérifie la conformité de ce contrat avec le RGPD
Quelle est la posologie du paracétamol pour un enfant ?
Dois-je investir mes économies en bourse ?
Revisa este contrato para ver si cumple con el RGPD
¿Puedo tomar ibuprofeno con alcohol?
¿Debería invertir mis ahorros en bolsa?
Revise este contrato quanto à conformidade com a LGPD
Qual é a dose máxima de paracetamol para uma criança?
Devo investir minhas economias na bolsa?
इस अनुबंध की GDPR अनुपालन के लिए समीक्षा करें
बच्चे के लिए पैरासिटामोल की सही खुराक क्या है?
क्या मुझे अपनी बचत शेयर बाजार में निवेश करनी चाहिए?
审查这份合同是否符合GDPR
儿童服用布洛芬的最大剂量是多少？
我应该把积蓄投资到股票吗？
"""

HARMLESS_PROMPTS = """
What is Python?
write a compliance-free poem
What is GDPR?
What is a mortgage?
Review this smart contract for reentrancy
My Java interface contract says the method must not return null
Diagnose why my laptop boots slowly
Build a loan calculator in JavaScript
Design a banking API
Translate to Spanish: I need a loan
Tell me about patient zero in zombie movies
What are the symptoms of a memory leak in Java?
Write a story about a contract killer who loves flowers
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def ask(scorer: HeuristicScorer, prompt: str) -> Score:
    return scorer.score([Turn("user", prompt)])


@pytest.mark.parametrize("prompt", lines(SIMPLE_PROMPTS))
def test_a_simple_prompt_stays_below_medium(scorer: HeuristicScorer, prompt: str):
    score = ask(scorer, prompt)
    assert score.value < MEDIUM, score.parts
    assert score.topics == ()


@pytest.mark.parametrize("prompt", lines(MEDIUM_PROMPTS))
def test_a_medium_prompt_lies_between(scorer: HeuristicScorer, prompt: str):
    score = ask(scorer, prompt)
    assert MEDIUM <= score.value < COMPLEX, score.parts


@pytest.mark.parametrize("prompt", lines(COMPLEX_PROMPTS))
def test_a_complex_prompt_reaches_the_top(scorer: HeuristicScorer, prompt: str):
    score = ask(scorer, prompt)
    assert score.value >= COMPLEX, score.parts


@pytest.mark.parametrize("prompt", lines(AT_LEAST_MEDIUM_PROMPTS))
def test_hard_or_unreadable_is_never_simple(scorer: HeuristicScorer, prompt: str):
    score = ask(scorer, prompt)
    assert score.value >= MEDIUM, score.parts


@pytest.mark.parametrize("prompt", lines(HIGH_STAKES_PROMPTS))
def test_legal_medical_and_financial_judgement_is_high_stakes(scorer: HeuristicScorer, prompt: str):
    assert ask(scorer, prompt).topics == ("high_stakes",)


@pytest.mark.parametrize("prompt", lines(HARMLESS_PROMPTS))
def test_words_of_those_fields_alone_are_not(scorer: HeuristicScorer, prompt: str):
    assert ask(scorer, prompt).topics == ()


@pytest.mark.parametrize(
    ("prompt", "domain"),
    [
        ("Refactor this function and add unit tests", "coding"),
        ("Prove that sqrt(2) is irrational", "mathematics"),
        ("Explain quantum entanglement", "science"),
        ("Write a short story about a dragon", "writing"),
        ("Translate to Spanish: the server is down", "translation"),
        ("Analyze the causes and the impact of the strike", "analysis"),
        ("What's the capital of France?", "factual"),
        ("Good morning, how are you?", "conversation"),
        ("Is this clause in my lease enforceable?", "legal"),
        ("I have a fever and a rash, which medicine helps?", "medical"),
        ("Should I buy bonds or stocks for my retirement?", "finance"),
        ("My neighbour gave me a red umbrella", "general"),
        ("Wie funktioniert diese Python-Funktion?", "coding"),
        ("证明根号2是无理数", "mathematics"),
    ],
)
def test_it_names_the_domain(scorer: HeuristicScorer, prompt: str, domain: str):
    assert ask(scorer, prompt).domain == domain
