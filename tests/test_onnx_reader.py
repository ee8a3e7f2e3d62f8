"""The reader sees in a file what onnx sees in it, and says in a sentence what is wrong with any other file."""

from __future__ import annotations

import io
import math
import pickle
import struct
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from shapelint import graph
from shapelint.source.errors import MAX_FLAWS, Flaw, Unreadable
from shapelint.source.onnx import read, read_model, sift, wire
from shapelint.source.onnx.origin import parse_origin
from shapelint.source.onnx.tensors import read_constant

from .onnx_files import conv_net, float_input, model_of, operator_cases, packaged_paths, zoo_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

CASES = dict(operator_cases())
EMPTY_INPUT = "a size is from 1 to 2**31 - 1"
"""What is said of operator tests that are fed with empty tensors."""


# --- the same structure as onnx reads ---------------------------------------------------------------------------------


def same_number(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, complex):
        return same_number(ours.real, theirs.real) and same_number(ours.imag, theirs.imag)
    if isinstance(ours, float):
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)


def compare_type(ours: wire.Type | None, theirs: onnx.TypeProto) -> None:
    assert ours is not None
    kind = theirs.WhichOneof("value")
    assert ours.kind == (kind or "").removesuffix("_type")
    if kind in ("tensor_type", "sparse_tensor_type"):
        tensor = getattr(theirs, kind)
        assert ours.dtype == tensor.elem_type
        if tensor.HasField("shape"):
            dims = tuple(getattr(d, d.WhichOneof("value")) if d.WhichOneof("value") else None for d in tensor.shape.dim)
            assert ours.dims == dims
        else:
            assert ours.dims is None
    elif kind in ("sequence_type", "optional_type"):
        compare_type(ours.element, getattr(theirs, kind).elem_type)
    elif kind == "map_type":
        assert ours.dtype == theirs.map_type.key_type
        compare_type(ours.element, theirs.map_type.value_type)


def compare_values(ours: list[wire.Value], theirs: Iterable[onnx.ValueInfoProto]) -> None:
    theirs = list(theirs)
    assert [item.name for item in ours] == [item.name for item in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if other.HasField("type"):
            compare_type(mine.type, other.type)
        else:
            assert mine.type is None


def compare_tensor(ours: wire.Tensor, theirs: onnx.TensorProto) -> None:
    assert (ours.name, ours.dtype, ours.dims) == (theirs.name, theirs.data_type, tuple(theirs.dims))
    assert ours.external == (theirs.data_location == TensorProto.EXTERNAL)
    assert ours.raw_length == len(theirs.raw_data)
    constant, problem = read_constant(ours)
    assert problem == ""
    stored = (theirs.raw_data, theirs.float_data, theirs.int32_data, theirs.int64_data, theirs.double_data)
    count = math.prod(theirs.dims)
    if (
        ours.external
        or count > 1024
        or (count and not any(map(len, (*stored, theirs.uint64_data, theirs.string_data))))
    ):
        assert constant.values is None
        return
    assert constant.values is not None
    expected = numpy_helper.to_array(theirs).reshape(-1)
    if theirs.data_type == TensorProto.STRING:
        assert list(constant.values) == [s if isinstance(s, str) else s.decode() for s in expected.tolist()]
        return
    if expected.dtype.name.startswith(("float", "bfloat")):
        expected = expected.astype(np.float64)
    elif not expected.dtype.isbuiltin:
        expected = expected.astype(np.int64)
    assert len(constant.values) == len(expected)
    assert all(map(same_number, constant.values, expected.tolist()))


def compare_sparse(ours: wire.Sparse, theirs: onnx.SparseTensorProto) -> None:
    assert ours.dims == tuple(theirs.dims)
    assert ours.values is not None
    compare_tensor(ours.values, theirs.values)


def compare_attribute(ours: wire.Attribute, theirs: onnx.AttributeProto) -> None:
    assert (ours.name, ours.type, ours.ref) == (theirs.name, theirs.type, theirs.ref_attr_name)
    if theirs.ref_attr_name:
        return
    value: Any = helper.get_attribute_value(theirs)
    if theirs.type == AttributeProto.STRING:
        value = value.decode("utf-8", "replace")
    elif theirs.type == AttributeProto.STRINGS:
        value = [item.decode("utf-8", "replace") for item in value]
    compare: dict[Any, Callable[[Any, Any], None]] = {
        AttributeProto.TENSOR: compare_tensor,
        AttributeProto.GRAPH: compare_graph,
        AttributeProto.SPARSE_TENSOR: compare_sparse,
        AttributeProto.TYPE_PROTO: compare_type,
    }
    lists = {"TENSORS": "TENSOR", "GRAPHS": "GRAPH", "SPARSE_TENSORS": "SPARSE_TENSOR", "TYPE_PROTOS": "TYPE_PROTO"}
    name = AttributeProto.AttributeType.Name(theirs.type)
    mine: Any = ours.value
    if theirs.type in compare:
        compare[theirs.type](mine, value)
    elif name in lists:
        assert len(mine) == len(value)
        for one, other in zip(mine, value, strict=True):
            compare[AttributeProto.AttributeType.Value(lists[name])](one, other)
    elif isinstance(mine, tuple):
        assert len(mine) == len(value)
        assert all(map(same_number, mine, value))
    else:
        assert same_number(mine, value)


def compare_nodes(ours: list[wire.Node], theirs: Iterable[onnx.NodeProto]) -> None:
    theirs = list(theirs)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.inputs, mine.outputs) == (tuple(other.input), tuple(other.output))
        assert (mine.name, mine.op, mine.domain) == (other.name, other.op_type, other.domain)
        assert mine.overload == getattr(other, "overload", "")
        assert (mine.metadata or {}) == {item.key: item.value for item in getattr(other, "metadata_props", ())}
        assert len(mine.attributes) == len(other.attribute)
        for attribute, wanted in zip(mine.attributes, other.attribute, strict=True):
            compare_attribute(attribute, wanted)


