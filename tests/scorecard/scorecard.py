"""Reads what scripts/clients has played, and writes the page. Run by scripts/clients."""

import collections
import fnmatch
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
PAGE = HERE / "README.md"
# Of the verdicts of one cell, how the page writes those that are no pass.
LETTERS = {
    "LEAK": "L", "WRONG": "W", "BYPASS": "B", "STORM": "S", "HANG": "H", "CRASH": "C",
    "FAILED": "F", "NOT-EXERCISED": "N", "FLAKY": "K", "LEAK-LOG": "l", "SLOW": "s", "VAGUE": "v",
}
FAILS = ("LEAK", "WRONG", "BYPASS", "STORM", "HANG", "CRASH", "FAILED", "NOT-EXERCISED", "FLAKY")
SAFETY = ("LEAK", "WRONG", "BYPASS")
ROBUST = ("STORM", "HANG", "CRASH", "FAILED", "NOT-EXERCISED", "FLAKY")
CLARITY = ("SLOW", "VAGUE")
# Above this the machine was too busy: in milliseconds.
LATE = 200
UNJUDGED = ("INCONCLUSIVE", "HARNESS", "UNSUPPORTED", "NOT-RUN", "MISSING")
# Played once more without a timeout: how long does the client wait by itself?
SILENT = ("syn/blackhole", "reply/hang", "tunnel/silence", "body/stall-midway")


def summary(folder):
    """What badproxy matrix has left in a folder; None when there is nothing."""
    file = folder / "summary.json"
    return json.loads(file.read_text()) if file.exists() else None


def cells(found):
    return {cell["scenario"]: cell for cell in found["cells"]} if found else {}


def said(folder, cell):
    """What the client printed, where that was kept."""
    files = [folder / cell["dir"] / name for name in ("stdout", "stderr")] if cell["dir"] else []
    return "".join(file.read_text(errors="replace") for file in files if file.exists())


class Client:
    def __init__(self, into, name):
        self.name, self.folder = name, into / name
        text = lambda file: (self.folder / file).read_text().strip() if (self.folder / file).exists() else ""
        self.title, self.version, self.missing = text("title") or name, text("version"), text("missing")
        self.matrix = None if self.missing else summary(self.folder / "matrix")
        self.cells = cells(self.matrix)
        self.patience = {} if self.missing else cells(summary(self.folder / "patience"))

    def supported(self, cell):
        """Whether it knows this kind of proxy: what it does with a broken one says nothing else,
        unless it gives its credentials away."""
        if cell["stage"] != "proxy_tls" or cell["scenario"] == "proxy_tls/plain-to-tls-port":
            return True
        if cell["verdict"] == "LEAK":
            return True
        control = self.cells.get("ok/https-proxy")
        return control is None or control["verdict"] in ("PASS", "SLOW")

    def calm(self):
        """Whether nine of ten cells were played in time: the rest of a row would mislead."""
        late = [c for c in self.cells.values() if c["lag_max_ms"] > LATE]
        return bool(self.cells) and len(late) * 10 <= len(self.cells)

    def judged(self):
        """Cells that say something of the client."""
        return [c for c in self.cells.values()
                if c["verdict"] not in UNJUDGED and c["lag_max_ms"] <= LATE and self.supported(c)]

    def truth(self, into, keys):
        """The cell of scripts/clients --truths."""
        return cells(summary(into / "truths" / (self.name + ("" if "timeout" in keys else "5")))).get(keys["scenario"])

    def score(self, words):
        of = self.judged()
        bad = [c for c in of if words_of(c) & set(words)]
        return f"{len(of) - len(bad)}/{len(of)}"


def words_of(cell):
    return {finding["verdict"] for finding in cell["findings"]} | {cell["verdict"]}


def clients(into):
    return [Client(into, path.parent.name) for path in sorted(HERE.glob("*/client"))]


