"""Asks every external link of README.md, docs/ and rules/ whether it is there; needs the network, unlike the tests.

usage: python tools/check_links.py [--timeout SECONDS]

Prints the links that lead nowhere, with the files that hold them; the exit code is 1 where there are any.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

CHECKOUT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"https://[^\s)\]>\"'`]+")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
EXAMPLES = ("https://example.com",)


def links() -> dict[str, list[str]]:
    """The external links, outside of code, with the files that hold them."""
    found: dict[str, list[str]] = {}
    pages = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
    for path in [*pages, *sorted((CHECKOUT / "rules").glob("*.yaml"))]:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for link in LINK.findall(text):
            url = link.rstrip(".,;:").partition("#")[0]
            if not url.startswith(EXAMPLES):
                files = found.setdefault(url, [])
                name = path.relative_to(CHECKOUT).as_posix()
                files += [] if name in files else [name]
    return found


def trouble(url: str, timeout: float) -> str:
    """Why the link leads nowhere; empty where it leads somewhere."""
    request = Request(url, headers={"User-Agent": "Mozilla/5.0 (shapelint link check)"})
    try:
        with urlopen(request, timeout=timeout) as answer:
            return "" if answer.status < 400 else f"HTTP {answer.status}"
    except HTTPError as error:
        return f"HTTP {error.code}"
    except (URLError, OSError) as error:
        return str(getattr(error, "reason", error))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timeout", type=float, default=20)
    options = parser.parse_args()
    found = links()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda url: trouble(url, options.timeout), found))
    broken = [(url, why) for url, why in zip(found, answers, strict=True) if why]
    for url, why in broken:
        print(f"{url}: {why} (in {', '.join(found[url])})")
    print(f"{len(found)} links, {len(broken)} lead nowhere")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