def compare_graph(ours: wire.Graph, theirs: onnx.GraphProto) -> None:
    assert ours.name == theirs.name
    compare_values(ours.inputs, theirs.input)
    compare_values(ours.outputs, theirs.output)
    compare_values(ours.value_info, theirs.value_info)
    compare_nodes(ours.nodes, theirs.node)
    for tensor, other in zip(ours.initializers, theirs.initializer, strict=True):
        compare_tensor(tensor, other)
    for sparse, wanted in zip(ours.sparse_initializers, theirs.sparse_initializer, strict=True):
        compare_sparse(sparse, wanted)


def compare_model(ours: wire.Model, theirs: onnx.ModelProto) -> None:
    assert (ours.ir_version, ours.producer) == (theirs.ir_version, theirs.producer_name)
    assert ours.producer_version == theirs.producer_version
    assert ours.opsets == [(item.domain, item.version) for item in theirs.opset_import]
    assert ours.metadata == {item.key: item.value for item in theirs.metadata_props}
    assert ours.graph is not None
    compare_graph(ours.graph, theirs.graph)
    assert len(ours.functions) == len(theirs.functions)
    for mine, other in zip(ours.functions, theirs.functions, strict=True):
        assert (mine.name, mine.domain, mine.overload) == (other.name, other.domain, getattr(other, "overload", ""))
        assert (mine.inputs, mine.outputs) == (list(other.input), list(other.output))
        assert mine.attributes == list(other.attribute)
        assert mine.opsets == [(item.domain, item.version) for item in other.opset_import]
        compare_values(mine.value_info, getattr(other, "value_info", ()))
        compare_nodes(mine.nodes, other.node)
        for attribute, wanted in zip(mine.defaults, other.attribute_proto, strict=True):
            compare_attribute(attribute, wanted)


def check_file(path: Path) -> None:
    theirs = onnx.load(path, load_external_data=False)
    compare_model(read.read_records(str(path)), theirs)
    with open(path, "rb", buffering=0) as stream:
        compare_model(wire.parse_model(sift.sift(stream, path.stat().st_size).data), theirs)


@pytest.mark.parametrize("path", zoo_paths() or [None], ids=lambda path: path.stem if path else "absent")
def test_real_export(path: Path | None) -> None:
    """A real export is read as onnx reads it, whole and sifted, and is a sound graph."""
    if path is None:
        pytest.skip("no real exports: ../shared/zoo is not there")
    check_file(path)
    assert read_model(path).graph.nodes


def test_packaged_models() -> None:
    """Every model file in the onnx wheel is read as onnx reads it."""
    paths = packaged_paths()
    if onnx.__version__ == "1.23.2":
        assert len(paths) >= 149
    for path in paths:
        check_file(path)
        read_model(path)


