"""The page as people use it: in a real browser, and once without one."""

import threading
import time

import pytest
import uvicorn
from escalation_rules import events as E
from playwright.sync_api import expect, sync_playwright

from service.app import create_app


@pytest.fixture
def site(desk):
    """The service on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(create_app(desk), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser(request):
    if not (path := request.config.getoption("--browser")):
        pytest.skip("no Chromium on the path; give one with --browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_a_case_is_opened_worked_on_and_escalated_in_the_browser(site, browser, desk, clock, tmp_path):
    page = browser.new_page(viewport={"width": 1000, "height": 1500})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: complaints.append(request.url))

    page.goto(site)
    page.get_by_label("Title").fill("Invoice <b>disputed</b>")
    page.get_by_label("Priority").select_option("high")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invoice <b>disputed</b>")
    expect(page.locator("#level")).to_have_text("Front line")

    page.get_by_role("button", name="Complaint reviewed: yes").click()
    expect(page.locator("[data-item=reviewed]")).to_have_class("done")
    expect(page.locator("[data-item=attempted]")).to_have_class("open")

    with page.expect_navigation():  # the message is recorded before the clock moves, and nothing is cut short
        page.get_by_role("button", name="Customer wrote").click()
    clock.at("tue 10:00")
    desk.work()
    page.reload()
    expect(page.locator("#level")).to_have_text("Manager")
    expect(page.locator("#told")).to_contain_text("waited for a day: unanswered for 8 business hours")
    expect(page.locator("[data-item=reviewed]")).to_have_class("open")

    page.get_by_role("button", name="Could not be resolved here").click()
    expect(page.get_by_role("heading", name="Before it can go to Solutions team")).to_be_visible()
    page.get_by_role("button", name="Is the problem statement correct?: yes").click()
    page.get_by_role("button", name="Is there a workaround?: good").click()
    expect(page.get_by_text("Speaks against it: Is there a workaround? good")).to_be_visible()
    page.screenshot(path=tmp_path / "held.png", full_page=True)
    expect(page.locator("#level")).to_have_text("Manager")
    expect(page.locator("#why")).to_contain_text("held back")
    page.get_by_role("button", name="Ask again").click()
    page.get_by_role("button", name="Is there a workaround?: none").click()
    expect(page.locator("#level")).to_have_text("Solutions team")
    assert complaints == []


def test_a_tick_on_a_phone_fits_the_screen(site, browser, desk):
    case = desk.open("Invoice", priority="normal")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{site}/cases/{case}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Resolution attempted: yes").click()
    expect(page.locator("[data-item=attempted]")).to_have_class("done")


def test_the_page_needs_no_browser_to_be_right(client, desk):
    """Plain HTML: what a customer wrote is escaped, and a form posts one event."""
    case = desk.open("<script>alert(1)</script>", priority="normal")
    text = client.get(f"/cases/{case}").text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    client.post(f"/cases/{case}/ItemAnswered", data={"item": "reviewed", "answer": "yes"})
    assert isinstance(desk.read(case)[1].history[-1], E.ItemAnswered)
    assert client.post(f"/cases/{case}/ActionTaken", data={"key": "move-1"}).status_code == 403
    assert client.post(f"/cases/{case}/LevelFailed", data={"level": "managr"}).status_code == 409
