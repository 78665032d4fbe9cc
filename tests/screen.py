"""What a learner sees at once of an explorer, in the window that `course.py lab` opens with the file browser open."""

BROWSER, TABS = 252, 13  # pixels that the file browser takes, and tabs where notebooks are not alone in the window
SIZE = """root => {
    const {right, height} = root.getBoundingClientRect();
    const parts = [...root.querySelectorAll('svg, img, p, td, th, button, input, select')];
    const seen = parts.filter(one => one.getClientRects().length);
    return [height, Math.max(...seen.map(one => one.getBoundingClientRect().right)) - right];
}"""


def check_one_screen(view, width=1200, height=900):
    """AssertionError unless the explorer of a `lab.View` is whole in a window of that size, with nothing cut at its
    right, as it is now."""
    page, before = view.page, view.page.viewport_size
    page.set_viewport_size({"width": width - BROWSER, "height": height})
    page.wait_for_timeout(300)
    pane = page.locator(".jp-WindowedPanel-outer").bounding_box()
    high, beyond = view.root.locator(".rl-explorer").first.evaluate(SIZE)
    page.set_viewport_size(before)
    assert high <= pane["height"] - TABS and beyond <= 1, (high, beyond)
