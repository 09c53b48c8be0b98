"""What the checks of all pages share: counting failures, and what every page of flexmig has to keep."""

import os
import sys

from webdriver import Browser

ARROW_RIGHT = "\ue014"
DESKTOP = 1400
PHONE = 390
failures = []


def check(what, is_so, detail=""):
    if not is_so:
        failures.append(f"{what} {detail}".strip())
        print(f"FAILED: {what} {detail}")


def equal(what, got, expected):
    check(what, got == expected, f"is {got!r}, not {expected!r}")


def count(browser, selector):
    return browser.run("return document.querySelectorAll(arguments[0]).length", selector)


def select(browser, selector, value):
    """What somebody does who picks an option."""
    browser.run("const s = document.querySelector(arguments[0]); s.value = arguments[1];"
                "s.dispatchEvent(new Event('change'))", selector, value)


def did_every_job(run):
    return run["summary"]["jobs_left_out"] == 0


def mean(values):
    return sum(values) / len(values)


def check_lengths(browser, selector, numbers):
    """Bars begin at zero and are as long as their numbers, to a pixel."""
    widths = browser.run("return [...document.querySelectorAll(arguments[0])]"
                         ".map((bar) => bar.getBoundingClientRect().width)", selector)
    equal(f"bars of {selector}", len(widths), len(numbers))
    longest = max(numbers)
    for width, number in zip(widths, numbers):
        check(f"a bar of {selector} is as long as its number",
              abs(width / max(widths) - number / longest) < 2 / max(widths),
              f"{width} of {max(widths)} for {number} of {longest}")


def check_paths(browser):
    check("no path is broken", not browser.run(
        "return [...document.querySelectorAll('path')]"
        ".some((path) => /NaN|undefined|Infinity/.test(path.getAttribute('d')))"))


def check_texts(browser):
    """No text of a chart is cut by the page's edge."""
    cut = browser.run(
        "return [...document.querySelectorAll('svg.chart text')].filter((text) => {"
        "  const box = text.getBoundingClientRect();"
        "  return box.width > 0 && (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5);"
        "}).map((text) => text.textContent)")
    equal("texts that are cut", cut, [])


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


def check_everywhere(page, folder, name, drawn, check_width):
    """Opens the page as a desktop and as a phone would, then in the dark, then on paper. `drawn` is a
    script that says whether all of it is there; `check_width(browser, data)` looks closer."""
    def start(browser, width):
        browser.resize(width, 900)
        browser.open(page)
        browser.wait_until(drawn)

    with Browser() as browser:
        browser.prefer("light")
        for place, width in (("desktop", DESKTOP), ("phone", PHONE)):
            start(browser, width)
            data = browser.run("return JSON.parse(document.getElementById('data').textContent)")
            check_names(browser, data)
            check_texts(browser)
            check(f"nothing sticks out sideways at {width}", browser.run(
                "return document.documentElement.scrollWidth <= arguments[0]", width))
            browser.screenshot(os.path.join(folder, f"{name}-{place}.png"), width)
            check_width(browser, data)
            check_paths(browser)
            check_tables(browser)
            equal(f"complaints at {place} width", browser.console(), [])
        light = browser.run("return getComputedStyle(document.body).backgroundColor")
        browser.prefer("dark")
        start(browser, DESKTOP)
        browser.screenshot(os.path.join(folder, f"{name}-dark.png"), DESKTOP)
        check("dark is dark", light != browser.run("return getComputedStyle(document.body).backgroundColor"))
        paper = browser.pdf()
        check("the page prints", paper.startswith(b"%PDF") and len(paper) > 20_000, f"{len(paper)} bytes")
        with open(os.path.join(folder, f"{name}.pdf"), "wb") as file:
            file.write(paper)
    print(f"{len(failures)} failures; screenshots in {folder}")
    sys.exit(1 if failures else 0)