def test_operator_cases() -> None:
    """Every operator test of onnx is read as onnx reads it; none but those with empty inputs has a flaw."""
    assert len(CASES) >= 1000
    empty = []
    for name, data in CASES.items():
        compare_model(wire.parse_model(data), onnx.ModelProto.FromString(data))
        faults = faults_of(data)
        assert all(EMPTY_INPUT in flaw.message for flaw in faults), (name, faults)
        if faults:
            empty.append(name)
    assert len(empty) <= 25, empty


@pytest.mark.parametrize("dtype", [n for n in TensorProto.DataType.values() if n not in (0, 8)])
@pytest.mark.parametrize("is_raw", [True, False], ids=["raw", "typed"])
def test_values_of_every_type(dtype: int, is_raw: bool) -> None:
    """Small tensors of every element type have the values that onnx gives them."""
    array = np.array([0, 1, 1, 0, 1]).astype(helper.tensor_dtype_to_np_dtype(dtype))
    bits = numpy_helper.from_array(array, "t")
    assert bits.data_type == dtype
    tensor = bits if is_raw else helper.make_tensor("t", dtype, [5], array)
    compare_tensor(
        wire.parse_model(model_of([], initializers=[tensor]).SerializeToString()).graph.initializers[0], tensor
    )  # type: ignore[union-attr]


