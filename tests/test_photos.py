"""Photographs, test patterns, and inputs for a block made from them."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from torch.nn import functional as F

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
    square,
    to_input,
)


def save(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def as_bytes(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_of_zeros(width, height):
    """A sound black-and-white PNG of any size, small because all of it is black."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(height * (1 + -(-width // 8))))
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


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


def test_a_network_trained_with_bicubic_resizing_gets_it():
    small = photo("cat").resize((40, 30))
    cut = small.resize((37, 28), Image.Resampling.BICUBIC).crop((6, 2, 30, 26))
    assert np.array_equal(square(small, 24, 28, "bicubic"), cut)
    with pytest.raises(ValueError, match="must be 'bilinear' or 'bicubic'"):
        to_input(small, 24, 28, "nearest")


def test_preprocessing_is_pils_antialiased_bilinear_resize_then_the_published_mean_and_deviation():
    image = photo("truck")
    width, height = image.size
    resized = image.resize((int(256 * width / height), 256), Image.Resampling.BILINEAR)
    left = round((resized.width - 224) / 2)
    crop = np.asarray(resized.crop((left, 16, left + 224, 240)), dtype=np.float64) / 255
    wanted = (crop - np.array(MEAN)) / np.array(STD)
    got = to_input(image)
    assert got.shape == (1, 3, 224, 224)
    assert np.abs(got[0].permute(1, 2, 0).numpy() - wanted).max() < 1e-5


@pytest.mark.parametrize("size, resize", [(224, 100), (0, None), (2.5, None), (20, 30.5)])
def test_preprocessing_refuses_sizes_that_do_not_fit(size, resize):
    with pytest.raises(ValueError, match="size = "):
        to_input(photo("cat"), size, resize)


def test_the_mean_and_the_deviation_are_the_published_ones():
    assert MEAN == (0.485, 0.456, 0.406)
    assert STD == (0.229, 0.224, 0.225)


@pytest.mark.parametrize("name, size, resize", [("cat", 224, 256), ("truck", 224, 232), ("church", 64, 73)])
def test_preprocessing_is_what_pytorchs_own_antialiased_resize_gives_but_for_rounding(name, size, resize):
    pixels = torch.from_numpy(np.array(photo(name))).permute(2, 0, 1)[None].float()
    H, W = pixels.shape[2:]
    shape = (resize, int(resize * W / H)) if H <= W else (int(resize * H / W), resize)
    resized = F.interpolate(pixels, shape, mode="bilinear", antialias=True, align_corners=False)
    top, left = (round((n - size) / 2) for n in shape)
    wanted = resized[0, :, top : top + size, left : left + size]
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    levels = (to_input(photo(name), size, resize)[0] * std + mean) * 255
    assert (levels - wanted).abs().max() < 1.5
    assert (levels - wanted).abs().mean() < 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (1, 5000), (100_000, 1), (3, 2), (30, 1000)])
def test_the_smallest_and_the_longest_pictures_are_cut_square_without_taking_gigabytes(size, monkeypatch):
    image = Image.new("RGB", size, (10, 200, 30))
    made, resize = [], Image.Image.resize

    def watched(image, size, *options):
        made.append(size[0] * size[1])
        return resize(image, size, *options)

    monkeypatch.setattr(Image.Image, "resize", watched)
    cut = square(image, 224)
    assert cut.size == (224, 224)
    assert cut.getcolors() == [(224 * 224, (10, 200, 30))]
    assert max(made) < 1_000_000


