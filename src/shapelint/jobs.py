"""Files checked by several processes; what comes out does not depend on how many there are."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shapelint.engine import FileReport, RunError, check_file
from shapelint.registry import own_rules, use_own
from shapelint.report.shown import detached

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shapelint.settings import Settings

FEW: Final = 24
"""So many files are checked sooner by one process than others are started."""


def check_files(work: list[tuple[str, Settings]], jobs: int) -> Iterable[tuple[FileReport | None, RunError | None]]:
    """The report of each file, in the order given; `jobs` of 0 means as many processes as are of use."""
    if jobs == 0:
        jobs = 1 if len(work) <= FEW else os.cpu_count() or 1
    if jobs == 1 or len(work) < 2:
        return (check_file(path, settings) for path, settings in work)
    return _in_processes(work, jobs)


def _in_processes(work: list[tuple[str, Settings]], jobs: int) -> Iterator[tuple[FileReport | None, RunError | None]]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context, own = get_context("spawn"), own_rules()
    with ProcessPoolExecutor(min(jobs, len(work)), context, initializer=use_own, initargs=(own,)) as pool:
        try:
            with _uninterrupted():
                results = pool.map(_check, work, chunksize=4)
            yield from results
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that are started within leave Ctrl-C to this one, which ends them."""
    import signal
    from threading import current_thread, main_thread

    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _check(item: tuple[str, Settings]) -> tuple[FileReport | None, RunError | None]:
    report, error = check_file(*item)
    if error is not None and error.cause is not None:
        error = RunError(error.file, error.message)
    return (None if report is None else detached(report)), error