@pytest.mark.parametrize("dtype", [10, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28])
def test_every_code_of_small_types(dtype: int) -> None:
    """Every bit pattern of the narrow types is the number that onnx says."""
    if dtype not in TensorProto.DataType.values():
        pytest.skip("the installed onnx does not know the type")
    bits = {10: 16, 16: 16, 21: 4, 22: 4, 23: 4, 25: 2, 26: 2, 27: 6, 28: 6}.get(dtype, 8)
    count = min(1 << bits, 1024)
    stride = (1 << bits) // count
    stream = sum((code * stride) << (bits * code) for code in range(count))
    tensor = TensorProto(data_type=dtype, dims=[count], raw_data=stream.to_bytes(bits * count // 8, "little"))
    record = wire.parse_model(model_of([], initializers=[tensor]).SerializeToString())
    assert record.graph is not None
    compare_tensor(record.graph.initializers[0], tensor)


def test_no_runtime_import_of_onnx() -> None:
    """Reading a file imports neither onnx nor protobuf nor numpy."""
    code = (
        "import sys, shapelint.source.onnx; print({'onnx', 'google', 'numpy'} & {m.split('.')[0] for m in sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


# --- lowering ---------------------------------------------------------------------------------------------------------


def test_in_memory_model() -> None:
    """A ModelProto, its bytes, and a view of them are one model."""
    model = conv_net()
    for source in (model, model.SerializeToString(), bytearray(model.SerializeToString())):
        found = read_model(source)
        assert [node.path for node in found.graph.nodes] == ["conv", "pool"]
        assert found.graph.nodes[0].attributes["strides"] == (2, 2)
        assert found.graph.nodes[0].version == 17
        assert found.opsets == {"": 17, "local": 1}
        assert found.graph.constants["w"].values == (0.5,) * 108


@pytest.mark.parametrize("ir_version", [3, 8])
def test_initializers_are_not_inputs(ir_version: int) -> None:
    """An initializer that is listed as an input too is no input."""
    model = conv_net()
    model.ir_version = ir_version
    model.graph.input.append(float_input("w", [4, 3, 3, 3]))
    assert [item.name for item in read_model(model).graph.inputs] == ["x"]


def test_declared_dims() -> None:
    """Names and sizes stand as declared; -1 in inputs, anything below 1 elsewhere, and empty names say nothing."""
    model = conv_net()
    del model.graph.input[0]
    model.graph.input.append(float_input("x", ["", 3, -1, "8*h"]))
    del model.graph.output[0]
    model.graph.output.append(float_input("y", [0, -1, None, 5]))
    found = read_model(model).graph
    assert found.inputs[0].dims == (None, 3, None, "8*h")
    assert found.outputs[0].dims == (None, None, None, 5)


def test_unsorted_nodes_are_sorted() -> None:
    """Nodes stand where what they read, also in a subgraph, is produced before."""
    then = helper.make_graph([helper.make_node("Neg", ["late"], ["t"], "neg")], "then", [], [float_input("t", [])])
    other = helper.make_graph([helper.make_node("Abs", ["x"], ["e"], "abs")], "else", [], [float_input("e", [])])
    nodes = [
        helper.make_node("If", ["c"], ["y"], "if", then_branch=then, else_branch=other),
        helper.make_node("Relu", ["x"], ["late"], "relu"),
    ]
    condition = helper.make_tensor("c", TensorProto.BOOL, [], [True])
    found = read_model(model_of(nodes, initializers=[condition]))
    assert [node.path for node in found.graph.nodes] == ["relu", "if"]
    assert list(graph.captures(found.graph.nodes[1].attributes["then_branch"])) == ["late"]  # type: ignore[arg-type]


def test_paths_are_unique() -> None:
    """A path is the name, else an output, else the operator with a number; repeated ones are counted."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "r"),
        helper.make_node("Relu", ["a"], ["b"], "r"),
        helper.make_node("Relu", ["b"], ["c"], "r"),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    assert [node.path for node in read_model(model_of(nodes)).graph.nodes] == ["r", "r#2", "r#3", "y"]


def _function(name: str, nodes: list[onnx.NodeProto], **more: Any) -> onnx.FunctionProto:
    return helper.make_function(
        "local", name, ["a"], ["b"], nodes, [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)], **more
    )


def test_functions_are_written_out() -> None:
    """Calls become the nodes of their functions, with paths, names, attributes and versions of their own."""
    concat = helper.make_node("Concat", ["a", "t"], ["b"], "join")
    concat.attribute.append(AttributeProto(name="axis", type=AttributeProto.INT, ref_attr_name="where"))
    inner = _function(
        "Inner",
        [helper.make_node("Relu", ["a"], ["t"], "relu"), concat],
        attribute_protos=[helper.make_attribute("where", 1)],
    )
    outer = _function("Outer", [helper.make_node("Inner", ["a"], ["b"], "deep", domain="local", where=2)])
    nodes = [
        helper.make_node("Outer", ["x"], ["m"], "one", domain="local"),
        helper.make_node("Inner", ["m"], ["y"], "two", domain="local"),
    ]
    found = read_model(model_of(nodes, functions=[inner, outer])).graph
    assert [node.path for node in found.nodes] == ["one/deep/relu", "one/deep/join", "two/relu", "two/join"]
    assert [node.attributes.get("axis") for node in found.nodes] == [None, 2, None, 1]
    assert [node.version for node in found.nodes] == [18] * 4
    assert found.nodes[1].inputs == ("x", "one/deep/t")
    assert found.nodes[1].outputs == ("m",)
    assert found.nodes[3].inputs == ("m", "two/t")


def test_functions_with_subgraphs() -> None:
    """A subgraph in a function captures what the call's values are called, and keeps its own names apart."""
    then = helper.make_graph([helper.make_node("Add", ["a", "t"], ["u"], "add")], "then", [], [float_input("u", [])])
    other = helper.make_graph([helper.make_node("Neg", ["t"], ["t2"], "neg")], "else", [], [float_input("t2", [])])
    body = [
        helper.make_node("Relu", ["a"], ["t"], "relu"),
        helper.make_node("Constant", [], ["c"], "const", value=helper.make_tensor("", TensorProto.BOOL, [], [True])),
        helper.make_node("If", ["c"], ["b"], "if", then_branch=then, else_branch=other),
    ]
    nodes = [
        helper.make_node("F", ["x"], ["f/t"], "f", domain="local"),
        helper.make_node("F", ["f/t"], ["y"], "g", domain="local"),
    ]
    found = read_model(model_of(nodes, functions=[_function("F", body)])).graph
    first = found.nodes[2].attributes["then_branch"]
    assert isinstance(first, graph.Graph)
    assert first.nodes[0].inputs == ("x", "f/t#2")
    assert first.outputs[0].name == first.nodes[0].outputs[0] == "f/u"
    assert found.nodes[0].outputs == ("f/t#2",)


def test_function_that_passes_its_input_on() -> None:
    """An output that is an input is copied."""
    function = helper.make_function("local", "P", ["a"], ["a"], [], [helper.make_opsetid("", 18)])
    found = read_model(model_of([helper.make_node("P", ["x"], ["y"], "p", domain="local")], functions=[function])).graph
    assert [(node.op, node.inputs, node.outputs) for node in found.nodes] == [("Identity", ("x",), ("y",))]


def test_origin() -> None:
    """A node's origin is the last frame outside the torch package."""
    trace = (
        'File "net.py", line 7, in forward\n    return self.up(x)\n'
        '  File "/v/lib/python3.12/site-packages/torch/nn/modules/conv.py", line 9, in forward\n    return f(x)'
    )
    assert parse_origin(trace) == graph.Origin("net.py", 7, "forward", "return self.up(x)")
    assert parse_origin("nothing of the kind") is None
    model = conv_net()
    if hasattr(model.graph.node[0], "metadata_props"):
        model.graph.node[0].metadata_props.add(key="pkg.torch.onnx.stack_trace", value=trace)
        assert read_model(model).graph.nodes[0].origin == parse_origin(trace)


def test_ancient_files() -> None:
    """Attributes without a type have that of their value; a file without opsets is opset 1."""
    model = conv_net()
    for node in model.graph.node:
        for attribute in node.attribute:
            attribute.ClearField("type")
    del model.opset_import[:]
    model.ir_version = 2
    found = read_model(model).graph
    assert found.nodes[0].attributes["strides"] == (2, 2)
    assert found.nodes[0].version == 1


def test_external_data_is_not_opened(tmp_path: Path) -> None:
    """Weights outside the file need not exist; sparse initializers have the dense shape and no values."""
    model = conv_net()
    tensor = model.graph.initializer[0]
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="gone.bin")
    sparse = model.graph.sparse_initializer.add(dims=[9, 9])
    sparse.values.CopyFrom(helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0]))
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    found = read_model(path).graph.constants
    assert found["w"] == graph.Constant(1, (4, 3, 3, 3))
    assert found["s"] == graph.Constant(1, (9, 9))


