"""The operator table says what `onnx.defs` says, for every operator version that the installed onnx knows."""

from __future__ import annotations

import onnx
import pytest
from onnx import defs, helper

from shapelint import schema

INSTALLED = {(s.domain, s.name, s.since_version): s for s in defs.get_all_schemas_with_history()}
SHARED = sorted(
    key
    for key in INSTALLED
    if key[0] in schema.domains() and key[2] <= schema.newest(key[0]) and key[1] in schema.names(key[0])
)


def _default(attribute: defs.OpSchema.Attribute) -> object:
    if not attribute.default_value.type:
        return None
    value = helper.get_attribute_value(attribute.default_value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, int | float):
        return value
    return tuple(item.decode() if isinstance(item, bytes) else item for item in value)


def test_most_operators_are_compared() -> None:
    """The comparison below is not empty by accident."""
    assert len(SHARED) >= 500
    assert {domain for domain, _, _ in SHARED} >= {"", "ai.onnx.ml"}


@pytest.mark.parametrize("domain", ["", "ai.onnx.ml"])
def test_nothing_released_is_missing(domain: str) -> None:
    """Every installed operator up to the newest version of the table is in it."""
    installed = {name for of, name, since in INSTALLED if of == domain and since <= schema.newest(domain)}
    assert installed <= schema.names(domain)


@pytest.mark.parametrize(("domain", "op", "since"), SHARED, ids=lambda part: str(part))
def test_entry_equals_onnx(domain: str, op: str, since: int) -> None:
    """Arity, attributes, defaults and deprecation are those of onnx."""
    theirs = INSTALLED[domain, op, since]
    ours = schema.lookup(domain, op, since)
    assert ours is not None
    assert (ours.name, ours.domain, ours.since, ours.deprecated) == (op, domain, since, theirs.deprecated)
    assert (ours.min_inputs, ours.max_inputs) == (theirs.min_input, theirs.max_input)
    assert (ours.min_outputs, ours.max_outputs) == (theirs.min_output, theirs.max_output)
    assert ours.attributes.keys() == theirs.attributes.keys()
    for name, attribute in ours.attributes.items():
        other = theirs.attributes[name]
        assert (attribute.type, attribute.required) == (other.type.name, other.required), name
        assert attribute.default == _default(other), name
    assert set(ours.required) == {name for name, item in theirs.attributes.items() if item.required}
    formal = theirs.inputs[: theirs.min_input]
    optional = defs.OpSchema.FormalParameterOption.Optional
    assert ours.optional_inputs == tuple(index for index, item in enumerate(formal) if item.option == optional)


def test_version_in_force() -> None:
    """The entry with the greatest `since` not above the version is found, under either name of the domain."""
    assert schema.lookup("", "Conv", 10) == schema.lookup("ai.onnx", "Conv", 1)
    found = schema.lookup("", "Resize", 12)
    assert found is not None
    assert found.since == 11
    assert schema.lookup("", "Resize", 9) is None
    assert schema.lookup("", "NoSuch", 17) is None
    upsample = schema.lookup("", "Upsample", 10)
    assert upsample is not None
    assert upsample.deprecated


def test_unknown_domains() -> None:
    """A domain without schemas is no error."""
    assert schema.lookup("com.microsoft", "FusedConv", 1) is None
    assert schema.names("com.microsoft") == frozenset()
    assert schema.newest("com.microsoft") == 0


def test_newest_is_not_behind() -> None:
    """The table is at least as new as the oldest onnx that is supported."""
    assert schema.newest("") >= 21
    if onnx.__version__ == "1.23.2":
        assert schema.newest("") == defs.onnx_opset_version()
