"""Drives Berth's page in Chromium as people use it. Prints each step that was done; fails at the first that was not.

Input, as JSON: {"url", "booker", "manager", "chromium"}: the server, two tokens, the browser's path.
"""

import datetime
import json
import re
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

given = json.load(sys.stdin)
HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 120 + " \U0001f600"
complaints = []
# Beside other tests everything takes longer; speed is for the benchmarks.
expect.set_options(timeout=20_000)


def done(step):
    print(step, flush=True)


def open_page(browser, token, **context):
    page = browser.new_context(viewport={"width": 1440, "height": 900}, timezone_id="UTC", **context).new_page()
    # A browser notes each refusal on its console, whatever the page makes of it.
    page.on("console", lambda message: complaints.append(message.text)
            if message.type == "error" and "409 (Conflict)" not in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append("a script ran: " + dialog.message))
    page.goto(given["url"])
    page.fill("#token", token)
    page.click("button[type=submit]")
    page.wait_for_selector("body.drawn")
    return page


def accessible(page, where):
    found = Axe().run(page).response["violations"]
    assert not found, f"{where}: {[(rule['id'], rule['nodes'][0]['html']) for rule in found]}"


def row(page, key):
    index = page.evaluate("key => [...document.querySelectorAll('.name')].find(n => n.dataset.key === key) && "
                          "[...document.querySelectorAll('.row')].map(r => r.dataset.row)", key)
    assert index, f"there is no row of {key}"
    return page.locator(f".row[data-row='{sorted(int(i) for i in index)[int(key[-1]) - 1]}']")


def eventually(page, is_so):
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(100)
    assert is_so()


def place_of(locator):
    """Where something is, once it is drawn: what others do may be drawing it anew just now."""
    eventually(locator.page, lambda: locator.bounding_box())
    return locator.bounding_box() or place_of(locator)


def drag(page, key, day, hours, first=8):
    """Drags over hours of a day of the week view."""
    box = place_of(row(page, key))
    per_day = box["width"] / 7
    y = box["y"] + 16
    start = box["x"] + per_day * (day + first / 24)
    page.mouse.move(start, y)
    page.mouse.down()
    page.mouse.move(start + per_day * hours / 48, y, steps=4)
    page.mouse.move(start + per_day * hours / 24, y, steps=4)


