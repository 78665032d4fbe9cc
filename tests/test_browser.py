"""The lessons' live views as a learner meets them: a real JupyterLab in a real browser, keyboard and mouse."""

import shutil
import sys

import numpy as np
import pytest

from resnet_lib._common import shape_text
from resnet_lib.anatomy import ShapeMismatch
from resnet_lib.explorers import BottleneckExplorer

from . import lab
from .test_explorers import opened

SOLVED = lab.ROOT / "notebooks" / "solutions"


@pytest.fixture(scope="module")
def open_lesson(desk):
    """Opens the solved lesson of that number, in a copy of the notebooks so that nothing is written in the course."""
    shutil.copytree(SOLVED.parent, desk.folder / "notebooks")

    def opened(number):
        (path,) = desk.folder.glob(f"notebooks/solutions/{number}_*.ipynb")
        return desk.open(path.relative_to(desk.folder).as_posix())

    return opened


@pytest.fixture(scope="module")
def lesson(open_lesson):
    """Lesson 03, open, with all its cells run and no error among their outputs."""
    with open_lesson("03") as notebook:
        notebook.run_all()
        assert notebook.errors() == []
        yield notebook


@pytest.fixture
def view(lesson):
    """The bottleneck's laboratory, new: its cell has just run. Afterwards nothing may have gone wrong."""
    lesson.run_cell("BottleneckExplorer(")
    yield lesson.view("position in ResNet-50")
    assert lesson.errors() == []
    assert lesson.problems == []


# ── What the browser shows, against the library in this process ──────────────────────────────────────────────


def twin(view):
    """An explorer in this process, set to what the controls in the browser show."""
    explorer = BottleneckExplorer()
    with explorer.together():
        for toggle in (explorer.block, explorer.stride_on):
            toggle.value = next(v for label, v in pairs(toggle) if view.pressed(label))
        for name in ("C", "W", "C1", "S"):
            getattr(explorer, name).value = view.slider(name).value
        explorer.picture.value = dict(pairs(explorer.picture))[view.chosen("picture")]
    explorer.step.value = dict(pairs(explorer.step))[view.chosen("look at")]
    explorer.channel.value = int(view.number("from channel").input_value())
    return explorer


def pairs(control):
    """The (label, value) of each option."""
    options = control.options.items() if isinstance(control.options, dict) else control.options
    return [option if isinstance(option, tuple) else (option, option) for option in options]


def pixels_of(explorer):
    """The explorer's mosaic, (height, width, 4) uint8."""
    return np.array(opened(explorer.maps.image).convert("RGBA"))


def shown_right(view):
    """Whether mosaic, numbers and caption are, to the last pixel and digit, what the controls' values give."""
    explorer = twin(view)
    try:
        anatomy = explorer.design.anatomy()
    except ShapeMismatch as clash:
        expected = [str(clash)]
    else:
        d = explorer.design
        numbers = [f"{n:,}" for n in (anatomy.parameters, anatomy.macs, anatomy.flops)]
        edges = [shape_text(anatomy[name].shape) for name in ("conv1", "conv2", "bn3", "relu3")]
        expected = [f"(C={d.C:,}, W={d.W}", shape_text(anatomy.input), *edges, *numbers]
        expected += [f"{s.macs:,}" for s in anatomy.steps]
    expected.append(explorer.maps.image.tooltip)
    text = view.text()
    if not all(each in text for each in expected):
        return False
    here, there = pixels_of(explorer), view.pixels()
    return here.shape == there.shape and np.array_equal(here, there)


def settles(view):
    view.wait_until(lambda: shown_right(view), "the view shows what the controls say")


def changed(view, before):
    """Wait until the mosaic differs from `before`, and return it."""
    seen = [before]

    def differs():
        seen[0] = view.pixels()
        return seen[0].shape != before.shape or not np.array_equal(seen[0], before)

    view.wait_until(differs, "the mosaic changes")
    return seen[0]


def mend(view):
    """The button that makes an illegal block legal."""
    return view.root.locator("button").filter(has_text="mend it")


# ── The laboratory of lesson 03 ──────────────────────────────────────────────────────────────────────────────


def test_callbacks_run_in_the_kernels_main_thread_and_the_kernel_is_this_python(lesson):
    lesson.in_kernel(
        "import comm, sys, threading\n"
        "answers = []\n"
        "def opened(_comm, _message):\n"
        "    answers.append(threading.current_thread() is threading.main_thread())\n"
        "comm.get_comm_manager().register_target('where', opened)"
    )
    lesson.page.evaluate(
        "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.createComm('where').open().done"
    )
    assert lesson.in_kernel("print(answers)").strip() == "[True]"
    assert lesson.in_kernel("print(sys.prefix)").strip() == sys.prefix