def test_large_file_is_sifted(tmp_path: Path) -> None:
    """A file above the limit gives the same model, its payloads unread, and errors name positions in the file."""
    weights = numpy_helper.from_array(np.zeros((600, 1000), np.float32), "w")
    typed = helper.make_tensor("v", TensorProto.INT64, [40_000], np.arange(40_000))
    big = helper.make_node("Constant", [], ["k"], "k", value=numpy_helper.from_array(np.ones(90_000, np.float32)))
    prose = helper.make_node("MatMul", ["x", "w"], ["y"], "mul", doc_string="prose " * 9000)
    model = model_of([big, prose], initializers=[weights, typed])
    path = tmp_path / "large.onnx"
    data = model.SerializeToString()
    path.write_bytes(data)
    assert len(data) > read.READ_WHOLE
    check_file(path)
    found = read_model(path).graph
    assert found.constants["w"] == graph.Constant(1, (600, 1000))
    assert found.nodes[0].attributes["value"] == graph.Constant(1, (90_000,))
    with open(path, "rb", buffering=0) as stream:
        sifted = sift.sift(stream, len(data))
    assert len(sifted.data) < 2000
    at = sifted.data.index(b"mul")
    assert data[sifted.locate(at) :][:3] == b"mul"


# --- bad input --------------------------------------------------------------------------------------------------------


def refuse(source: Any) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_model(source)
    unreadable = caught.value
    assert unreadable.message
    for flaw in unreadable.faults:
        assert flaw.help
        assert "\n" not in flaw.message
        assert not flaw.message.endswith(".")
        assert not flaw.message[0].isupper()
    again = pickle.loads(pickle.dumps(unreadable))
    assert (again.rule, again.faults, again.file) == (unreadable.rule, unreadable.faults, unreadable.file)
    return unreadable


def _zipped(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, b"x" * 100)
    return target.getvalue()