@pytest.mark.parametrize("size", [(40, 997), (1000, 40), (7, 200)])
def test_of_a_very_long_picture_it_is_still_the_middle_that_is_kept(size):
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(values)
    width, height = (256 if n == min(size) else int(256 * n / min(size)) for n in size)
    left, top = round((width - 224) / 2), round((height - 224) / 2)
    wanted = image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224))
    assert np.abs(np.asarray(square(image, 224), dtype=int) - np.asarray(wanted, dtype=int)).max() <= 6


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
    half = open_photo(save(tmp_path, Image.new("LA", (8, 8), (0, 128)), "half.png"))
    assert half.getpixel((4, 4)) == pytest.approx((127, 127, 127), abs=1)
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([200, 0, 0, 0, 0, 200])
    palette.paste(1, (0, 0, 4, 8))
    clear = open_photo(save(tmp_path, palette, "palette.png", transparency=0))
    assert clear.getpixel((6, 4)) == (255, 255, 255)
    assert clear.getpixel((2, 4)) == (0, 0, 200)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_usual_formats_are_read(kind):
    image = Image.new("RGB", (16, 12), (200, 40, 90))
    opened = open_photo(as_bytes(image, kind))
    assert opened.size == (16, 12) and opened.mode == "RGB"
    assert opened.getpixel((8, 6)) == pytest.approx((200, 40, 90), abs=4)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_of_a_moving_picture_the_first_frame_is_taken(kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = as_bytes(frames[0], kind, save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    red, _, blue = open_photo(data).getpixel((8, 8))
    assert red > 200 and blue < 50


def test_a_picture_of_one_pixel_is_one():
    assert open_photo(as_bytes(Image.new("RGB", (1, 1), "red"))).getpixel((0, 0)) == (255, 0, 0)


def test_bytes_and_open_files_are_as_good_as_a_path():
    path = FOLDER / "cat.jpg"
    data, wanted = path.read_bytes(), photo("cat").tobytes()
    for given_as in (data, bytearray(data), memoryview(data), io.BytesIO(data), str(path), path):
        assert open_photo(given_as).tobytes() == wanted
    with path.open("rb") as file:
        file.seek(100)  # wherever it stands
        assert open_photo(file).tobytes() == wanted
        assert not file.closed


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path):
    image = Image.fromarray(np.full((8, 8), 32768, np.uint16))
    assert open_photo(save(tmp_path, image, "deep.png")).getpixel((4, 4)) == (128, 128, 128)
    night = Image.fromarray(np.full((8, 8), 200, np.uint16))  # nearly black, and not to be taken for 8 bits
    assert open_photo(save(tmp_path, night, "night.png")).getpixel((4, 4)) == (1, 1, 1)


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
    with pytest.raises(ValueError, match="is a folder: choose a picture in it"):
        open_photo(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(ValueError, match="is an empty file"):
        open_photo(tmp_path / "empty.png")
    with pytest.raises(ValueError, match="this is NoneType"):
        open_photo(None)


def test_an_upload_is_called_what_the_caller_calls_it():
    for given_as in (b"no picture", io.BytesIO(b"no picture")):
        with pytest.raises(ValueError, match="^holiday.jpg is not a picture"):
            open_photo(given_as, name="holiday.jpg")
    with pytest.raises(ValueError, match="^your file cannot be read"):
        open_photo((FOLDER / "cat.jpg").read_bytes()[:5000], name="your file")


def test_whatever_a_decoder_raises_becomes_a_sentence(monkeypatch):
    def fail(_image):
        raise RuntimeError("Failed to decode frame 0")  # as AVIF's does

    data = as_bytes(Image.new("RGB", (4, 4)))
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ValueError, match=r"seems to be broken \(Failed to decode frame 0\)"):
        open_photo(data)


def test_a_picture_whose_notes_are_damaged_opens_without_a_warning():
    cut_short = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01"  # one entry announced, and not there
    data = as_bytes(Image.new("RGB", (8, 6), "red"), "JPEG", exif=cut_short)
    with pytest.warns(UserWarning, match="[Cc]orrupt EXIF"):
        Image.open(io.BytesIO(data)).getexif()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_photo(data).size == (8, 6)


PICTURES = [
    as_bytes(Image.effect_noise((24, 16), 60).convert("RGB"), kind)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
]


@settings(max_examples=200, deadline=None)
@given(
    data=st.sampled_from(PICTURES),
    changes=st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=4),
    keep=st.integers(0, 10**4),
)
def test_a_damaged_file_opens_or_gets_a_sentence_and_no_warning(data, changes, keep):
    damaged = bytearray(data[:keep])
    for place, value in changes:
        if damaged:
            damaged[place % len(damaged)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert open_photo(bytes(damaged)).mode == "RGB"
        except ValueError as error:
            assert str(error).startswith("the file ")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = save(tmp_path, Image.new("RGB", (30, 40)), "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match="make it smaller first"):
        open_photo(path)


@pytest.mark.parametrize("width, height", [(20_000, 20_000), (10_000, 10_000), (300_000, 300)])
def test_a_small_file_of_very_many_pixels_is_refused_before_it_is_decoded(width, height, monkeypatch):
    data = png_of_zeros(width, height)
    assert len(data) < 200_000

    def refuse(_image):
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    with pytest.raises(ValueError, match="^the file has over 89 million pixels: make it smaller first$"):
        open_photo(data)


def test_such_a_file_of_fewer_pixels_is_sound():
    """Otherwise the test above would refuse a file for being broken."""
    assert open_photo(png_of_zeros(300, 20)).size == (300, 20)


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    own = photo("church")
    assert torch.equal(block_input(own, 16, 20)[0], block_input("church", 16, 20)[0])
    assert torch.equal(block_input(own, 64, 56)[0], block_input("church", 64, 56)[0])
