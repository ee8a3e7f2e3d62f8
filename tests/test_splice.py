"""A patched ONNX file is the original file with the changes made, byte for byte elsewhere; or nothing is written."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import TensorProto, helper

from shapelint.fixing.patch import GraphPatch
from shapelint.graph import Constant, Declared, Model, Node
from shapelint.source.onnx import read_model
from shapelint.source.onnx.splice import SpliceError, write

from .nets import Net
from .onnx_files import conv_net, model_of, zoo_paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INT64 = TensorProto.INT64


def saved(model: onnx.ModelProto, folder: Path, name: str = "in.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def node_at(model: Model, path: str) -> Node:
    return next(node for node in model.graph.nodes if node.path == path)


def with_attributes(node: Node, **attributes: Any) -> Node:
    return replace(node, attributes={**node.attributes, **attributes})


def same_nodes(left: Model, right: Model) -> None:
    """Both read as the same graph, nodes in the same order."""

    def plain(node: Node) -> tuple[object, ...]:
        attributes = {name: value for name, value in node.attributes.items() if not hasattr(value, "nodes")}
        return node.path, node.op, node.domain, node.inputs, node.outputs, attributes, node.origin

    assert [plain(node) for node in left.graph.nodes] == [plain(node) for node in right.graph.nodes]
    assert left.graph.constants == right.graph.constants
    assert (left.graph.inputs, left.graph.outputs) == (right.graph.inputs, right.graph.outputs)
    assert (left.metadata, left.graph.declared) == (right.metadata, right.graph.declared)


def changed(source: Path, patch: GraphPatch, change: Callable[[onnx.ModelProto], None]) -> onnx.ModelProto:
    """Write the patch; what comes out is the original changed by `change`, and reads as the patch promises."""
    out = source.with_name("out.onnx")
    assert write(source, patch, out) is None
    wanted = onnx.load(source, load_external_data=False)
    change(wanted)
    got = onnx.load(out, load_external_data=False)
    assert got == wanted
    same_nodes(read_model(out), patch.apply(read_model(source)))
    return got


def test_an_attribute_changes_and_what_nobody_knows_stays(tmp_path: Path) -> None:
    model = conv_net()
    node = model.graph.node[0]
    node.doc_string = "prose"
    node.attribute[0].doc_string = "more prose"
    node.metadata_props.add(key="who", value="the exporter")
    data = node.SerializeToString() + b"\xfa\x07\x03abc"  # field 127, which no version of onnx.proto has
    model.graph.node[0].ParseFromString(data)
    source = saved(model, tmp_path)
    read = read_model(source)
    patch = GraphPatch(replaced={"conv": with_attributes(node_at(read, "conv"), strides=(1, 2))})

    def change(model: onnx.ModelProto) -> None:
        attribute = next(each for each in model.graph.node[0].attribute if each.name == "strides")
        attribute.ints[:] = [1, 2]

    changed(source, patch, change)
    assert b"\xfa\x07\x03abc" in (tmp_path / "out.onnx").read_bytes()


def test_attributes_are_added_and_removed(tmp_path: Path) -> None:
    source = saved(conv_net(), tmp_path)
    conv = node_at(read_model(source), "conv")
    kept = {name: value for name, value in conv.attributes.items() if name != "pads"}
    patch = GraphPatch(replaced={"conv": replace(conv, attributes={**kept, "auto_pad": "SAME_UPPER", "alpha": 0.5})})

    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[0]
        del node.attribute[[each.name for each in node.attribute].index("pads")]
        node.attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))
        node.attribute.append(helper.make_attribute("alpha", 0.5))

    changed(source, patch, change)


def test_nodes_and_constants_are_inserted(tmp_path: Path) -> None:
    source = saved(conv_net(), tmp_path)
    read = read_model(source)
    shape = Node("s", "Shape", "", ("x",), ("s",), {"start": 2}, version=17)
    last = Node("z", "Add", "", ("y", "one"), ("z",), version=17)
    pool = replace(node_at(read, "pool"), inputs=("s2",))
    relu = Node("s2", "Relu", "", ("c",), ("s2",), version=17)
    patch = GraphPatch(
        replaced={"pool": pool},
        before={"conv": (shape,), "pool": (relu,), "": (last,)},
        constants={"one": Constant(1, (1,), (1.0,)), "two": Constant(INT64, (2,), (-1, 1 << 40))},
        metadata={"shapelint.sizes": "{}"},
    )

    def change(model: onnx.ModelProto) -> None:
        conv, pooled = model.graph.node[0], model.graph.node[1]
        pooled.input[0] = "s2"
        nodes = [
            helper.make_node("Shape", ["x"], ["s"], "s", start=2),
            conv,
            helper.make_node("Relu", ["c"], ["s2"], "s2"),
            pooled,
            helper.make_node("Add", ["y", "one"], ["z"], "z"),
        ]
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.append(helper.make_tensor("one", 1, [1], b"\0\0\x80\x3f", raw=True))
        packed = (-1).to_bytes(8, "little", signed=True) + (1 << 40).to_bytes(8, "little")
        model.graph.initializer.append(helper.make_tensor("two", INT64, [2], packed, raw=True))
        model.metadata_props.add(key="shapelint.sizes", value="{}")

    changed(source, patch, change)
    onnx.checker.check_model(str(tmp_path / "out.onnx"), full_check=True)


def test_an_input_is_declared_otherwise(tmp_path: Path) -> None:
    model = conv_net()
    model.graph.input[0].doc_string = "the image"
    model.graph.input[0].type.tensor_type.shape.dim[2].denotation = "DATA_SPATIAL"
    model.metadata_props.add(key="shapelint.sizes", value="old")
    source = saved(model, tmp_path)
    dims = ("N", 3, "8*h", "8*w")
    patch = GraphPatch(inputs={"x": Declared("x", 1, dims)}, metadata={"shapelint.sizes": "new", "k": "v"})

    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "8*h"
        model.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "8*w"
        model.metadata_props[0].value = "new"
        model.metadata_props.add(key="k", value="v")

    changed(source, patch, change)


def test_an_output_is_declared_otherwise_and_an_inner_value_no_more(tmp_path: Path) -> None:
    model = conv_net()
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 7
    for name in ("c", "w"):
        model.graph.value_info.append(helper.make_tensor_value_info(name, 1, [1, 2]))
    source = saved(model, tmp_path)
    patch = GraphPatch(outputs={"y": Declared("y", 1, (None, 4, None, "h"))}, undeclared=frozenset({"c"}))

    def change(model: onnx.ModelProto) -> None:
        dims = model.graph.output[0].type.tensor_type.shape.dim
        dims[1].dim_value = 4
        dims[2].Clear()
        dims[3].dim_param = "h"
        del model.graph.value_info[0]

    changed(source, patch, change)


def test_nodes_are_found_by_the_paths_that_the_reader_gives_them(tmp_path: Path) -> None:
    net = Net()
    net.input("x", 1, 1, "H", "W")
    for _ in range(3):
        net.nodes.append(helper.make_node("Relu", ["x"], [f"v{len(net.nodes)}"], "same"))
    net.nodes.append(helper.make_node("LeakyRelu", ["v2"], ["y"]))
    source = saved(net.model("y"), tmp_path)
    read = read_model(source)
    assert [node.path for node in read.graph.nodes] == ["same", "same#2", "same#3", "y"]
    patch = GraphPatch(
        replaced={
            "same#2": replace(node_at(read, "same#2"), inputs=("v0",)),
            "y": with_attributes(node_at(read, "y"), alpha=0.25),
        }
    )

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[1].input[0] = "v0"
        model.graph.node[3].attribute.append(helper.make_attribute("alpha", 0.25))

    changed(source, patch, change)


def test_a_large_file_is_patched_as_a_small_one(tmp_path: Path) -> None:
    model = conv_net()
    model.graph.initializer.append(helper.make_tensor("big", 1, [1 << 20], bytes(4 << 20), raw=True))
    source = saved(model, tmp_path)
    pool = node_at(read_model(source), "pool")
    patch = GraphPatch(replaced={"pool": with_attributes(pool, ceil_mode=1)}, constants={"k": Constant(7, (), (5,))})

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[1].attribute.append(helper.make_attribute("ceil_mode", 1))
        model.graph.initializer.append(helper.make_tensor("k", INT64, [], (5).to_bytes(8, "little"), raw=True))

    changed(source, patch, change)


def test_before_version_4_of_the_ir_a_constant_is_an_input_too(tmp_path: Path) -> None:
    model = model_of([helper.make_node("Relu", ["x"], ["y"], "r")], opset=9, ir_version=3)
    source = saved(model, tmp_path)
    node = Node("s", "Add", "", ("y", "k"), ("s",), version=9)
    patch = GraphPatch(before={"": (node,)}, constants={"k": Constant(1, (1,), (2.0,))})
    out = tmp_path / "out.onnx"
    write(source, patch, out)
    onnx.checker.check_model(str(out))
    same_nodes(read_model(out), patch.apply(read_model(source)))


@pytest.mark.parametrize("path", zoo_paths(), ids=lambda path: path.stem)
def test_every_network_of_the_zoo_takes_a_patch(path: Path, tmp_path: Path) -> None:
    """One changed attribute, one node before the middle and one constant; all other messages stay."""
    read = read_model(path)
    nodes = read.graph.nodes
    windowed = next(node for node in nodes if "strides" in node.attributes)
    middle = nodes[len(nodes) // 2]
    new = Node("new/shape", "Shape", "", (read.graph.inputs[0].name,), ("new/shape",), version=read.opsets[""])
    patch = GraphPatch(
        replaced={windowed.path: with_attributes(windowed, group=1, shapelint_test="x")},
        before={middle.path: (new,)},
        constants={"new/k": Constant(INT64, (1,), (7,))},
    )
    out = tmp_path / "out.onnx"
    write(path, patch, out)
    same_nodes(read_model(out), patch.apply(read))
    before, after = onnx.load(path, load_external_data=False), onnx.load(out, load_external_data=False)
    kept = [node for node in after.graph.node if node.name != "new/shape"]
    differ = [index for index, node in enumerate(before.graph.node) if node != kept[index]]
    assert len(differ) == 1
    assert len(kept) == len(before.graph.node)
    assert list(before.graph.initializer) == list(after.graph.initializer)[:-1]
    for field in ("input", "output", "value_info"):
        assert list(getattr(before.graph, field)) == list(getattr(after.graph, field))


# -- weights outside the file ------------------------------------------------------------------------------------------


def test_external_weights_are_left_where_they_are(tmp_path: Path) -> None:
    net = Net()
    net.input("x", 1, 1, "H", "W")
    net.conv("x", "y")
    net.output("y", 1, 1, None, None)
    path = tmp_path / "in.onnx"
    onnx.save(net.model(), path, save_as_external_data=True, location="in.bin", size_threshold=0)
    pads = with_attributes(node_at(read_model(path), "y"), pads=(0, 0, 0, 0))
    patch = GraphPatch(replaced={"y": pads})
    assert write(path, patch, tmp_path / "out.onnx") is None
    onnx.checker.check_model(str(tmp_path / "out.onnx"))
    (tmp_path / "there").mkdir()
    note = write(path, patch, tmp_path / "there" / "out.onnx")
    assert note is not None
    assert "`in.bin`" in note
    os.truncate(tmp_path / "in.bin", 0)  # never opened
    assert write(path, patch, tmp_path / "again.onnx") is None


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(source: Path, patch: GraphPatch, out: Path) -> str:
    """The sentence of the refusal; what stood at `out` stands there still, and nothing else is left."""
    before = out.read_bytes() if out.is_file() else None
    beside = sorted(out.parent.iterdir()) if out.parent.is_dir() else []
    with pytest.raises(SpliceError) as error:
        write(source, patch, out)
    assert (out.read_bytes() if out.is_file() else None) == before
    assert (sorted(out.parent.iterdir()) if out.parent.is_dir() else []) == beside
    return str(error.value)


def test_unknown_nodes_and_nodes_of_functions_are_refused(tmp_path: Path) -> None:
    body = [helper.make_node("Relu", ["a"], ["b"], "inner")]
    function = helper.make_function("local", "Twice", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    model = model_of([helper.make_node("Twice", ["x"], ["y"], "call", domain="local")], functions=[function])
    source = saved(model, tmp_path)
    read = read_model(source)
    inner = read.graph.nodes[0]
    assert read.inlined == {inner.path} == {"call/inner"}
    out = tmp_path / "out.onnx"
    assert "`call`" in refused(source, GraphPatch(replaced={inner.path: inner}), out)
    assert "no node `gone`" in refused(source, GraphPatch(before={"gone": ()}), out)
    assert "no input `gone`" in refused(source, GraphPatch(inputs={"gone": Declared("gone")}), out)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    source = saved(conv_net(), tmp_path)
    patch = GraphPatch(metadata={"k": "v"})
    assert "the model itself" in refused(source, patch, source)
    (tmp_path / "link.onnx").symlink_to(source)
    assert "the model itself" in refused(source, patch, tmp_path / "link.onnx")
    assert "cannot be written" in refused(source, patch, tmp_path / "gone" / "out.onnx")
    (tmp_path / "folder").mkdir()
    assert "directory" in refused(source, patch, tmp_path / "folder")


def test_a_disk_that_fills_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(conv_net(), tmp_path)
    out = tmp_path / "out.onnx"
    out.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert (
        refused(source, GraphPatch(metadata={"k": "v"}), out) == f"`{out}` cannot be written: no space left on device"
    )


def test_a_constant_without_values_is_refused(tmp_path: Path) -> None:
    source = saved(conv_net(), tmp_path)
    patch = GraphPatch(constants={"k": Constant(1, (9,))})
    assert "`k`" in refused(source, patch, tmp_path / "out.onnx")
