"""Precision, recall and F1 of `pellucid pii scan` beside presidio-analyzer on the same texts in the same run, and how fast each is.

A finding counts when it has the label's category and covers it (intersection over union of at least one half). Categories nobody labelled in the texts
are left out, so that a correct finding of an unlabelled thing is not held against either.
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import time

from generator import LOCALES, Sample, generate

PATTERN = ["phone", "email", "creditcard", "bank", "crypto", "date", "ip", "url", "ssn", "nationalid", "passport", "credentials"]
NAMES = ["person", "location", "organization"]
OURS = {
    "PERSON": "person", "LOCATION": "location", "ORGANIZATION": "organization", "PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "creditcard", "BANK": "bank", "CRYPTO": "crypto", "DATE_TIME": "date", "IP_ADDRESS": "ip", "URL": "url",
    "DOMAIN_NAME": "url", "SSN": "ssn", "NATIONAL_ID": "nationalid", "PASSPORT": "passport", "CREDENTIALS": "credentials", "NRP": "nrp",
}  # fmt: skip
# Categories one detector files under the other name: identity numbers of residents are both.
SAME = {"nationalid": "ssn"}

Spans = list[tuple[int, int, str]]


def overlap(a: tuple[int, int, str], b: tuple[int, int, str]) -> float:
    both = min(a[1], b[1]) - max(a[0], b[0])
    return both / (max(a[1], b[1]) - min(a[0], b[0])) if both > 0 else 0.0


class Score:
    def __init__(self) -> None:
        self.hits = self.found = self.labels = 0

    @property
    def figures(self) -> tuple[float, float, float]:
        precision = self.hits / self.found if self.found else 0.0
        recall = self.hits / self.labels if self.labels else 0.0
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(samples: list[Sample], results: list[Spans], misses: list | None = None) -> dict[tuple[str, str], Score]:
    scores: dict[tuple[str, str], Score] = collections.defaultdict(Score)
    labelled = {SAME.get(category, category) for sample in samples for _, _, category in sample.spans}
    for sample, found in zip(samples, results):
        used: set[int] = set()
        folded = [(s, e, SAME.get(c, c)) for s, e, c in found]
        for start, end, category in sample.spans:
            key = (sample.language, category)
            scores[key].labels += 1
            best = max(
                (i for i, span in enumerate(folded) if i not in used and span[2] == SAME.get(category, category)),
                key=lambda i: overlap(folded[i], (start, end, "")), default=None,
            )  # fmt: skip
            if best is not None and overlap(folded[best], (start, end, "")) >= 0.5:
                used.add(best)
                scores[key].hits += 1
                scores[key].found += 1
            elif misses is not None:
                misses.append(("miss", sample, category, sample.text[start:end]))
        for i, (start, end, category) in enumerate(folded):
            if i in used or category not in labelled:
                continue
            name = "nationalid" if category == "ssn" and sample.language != "en" else category
            # A country within an address that was found as a whole is no mistake of its own.
            if category == "location" and any(c == "location" and s <= start and end <= e for s, e, c in sample.spans):
                continue
            scores[(sample.language, name)].found += 1
            if misses is not None:
                misses.append(("false", sample, category, sample.text[start:end]))
    return scores


def ours(command: list[str], samples: list[Sample], repeat: int = 1) -> tuple[list[Spans], float]:
    """The findings, and seconds for one pass: a run over the texts `repeat` times less one over none."""
    lines = "".join(json.dumps({"text": sample.text}, ensure_ascii=False) + "\n" for sample in samples).encode()
    start = time.perf_counter()
    subprocess.run(command, input=b"", stdout=subprocess.DEVNULL, check=True)
    idle = time.perf_counter() - start
    start = time.perf_counter()
    output = subprocess.run(command, input=lines * repeat, stdout=subprocess.PIPE, check=True).stdout
    seconds = max(1e-9, time.perf_counter() - start - idle) / repeat
    results = []
    for sample, line in zip(samples, output.decode().splitlines()):
        offsets = {len(sample.text[:i].encode()): i for i in range(len(sample.text) + 1)}
        spans = json.loads(line)["spans"]
        results.append([(offsets[s["start"]], offsets[s["end"]], OURS[s["type"]]) for s in spans if s["type"] in OURS])
    return results, seconds


def table(title: str, rows: list[str], mine: dict, theirs: dict | None, pick) -> list[tuple[str, float, float]]:
    print(f"\n{title:<24}{'pellucid':^29}{'presidio':^29}")
    print(f"{'':<24}{'precision':>10}{'recall':>9}{'F1':>8}  {'precision':>10}{'recall':>9}{'F1':>8}{'labels':>8}")
    compared = []
    for row in rows:
        a, b = Score(), Score()
        for source, total in ((mine, a), (theirs or {}, b)):
            for key, part in source.items():
                if pick(row, key):
                    total.hits, total.found, total.labels = total.hits + part.hits, total.found + part.found, total.labels + part.labels
        if not a.labels:
            continue
        own, peer = a.figures, b.figures
        print(f"{row:<24}" + "".join(f"{x:>10.3f}"[:10] if i == 0 else f"{x:>9.3f}" if i == 1 else f"{x:>8.3f}" for i, x in enumerate(own)) + "  "
              + (f"{peer[0]:>10.3f}{peer[1]:>9.3f}{peer[2]:>8.3f}" if theirs is not None else " " * 27) + f"{a.labels:>8}")  # fmt: skip
        compared.append((row, own[2], peer[2]))
    return compared


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--command", default=".build/release/pellucid pii scan", help="what reads JSON lines with `text` and prints `spans`")
    parser.add_argument("--languages", default=",".join(LOCALES))
    parser.add_argument("--each", type=int, default=20, help="texts per template")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--part", choices=["tune", "test"], default="test", help="templates to use; the figures that count are those of `test`")
    parser.add_argument("--no-peer", action="store_true", help="without presidio")
    parser.add_argument("--misses", type=int, default=0, help="how many mistakes to print for each language and category")
    options = parser.parse_args()
    languages = options.languages.split(",")
    samples = generate(languages, options.each, options.seed, options.part)
    misses: list | None = [] if options.misses else None
    results, seconds = ours(options.command.split(), samples, repeat=1 if options.no_peer else 20)
    mine = score(samples, results, misses)
    theirs, peer_seconds = None, 0.0
    if not options.no_peer:
        from peer import Peer

        peer = Peer(languages)
        peer.scan(samples[:20])
        start = time.perf_counter()
        theirs_results = peer.scan(samples)
        peer_seconds = time.perf_counter() - start
        theirs = score(samples, theirs_results)
    print(f"{len(samples)} texts, {sum(len(s.text.encode()) for s in samples)} bytes, part {options.part}, seed {options.seed}")
    rows = table("patterns", PATTERN, mine, theirs, lambda row, key: key[1] == row)
    table("names", NAMES, mine, theirs, lambda row, key: key[1] == row)
    named = []
    for category in ("person", "location", "organization"):
        found = table(f"{category}, by language", languages, mine, theirs, lambda row, key: key == (row, category))
        named += [(category, *row) for row in found]
    for kind, sample, category, text in pick_misses(misses or [], options.misses):
        print(f"{kind:>6} {sample.language} {category:<12} «{text}» in «{sample.text}»")
    return verdict(rows, named, seconds, peer_seconds)


def pick_misses(misses: list, most: int) -> list:
    count: collections.Counter = collections.Counter()
    picked = []
    for miss in misses:
        count[(miss[0], miss[1].language, miss[2])] += 1
        if count[(miss[0], miss[1].language, miss[2])] <= most:
            picked.append(miss)
    return sorted(picked, key=lambda m: (m[1].language, m[2], m[0]))


def verdict(patterns, named, seconds: float, peer_seconds: float) -> int:
    """Prints each target with met or missed."""
    failed = 0

    def check(text: str, is_met: bool) -> None:
        nonlocal failed
        failed += not is_met
        print(f"{'met   ' if is_met else 'MISSED'}  {text}")

    print()
    for row, own, peer in patterns:
        check(f"{row}: F1 {own:.3f} ≥ 0.95", own >= 0.95)
        if peer_seconds:
            check(f"{row}: F1 {own:.3f}, presidio {peer:.3f}", own > peer or own == peer == 1)
    for category, row, own, _ in named:
        if category in ("person", "location"):
            check(f"{category} {row}: F1 {own:.3f} ≥ 0.75", own >= 0.75)
    if peer_seconds:
        check(f"throughput: {peer_seconds / seconds:.0f} times presidio's ≥ 100 ({seconds * 1e3:.1f} ms against {peer_seconds * 1e3:.0f} ms)", peer_seconds / seconds >= 100)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