def test_keys_move_C1_and_everything_follows(view):
    settles(view)
    start, before, text = view.slider("C1").value, view.pixels(), view.text()
    view.slider("C1").press("ArrowRight", times=5)
    view.wait_until(lambda: view.slider("C1").value == start + 5 * 4, "C1 is five steps further")
    changed(view, before)
    settles(view)
    assert view.text() != text


def test_a_drag_of_C1_ends_at_the_last_value(view):
    settles(view)
    start, before = view.slider("C1").value, view.pixels()
    view.slider("C1").drag(90)
    view.wait_until(lambda: view.slider("C1").value > start, "C1 has grown")
    settles(view)
    changed(view, before)


def test_an_illegal_block_says_why_and_is_mended_by_a_button(view):
    view.button("BTNK2").click()
    settles(view)
    assert not mend(view).is_visible()
    view.slider("C1").press("ArrowRight")
    settles(view)
    explorer = twin(view)
    with pytest.raises(ShapeMismatch) as clash:
        explorer.design.anatomy()
    alert = view.root.get_by_role("alert").text_content()
    assert shape_text(clash.value.main) in alert
    assert shape_text(clash.value.shortcut) in alert
    mend(view).click()
    view.root.get_by_role("alert").wait_for(state="detached")
    settles(view)
    assert 4 * view.slider("C1").value == view.slider("C").value
    assert not mend(view).is_visible()


def test_another_picture_gives_other_maps(view):
    settles(view)
    before = view.pixels()
    view.dropdown("picture").select_option("cat")
    changed(view, before)
    settles(view)


def test_the_drop_down_of_steps_works_with_keys_alone(view):
    settles(view)
    before = view.pixels()
    view.dropdown("look at").focus()
    for _ in range(3):
        old = view.chosen("look at")
        view.page.keyboard.press("ArrowDown")
        view.wait_until(lambda old=old: view.chosen("look at") != old, "another step is chosen")
        settles(view)
    changed(view, before)


def test_every_control_can_be_reached_by_tab(view):
    view.button("BTNK1").focus()
    reached = []
    for _ in range(40):
        reached.append(view.page.evaluate(NAME_OF_FOCUS))
        view.page.keyboard.press("Tab")
    wanted = ["BTNK2", "picture", "position in ResNet-50", "C", "C1", "W", "S", "look at", "from channel"]
    assert [name for name in wanted if name in reached] == wanted


NAME_OF_FOCUS = """() => {
    const focused = document.activeElement;
    const label = focused.closest('.widget-inline-hbox')?.querySelector('.widget-label');
    return (label?.textContent.trim() || focused.textContent || '').trim();
}"""


def test_the_mosaic_has_a_text_alternative(view):
    settles(view)
    title = view.image.get_attribute("title")
    assert "channels 0 to" in title
    view.slider("C").press("ArrowRight")
    settles(view)
    view.wait_until(lambda: view.image.get_attribute("title") == twin(view).maps.image.tooltip, "the title follows")


# ── The other lessons ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "cell", "control", "key"),
    [
        ("00", "SizeExplorer(", "W", "ArrowLeft"),
        ("01", "StemExplorer(", "kernel", "ArrowRight"),
        ("04", "StageExplorer(", "blocks in it", "ArrowRight"),
        ("05", "NetworkExplorer(", "W", "ArrowRight"),
    ],
)
def test_the_explorer_of_a_lesson_answers(open_lesson, number, cell, control, key):
    # Import and explorer alone: they need nothing of the cells before, which other tests run.
    with open_lesson(number) as notebook:
        notebook.run_cell("from resnet_lib.explorers import")
        notebook.run_cell(cell)
        assert notebook.errors() == []
        view = notebook.view(control)
        slider, text = view.slider(control), view.text()
        start = slider.value
        slider.press(key, times=2)
        view.wait_until(lambda: abs(slider.value - start) == 2, f"{control} is two steps from {start}")
        view.wait_until(lambda: view.text() != text, "the text follows")
        assert notebook.errors() == []
        assert notebook.problems == []


def test_lesson_06_runs_whole_without_published_weights(open_lesson):
    with open_lesson("06") as notebook:
        notebook.run_all()
        assert notebook.errors() == []
        assert notebook.problems == []


def test_lesson_07_runs_whole_and_its_walk_answers(open_lesson):
    with open_lesson("07") as notebook:
        notebook.run_all()
        view = notebook.view("channel")
        slider, text = view.slider("channel"), view.text()
        start = slider.value
        slider.press("ArrowRight", times=2)
        view.wait_until(lambda: slider.value == start + 2, f"two channels on from {start}")
        view.wait_until(lambda: view.text() != text, "the text follows")
        view.button("Stage 4").click()
        view.wait_until(lambda: "stage4." in view.text(), "the walk has come to Stage 4")
        assert notebook.page.locator(".jp-OutputArea .rl .error").count() == 0  # no view shows a problem
        assert notebook.errors() == []
        assert notebook.problems == []