def book(page, title):
    page.mouse.up()
    page.fill("#draft-title", title)
    page.click("dialog button.main")


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=given["chromium"], args=["--no-sandbox"])
    tess = open_page(browser, given["booker"])
    done("signed in")

    drag(tess, "uat-1", 2, 4)
    expect(tess.locator(".draft.free")).to_contain_text("Free · 4 h")
    book(tess, HOSTILE)
    bar = tess.locator("a.bar.mine").first
    expect(bar).to_contain_text("<script>alert(1)")
    done("booked by dragging, with a hostile title")

    drag(tess, "uat-1", 2, 4, first=6)
    expect(tess.locator(".draft.taken")).to_contain_text("crm until")
    book(tess, "Second")
    expect(tess.locator(".refusal li").first).to_contain_text("crm: <script>")
    accessible(tess, "refusal")
    tess.locator(".alternatives button").first.click()
    expect(tess.locator("dialog")).to_have_count(0)
    expect(tess.locator("a.bar", has_text="Second")).to_have_count(1)
    done("was refused, and took an alternative")

    max_ = open_page(browser, given["manager"], color_scheme="dark")
    tess.locator(".name[data-key=uat-2]").focus()
    drag(max_, "uat-2", 4, 6)
    book(max_, "From elsewhere")
    expect(tess.locator("a.bar", has_text="From elsewhere")).to_have_count(1)
    expect(tess.locator(".name[data-key=uat-2]")).to_be_focused()
    done("saw another session's booking appear")

    second = tess.locator("a.bar", has_text="Second")
    before = place_of(second)
    tess.mouse.move(before["x"] + 12, before["y"] + 12)
    tess.mouse.down()
    tess.mouse.move(before["x"] + 130, before["y"] + 12, steps=6)
    tess.mouse.up()
    expect(tess.locator(".undo button")).to_be_visible()
    moved = place_of(tess.locator("a.bar", has_text="Second"))
    assert moved["x"] > before["x"] + 60, (before, moved)
    tess.click(".undo button")
    expect(tess.locator(".undo")).to_have_count(0)
    done("moved a booking, and undid it")

    tess.locator("a.bar", has_text="Second").click()
    drawer = tess.locator("dialog.drawer")
    expect(drawer).to_contain_text("History")
    accessible(tess, "drawer")
    drawer.get_by_role("button", name="Cancel booking").click()
    expect(drawer).to_contain_text("cancelled")
    drawer.get_by_role("button", name="Close").click()
    expect(tess.locator("a.bar", has_text="Second")).to_have_count(0)
    done("read its history, and cancelled it")

    tess.locator(".name[data-key=uat-3]").focus()
    tess.keyboard.press("Enter")
    tess.locator("#panel").get_by_role("button", name="Book", exact=True).click()
    tess.fill("#draft-title", "Right now")
    tess.keyboard.press("Enter")
    expect(tess.locator("#panel")).to_contain_text("Right now")
    tess.locator("#panel li", has_text="Right now").get_by_role("button", name="Open").click()
    expect(drawer).to_contain_text("active")
    drawer.get_by_role("button", name="Release").click()
    expect(drawer).to_contain_text("completed")
    drawer.get_by_role("button", name="Close").click()
    tess.click("#places a[data-page=timeline]")
    done("booked from now on, and released it")

    tess.locator("#timeline").focus()
    tess.keyboard.press("ArrowDown")
    tess.keyboard.press("b")
    for _ in range(4):
        tess.keyboard.press("ArrowRight")
    for _ in range(20):
        tess.keyboard.press("Shift+ArrowRight")
    tess.keyboard.press("Enter")
    tess.keyboard.type("By keys")
    tess.keyboard.press("Enter")
    expect(tess.locator("a.bar", has_text="By keys")).to_have_count(1)
    tess.keyboard.press("m")
    expect(tess.locator("[data-span=month]")).to_have_attribute("aria-pressed", "true")
    assert "span=month" in tess.url
    tess.keyboard.press("w")
    done("booked by the keyboard, and changed the span")

    tess.click("#places a[data-page=find]")
    tess.fill("#find-title", "Found")
    tess.click("form.find button")
    tess.locator(".decision button").first.click()
    tess.click("dialog button.main")
    expect(tess.locator("dialog")).to_have_count(0)
    accessible(tess, "find")
    done("found a slot, and booked it")

    tess.click("#places a[data-page=timeline]")
    max_.get_by_label("Dragging draws").select_option("freeze")
    first, last = place_of(row(max_, "uat-1")), place_of(row(max_, "uat-2"))
    max_.mouse.move(first["x"] + first["width"] * 0.6, first["y"] + 34)
    max_.mouse.down()
    max_.mouse.move(last["x"] + last["width"] * 0.7, last["y"] + 20, steps=6)
    expect(max_.locator(".draft")).to_contain_text("2 environments, 1 booking under it")
    max_.mouse.up()
    expect(max_.locator("dialog")).to_contain_text("It hits (1)")
    accessible(max_, "planning a freeze")
    max_.get_by_label("Title", exact=True).fill("Nothing changes: " + HOSTILE[:60])
    max_.get_by_role("button", name="Plan").click()
    plate = max_.locator(".plate.freeze")
    expect(plate).to_have_count(1)
    expect(tess.locator(".plate.freeze")).to_have_count(1)
    at = place_of(plate)
    max_.mouse.move(at["x"] + 10, at["y"] + 8)
    max_.mouse.down()
    max_.mouse.move(at["x"] - 150, at["y"] + 8, steps=6)
    max_.mouse.up()
    expect(max_.locator("dialog")).to_contain_text("It hits")
    max_.get_by_role("button", name="Save").click()
    expect(max_.locator("dialog")).to_have_count(0)
    eventually(max_, lambda: (max_.locator(".plate.freeze").bounding_box() or at)["x"] < at["x"] - 100)
    max_.locator(".plate.freeze").click()
    expect(max_.locator("dialog.drawer")).to_contain_text("Whom to warn")
    accessible(max_, "window's drawer")
    max_.get_by_role("button", name="Call off").click()
    expect(max_.locator(".plate.freeze")).to_have_count(0)
    expect(tess.locator(".plate.freeze")).to_have_count(0)
    max_.get_by_label("Dragging draws").select_option("booking")
    done("drew a freeze over two environments, saw what it hits, moved it, and called it off")

    tess.locator(".name[data-key=uat-3]").focus()
    tess.keyboard.press("r")
    tess.get_by_label("Reason", exact=True).fill("Down: " + HOSTILE[:80])
    accessible(tess, "reporting trouble")
    tess.get_by_role("button", name="Report", exact=True).last.click()
    expect(tess.locator("dialog")).to_have_count(0)
    expect(max_.locator(".name[data-key=uat-3]")).to_contain_text("degraded")
    expect(max_.locator("#places a[data-page=waiting]")).to_contain_text("(")
    max_.locator(".name[data-key=uat-3]").focus()
    max_.keyboard.press("Enter")
    expect(max_.locator("#panel")).to_contain_text("degraded: booker-1 of crm: Down: <script>")
    max_.get_by_role("button", name="Set its status").click()
    max_.get_by_label("It is").select_option("available")
    max_.get_by_role("button", name="Save").click()
    expect(max_.locator("#panel dd", has_text="degraded")).to_have_count(0)
    accessible(max_, "environment")
    max_.click("#places a[data-page=timeline]")
    expect(tess.locator(".name[data-key=uat-3]")).not_to_contain_text("degraded")
    done("reported an outage, which its manager read and ended")

    tess.keyboard.press("r")
    tess.get_by_label("What", exact=True).select_option("emergency")
    tess.get_by_label("Reason", exact=True).fill("Certificates expired")
    tess.get_by_role("button", name="Report", exact=True).last.click()
    expect(tess.locator(".undo")).to_contain_text("changes are open to crm for 1 h")
    tess.click("#places a[data-page=changes]")
    expect(tess.locator("#panel")).to_contain_text("Change window: Certificates expired")
    tess.click("#places a[data-page=timeline]")
    done("declared an emergency")

    tess.get_by_label("Free for at least").select_option("72")
    expect(tess.locator(".bar.free").first).to_contain_text("free")
    assert "free=72" in tess.url
    accessible(tess, "free time")
    tess.get_by_label("Free for at least").select_option("0")
    expect(tess.locator(".bar.free")).to_have_count(0)
    tess.click("#filters-open")
    tess.get_by_label("Tiers").select_option("other")
    expect(tess.locator(".name")).to_have_count(1)
    assert "tier=other" in tess.url
    accessible(tess, "filters")
    tess.get_by_label("Tiers").select_option("")
    expect(tess.locator(".name")).to_have_count(4)
    tess.get_by_role("button", name="Colours of teams").click()
    tess.get_by_role("checkbox", name="pay").check()
    accessible(tess, "colours")
    tess.get_by_role("button", name="Close").click()
    assert "hues=pay" in tess.url
    expect(tess.locator("path.hue-1").first).to_be_attached()
    tess.locator("#timeline").focus()
    tess.keyboard.press("?")
    tess.get_by_label("Single letters").uncheck()
    accessible(tess, "keys")
    tess.keyboard.press("Escape")
    tess.keyboard.press("m")
    expect(tess.locator("[data-span=week]")).to_have_attribute("aria-pressed", "true")
    tess.get_by_role("button", name="Keys").click()
    tess.get_by_label("Single letters").check()
    tess.keyboard.press("Escape")
    done("looked for free time, filtered, coloured a team, and turned single letters off")

    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=5)
    frozen = max_.request.post(
        given["url"] + "v1/change-windows", headers={"Authorization": "Bearer " + given["manager"]},
        data={"kind": "freeze", "environments": ["uat-1", "uat-2", "uat-3"], "title": "Nothing changes",
              "startsAt": begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "minutes": 1440})
    assert frozen.status == 201, frozen.text()
    tess.click("#places a[data-page=timeline]")
    expect(tess.locator(".plate.freeze")).to_have_count(1)
    done("saw a freeze of three environments appear, named once")

    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    asked = tess.request.post(
        given["url"] + "v1/bookings", headers={"Authorization": "Bearer " + given["booker"]},
        data={"environments": ["uat-4"], "title": "Asked: " + HOSTILE[:60], "minutes": 60,
              "startsAt": begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "recurrence": {"rrule": "FREQ=DAILY;COUNT=3"}})
    assert asked.status == 201, asked.text()
    expect(tess.locator("a.bar.requested")).to_have_count(3)
    max_.click("#places a[data-page=waiting]")
    line = max_.locator("li.decision", has_text="3 of " + asked.json()["series"]).first
    expect(line).to_contain_text("<script>")
    accessible(max_, "requests")
    line.focus()
    max_.keyboard.press("a")
    expect(tess.locator("a.bar.requested")).to_have_count(0)
    expect(tess.locator("a.bar.confirmed", has_text="Asked")).to_have_count(3)
    done("approved a series at once, by a key")

    for scheme, page in (("light", tess), ("dark", max_)):
        for name in ("waiting", "changes", "morning", "find", "timeline"):
            page.click(f"#places a[data-page={name}]")
            page.wait_for_timeout(400)
            accessible(page, f"{name}, {scheme}")
    expect(max_.locator("#places a[aria-current=page]")).to_have_text("Timeline")
    done("read every page, light and dark")

    tess.set_viewport_size({"width": 375, "height": 800})
    expect(tess.locator("#agenda > li").first).to_be_visible()
    expect(tess.locator("#timeline")).to_be_hidden()
    accessible(tess, "agenda")
    done("read the agenda on a narrow screen")

    plain = browser.new_context(java_script_enabled=False, storage_state=tess.context.storage_state()).new_page()
    plain.goto(given["url"])
    expect(plain.locator("#agenda")).to_contain_text(re.compile("uat-1"))
    done("read it without scripts")

    linked = browser.new_page()
    linked.goto(given["url"] + "#token=" + given["booker"])
    linked.wait_for_selector("body.drawn")
    assert given["booker"] not in linked.url
    done("signed in by a link")

    max_.get_by_role("button", name="Sign out").click()
    expect(max_.locator("#token")).to_be_visible()
    done("signed out")
    assert not complaints, complaints
    browser.close()
