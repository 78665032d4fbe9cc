"""Photographs, test patterns, and inputs for a block made from them."""

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_lib import resnet50
from resnet_lib.photos import (
    FOLDER,
    MEAN,
    PATTERNS,
    PHOTOS,
    POSITIONS,
    STD,
    block_input,
    open_photo,
    pattern,
    photo,
    to_input,
)


def save(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_every_bundled_photograph_opens_as_a_colour_picture_and_has_its_licence_noted():
    notes = (FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    assert sorted(p.stem for p in FOLDER.glob("*.jpg")) == sorted(PHOTOS)
    for name in PHOTOS:
        assert photo(name).mode == "RGB"
        assert min(photo(name).size) >= 256
        assert f"`{name}.jpg`" in notes


def test_an_unknown_photograph_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="no photograph is called 'dog'; there are cat, "):
        photo("dog")


def test_preprocessing_is_pils_antialiased_bilinear_resize_then_the_published_mean_and_deviation():
    image = photo("palace")
    width, height = image.size
    resized = image.resize((int(256 * width / height), 256), Image.Resampling.BILINEAR)
    left = round((resized.width - 224) / 2)
    crop = np.asarray(resized.crop((left, 16, left + 224, 240)), dtype=np.float64) / 255
    wanted = (crop - np.array(MEAN)) / np.array(STD)
    got = to_input(image)
    assert got.shape == (1, 3, 224, 224)
    assert np.abs(got[0].permute(1, 2, 0).numpy() - wanted).max() < 1e-5


@pytest.mark.parametrize("size, resize", [(224, 100), (0, None), (2.5, None)])
def test_preprocessing_refuses_sizes_that_do_not_fit(size, resize):
    with pytest.raises(ValueError, match="size = "):
        to_input(photo("cat"), size, resize)


def test_a_rotated_photograph_is_turned_upright(tmp_path):
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90° clockwise
    upright = open_photo(save(tmp_path, image, "turned.jpg", exif=exif, quality=95))
    assert upright.size == (20, 40)
    assert upright.getpixel((10, 5))[2] > 200  # blue, which was left, is on top


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "LA", "RGBA", "I;16"])
def test_pictures_of_all_kinds_become_rgb(tmp_path, mode):
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 8), 65535, np.uint16))
    else:
        image = Image.new("RGB", (8, 8), "white").convert(mode)
    name = "picture.jpg" if mode == "CMYK" else "picture.png"
    opened = open_photo(save(tmp_path, image, name))
    assert opened.mode == "RGB"
    assert min(opened.getpixel((4, 4))) >= 254


def test_transparency_is_laid_on_white(tmp_path):
    opened = open_photo(save(tmp_path, Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "clear.png"))
    assert opened.getpixel((4, 4)) == (255, 255, 255)


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path):
    image = Image.fromarray(np.full((8, 8), 32768, np.uint16))
    assert open_photo(save(tmp_path, image, "deep.png")).getpixel((4, 4)) == (127, 127, 127)


def test_files_that_are_no_pictures_get_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        open_photo(tmp_path / "missing.jpg")
    (tmp_path / "text.jpg").write_text("not a picture")
    with pytest.raises(ValueError, match="is not a picture in a known format"):
        open_photo(tmp_path / "text.jpg")
    whole = (FOLDER / "cat.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="seems to be broken"):
        open_photo(tmp_path / "half.jpg")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = save(tmp_path, Image.new("RGB", (30, 40)), "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match="make it smaller first"):
        open_photo(path)


def test_patterns_are_what_they_are_called():
    impulse = pattern("impulse", 9)
    assert impulse.sum() == 1 and impulse[4, 4] == 1
    board = pattern("checkerboard", 8)
    assert board.unique().tolist() == [-1, 1]
    assert (board[:, 1:] == -board[:, :-1]).all() and (board[1:] == -board[:-1]).all()
    gradient = pattern("gradient", 8)
    assert gradient[0, 0] == -1 and gradient[0, -1] == 1 and (gradient.diff(dim=1) > 0).all()
    assert pattern("noise", 64).std() == pytest.approx(1, abs=0.05)
    assert torch.equal(pattern("noise", 8), pattern("noise", 8))
    with pytest.raises(ValueError, match="no pattern is called 'stripes'"):
        pattern("stripes", 8)


@pytest.mark.parametrize("picture", ["cat", *PATTERNS])
@pytest.mark.parametrize("C, W", [(1, 7), (12, 33), (100, 16)])
def test_a_block_input_has_the_shape_asked_for_and_says_how_it_was_made(picture, C, W):
    x, how = block_input(picture, C, W)
    assert x.shape == (1, C, W, W)
    assert f"{C} " in how or f"all {C}" in how


def test_at_a_position_of_resnet50_the_input_is_what_the_network_computes_there():
    torch.manual_seed(0)
    network = resnet50()
    for m in network.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = None
    stages = [network.stage0, network.stage1, network.stage2, network.stage3, network.stage4]
    with torch.no_grad():
        network(torch.cat([to_input(photo(name)) for name in PHOTOS]))
        network.eval()
        x = to_input(photo("coffee"))
        for number, stage in enumerate(stages):
            x = stage(x)
            C, W = x.shape[1], x.shape[2]
            assert POSITIONS[C, W] == number
            given, how = block_input("coffee", C, W)
            assert torch.equal(given, x)
            assert f"Stage {number}" in how


def test_making_inputs_leaves_the_learners_random_numbers_alone():
    block_input.__globals__["_untrained_resnet50"].cache_clear()
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    block_input("cat", 64, 56)
    block_input("noise", 8, 9)
    assert torch.equal(torch.rand(3), wanted)


def test_elsewhere_channels_do_not_change_when_there_are_more_of_them():
    few, _ = block_input("cat", 8, 30)
    many, _ = block_input("cat", 40, 30)
    assert torch.allclose(few, many[:, :8], atol=1e-6)


@pytest.mark.parametrize("picture", ["cat", "gradient"])
@pytest.mark.parametrize("C, W", [(8, 41), (256, 56)])
def test_a_window_is_cut_out_of_the_whole_input(picture, C, W):
    whole, _ = block_input(picture, C, W)
    part, _ = block_input(picture, C, W, window=10)
    start = (W - 10) // 2
    assert torch.allclose(part, whole[..., start : start + 10, start : start + 10], atol=1e-5)


def test_ones_own_picture_serves_as_well_as_a_bundled_one():
    own = photo("rocket")
    assert torch.equal(block_input(own, 16, 20)[0], block_input("rocket", 16, 20)[0])
    assert torch.equal(block_input(own, 64, 56)[0], block_input("rocket", 64, 56)[0])