FOREIGN = {
    "empty": (b"", "is empty"),
    "pytorch": (_zipped("net/data.pkl"), "PyTorch checkpoint"),
    "keras": (_zipped("model.weights.h5"), "Keras model"),
    "zip": (_zipped("a.txt"), "zip archive"),
    "pickle": (pickle.dumps({"state": [1.0] * 50}), "pickle"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    "safetensors": (struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}' + bytes(99), "safetensors"),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(99), "TensorFlow Lite"),
    "ort": (b"\x1c\0\0\0ORTM" + bytes(99), "ONNX Runtime"),
    "saved-model": (b"\x08\x01\x12\x10\x0a\x0e\x22\x05serve" + bytes(5), "SavedModel"),
    "graph-def": (b"\x0a\x18\x0a\x01x\x12\x0bPlaceholder" + bytes(9), "TensorFlow graph"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(99), "compressed"),
    "numpy": (b"\x93NUMPY\x01\x00" + bytes(99), "NumPy"),
    "onnx-text": (b'<\n  ir_version: 8,\n  opset_import: ["" : 17]\n>\ng (float[N] x) => (float[N] y) {}', "as text"),
    "onnx-json": (b'{"irVersion": "8", "graph": {}}', "in JSON"),
    "json": (b'{"a": 1}', "is JSON"),
    "html": (b"<!DOCTYPE html><html>404</html>", "web page"),
    "text": (b"hello there\n", "is text"),
    "zeros": (bytes(64), "no field with tag 0"),
    "tensor": (helper.make_tensor("t", 1, [2], [1.0, 2.0]).SerializeToString(), "no ONNX model"),
    "gibberish": (b"\x28\x05\x30\x06" * 9, "holds no graph"),
    "varint": (b"\x08" + b"\xff" * 40, "longer than ten bytes"),
    "length": (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", "a field claims 9223372036854775807 bytes"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file(name: str, tmp_path: Path) -> None:
    """A file of another kind is called by its kind, from disk and from memory."""
    data, sentence = FOREIGN[name]
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    for source in (data, path):
        unreadable = refuse(source)
        assert unreadable.rule == "unreadable-file"
        assert sentence in unreadable.message
        assert unreadable.help


@pytest.mark.parametrize("name", ["pytorch", "zip", "tflite", "zeros"])
def test_large_foreign_file(name: str, tmp_path: Path) -> None:
    """So is a large one, which is not read into memory for it."""
    data, sentence = FOREIGN[name]
    path = tmp_path / "m.onnx"
    path.write_bytes(data[:60] + bytes(read.READ_WHOLE) + data)
    assert sentence in refuse(path).message


def test_lfs_pointer() -> None:
    """A Git LFS pointer has a rule of its own."""
    unreadable = refuse(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
    assert unreadable.rule == "git-lfs-pointer"
    assert "git lfs pull" in unreadable.help


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    """A missing path, a directory, and a file that may not be read are told apart."""
    (tmp_path / "model.onnx").write_bytes(b"")
    missing = refuse(tmp_path / "modle.onnx")
    assert "there is no file" in missing.message
    assert "model.onnx" in missing.help
    assert "is a directory" in refuse(tmp_path).message
    assert "there is no file" in refuse("nul\0byte").message
    assert refuse("x" * 5000).rule == "unreadable-file"


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is said to be just that."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", deny)
    assert "permission denied" in refuse(tmp_path / "m.onnx").message


def test_truncated() -> None:
    """Every cut of a file is a model or a sentence with the position."""
    data = conv_net().SerializeToString()
    assert "at byte" in refuse(data[: len(data) // 2]).message


def _nested(levels: int) -> bytes:
    """Graphs within attributes within nodes within graphs."""
    body = b""
    for _ in range(levels):
        for tag in (0x32, 0x2A, 0x0A):
            head = bytearray([tag])
            length = len(body)
            while length > 127:
                head.append(length & 127 | 128)
                length >>= 7
            body = bytes([*head, length]) + body
    head = bytearray([0x3A])
    length = len(body)
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + body


def test_nesting_bomb(tmp_path: Path) -> None:
    """Nesting beyond what protobuf allows is refused, in either way of reading."""
    assert "nest deeper" in refuse(_nested(5000)).message
    path = tmp_path / "m.onnx"
    path.write_bytes(_nested(5000) + b"\x32\x80\x80\x80\x01" + bytes(1 << 21))
    assert path.stat().st_size > read.READ_WHOLE
    assert "nest deeper" in refuse(path).message


BROKEN: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "twice": (
        lambda m: m.graph.node.append(helper.make_node("Relu", ["x"], ["c"], "again")),
        "`c` is produced twice, by `conv` and by `again`",
    ),
    "over-input": (
        lambda m: m.graph.node.append(helper.make_node("Relu", ["y"], ["x"], "again")),
        "`x` is produced twice, by input `x` and by `again`",
    ),
    "never": (lambda m: m.graph.node[1].input.__setitem__(0, "cc"), "`pool` reads `cc`, which nothing produces"),
    "output": (lambda m: setattr(m.graph.output[0], "name", "z"), "nothing produces the output `z`"),
    "cycle": (lambda m: m.graph.node[0].input.__setitem__(0, "y"), "cycle: `conv` -> `pool` -> `conv`"),
    "no-nodes": (lambda m: m.graph.ClearField("node"), "the graph has no nodes"),
    "no-outputs": (lambda m: m.graph.ClearField("output"), "the graph has no outputs"),
    "no-graph": (lambda m: m.ClearField("graph"), "the model holds no graph"),
    "few-inputs": (lambda m: m.graph.node[0].input.pop(), "`conv` has 1 input; Conv-11 takes 2 to 3"),
    "many-inputs": (lambda m: m.graph.node[1].input.append("x"), "`pool` has 2 inputs; MaxPool-12 takes 1"),
    "left-out": (lambda m: m.graph.node[0].input.__setitem__(1, ""), "leaves out its input 1; Conv-11 requires it"),
    "no-attribute": (
        lambda m: m.graph.node[1].ClearField("attribute"),
        "attribute `kernel_shape` of `pool` is missing; MaxPool-12 requires it",
    ),
    "attribute-type": (
        lambda m: m.graph.node[1].attribute[0].CopyFrom(helper.make_attribute("kernel_shape", "2x2")),
        "attribute `kernel_shape` of `pool` is STRING; MaxPool-12 takes INTS",
    ),
    "opset-new": (
        lambda m: setattr(m.opset_import[0], "version", 999),
        "version 999 of the ai.onnx operators; the newest",
    ),
    "opset-zero": (lambda m: setattr(m.opset_import[0], "version", 0), "version 0 of the ai.onnx operators"),
    "no-opset": (lambda m: m.ClearField("opset_import"), "does not say which version"),
    "two-weights": (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "there are two initializers `w`"),
    "weights-length": (
        lambda m: m.graph.initializer.append(TensorProto(name="b", data_type=1, dims=[2, 2], raw_data=b"123")),
        "initializer `b` holds 3 bytes; its shape [2, 2] of float32 takes 16",
    ),
    "negative-weights": (
        lambda m: m.graph.initializer.append(TensorProto(name="b", data_type=1, dims=[-2, 2])),
        "initializer `b` has a negative size in its shape [-2, 2]",
    ),
    "overflow": (
        lambda m: m.graph.initializer.append(TensorProto(name="b", data_type=1, dims=[2**40, 2**40])),
        "more than 2**63 elements",
    ),
    "rank": (
        lambda m: m.graph.initializer.append(TensorProto(name="b", data_type=1, dims=[2**62] * 200_000, raw_data=b"1")),
        "initializer `b` has a shape of 200000 dims; at most 64 are possible",
    ),
    "ref": (
        lambda m: m.graph.node[0].attribute.append(AttributeProto(name="group", type=2, ref_attr_name="g")),
        "refers to `g` of a function",
    ),
    "no-tensor": (
        lambda m: m.graph.node.append(
            onnx.NodeProto(name="k", op_type="Constant", output=["k"], attribute=[AttributeProto(name="value", type=4)])
        ),
        "attribute `value` of `k` has no value",
    ),
    **{
        f"dim-{dim}": (
            lambda m, dim=dim: setattr(m.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", dim),  # type: ignore[misc]
            f"input `x` declares `x[2]` as {dim}; a size is from 1 to 2**31 - 1",
        )
        for dim in (0, -5, 2**31, -(2**63))
    },
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_graph(name: str) -> None:
    """A graph that cannot be is called broken, with the flaw."""
    change, sentence = BROKEN[name]
    model = conv_net()
    change(model)
    unreadable = refuse(model)
    assert unreadable.rule == "broken-graph"
    assert any(sentence in flaw.message for flaw in unreadable.faults), str(unreadable)


def test_did_you_mean() -> None:
    """A name that nothing produces is compared with those that something does."""
    nodes = [helper.make_node("Relu", ["x"], ["features"]), helper.make_node("Relu", ["featurs"], ["y"], "r")]
    unreadable = refuse(model_of(nodes))
    assert unreadable.help == "did you mean `features`?"
    assert unreadable.node == "r"


def test_all_flaws_in_one_run() -> None:
    """Several flaws are told together, up to a limit."""
    model = conv_net()
    model.graph.node[0].input[0] = "gone"
    model.graph.output[0].name = "z"
    assert len(refuse(model).faults) == 2
    model.graph.node.extend(helper.make_node("Relu", [f"gone{i}"], [f"o{i}"]) for i in range(99))
    assert len(refuse(model).faults) == MAX_FLAWS


def test_unknown_operators_are_fine() -> None:
    """Operators, attributes and domains that nobody knows are left to the analysis."""
    nodes = [
        helper.make_node("Mystery", ["x"], ["a"], "m", some=1),
        helper.make_node("Foo", ["a"], ["b"], "f", domain="com.acme", other="2"),
        helper.make_node("Relu", ["b"], ["y"], "r", extra=[1.0]),
    ]
    found = read_model(model_of(nodes)).graph
    assert [node.version for node in found.nodes] == [17, 0, 17]


def test_endless_functions() -> None:
    """Functions that call themselves, or that grow without measure, are refused at once."""
    one = _function("One", [helper.make_node("Two", ["a"], ["b"], domain="local")])
    two = _function("Two", [helper.make_node("One", ["a"], ["b"], domain="local")])
    call = [helper.make_node("One", ["x"], ["y"], domain="local")]
    assert "`One` -> `Two` -> `One` calls itself" in refuse(model_of(call, functions=[one, two])).message

    def doubling(level: int) -> onnx.FunctionProto:
        calls = [helper.make_node(f"F{level + 1}", [n], [m], domain="local") for n, m in (("a", "t"), ("t", "b"))]
        return _function(f"F{level}", calls)

    last = _function("F40", [helper.make_node("Relu", ["a"], ["b"])])
    start = time.monotonic()
    call = [helper.make_node("F0", ["x"], ["y"], domain="local")]
    bomb = refuse(model_of(call, functions=[*(doubling(level) for level in range(40)), last]))
    assert "more than 1000000 nodes" in bomb.message
    chain = [_function(f"F{n}", [helper.make_node(f"F{n + 1}", ["a"], ["b"], domain="local")]) for n in range(3000)]
    assert "nest deeper" in refuse(model_of(call, functions=chain)).message
    assert time.monotonic() - start < 60


def test_deepest_nesting() -> None:
    """What is just within the limits is read, subgraphs and functions within one another."""
    inner = helper.make_graph([helper.make_node("Relu", ["x"], ["t"])], "deepest", [], [float_input("t", [])])
    other = inner
    for level in range(30):
        branch = helper.make_node("If", ["c"], [f"t{level}"], then_branch=inner, else_branch=other)
        inner = helper.make_graph([branch], f"g{level}", [], [float_input(f"t{level}", [])])
    chain = [_function(f"F{n}", [helper.make_node(f"F{n + 1}", ["a"], ["b"], domain="local")]) for n in range(50)]
    last = _function("F50", [helper.make_node("Relu", ["a"], ["b"])])
    condition = helper.make_tensor("c", TensorProto.BOOL, [], [True])
    nodes = [
        helper.make_node("F0", ["x"], ["m"], "call", domain="local"),
        helper.make_node("If", ["c"], ["y"], "if", then_branch=inner, else_branch=inner),
    ]
    found = read_model(model_of(nodes, initializers=[condition], functions=[*chain, last])).graph
    assert [node.op for node in found.nodes] == ["Relu", "If"]
    assert found.nodes[0].path.count("/") == 51


def test_newer_versions_in_functions() -> None:
    """A function may use other versions, but none that is unknown; what no node uses may be of any version."""
    function = helper.make_function("local", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [])
    function.opset_import.append(helper.make_opsetid("", 999))
    call = [helper.make_node("F", ["x"], ["y"], domain="local")]
    assert "version 999 of the ai.onnx operators" in refuse(model_of(call, functions=[function])).message
    model = conv_net()
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 999))
    assert read_model(model).opsets["ai.onnx.ml"] == 999


def test_names_that_are_not_utf8() -> None:
    """Bytes that are no UTF-8 stay visible, and two names that differ in them stay two."""
    data = conv_net().SerializeToString().replace(b"conv", b"c\xff\xfev")
    assert read_model(data).graph.nodes[0].path == "c\\xff\\xfev"


SEEDS = [
    conv_net().SerializeToString(),
    *(CASES[name] for name in ("test_if", "test_loop11", "test_scan9_sum") if name in CASES),
]


@settings(max_examples=300, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 10_000),
)
def test_any_mutation_is_a_model_or_a_sentence(seed: bytes, edits: list[tuple[int, int]], cut: int) -> None:
    """Whatever befalls the bytes, nothing but `Unreadable` is raised, and that soon."""
    data = bytearray(seed)
    for at, byte in edits:
        data[at % len(data)] = byte
    if cut < len(data):
        del data[cut:]
    whole = faults_of(bytes(data))
    assert all(flaw.message for flaw in whole)
    assert all(flaw.message for flaw in faults_of(bytes(data), is_sifted=True))


def faults_of(data: bytes, *, is_sifted: bool = False) -> tuple[Flaw, ...]:
    """What is wrong with `data`; nothing if it is a model."""
    try:
        if is_sifted:
            read._read_large(io.BytesIO(data), len(data), "x")  # type: ignore[arg-type]
        else:
            read_model(data)
    except Unreadable as unreadable:
        return unreadable.faults
    return ()


@settings(max_examples=100, deadline=5000)
@given(data=st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    """Arbitrary bytes are refused, or are a model."""
    assert all(flaw.message for flaw in faults_of(data))
