"""The Python interface, as INTERFACE.md writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

import shapelint
from shapelint import finding

from .nets import Net
from .shared import FIXTURES

if TYPE_CHECKING:
    import onnx

UNET = FIXTURES / "models" / "unet.onnx"


def unet(depth: int = 3, height: int | str | None = "H", width: int | str | None = "W") -> onnx.ModelProto:
    net = Net()
    y = net.unet(net.input("x", 1, 1, height, width), depth)
    net.node("Identity", [y], "y")
    return net.model("y")


def test_check() -> None:
    report = shapelint.check(UNET, inputs={"image": (1, 3, 225, 225)})
    assert report.exit_code == 1
    assert [each.name for each in report.findings] == ["skip-size-mismatch"]
    assert report.findings[0].severity is finding.Severity.ERROR
    assert report.to_json()["summary"]["errors"] == 1
    assert shapelint.check(UNET, where="multiple of 32").exit_code == 0
    assert shapelint.check(UNET, where={"H": "8*k", "W": "multiple of 8"}).findings == []
    assert shapelint.check(UNET).exit_code == 0
    assert shapelint.check(UNET, fail_on="info").exit_code == 1
    assert shapelint.check(UNET, ignore=["SHP101"]).findings == []
    assert shapelint.check(UNET, inputs={"nope": (1,)}).exit_code == 2
    assert shapelint.check(UNET, inputs={"image": (1, 3, 224, 224)}, where="multiple of 32").exit_code == 0


@pytest.mark.parametrize("form", ["path", "text", "bytes", "proto"])
def test_each_form_of_a_source(form: str, tmp_path: Path) -> None:
    model = unet()
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    source = {"path": path, "text": str(path), "bytes": path.read_bytes(), "proto": model}[form]
    assert shapelint.sizes(source)["x"][2].pad_to == 8  # type: ignore[union-attr]
    assert shapelint.check(source).exit_code == 0
    assert shapelint.shapes(source, inputs=(1, 1, 16, 24))["y"] == (1, 1, 16, 24)


def test_sizes() -> None:
    sizes = shapelint.sizes(unet())
    assert list(sizes) == ["x"]
    assert list(sizes["x"]) == [2, 3]
    heights = sizes["x"][2]
    assert isinstance(heights, shapelint.SizeSet)
    assert 224 in heights
    assert 225 not in heights
    assert heights.nearest(225) == (224, 232)
    assert heights.nearest(3) == (None, 8)
    assert heights.pad_to == 8
    assert sizes.verdict == "restricted"
    assert sizes.coupled == []
    assert sizes.unknown == []
    assert [(each["output"], each["axis"]) for each in sizes.outputs] == [("y", 2), ("y", 3)]
    assert sizes.to_json()["verdict"] == "restricted"
    with pytest.raises(KeyError):
        sizes["z"]


def test_sizes_of_all_axes_together() -> None:
    sizes = shapelint.sizes(unet())
    assert sizes.fits({"x": (1, 1, 224, 232)}) is True
    assert sizes.fits({"x": (1, 1, 224, 225)}) is False
    assert sizes.fits((1, 1, 224, 224)) is True
    with pytest.raises(ValueError, match="no input `z`; its inputs are x"):
        sizes.fits({"z": (1, 1, 8, 8)})
    with pytest.raises(ValueError, match="4 axes and 3 are given"):
        sizes.fits((1, 8, 8))


def test_fits_compares_declared_constants_too() -> None:
    assert shapelint.sizes(unet()).fits((1, 2, 224, 224)) is False
    assert shapelint.sizes(unet(3, 224, 224)).fits((1, 1, 224, 224)) is True
    assert shapelint.sizes(unet(3, 224, 224)).fits((1, 1, 232, 224)) is False
    freed = shapelint.sizes(unet(3, 224, 224), inputs=(1, 1, "H", 224))
    assert freed.fits((1, 1, 232, 224)) is True
    assert freed.fits((1, 1, 232, 232)) is False
    assert freed.plan((1, 1, 225, 224)).pad["x"] == ((0, 0), (0, 0), (0, 7), (0, 0))
    with pytest.raises(shapelint.NoSizeFits):
        freed.plan((1, 1, 225, 225))


def test_coupled_axes() -> None:
    net = Net()
    patch = net.conv(net.input("x", 1, 3, "H", "W"), "patch", 3, 8, 16, 16, 0)
    sizes = shapelint.sizes(net.model(net.node("Reshape", [patch, net.const("s", [1, 8, 196])], "r")))
    assert sizes.coupled == ["(H//16)*(W//16) == 196"]
    assert sizes.fits((1, 3, 224, 224)) is True
    assert sizes.fits((1, 3, 224, 112)) is False
    assert sizes.fits((1, 3, 112, 448)) is True


def test_what_is_not_known() -> None:
    net = Net(**{"com.acme": 1})
    sizes = shapelint.sizes(net.model(net.node("Foo", [net.input("x", 1, 1, "H", "W")], "foo", domain="com.acme")))
    assert sizes["x"][2] is None
    assert sizes.verdict == "unknown"
    assert [(each.path, each.op) for each in sizes.unknown] == [("foo", "com.acme::Foo")]
    assert sizes.fits((1, 1, 8, 8)) is None


def test_one_axis_beside_a_number() -> None:
    sizes = shapelint.sizes(UNET, inputs={"image": (1, 3, "H", 64)})
    assert list(sizes["image"]) == [2]
    assert shapelint.sizes(UNET, inputs=(1, 3, None, 64))["image"][2] == sizes["image"][2]


@pytest.mark.parametrize("shape", [(1, 1, 225, 225), (1, 1, 13, 24), (1, 1, 16, 16)])
def test_a_plan_is_for_numpy(shape: tuple[int, ...]) -> None:
    """Pad, run, crop: what comes out is as large as what went in, for every output that keeps its size."""
    model = unet()
    plan = shapelint.sizes(model).plan({"x": shape})
    image = np.zeros(shape, np.float32)
    padded = np.pad(image, plan.pad["x"])
    assert all(size % 8 == 0 for size in padded.shape[2:])
    made = np.asarray(ReferenceEvaluator(model).run(None, {"x": padded})[0])
    keep = plan.crop["y"]
    assert keep is not None
    assert made[keep].shape == shape


def test_no_plan() -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", 8)
    model = net.model(net.node("Reshape", [x, net.const("s", [1, 64])], "flat"))
    assert shapelint.sizes(model).plan((1, 1, 5, 8)).pad["x"] == ((0, 0), (0, 0), (0, 3), (0, 0))
    with pytest.raises(shapelint.NoSizeFits):
        shapelint.sizes(model).plan((1, 1, 9, 8))


def test_shapes() -> None:
    shapes = shapelint.shapes(unet(), inputs={"x": (1, 1, 24, 32)})
    assert shapes["y"] == (1, 1, 24, 32)
    assert shapes["pool3"] == (1, 1, 3, 4)
    free = shapelint.shapes(unet())["pool3"]
    assert free is not None
    assert [str(dim) for dim in free] == ["1", "1", "H//8", "W//8"]
    assert isinstance(free[2], shapelint.Expr)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(shapelint.DoesNotFit, match="`join1` joins `x` at 225x225 with `up1` at 224x224") as raised:
        shapelint.shapes(unet(), inputs={"x": (1, 1, 225, 225)})
    found = raised.value.finding
    assert (found.rule, found.node) == ("SHP201", "join1")
    with pytest.raises(shapelint.DoesNotFit) as refused:
        shapelint.shapes(unet(3, 224, 224), inputs={"x": (1, 1, 232, 232)})
    assert refused.value.finding.rule == "SHP107"


@pytest.mark.parametrize("name", ["empty", "pointer", "truncated", "checkpoint"])
def test_what_is_no_model(name: str) -> None:
    path = FIXTURES / "broken" / f"{name}.onnx"
    with pytest.raises(shapelint.Unreadable):
        shapelint.sizes(path)
    with pytest.raises(shapelint.Unreadable):
        shapelint.shapes(path)
    report = shapelint.check(path)
    assert report.exit_code == 1
    assert report.findings[0].rule in ("SHP001", "SHP002")


def test_beyond_what_was_searched() -> None:
    net = Net()
    x = net.input("x", 1, 1, "H", 8)
    down = net.node("Resize", [x, "", net.const("0.7", [1, 1, 0.7, 1], np.float32)], "down")
    up = net.node("Resize", [down, "", net.const("1.5", [1, 1, 1.5, 1], np.float32)], "up")
    heights = shapelint.sizes(net.model(net.node("Concat", [x, up], "cat", axis=1)))["x"][2]
    assert heights is not None
    assert heights.checked_to == 65_536
    assert 65_536 not in heights
    with pytest.raises(shapelint.Undecided):
        assert 65_537 in heights


def test_the_public_names() -> None:
    assert set(shapelint.__all__) <= set(dir(shapelint))
    for name in shapelint.__all__:
        assert getattr(shapelint, name) is not None
    with pytest.raises(AttributeError):
        shapelint.nothing  # noqa: B018
    assert Path(shapelint.__file__).with_name("py.typed").is_file()


SPEC = """shapelint: 1
inputs:
  x: [N, 3, H, W]
layers:
  - down: Conv2d(8, 3, stride=2, padding=1)
  - up: Upsample(scale_factor=2)
  - join: Concat(up, x)
expect:
  - join.size >= 64
"""


def test_the_text_of_a_spec() -> None:
    """`expect` narrows what fits; what is left out in the text is left out here."""
    text = shapelint.spec(SPEC)
    sizes = shapelint.sizes(text)["x"][2]
    assert sizes is not None
    assert [n for n in range(1, 80) if n in sizes] == list(range(64, 80, 2))
    assert shapelint.shapes(text, inputs=(1, 3, 66, 64))["join"] == (1, 11, 66, 64)
    report = shapelint.check(text, inputs=(1, 3, 65, 64))
    assert [each.rule for each in report.findings] == ["SHP201"]
    assert report.findings[0].line == 7
    assert any(fix["edits"] for fix in report.to_json()["findings"][0]["fixes"])
    ignored = SPEC.replace("Concat(up, x)", "Concat(up, x)  # shapelint: ignore[SHP201] known")
    assert shapelint.check(shapelint.spec(ignored), inputs=(1, 3, 65, 64)).findings == []
    with pytest.raises(shapelint.Unreadable):
        shapelint.sizes(shapelint.spec("layers: []"))
