"""usage: check_comparison.py PAGE FOLDER

Opens a page of `flexmig simulate compare` as a desktop and as a phone would and checks that all workloads
are there, that marks and bars are where their numbers say, and that workloads can be chosen. Screenshots go
to FOLDER."""

import math
import sys

from checks import ARROW_RIGHT, check, check_everywhere, check_lengths, count, did_every_job, equal, mean, select


def runs_of(data, workload, policy):
    return [r for r in data["runs"] if r["workload"] == workload and r["policy"] == policy]


def ratio_of(data, workload, policy):
    values = [r["summary"]["makespan_over_best_baseline"] for r in runs_of(data, workload, policy)]
    values = [v for v in values if v is not None]
    return mean(values) if values else None


def ours(data):
    return [i for i, policy in enumerate(data["policies"]) if policy["role"] == "flexmig"]


def check_overview(browser, data):
    expected = {}
    for workload in range(len(data["workloads"])):
        ratios = [ratio_of(data, workload, policy) for policy in ours(data)]
        expected[workload] = [r for r in ratios if r is not None]
    equal("rows", count(browser, "#ratios g.row"), len([r for r in expected.values() if r]))
    marks = browser.run(
        "const x = (node) => { const box = node.getBoundingClientRect(); return box.left + box.width / 2; };"
        "return [...document.querySelectorAll('#ratios g.row')].map((row) => [Number(row.dataset.workload),"
        " [...row.querySelectorAll('path.mark')].map((m) => [x(m), m.classList.contains('is-loss')])])")
    one = browser.run("return document.querySelector('#ratios line.one').getBoundingClientRect().left")
    scales = []
    for workload, found in marks:
        equal(f"marks of workload {workload}", len(found), len(expected[workload]))
        for (x, is_loss), ratio in zip(found, expected[workload]):
            equal(f"loss of workload {workload}", is_loss, ratio > 1)
            check("losses are right of the line", (x > one - 1.5) == (ratio >= 1) or abs(ratio - 1) < 0.005, f"{ratio}")
            if abs(ratio - 1) > 0.05:
                scales.append((x - one) / (ratio - 1))
    check("marks are to scale", max(scales) / min(scales) < 1.1, f"{min(scales)} to {max(scales)}")
    equal("cards", count(browser, ".verdict .card"), len(ours(data)))
    for place, policy in enumerate(ours(data)):
        ratios = [r for r in (ratio_of(data, w, policy) for w in range(len(data["workloads"]))) if r is not None]
        overall = math.exp(mean([math.log(r) for r in ratios]))
        text = browser.run("return document.querySelectorAll('.verdict .card')[arguments[0]].textContent", place)
        check("a card has the geometric mean", f"{overall:.3f}" in text, f"{overall} in {text}")
        check("a card counts losses", f"longer on {len([r for r in ratios if r > 1.0005])}," in text, text)


def check_workload(browser, data, workload):
    """What is shown about one workload."""
    policies = [p for p in range(len(data["policies"])) if runs_of(data, workload, p)]
    whole = [p for p in policies if all(did_every_job(r) for r in runs_of(data, workload, p))]
    for figure, field in (("makespan-bars", "makespan_s"), ("jct-bars", "mean_jct_s"), ("wait-bars", "mean_wait_s"),
                          ("utilisation-bars", "held_utilisation")):
        check_lengths(browser, f"#{figure} rect.mark",
                      [mean([r["summary"][field] for r in runs_of(data, workload, p)]) for p in whole])
        equal(f"names in {figure}", count(browser, f"#{figure} text.bar-name"), len(policies))
        equal(f"whiskers of {figure}", count(browser, f"#{figure} path.whisker"), len(whole))
    equal("bars of what was asked", count(browser, "#utilisation-bars rect.full"), len(whole))
    equal("policies that left jobs out", count(browser, "#makespan-bars text.none"), len(policies) - len(whole))
    loads = len({values[data["fields"].index("load")] for values in data["workloads"]})
    equal("lines against load", count(browser, "#makespan-load path.mark"), len(whole))
    equal("points against load", count(browser, "#makespan-load circle"), loads * len(whole))


def check_width(browser, data):
    check_overview(browser, data)
    shown = browser.run("return Number(document.querySelector('#ratios g.row.shown').dataset.workload)")
    check_workload(browser, data, shown)
    equal("rows of the results", count(browser, "#table tbody tr"),
          len({(r["workload"], r["policy"]) for r in data["runs"]}))

    browser.run("document.querySelector('#ratios g.row').dispatchEvent(new MouseEvent('click'))")
    browser.wait_until("return document.querySelector('#ratios g.row').classList.contains('shown')"
                       " && document.querySelectorAll('#utilisation-bars rect.full').length > 0")
    check_workload(browser, data, 0)
    cluster = data["fields"].index("cluster")
    other = next(values[cluster] for values in data["workloads"] if values[cluster] != data["workloads"][0][cluster])
    selects = browser.run("return [...document.querySelectorAll('#workload .page-controls label')]"
                          ".map((label) => label.firstChild.textContent.trim())")
    select(browser, f"#workload .page-controls label:nth-child({selects.index('Cluster') + 1}) select", other)
    browser.wait_until("return document.querySelectorAll('#utilisation-bars rect.full').length > 0")
    now = browser.run("return Number(document.querySelector('#ratios g.row.shown').dataset.workload)")
    differing = [f for f, a, b in zip(data["fields"], data["workloads"][0], data["workloads"][now]) if a != b]
    equal("what choosing a cluster changes", differing, ["cluster"])
    check_workload(browser, data, now)

    select(browser, "#ratios select", "jct")
    check("the axis says what it shows", browser.run(
        "return document.querySelector('#ratios .axis-label').textContent.startsWith('mean JCT')"))
    browser.keys("#makespan-load svg.chart", ARROW_RIGHT * 3)
    check("arrow keys read values", browser.run(
        "return document.querySelector('#makespan-load .readout').textContent.startsWith('At load ')"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check_comparison.py PAGE FOLDER")
    check_everywhere(sys.argv[1], sys.argv[2], "comparison",
                     "return document.querySelectorAll('#utilisation-bars rect.full').length > 0"
                     " && document.querySelectorAll('#ratios path.mark').length > 0", check_width)
