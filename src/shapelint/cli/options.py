"""The options that several commands take, and what they state of sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapelint.cli.outcome import UsageError

if TYPE_CHECKING:
    import argparse

    from shapelint.settings import Stated, StatedDims

_DIMS_HELP = (
    "dims of an input, separated by commas (or x): a number pins the axis, a name leaves it free under that name, "
    "an expression ties it (sample=2,4,H//8,W//8); repeatable"
)


def paths_argument(parser: argparse.ArgumentParser) -> None:
    """Files and folders."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; the current folder by default")


def model_argument(parser: argparse.ArgumentParser, metavar: str = "PATH") -> None:
    """One model file."""
    parser.add_argument("path", metavar=metavar, help="a model file")


def sizes_options(parser: argparse.ArgumentParser) -> None:
    """Which sizes are asked about, and which must fit."""
    parser.add_argument("--input", action="append", default=[], metavar="[NAME=]DIMS", help=_DIMS_HELP)
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="[NAME=]DOMAIN",
        help='sizes that must fit: "multiple of 32", H=64..512; without NAME every free axis but the batch; repeatable',
    )
    parser.add_argument(
        "--at", action="append", default=[], metavar="SIZE", help="one size: 225x225, or H=225,W=300; repeatable"
    )


def free_option(parser: argparse.ArgumentParser) -> None:
    """Whether fixed axes are asked about as if they were free."""
    parser.add_argument("--free", action="store_true", help="treat the spatial axes of a static export as free")


def config_option(parser: argparse.ArgumentParser) -> None:
    """Which configuration is used."""
    parser.add_argument("--config", metavar="FILE", help="use this configuration instead of the closest one")


def isolated_option(parser: argparse.ArgumentParser) -> None:
    """Whether no configuration is used."""
    parser.add_argument("--isolated", action="store_true", help="use no configuration")


def output_options(parser: argparse.ArgumentParser, formats: tuple[str, ...] = ("text", "json")) -> None:
    """How a report looks."""
    parser.add_argument("--format", choices=formats, default="text", help="the format of the report (default: text)")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour in text reports")
    verbose_option(parser)


def verbose_option(parser: argparse.ArgumentParser) -> None:
    """Whether an internal error is shown in full."""
    parser.add_argument("--verbose", action="store_true", help="show the traceback of an internal error")


def words_of(values: list[str]) -> tuple[str, ...]:
    """The words of a repeatable option, which commas and spaces separate too."""
    return tuple(word for value in values for word in value.replace(",", " ").split())


def parse_input(text: str) -> tuple[str | None, StatedDims]:
    """`[NAME=]DIMS` as a name and dims; raises UsageError."""
    from shapelint.settings import stated_dims

    name: str | None
    name, sign, dims = text.rpartition("=")
    if not sign:
        name, dims = None, text
    separator = "," if "," in dims else "x"
    parts = [part.strip() for part in dims.strip("[]() ").split(separator)]
    if not any(parts):
        raise UsageError(f"--input `{text}` holds no dims; write for example --input x=1,3,224,224")
    try:
        return name, stated_dims(parts)
    except ValueError as error:
        raise UsageError(f"--input `{text}`: {error}") from None


def stated_of(options: argparse.Namespace) -> Stated:
    """What the options state of sizes; raises UsageError."""
    from shapelint.settings import Stated, Where
    from shapelint.size.parse import NotASize, parse_domain

    inputs: dict[str | None, StatedDims] = {}
    for text in options.input:
        name, dims = parse_input(text)
        inputs[name] = dims
    where = []
    for text in options.where:
        name, sign, domain = text.rpartition("=")
        try:
            where.append(Where(name.strip() if sign else None, parse_domain(domain), domain.strip()))
        except NotASize as error:
            raise UsageError(f"--where `{text}`: {error}") from None
    return Stated(inputs, tuple(where), tuple(options.at), getattr(options, "free", False))
