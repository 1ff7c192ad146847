"""Instances of JSON schemas: whatever is asked for, what comes out is valid under it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.scripted.schema import FORMATS, NoInstance, instance
from pointsman.types import Json

TYPES = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v == int(v),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}
LIMITS = {
    "minimum": ("number", lambda v, bound: v >= bound),
    "maximum": ("number", lambda v, bound: v <= bound),
    "exclusiveMinimum": ("number", lambda v, bound: v > bound),
    "exclusiveMaximum": ("number", lambda v, bound: v < bound),
    "multipleOf": ("number", lambda v, step: v % step == 0),
    "minLength": ("string", lambda v, bound: len(v) >= bound),
    "maxLength": ("string", lambda v, bound: len(v) <= bound),
    "minItems": ("array", lambda v, bound: len(v) >= bound),
    "maxItems": ("array", lambda v, bound: len(v) <= bound),
    "required": ("object", lambda v, names: set(names) <= set(v)),
}


def valid(value, schema, root, seen=()):
    """Whether `value` is valid under `schema`: a second, independent reading of the rules.

    `seen` are the references followed for this very value; one that leads to itself says nothing.
    """
    if isinstance(schema, bool):
        return schema
    if (ref := schema.get("$ref")) and ref not in seen:
        target = root
        for step in ref.split("/")[1:]:
            target = target[step]
        if not valid(value, target, root, (*seen, ref)):
            return False
    told = schema.get("type", list(TYPES))

    def one_of(branches) -> bool:
        return any(valid(value, branch, root, seen) for branch in branches)

    return (
        any(TYPES[name](value) for name in (told if isinstance(told, list) else [told]))
        and one_of(schema.get("anyOf", [True]))
        and one_of(schema.get("oneOf", [True]))
        and all(one_of([part]) for part in schema.get("allOf", []))
        and value in schema.get("enum", [value])
        and value == schema.get("const", value)
        and all(
            holds(value, schema[key])
            for key, (kind, holds) in LIMITS.items()
            if key in schema and TYPES[kind](value)
        )
        and all(valid(each, inner, root) for each, inner in contents(value, schema))
    )


def contents(value, schema):
    if isinstance(value, dict):
        more = schema.get("additionalProperties", True)
        return [(v, schema.get("properties", {}).get(name, more)) for name, v in value.items()]
    if isinstance(value, list):
        prefix = schema.get("prefixItems", [])
        more = schema.get("items", True)
        return [(v, prefix[i] if i < len(prefix) else more) for i, v in enumerate(value)]
    return []


NAMES = st.sampled_from(["city", "unit", "when", "size", "next"])
BOUNDS = st.integers(-50, 50) | st.sampled_from([-0.5, 0.25, 1e9, -(2**40)])
VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)


def some_of(**keywords: st.SearchStrategy):
    return st.fixed_dictionaries({}, optional=keywords)


def joined(*parts: st.SearchStrategy):
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


NUMBERS = joined(
    st.sampled_from([{"type": "integer"}, {"type": "number"}]),
    some_of(minimum=BOUNDS, exclusiveMinimum=BOUNDS),
    some_of(maximum=BOUNDS, exclusiveMaximum=BOUNDS, multipleOf=st.integers(1, 7)),
)
STRINGS = joined(
    st.just({"type": "string"}),
    some_of(minLength=st.integers(0, 40), maxLength=st.integers(0, 40))
    | some_of(format=st.sampled_from([*FORMATS, "unheard-of"])),
)
LEAVES = st.one_of(
    st.just(True),
    st.just({}),
    NUMBERS,
    STRINGS,
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"type": ["string", "null"]}]),
    st.sampled_from([{"$ref": "#"}, {"$ref": "#/$defs/node"}, {"$ref": "#/$defs/leaf"}]),
    st.lists(VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
    VALUES.map(lambda value: {"const": value}),
)


def grown(children):
    several = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        joined(
            st.just({"type": "object"}),
            some_of(
                properties=st.dictionaries(NAMES, children, max_size=3),
                required=st.lists(NAMES, unique=True, max_size=2),
                additionalProperties=st.booleans() | children,
            ),
        ),
        joined(
            st.just({"type": "array"}),
            some_of(items=children, minItems=st.integers(0, 3), maxItems=st.integers(0, 3)),
            some_of(prefixItems=st.lists(children, max_size=2)),
        ),
        several.map(lambda branches: {"anyOf": branches}),
        several.map(lambda branches: {"oneOf": branches}),
        several.map(lambda parts: {"allOf": parts}),
    )


DEFINITIONS = {
    "leaf": {"type": "string", "minLength": 3},
    "node": {
        "type": "object",
        "properties": {
            "value": {"$ref": "#/$defs/leaf"},
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        },
        "required": ["value", "next", "children"],
        "additionalProperties": False,
    },
}
SCHEMAS = (
    st.recursive(LEAVES, grown, max_leaves=12)
    .filter(lambda schema: isinstance(schema, dict))
    .map(lambda schema: {**schema, "$defs": DEFINITIONS})
)


@given(SCHEMAS)
def test_what_comes_out_is_valid_or_nothing_does(schema):
    try:
        made = instance(schema)
    except NoInstance:
        return

    assert valid(made, schema, schema)
    assert instance(schema) == made


@given(
    st.recursive(
        st.sampled_from([{"type": kind} for kind in ("string", "integer", "boolean", "null")]),
        lambda inner: st.dictionaries(NAMES, inner, max_size=4).map(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": [*properties],
                "additionalProperties": False,
            }
        ),
        max_leaves=20,
    )
)
def test_a_strict_schema_always_has_an_instance_with_all_it_declares(schema):
    made = instance(schema)

    assert valid(made, schema, schema)
    if "properties" in schema:
        assert made.keys() == schema["properties"].keys()


NODE: Json = {"$ref": "#/$defs/node", "$defs": DEFINITIONS}
TREE: Json = {
    "type": "object",
    "properties": {name: {"$ref": "#"} for name in "abcdefgh"},
    "required": ["label"],
}


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        ({}, "text"),
        (True, "text"),
        ({"type": ["null", "integer"]}, 1),
        ({"type": ["null"]}, None),
        ({"type": "string", "enum": [1, "one"]}, "one"),
        ({"enum": [1, 2, 3], "anyOf": [{"const": 3}]}, 3),
        ({"allOf": [{"minimum": 7}, {"maximum": 7}, {"type": "integer"}]}, 7),
        ({"type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 3}, 2.0000000000000004),
        ({"anyOf": [False, {"type": "integer", "minimum": 5, "maximum": 4}, {"const": "z"}]}, "z"),
        ({"oneOf": [{"type": "string"}], "anyOf": [{"minLength": 5}]}, "texttext"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "array", "prefixItems": [{"const": 1}], "items": False}, [1]),
        (
            {"properties": {"a~/b": {"$ref": "#/$defs/x~0~1y"}}, "$defs": {"x~/y": {"const": 1}}},
            {"a~/b": 1},
        ),
        ({"required": ["id"], "additionalProperties": {"type": "integer"}}, {"id": 1}),
        (NODE, {"value": "value", "next": None, "children": []}),
        (TREE, {"label": "label"}),
        ({"type": "object", "properties": {"self": {"$ref": "#"}}}, {}),
        ({"properties": {"city": {}, "x": {}}, "allOf": [{"additionalProperties": False}]}, {}),
    ],
)
def test_dialogue(schema, made):
    assert instance(schema) == made


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_kept_to(name):
    assert instance({"type": "string", "format": name}) == FORMATS[name]
    with pytest.raises(NoInstance):
        instance({"type": "string", "format": name, "maxLength": 1})


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (False, "allows nothing"),
        ({"$ref": "#/$defs/absent"}, "is not in the schema"),
        ({"$ref": "https://example.com/schema"}, "points out of the schema"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "needs itself"),
        ({"type": "array", "minItems": 10**9}, "no array has this length"),
        ({"type": "string", "minLength": 10**9}, "no string has this length"),
        ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, "no number fits"),
        ({"type": "file"}, "no such type: file"),
        ({"type": "string", "enum": [1, None]}, "no value of the enum fits"),
        ({"enum": []}, "allows nothing"),
    ],
)
def test_nothing_fits_and_it_says_why(schema, reason):
    with pytest.raises(NoInstance, match=re.escape(reason)):
        instance(schema)


def test_more_schemas_hold_as_well_and_references_point_into_the_first():
    schema: Json = {"$ref": "#/$defs/any", "$defs": {"any": {"type": ["string", "object"]}}}

    assert instance(schema, {"type": "object"}) == {}


def test_many_definitions_that_know_each_other_stay_small():
    names = [f"n{number}" for number in range(12)]
    links: Json = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    schema: Json = {
        "$ref": "#/$defs/n0",
        "$defs": {name: {"type": "object", "properties": links} for name in names},
    }

    assert valid(instance(schema), schema, schema)
