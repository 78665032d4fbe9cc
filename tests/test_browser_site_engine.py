"""The live page without a kernel: its engine computes what the library computes, and its scenes say what it says."""

import base64
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from resnet_lib.activations import calls, step_names
from resnet_lib.explorers.block_design import BlockDesign, _bank
from resnet_lib.explorers.block_maps import BlockMaps, look_at
from resnet_lib.explorers.block_view import block_groups, scene_steps
from resnet_lib.explorers.tiles import pack
from resnet_lib.explorers.trained import loaded, places
from resnet_lib.photos import PHOTOS, _filters, square, to_input

SCENE = "bottleneck"


@pytest.fixture(scope="module")
def engine(live_site, browser):
    """Run JavaScript in a page beside the engine; arrays go in and come out as lists."""
    page = browser.new_page()
    page.goto(live_site[1] + "empty.html")

    def run(body, argument=None):
        return page.evaluate(
            f"async given => {{ const at = name => import('./live/' + name + '.js'); {body} }}", argument
        )

    return run


def numbers(tensor):
    return {"shape": list(tensor.shape), "data": tensor.reshape(-1).tolist()}


def relative(found, expected):
    return (found - expected).abs().max().item() / max(expected.abs().max().item(), 1e-12)


# ── The arithmetic ──


def drawn_convolutions(n=40):
    """(groups, kernel, options, C, C1, H, W) at random, then the 3×3 that are computed in windows of 4 × 4."""
    draw, found = random.Random(1), []
    while len(found) < n:
        groups, k = draw.choice([1, 1, 2, 3]), draw.choice([1, 2, 3, 5, 7])
        options = {"stride": draw.randint(1, 3), "padding": draw.randint(0, 3), "dilation": draw.randint(1, 2)}
        C, C1 = groups * draw.randint(1, 5), groups * draw.randint(1, 9)
        H, W = draw.randint(1, 12), draw.randint(1, 12)
        if min(H, W) + 2 * options["padding"] >= options["dilation"] * (k - 1) + 1:
            found.append((groups, k, options, C, C1, H, W))
    for H, W, padding in ((8, 8, 1), (7, 9, 1), (5, 6, 0), (3, 12, 2), (2, 2, 2)):
        found.append((1, 3, {"stride": 1, "padding": padding, "dilation": 1}, 9, 6, H, W))
    return found


