"""Output paddings in the words of every framework: solved by hand, legal as written, right for what is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from shapelint.analysis import Analysis
from shapelint.fixing.apply import edited
from shapelint.fixing.menu import offers
from shapelint.source import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapelint.fixing.menu import Offer


@dataclass(frozen=True)
class Written:
    """How a framework writes a strided convolution and its transposed form, and what their sizes are by FORMULAS.md."""

    convention: str
    down: str
    up: str
    smaller: Callable[[int], int]
    base: Callable[[int], int]
    """The size that leaves the transposed convolution where 0 is written."""
    left_out: Callable[[int], int]
    """The same where nothing is written."""
    zero: str
    """How 0 is written, and 1."""
    one: str
    dims: str = "N, 1, H"

    def text(self, n: int, *, looped: bool = False) -> str:
        """An autoencoder of two steps for one size."""
        head = f"shapelint: 1\nconvention: {self.convention}\ninputs:\n  x: [{self.dims}]\nsizes:\n  H: {n}\nlayers:\n"
        downs = f"  - a: {self.down}\n  - b: {self.down}\n"
        ups = f"  - u: {self.up}   # deep\n  - y: {self.up}\n"
        if looped:
            ups = f"  - for: i in 0..1   # back\n    do:\n      - up[i]: {self.up}   # both\n  - y: Identity()\n"
        return f"{head}{downs}{ups}expect:\n  - y.size == x.size\n"


def half(n: int) -> int:
    return (n + 1) // 2


SAME = ", padding='same'"
FRAMEWORKS = {
    "pytorch k3": Written(
        "pytorch",
        "Conv1d(1, 3, stride=2, padding=1)",
        "ConvTranspose1d(1, 3, stride=2, padding=1)",
        half,
        lambda m: 2 * m - 1,
        lambda m: 2 * m - 1,
        "output_padding=0",
        "output_padding=1",
    ),
    "pytorch k4": Written(
        "pytorch",
        "Conv1d(1, 4, stride=2, padding=1)",
        "ConvTranspose1d(1, 4, stride=2, padding=1)",
        lambda n: n // 2,
        lambda m: 2 * m,
        lambda m: 2 * m,
        "output_padding=0",
        "output_padding=1",
    ),
    "paddle k3": Written(
        "paddle",
        "Conv1D(1, 1, 3, stride=2, padding=1)",
        "Conv1DTranspose(1, 1, 3, stride=2, padding=1)",
        half,
        lambda m: 2 * m - 1,
        lambda m: 2 * m - 1,
        "output_padding=0",
        "output_padding=1",
    ),
    "onnx k3": Written(
        "onnx",
        "Conv(kernel_shape=[3], strides=[2], pads=[1, 1])",
        "ConvTranspose(kernel_shape=[3], strides=[2], pads=[1, 1])",
        half,
        lambda m: 2 * m - 1,
        lambda m: 2 * m - 1,
        "output_padding=[0]",
        "output_padding=[1]",
    ),
    "keras same k3": Written(
        "keras",
        f"Conv1D(1, 3, strides=2{SAME})",
        f"Conv1DTranspose(1, 3, strides=2{SAME})",
        half,
        lambda m: 2 * m - 1,
        lambda m: 2 * m,
        "output_padding=0",
        "output_padding=1",
        "H, 1",
    ),
    "keras valid k3": Written(
        "keras",
        "Conv1D(1, 3, strides=2)",
        "Conv1DTranspose(1, 3, strides=2)",
        lambda n: (n - 3) // 2 + 1,
        lambda m: 2 * m + 1,
        lambda m: 2 * m + 1,
        "output_padding=0",
        "output_padding=1",
        "H, 1",
    ),
    "tensorflow same k5": Written(
        "tensorflow",
        f"Conv1D(1, 5, strides=2{SAME})",
        f"Conv1DTranspose(1, 5, strides=2{SAME})",
        half,
        lambda m: 2 * m - 1,
        lambda m: 2 * m,
        "output_padding=0",
        "output_padding=1",
        "H, 1",
    ),
    "jax SAME k3": Written(
        "jax",
        "Conv(1, (3,), strides=(2,))",
        "ConvTranspose(1, (3,), strides=(2,))",
        half,
        lambda m: 2 * m - 1,
        lambda m: 2 * m,
        "padding=((2, 0),)",
        "padding=((2, 1),)",
        "N, H, 1",
    ),
    "jax VALID k3": Written(
        "jax",
        'Conv(1, (3,), strides=(2,), padding="VALID")',
        'ConvTranspose(1, (3,), strides=(2,), padding="VALID")',
        lambda n: (n - 3) // 2 + 1,
        lambda m: 2 * m + 1,
        lambda m: 2 * m + 1,
        "padding=((2, 2),)",
        "padding=((2, 3),)",
        "N, H, 1",
    ),
}
SIZES = (25, 26, 27, 28)


def menu(text: str) -> list[Offer]:
    return offers(Analysis(load(text.encode())))


def applied(text: str, offer: Offer) -> str:
    return edited(text.encode(), offer.fix.edits).decode()


def solved(own: Written, n: int) -> list[int | None]:
    """By hand what each step back needs: nothing where it is right as it stands, else 0 or 1."""
    sizes = [n, own.smaller(n), own.smaller(own.smaller(n))]
    found: list[int | None] = []
    for m, wanted in ((sizes[2], sizes[1]), (sizes[1], sizes[0])):
        found.append(None if own.left_out(m) == wanted else wanted - own.base(m))
    return found


def whole(own: Written) -> list[int]:
    """Sizes at which nothing is empty on the way."""
    return [n for n in range(1, 80) if own.smaller(n) >= 1 and own.smaller(own.smaller(n)) >= 1]


def comes_back(own: Written, settings: list[int | None], n: int) -> bool:
    """Whether a size leaves the network as it came."""
    m = own.smaller(own.smaller(n))
    for more in settings:
        m = own.left_out(m) if more is None else own.base(m) + more
    return m == n


@pytest.mark.parametrize("looped", [False, True])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_output_padding_at_a_stated_size(name: str, n: int, looped: bool) -> None:
    """The numbers are those solved by hand, in the framework's words; the set is right by brute force."""
    own = FRAMEWORKS[name]
    text, settings = own.text(n, looped=looped), solved(own, n)
    found = menu(text)
    if settings == [None, None]:
        assert found == []
        return
    assert all(each in (None, 0, 1) for each in settings)
    offer = next(each for each in found if each.fix.kind == "output_padding")
    assert found[0] is offer
    after = applied(text, offer)
    words = {None: "", 0: f", {own.zero}", 1: f", {own.one}"}
    if looped:
        _, _, value = own.one.partition("=")
        unwritten = {"jax": own.up.partition("padding=")[2].rstrip(")") or '"SAME"'}.get(own.convention)
        unwritten = unwritten or ("None" if own.convention in ("keras", "tensorflow") else own.zero.partition("=")[2])
        values = [{None: unwritten, 0: own.zero.partition("=")[2], 1: value}[each] for each in settings]
        text_of = values[0] if len(set(values)) == 1 else f"[{', '.join(values)}][i]"
        argument = own.one.partition("=")[0]
        call = re.sub(r", padding=\"VALID\"", "", own.up) if argument == "padding" else own.up
        assert after == text.replace(f"up[i]: {own.up}", f"up[i]: {call[:-1]}, {argument}={text_of})")
    else:
        lines = [own.up[:-1] + words[each] + ")" for each in settings]
        if name == "jax VALID k3":
            lines = [line.replace(', padding="VALID"', "", 1) if ", padding=((" in line else line for line in lines]
        assert after == text.replace(f"u: {own.up}", f"u: {lines[0]}").replace(f"y: {own.up}", f"y: {lines[1]}")
    sizes = offer.fix.fits["H"]
    assert [k for k in whole(own) if k in sizes] == [k for k in whole(own) if comes_back(own, settings, k)]
    assert menu(after) == []


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_output_padding_where_sizes_are_free(name: str) -> None:
    """One entry, and it is the setting whose class holds the multiples of 4."""
    own = FRAMEWORKS[name]
    text = own.text(25).replace("sizes:\n  H: 25\n", "")
    entries = [offer for offer in menu(text) if offer.fix.kind == "output_padding"]
    settings = solved(own, 256)
    if settings == [None, None]:
        assert entries == []
        return
    (offer,) = entries
    sizes = offer.fix.fits["H"]
    assert [k for k in whole(own) if k in sizes] == [k for k in whole(own) if comes_back(own, settings, k)]
    assert {k for k in range(8, 80) if k in sizes} == set(range(8, 80, 4))


def test_two_stated_sizes_and_a_free_one() -> None:
    """An entry for each stated size beside the one of the multiples: 25 needs 0 and 0, 27 needs 1 and 0."""
    own = FRAMEWORKS["pytorch k3"]
    text = own.text(25).replace("H: 25", "H: 27 | 28").replace("N, 1, H", "1, 1, H")
    titles = [offer.fix.title for offer in menu(text) if offer.fix.kind == "output_padding"]
    assert titles == []  # no setting is right for 27 and 28
    text = own.text(25).replace("H: 25", "H: 26")
    assert [offer.fix.title for offer in menu(text) if offer.fix.kind == "output_padding"] == [
        "give `y` output_padding=1"
    ]
