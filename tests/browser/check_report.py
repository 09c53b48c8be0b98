"""usage: check_report.py PAGE FOLDER

Opens the page as a desktop and as a phone would and checks that what has to be there is: marks of every
chart in the numbers that the data ask for, bars whose lengths say what the numbers say, tables, keys,
no complaint of the browser, nothing that comes from the names in the data. Screenshots go to FOLDER."""

import sys

from checks import (ARROW_RIGHT, check, check_everywhere, check_lengths, count, did_every_job, equal, mean,
                    select)


def check_marks(browser, data):
    policies = len(data["policies"])
    # One of the sample's policies leaves jobs out: it has no makespan to show.
    whole = [r for r in data["runs"] if did_every_job(r)]
    complete = len({r["policy"] for r in whole})
    equal("policies that did every job", complete, policies - 1)
    first = data["runs"][0]
    runs = [r for r in data["runs"] if r["load"] == first["load"] and r["setting"] == first["setting"]]
    shown = [r for r in runs if "detail" in r]
    equal("runs in detail", len(shown), policies)
    equal("bars", count(browser, "#makespan-bars rect.mark"), complete)
    equal("dots of seeds", count(browser, "#makespan-bars circle.seed"), len([r for r in runs if did_every_job(r)]))
    equal("whiskers", count(browser, "#makespan-bars path.whisker"), complete)
    equal("lines against load", count(browser, "#makespan-load path.mark"), complete)
    equal("points against load", count(browser, "#makespan-load circle"),
          complete * len({r["load"] for r in data["runs"]}))
    equal("bands of seeds", count(browser, "#makespan-load path.band"), complete)
    equal("rows of utilisation", count(browser, "#utilisation path.held"), policies)
    equal("asked in utilisation", count(browser, "#utilisation path.asked"), policies)
    for figure in ("queue", "jct-cdf", "wait-cdf", "fragmentation"):
        equal(f"lines of {figure}", count(browser, f"#{figure} path.mark"), policies)
    ours = next(r for r in shown if r["summary"]["role"] == "flexmig")
    best = min((r for r in shown if r["summary"]["role"] == "baseline" and did_every_job(r)),
               key=lambda r: r["summary"]["makespan_s"])
    equal("rectangles of the Gantt chart", count(browser, "#gantt rect.piece"),
          sum(len(r["detail"]["gantt"]["pieces"]) for r in (ours, best)))
    equal("rows of the results", count(browser, "#table tbody tr"), len(data["runs"]))


def check_bars(browser, data):
    first = data["runs"][0]
    means = []
    for policy in range(len(data["policies"])):
        values = [r["summary"]["makespan_s"] for r in data["runs"]
                  if r["policy"] == policy and r["load"] == first["load"] and did_every_job(r)]
        if values:
            means.append(mean(values))
    check_lengths(browser, "#makespan-bars rect.mark", means)


def check_keys(browser):
    before = browser.run("return document.querySelector('#gantt rect.piece').getAttribute('width')")
    browser.keys("#gantt svg.chart", "++")
    after = count(browser, "#gantt rect.piece")
    check("+ shows a part of the time", browser.run(
        "return document.querySelector('#gantt .brush .selection').getAttribute('width') > 0"), before)
    browser.keys("#gantt svg.chart", "0")
    check("0 shows all again", count(browser, "#gantt rect.piece") >= after)
    browser.keys("#queue svg.chart", ARROW_RIGHT * 3)
    check("arrow keys read values", browser.run(
        "return document.querySelector('#queue .readout').textContent.startsWith('At ')"))


def check_choices(browser, data):
    loads = sorted({r["load"] for r in data["runs"]})
    select(browser, ".page-controls select", str(loads[-1]).removesuffix(".0"))
    browser.wait_until("return document.querySelectorAll('#makespan-bars rect.mark').length > 0")
    browser.wait_until("return document.querySelectorAll('#gantt rect.piece').length > 0")
    select(browser, "#jct-cdf select", "log")
    check("a logarithmic axis says so", browser.run(
        "return [...document.querySelectorAll('#jct-cdf .axis-label')]"
        ".some((label) => label.textContent.includes('logarithmic'))"))
    select(browser, "#makespan-load select", "ratio")
    check("an axis that does not begin at zero says so", browser.run(
        "return [...document.querySelectorAll('#makespan-load .axis-label')]"
        ".some((label) => label.textContent.includes('not from 0'))"))


def check_width(browser, data):
    check_marks(browser, data)
    check_bars(browser, data)
    check_keys(browser)
    check_choices(browser, data)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check_report.py PAGE FOLDER")
    # Drawn is what the last figure of the page has.
    check_everywhere(sys.argv[1], sys.argv[2], "report",
                     "return document.querySelectorAll('#fragmentation path.mark').length > 0", check_width)