def truths():
    for line in (HERE / "truths.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            client, scenario, timeout, verdict, words = (line.split("\t") + [""])[:5]
            yield client, scenario, timeout.strip("-"), verdict, words


def check_truths(into, names):
    wrong = passed = 0
    for client, scenario, timeout, verdict, words in truths():
        if client not in names:
            continue
        limit = f"{timeout} s" if timeout else "no timeout"
        folder = into / "truths" / (client + timeout)
        cell = cells(summary(folder)).get(scenario)
        got = cell["verdict"] if cell else "not played"
        # A busy machine can make a pass slow.
        good = cell and (got == verdict or (verdict, got) == ("PASS", "SLOW")) and words in said(folder, cell)
        passed, wrong = passed + bool(good), wrong + (not good)
        print(f"{'holds ' if good else 'BROKEN'}  {client:26} {scenario:24} {limit:11} {got}" + ("" if good else f", {verdict} {words!r} expected"))
        if cell and not good:
            for line in said(folder, cell).strip().splitlines()[-5:]:
                print(f"        | {line}")
    print(f"{passed} passed, {wrong} failed")
    if not passed + wrong:
        print(f"nothing is known of {' '.join(names)}; scripts/clients NAME --scenario GLOB plays any scenario")
        return 2
    return 1 if wrong else 0


def group_cell(client, stage):
    of = [c for c in client.judged() if c["stage"] == stage]
    if not of:
        return "–"
    count = collections.Counter(c["verdict"] for c in of)
    letters = " ".join(f"{n}{LETTERS[word]}" if n > 1 else LETTERS[word]
                       for word, n in sorted(count.items(), key=lambda item: list(LETTERS).index(item[0]) if item[0] in LETTERS else 99) if word in LETTERS)
    return letters or "✔"


def defects():
    """The paragraphs kept by hand: title, keys, text."""
    for part in re.split(r"^## ", (HERE / "defects.md").read_text(), flags=re.M)[1:]:
        title, _, rest = part.partition("\n")
        head, _, text = rest.strip().partition("\n\n")
        keys = dict(line.split(": ", 1) for line in head.splitlines())
        yield title, keys, text.strip()


def explained():
    """Pairs of client and scenario that a paragraph is about."""
    return [(name, pattern) for _, keys, _ in defects()
            for name in keys["clients"].split() for pattern in [keys["scenario"], *keys.get("also", "").split()]]


def seconds(cell):
    if cell is None:
        return "–"
    if cell["exit"] is None or cell["exit"]["killed_by_us"]:
        return "**> 30 s**"
    if cell["exit"]["code"] == 0:
        return "exit 0"
    return f"{cell['ms'] / 1000:.0f} s" if cell["ms"] >= 1000 else "< 1 s"


def page(into):
    played = clients(into)
    judged = [client for client in played if client.calm()]
    stages = list(dict.fromkeys(c["stage"] for client in judged for c in client.cells.values()))
    found = [m for client in played for m in [client.matrix if client in judged else None] if m]
    found += [m for file in sorted((into / "truths").glob("*/summary.json")) for m in [summary(file.parent)]]
    dates = sorted({m["started"][:10] for m in found}) or ["no day"]
    host = found[0]["host"] if found else {"os": "?", "arch": "?", "cpus": "?"}
    out = [
        "<!-- Written by scripts/clients from its results and defects.md; do not edit by hand. -->",
        "# Scorecard: what real clients do behind broken proxies", "",
        f"Played on {' to '.join(dict.fromkeys([dates[0], dates[-1]]))}, {host['os']} {host['arch']}, {host['cpus']} processors. Each client is a small program in this folder, "
        "written as that client's users write it, with a timeout of 5 s of its own where it has such a setting; `scripts/clients --help` says how they are installed and played.", "",
    ]
    if judged:
        out += [
            "A row says in how many scenarios of a stage something went wrong: "
            "**L** leak of a secret, **W** wrong (success without the target's answer, or data under a bad certificate), **S** storm (more connections than the scenario allows, be it four for three), **H** hang (still running after three times its timeout; where the timeout is one of each try, tries take that long, too), "
            "**C** crash, **F** failed where it should have coped, **N** proxy not used, **K** runs disagree; **s** slow to fail, **v** vague: failed as it should, but its words do not say why. "
            f"✔ is none of them, – not judged. Cells in which badproxy itself was late by more than {LATE} ms are not judged, nor clients with more than a tenth of such cells.", "",
            "Safety is the share of scenarios without L, W or a way around the proxy (which cannot be seen here), robustness without S, H, C, F, N or K, clarity without s or v. They are never added up.", "",
        ]
    else:
        out += [
            f"The table of clients and stages is still empty: a client is in it when badproxy itself was on time, to {LATE} ms, in nine of ten of its cells, and no run has been so yet. "
            "What stands under Defects is from `scripts/clients --truths`.", "",
        ]
    head = ["client", "version"] + (["safety", "robustness", "clarity"] + stages if judged else [])
    out += ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for client in played:
        row = [client.title, f"MISSING: {client.missing}" if client.missing else client.version]
        if client in judged:
            row += [client.score(SAFETY), client.score(ROBUST), client.score(CLARITY)] + [group_cell(client, s) for s in stages]
        elif judged:
            row += ["not judged"] + [""] * (len(head) - 3)
        out.append("| " + " | ".join(row) + " |")
    silent = [s for s in SILENT if any(s in client.patience for client in judged)]
    if silent:
        out += ["", "## How long they wait by themselves", "",
                "The same programs without a timeout, for 30 s:", "",
                "| client | " + " | ".join(f"`{s}`" for s in silent) + " |", "| --- " * (1 + len(silent)) + "|"]
        out += [f"| {client.title} | " + " | ".join(seconds(client.patience.get(s)) for s in silent) + " |" for client in judged if client.patience]
    by_name = {client.name: client for client in played}
    out += ["", "## Defects"]
    for title, keys, text in defects():
        out += ["", f"### {title}", "", text, ""]
        for name in keys["clients"].split():
            client = by_name.get(name)
            cell = client and (client.truth(into, keys) or client.cells.get(keys["scenario"]))
            measured = next((f["measured"] for f in cell["findings"] if f["verdict"] == cell["verdict"]), "") if cell else ""
            out.append(f"- {client.title if client else name} {client.version if client else ''}: " + (f"{cell['verdict']}{', ' + measured if measured else ''}" if cell else "not played"))
        first = keys["clients"].split()[0]
        is_truth = any(t[:2] == (first, keys["scenario"]) for t in truths())
        again = f"--truths {first}" if is_truth else f"{first} --scenario {keys['scenario']}"
        out.append(f"- Again: `scripts/clients {again}`")
        out.append(f"- Upstream: {keys['upstream']}")
    known = explained()
    rest = []
    for client in judged:
        other = [c for c in client.judged() if c["verdict"] in FAILS and not any(n == client.name and fnmatch.fnmatch(c["scenario"], p) for n, p in known)]
        if other:
            rest.append(f"| {client.title} | " + ", ".join(f"`{c['scenario']}` {c['verdict']}" for c in other) + " |")
    if rest:
        out += ["", "## Other cells that failed", "", "What a client was asked for here may be more than it promises.", "", "| client | cells |", "| --- | --- |", *rest]
    return "\n".join(out) + "\n"


def line(client):
    words = collections.Counter(c["verdict"] for c in client.cells.values())
    return ", ".join(f"{n} {word}" for word, n in words.most_common()) or "nothing judged"


def main(verb, *rest):
    if verb == "silent":
        print(*SILENT, sep="\n")
        return 0
    if verb == "truth-cells":
        for client, scenario, timeout, _, _ in truths():
            print(client, scenario, timeout, sep="\t")
        return 0
    into = pathlib.Path(rest[0])
    if verb == "truths":
        return check_truths(into, rest[1:])
    if verb == "line":
        print(f"{rest[1]:28} {line(Client(into, rest[1]))} ({rest[2]} s)", flush=True)
    elif verb == "page":
        PAGE.write_text(page(into))
    elif verb == "check":
        return 0 if PAGE.read_text() == page(into) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
