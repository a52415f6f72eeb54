"""A visitor of the shop: a small HTTP client that visits addresses once, often (--count), or for ever (--every).

For example `python3 -m bookshop.visitor --count 200 http://reviews.bookshop:8080/reviews/1`.
"""

import argparse
import signal
import sys
import time
from collections import Counter
from typing import Final, NoReturn

from .client import Answer, CallError, fetch
from .serving import log

TIMEOUT_SECONDS: Final = 10.0


def parse_header(text: str) -> tuple[str, str]:
    """Name and value of a header written as `end-user: tester`."""
    name, colon, value = text.partition(":")
    if not name.strip() or not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is no header: write 'name: value'")
    return name.strip(), value.strip()


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line; argparse reports what is wrong and ends the process."""
    parser = argparse.ArgumentParser(prog="python3 -m bookshop.visitor", description="Visit addresses over HTTP.")
    parser.add_argument("url", nargs="+", metavar="URL")
    parser.add_argument("--header", action="append", default=[], type=parse_header, help="'name: value', repeatable")
    often = parser.add_mutually_exclusive_group()
    often.add_argument("--count", type=int, default=1, help="visit so often and count the answers")
    often.add_argument("--every", type=float, help="visit for ever, with a pause of so many seconds")
    return parser.parse_args(arguments)


def visit(url: str, headers: dict[str, str]) -> Answer:
    """One visit. Where no answer came, the status is 0 and the body says why."""
    try:
        return fetch(url, headers, timeout=TIMEOUT_SECONDS)
    except CallError as error:
        return Answer(0, str(error).encode(), "")


def describe(answer: Answer) -> str:
    """Status and who answered, or for a failure the beginning of what it says, escaped."""
    if answer.status and answer.status < 400:
        return f"{answer.status} {answer.served_by}".rstrip()
    text = answer.body[:120].decode(errors="replace").strip()
    return f"{answer.status or 'no answer'} {text!r}"


def visit_once(url: str, headers: dict[str, str]) -> bool:
    """Show one answer with its body; whether it was a good one."""
    answer = visit(url, headers)
    log(f"{url}: {describe(answer)}")
    good = 0 < answer.status < 400
    if good:
        log(answer.body.decode(errors="replace").rstrip())
    return good


def visit_often(url: str, headers: dict[str, str], count: int) -> bool:
    """Show how often each kind of answer came; whether all were good."""
    answers = Counter[str]()
    good = 0
    for _ in range(count):
        answer = visit(url, headers)
        answers[describe(answer)] += 1
        good += 0 < answer.status < 400
    for text, times in answers.most_common():
        log(f"{times:6d} x {url}: {text}")
    return good == count


def visit_for_ever(urls: list[str], headers: dict[str, str], pause: float) -> NoReturn:
    """Show one line a visit, until a signal ends the process."""
    while True:
        for url in urls:
            log(f"{url}: {describe(visit(url, headers))}")
        time.sleep(max(0.1, pause))


def main(arguments: list[str]) -> int:
    """Visit; end with 1 where an answer was missing or an error."""
    options = parse_arguments(arguments)
    headers = dict(options.header)
    if options.every is not None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        visit_for_ever(options.url, headers, options.every)
    if options.count == 1:
        good = [visit_once(url, headers) for url in options.url]
    else:
        good = [visit_often(url, headers, options.count) for url in options.url]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