def test_a_convolution_is_torchs_for_any_kernel_stride_padding_and_groups(engine):
    cases, torch_says = [], []
    torch.manual_seed(1)
    for groups, k, options, C, C1, H, W in drawn_convolutions():
        x, weight, bias = torch.randn(C, H, W), torch.randn(C1, C // groups, k, k), torch.randn(C1)
        torch_says.append(F.conv2d(x[None], weight, bias, groups=groups, **options)[0])
        cases.append([*map(numbers, (x, weight, bias)), options | {"groups": groups}])
    found = engine(
        """const {conv2d} = await at('engine'), t = ({shape, data}) => ({shape, data: Float32Array.from(data)});
        return given.map(([x, w, b, more]) => conv2d(t(x), t(w), {...more, bias: t(b)}))
            .map(({shape, data}) => [shape, Array.from(data)]);""",
        cases,
    )
    for (shape, data), expected in zip(found, torch_says, strict=True):
        assert shape == list(expected.shape)
        assert relative(torch.tensor(data).view(shape), expected) < 1e-5


def test_a_window_that_does_not_fit_is_refused(engine):
    said = engine(
        """const {conv2d, tensor} = await at('engine');
        try { conv2d(tensor([1, 2, 2]), tensor([1, 1, 5, 5])); } catch (error) { return error.message; }"""
    )
    assert said == "a window of 5 × 5 does not fit into 2 × 2"


@pytest.mark.parametrize(("H", "W"), [(8, 8), (7, 9), (1, 5)])
def test_pooling_and_batch_norm_are_torchs(engine, H, W):
    x = torch.randn(3, H, W, generator=torch.Generator().manual_seed(H))
    pooled, mean, normal = engine(
        """const {maxPool, globalAverage} = await at('engine'), {Run} = await at('engine_blocks');
        const x = {shape: given.shape, data: Float32Array.from(given.data)};
        return [maxPool(x, 3, 2, 1), globalAverage(x), new Run().bn('bn', x)].map(t => Array.from(t.data));""",
        numbers(x),
    )
    assert torch.equal(torch.tensor(pooled), F.max_pool2d(x, 3, 2, 1).flatten())
    assert torch.allclose(torch.tensor(mean), x.mean((1, 2)), atol=1e-6)
    assert torch.allclose(torch.tensor(normal), F.batch_norm(x[None], None, None, training=True).flatten(), atol=1e-5)


def test_random_weights_are_the_librarys(engine):
    rows, kernels, filters = engine(
        """const {bank, colourFilters, randn} = await at('engine_random');
        const found = [randn(7, 1600), bank('conv2', 60, 9, 70, 3, 0.5).data, colourFilters(20).data];
        return found.map(d => Array.from(d));"""
    )
    assert torch.allclose(torch.tensor(rows), torch.randn(1600, generator=torch.Generator().manual_seed(7)), atol=1e-5)
    expected = _bank("conv2", 69, 70, 3)[60:] * 0.5
    assert torch.allclose(torch.tensor(kernels).view(9, 70, 3, 3), expected, atol=1e-5)
    assert torch.allclose(torch.tensor(filters).view(20, 3, 3, 3), _filters(20), atol=1e-5)


# ── The whole network ──


@pytest.mark.parametrize("name", PHOTOS)
def test_every_step_of_the_network_has_the_librarys_values(engine, live_site, name):
    x, network = to_input(name, 128), loaded("thin")
    steps = [s for s in step_names(network) if s != "head.flatten" and not s.endswith("0.shortcut")]
    with torch.no_grad():
        made = calls(network, x, steps)
    wanted = np.concatenate([x.numpy().reshape(-1)] + [made[s].output.numpy().reshape(-1) for s in steps])
    (live_site[0] / "steps.bin").write_bytes(wanted.astype("<f4").tobytes())
    found = engine(
        """const {Trained} = await at('engine_blocks');
        const get = async name => (await fetch(name, {cache: 'no-store'})).arrayBuffer();
        const index = JSON.parse(new TextDecoder().decode(await get('live/weights.json')));
        const file = await get('live/weights.bin'), all = new Float32Array(await get('steps.bin'));
        const {run} = new Trained(index, file).run({shape: [3, 128, 128], data: all.subarray(0, 3 * 128 * 128)});
        let from = 3 * 128 * 128;
        return [given.map(name => {
            const {shape, data} = run.steps.get(name).output;
            let most = 0, off = 0;
            for (const value of data) {
                const right = all[from++];
                most = Math.max(most, Math.abs(right));
                off = Math.max(off, Number.isNaN(value) ? Infinity : Math.abs(value - right));
            }
            return [name, shape, off / most];
        }), from === all.length, run.steps.size];""",
        steps,
    )
    assert found[1] and found[2] == len(steps)
    for step, shape, off in found[0]:
        assert shape == list(made[step].output.shape[1:])
        assert off < 1e-3, f"{step} is off by {off:.2g} of its largest value"


@pytest.mark.parametrize("name", PHOTOS)
def test_the_page_prepares_photographs_as_the_library_does(engine, name):
    """At most one level of 255 apart: decoders of JPEG may round differently."""
    found = engine(
        """const {decode, square} = await at('engine_picture');
        const picture = await decode(await (await fetch(`live/pictures/${given}.jpg`)).blob());
        const text = bytes => btoa(Array.from(bytes, n => String.fromCharCode(n)).join(''));
        return [128, 224].map(size => text(square(picture, size)));""",
        name,
    )
    for size, text in zip((128, 224), found, strict=True):
        expected = np.array(square(name, size)).astype(int)
        assert abs(np.frombuffer(base64.b64decode(text), np.uint8).reshape(expected.shape) - expected).max() <= 1


# ── The scenes ──


def drawn_designs(n=60):
    draw = random.Random(2)
    for _ in range(n):
        block, S = draw.choice(["BTNK1", "BTNK2"]), draw.choice([1, 1, 2, 3])
        C1 = draw.randrange(4, 129, 4)
        C = 4 * C1 if block == "BTNK2" and draw.random() < 0.7 else draw.randrange(16, 513, 16)
        yield BlockDesign(block, C, draw.randint(2, 64), C1, S, draw.choice(["3x3", "1x1"]))


def test_shapes_parameters_and_macs_are_those_of_the_librarys_anatomy(engine):
    designs = list(drawn_designs())
    asked = [{"block": d.block, "C": d.C, "W": d.W, "C1": d.C1, "S": d.S, "strideOn": d.stride_on} for d in designs]
    found = engine("const {anatomy} = await at('engine_blocks'); return given.map(anatomy);", asked)
    assert any(f["clash"] for f in found) and not all(f["clash"] for f in found)
    for design, said in zip(designs, found, strict=True):
        look = look_at(design)
        assert said["steps"] == scene_steps(look), design
        assert said["clash"] == (look.clash and [list(shape) for shape in look.clash]), design
        assert tuple(said["last"]) == look.last
        if not look.clash:
            assert (said["parameters"], said["macs"]) == (look.anatomy.parameters, look.anatomy.macs)


def levels_of(live):
    """The bytes that the page draws, and what it says of them."""
    text = live.levels()
    return np.frombuffer(base64.b64decode(text), np.uint8), live.scene("maps")["groups"]


@pytest.mark.parametrize(
    "design",
    [
        BlockDesign("BTNK1", 48, 20, 12, 2),
        BlockDesign("BTNK1", 80, 24, 20, 2, "1x1"),
        BlockDesign("BTNK2", 96, 18, 24),
        BlockDesign("BTNK2", 96, 18, 28),
    ],
    ids=str,
)
def test_a_random_block_draws_the_librarys_maps(live, design):
    label = {"3x3": "v1.5", "1x1": "v1"}[design.stride_on]
    live.put(block=design.block, C=design.C, W=design.W, C1=design.C1, S=design.S, S_on_the=label)
    look = look_at(design)
    run = BlockMaps().run(design, look, "coffee", None, 0, 16)
    described, expected = pack(block_groups(run, look, "sum", 0, 16))
    found, said = levels_of(live)
    assert [g["side"] for g in said if "side" in g] == [g["side"] for g in described]
    assert abs(found.astype(int) - np.frombuffer(expected, np.uint8)).max() <= 1


def test_what_is_used_again_for_another_C1_is_right(live):
    live.put(block="BTNK1", C=32, W=12, C1=12, S=1)
    for C1 in (24, 8, 16):
        design = BlockDesign("BTNK1", 32, 12, C1)
        live.put(C1=C1)
        run = BlockMaps().run(design, look_at(design), "coffee", None, 0, 16)
        _, expected = pack(block_groups(run, look_at(design), "sum", 0, 16))
        found, _ = levels_of(live)
        assert abs(found.astype(int) - np.frombuffer(expected, np.uint8)).max() <= 1, C1


def test_a_step_draws_each_group_of_maps_once_and_animates_nothing(live):
    live.put(block="BTNK1", C=64, W=28, C1=16, S=1)
    live.page.evaluate(
        """() => { const canvas = CanvasRenderingContext2D.prototype, draw = canvas.putImageData; window.drawn = [];
        canvas.putImageData = function (...given) { drawn.push(1); draw.apply(this, given); }; }"""
    )
    live.page.wait_for_timeout(100)  # what was before is drawn
    live.page.evaluate("() => { drawn.length = 0; }")
    live.page.get_by_role("slider", name="C1", exact=True).press("Shift+ArrowRight")
    live.ready()
    live.page.wait_for_timeout(100)
    assert live.page.evaluate("() => document.getAnimations().filter(a => a instanceof CSSAnimation).length") == 0
    assert live.page.evaluate("() => drawn.length") == 4


def test_a_trained_block_draws_the_librarys_maps(live):
    live.put(position="Stage 3, block 1")
    live.put(S_on_the="v1.5")
    place = places("thin")["Stage 3, block 1"]
    look = look_at(place.design)
    run = BlockMaps().run(place.design, look, "coffee", place, 0, None)
    described, expected = pack(block_groups(run, look, "sum", 0, 16))
    found, said = levels_of(live)
    assert [g["limit"] for g in said] == pytest.approx([g["limit"] for g in described], rel=0.02)
    assert (
        abs(found.astype(int) - np.frombuffer(expected, np.uint8)).max() <= 3
    )  # one level of a pixel, through 2 stages
    assert live.scene("maps")["note"] == "trained weights of the bundled network, stage3.0"


def test_a_trained_block_keeps_its_weights_when_the_stride_is_moved_and_says_how_it_was_trained(live):
    live.put(position="Stage 3, block 1")
    live.put(S_on_the="v1")
    place = places("thin")["Stage 3, block 1"]
    design = replace(place.design, stride_on="1x1")
    run = BlockMaps().run(design, look_at(design), "coffee", place, 0, None)
    _, expected = pack(block_groups(run, look_at(design), "sum", 0, 16))
    found, _ = levels_of(live)
    assert abs(found.astype(int) - np.frombuffer(expected, np.uint8)).max() <= 3
    assert live.scene("maps")["note"].endswith("stage3.0; trained as v1.5, S on the 3×3")


def test_numbers_that_no_trained_block_has_are_said_to_be_random(live):
    live.put(position="Stage 2, block 1")
    live.put(C1=28)
    assert live.scene("values")["position"] == "– your own"
    assert live.scene("maps")["note"].startswith("random weights, not trained; input: 64 fixed random 3×3 filters")


def test_a_sum_that_is_impossible_says_why_and_is_mended(live):
    live.put(block="BTNK2", C=64, W=56, C1=32, S=1)
    says = live.scene("says")
    assert says["problem"].startswith("F(x) has shape (128, 56, 56) and the shortcut (64, 56, 56)")
    assert "side" not in live.scene("maps")["groups"][2]
    live.page.get_by_role("button", name="mend it: C1 = C/4, S = 1").click()
    live.ready()
    assert live.scene("values")["C1"] == 16 and "problem" not in live.scene("says")
    live.page.get_by_role("button", name="undo").click()
    live.ready()
    assert live.scene("values")["C1"] == 32


def test_keys_move_a_slider_and_pointing_tells_a_value(live):
    live.put(block="BTNK1", C=64, W=56, C1=32, S=2, S_on_the="v1.5")
    slider = live.page.get_by_role("slider", name="C1", exact=True)
    slider.focus()
    live.page.keyboard.press("ArrowLeft")
    live.ready()
    assert slider.input_value() == "16" and live.scene("steps")[1][2] == [16, 56, 56]
    live.page.locator("canvas").first.hover(position={"x": 20, "y": 20})
    live.page.wait_for_function(
        "() => document.querySelector('.rl-hover').textContent.startsWith('F(x), channel 0, row ')"
    )
    live.page.locator("canvas").first.click(position={"x": 20, "y": 20})
    live.page.get_by_role("dialog").get_by_text("multiply-adds (MACs) for this one value").wait_for()
    live.page.keyboard.press("Escape")
    assert live.page.get_by_role("dialog").count() == 0


def test_a_narrow_window_shows_groups_and_not_one_long_column(live):
    live.put(position="Stage 2, block 1")
    live.page.set_viewport_size({"width": 400, "height": 900})
    try:
        live.page.locator(".rl-explorer.rl-narrow").wait_for()
        live.page.wait_for_function("() => document.body.scrollHeight < 1300")
        assert live.page.evaluate("() => document.body.scrollWidth") <= 400
    finally:
        live.page.set_viewport_size({"width": 1200, "height": 900})


def test_a_photograph_of_ones_own_is_used_and_nothing_leaves_the_page(live, live_site, tmp_path):
    square("church", 90).save(tmp_path / "mine.png")
    asked = len(live.asked)
    live.page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    live.page.get_by_text("It has not left this page.").wait_for()
    live.ready()
    assert live.scene("values")["picture"] == "your picture"
    assert live.asked[asked:] == [url for url in live.asked[asked:] if url.startswith("blob:")]
    assert all(url.startswith((live_site[1], "blob:")) for url in live.asked)
    (tmp_path / "no.png").write_text("not a picture")
    live.page.locator("input[type=file]").set_input_files(tmp_path / "no.png")
    live.page.get_by_text("This browser cannot open no.png as a picture").wait_for()


def test_every_text_of_the_page_is_in_its_table(live):
    used = live.page.evaluate(
        """async () => { const files = ['', '_scene', '_bottleneck', '_photograph', '_stem', '_words'];
        const text = (await Promise.all(files.map(n => fetch(`live/live${n}.js`).then(a => a.text())))).join();
        return [...text.matchAll(/say\\('(\\w+)'/g)].map(m => m[1]); }"""
    )
    table = live.page.evaluate("() => fetch('live/strings.json').then(answer => answer.json())")
    assert len(used) > 40 and set(used) <= set(table)
