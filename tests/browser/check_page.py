"""usage: check_page.py PAGE FOLDER

Opens the page as a desktop and as a phone would and checks that what has to be there is: marks of every
chart in the numbers that the data ask for, bars whose lengths say what the numbers say, tables, keys,
no complaint of the browser, nothing that comes from the names in the data. Screenshots go to FOLDER."""

import os
import sys

from webdriver import Browser

ARROW_RIGHT = "\ue014"
failures = []


def check(what, is_so, detail=""):
    if not is_so:
        failures.append(f"{what} {detail}".strip())
        print(f"FAILED: {what} {detail}")


def equal(what, got, expected):
    check(what, got == expected, f"is {got!r}, not {expected!r}")


def count(browser, selector):
    return browser.run("return document.querySelectorAll(arguments[0]).length", selector)


def did_every_job(run):
    return run["summary"]["jobs_left_out"] == 0


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
        check(f"{figure} has no broken path", not browser.run(
            "return [...document.querySelectorAll(`#${arguments[0]} path`)]"
            ".some((path) => /NaN|undefined|Infinity/.test(path.getAttribute('d')))", figure))
    ours = next(r for r in shown if r["summary"]["role"] == "flexmig")
    best = min((r for r in shown if r["summary"]["role"] == "baseline" and did_every_job(r)),
               key=lambda r: r["summary"]["makespan_s"])
    equal("rectangles of the Gantt chart", count(browser, "#gantt rect.piece"),
          sum(len(r["detail"]["gantt"]["pieces"]) for r in (ours, best)))
    equal("rows of the results", count(browser, "#table tbody tr"), len(data["runs"]))


def check_bars(browser, data):
    """Bars begin at zero and are as long as their means, to a pixel."""
    first = data["runs"][0]
    widths = browser.run("return [...document.querySelectorAll('#makespan-bars rect.mark')]"
                         ".map((bar) => bar.getBoundingClientRect().width)")
    means = []
    for policy in range(len(data["policies"])):
        values = [r["summary"]["makespan_s"] for r in data["runs"]
                  if r["policy"] == policy and r["load"] == first["load"] and did_every_job(r)]
        if values:
            means.append(sum(values) / len(values))
    for width, mean in zip(widths, means):
        check("a bar is as long as its number", abs(width / widths[0] - mean / means[0]) < 2 / widths[0],
              f"{width} of {widths[0]} for {mean} of {means[0]}")


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


def check_tables(browser):
    browser.run("document.querySelectorAll('details.as-table').forEach((d) => { d.open = true; })")
    browser.wait_until("return [...document.querySelectorAll('details.as-table')]"
                       ".every((d) => d.querySelectorAll('tbody tr').length > 0)")
    figures = count(browser, "figure")
    equal("charts with a table", count(browser, "figure details.as-table table"), figures)
    equal("charts with a text", count(browser, "figure svg.chart[role=img][aria-label]"), figures)
    browser.run("document.querySelectorAll('details.as-table').forEach((d) => { d.open = false; })")


def check_names(browser, data):
    check("names of the data run nothing", browser.run("return window.pwned === undefined"))
    equal("images", count(browser, "img"), 0)
    equal("scripts", count(browser, "script"), 3)
    equal("heading", browser.run("return document.querySelector('h1').textContent"), data["title"])
    equal("requests", browser.run("return performance.getEntriesByType('resource').length"), 0)


def check_choices(browser, data):
    loads = sorted({r["load"] for r in data["runs"]})
    browser.run("const s = document.querySelector('.page-controls select'); s.value = String(arguments[0]);"
                "s.dispatchEvent(new Event('change'))", loads[-1])
    browser.wait_until("return document.querySelectorAll('#makespan-bars rect.mark').length > 0")
    browser.wait_until("return document.querySelectorAll('#gantt rect.piece').length > 0")
    browser.run("const s = document.querySelector('#jct-cdf select'); s.value = 'log';"
                "s.dispatchEvent(new Event('change'))")
    check("a logarithmic axis says so", browser.run(
        "return [...document.querySelectorAll('#jct-cdf .axis-label')]"
        ".some((label) => label.textContent.includes('logarithmic'))"))


def check_width(browser, page, folder, name, width):
    browser.resize(width, 900)
    browser.open(page)
    # Drawn is what the last figure of the page has.
    browser.wait_until("return document.querySelectorAll('#fragmentation path.mark').length > 0")
    data = browser.run("return JSON.parse(document.getElementById('data').textContent)")
    check_marks(browser, data)
    check_bars(browser, data)
    check_names(browser, data)
    check("nothing sticks out sideways", browser.run(
        "return document.documentElement.scrollWidth <= arguments[0]", width))
    browser.screenshot(os.path.join(folder, f"{name}.png"), width)
    check_keys(browser)
    check_tables(browser)
    check_choices(browser, data)
    equal(f"complaints at {name} width", browser.console(), [])


def main(page, folder):
    with Browser() as browser:
        browser.prefer("light")
        check_width(browser, page, folder, "desktop", 1280)
        light = browser.run("return getComputedStyle(document.body).backgroundColor")
        check_width(browser, page, folder, "phone", 390)
        browser.prefer("dark")
        browser.resize(1280, 900)
        browser.open(page)
        browser.wait_until("return document.querySelectorAll('#fragmentation path.mark').length > 0")
        browser.screenshot(os.path.join(folder, "dark.png"), 1280)
        check("dark is dark", light != browser.run("return getComputedStyle(document.body).backgroundColor"))
        paper = browser.pdf()
        check("the page prints", paper.startswith(b"%PDF") and len(paper) > 20_000, f"{len(paper)} bytes")
        with open(os.path.join(folder, "print.pdf"), "wb") as file:
            file.write(paper)
    print(f"{len(failures)} failures; screenshots in {folder}")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check_page.py PAGE FOLDER")
    sys.exit(main(sys.argv[1], sys.argv[2]))
