"""Numbers for each student: one question of each lesson asks with them, held to the file's name."""

import math

import pytest
import torch

from resnet_lib import BTNK1, BTNK2, resnet50, shapes_only
from resnet_lib.exercises import Wrong, ask_own, check_own, check_own_block, own_numbers, own_question
from resnet_lib.exercises.numbers import same_student
from resnet_lib.exercises.own_question import ANOTHERS, QUESTIONS, handed_in_as
from resnet_lib.grading.grader import Graders
from resnet_lib.grading.grades import Limits
from resnet_lib.grading.submissions import claimed, read_lesson, without

from .small_lesson import submission

NAMES = ["", "ada", "bob", "Grace Hopper", "Łukasz"]


@pytest.fixture
def file_of():
    """Makes the checks those of the grader, for a file of that name."""
    yield handed_in_as
    handed_in_as("")


def refused(*given, check=check_own):
    with pytest.raises(Wrong) as wrong:
        check(*given)
    return wrong.value.verdict


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def stage(n, C, C1, S):
    return torch.nn.Sequential(BTNK1(C, C1, S), *(BTNK2(4 * C1) for _ in range(n - 1)))


def with_bias(C, C1):
    block = BTNK1(C, C1, 1)
    return sum(m.out_channels for m in block.modules() if isinstance(m, torch.nn.Conv2d))


# The same answers by building the thing, instead of by formula.
BUILT = {
    "00": lambda C, W, C1, S: tuple(torch.zeros(C, W, W)[:, :: S + 1, :: S + 1].shape),
    "01": lambda C, W, C1, S: torch.nn.Conv2d(1, 1, 7, 2, 3)(torch.zeros(1, 1, 160 + C + W, 160 + C + W)).shape[-1],
    "02": lambda C, W, C1, S: parameters(BTNK2(C)),
    "03": lambda C, W, C1, S: tuple(BTNK1(C, C1, S)(torch.zeros(1, C, W, W)).shape[1:]),
    "04": lambda C, W, C1, S: parameters(stage(2 + W % 5, C, C1, S)),
    "05": lambda C, W, C1, S: parameters(resnet50()) + (1 + (C // 8 + W) % 90) * parameters(BTNK2(1024)),
    "06": lambda C, W, C1, S: len(stage(2 + (C // 8 + W) % 90, 16, 8, 1).state_dict()),
    "07": lambda C, W, C1, S: len(range(0, 160 + W, 8 + C1 // 8)) ** 2 + 1,
    "08": lambda C, W, C1, S: math.comb(5 + (C // 8 + W) % 30, 2 + S),
    "09": lambda C, W, C1, S: torch.nn.Conv2d(C, C1, 3, bias=False).weight.numel() * W * W,
    "10": lambda C, W, C1, S: sum(
        m.weight.numel() * (W if name == "conv1" else -(-W // S)) ** 2
        for name, m in BTNK1(C, C1, S).named_modules()
        if isinstance(m, torch.nn.Conv2d)
    ),
    "11": lambda C, W, C1, S: with_bias(C, C1),
}


@pytest.mark.parametrize("lesson", QUESTIONS)
def test_the_answer_is_that_of_the_thing_itself_whatever_the_name(lesson):
    for name in NAMES:
        with shapes_only():
            built = BUILT[lesson](**own_numbers(name, lesson))
        assert own_question(lesson, name).answer == built
        assert check_own(lesson, name, built).ok


@pytest.mark.parametrize("lesson", QUESTIONS)
def test_two_students_seldom_have_the_same_answer(lesson):
    found = [own_question(lesson, f"student {n}").answer for n in range(20)]
    assert len(set(found)) >= 8
    assert own_question(lesson, " ADA ").answer == own_question(lesson, "ada").answer


@pytest.mark.parametrize("lesson", QUESTIONS)
def test_what_a_question_says_of_usual_mistakes_is_never_said_of_the_right_answer(lesson):
    question = own_question(lesson, "ada")
    assert question.judge(question.answer)[0] and question.hints
    wrong = question.answer * 2 if isinstance(question.answer, int) else (1, 2, 3)
    assert question.judge(wrong)[1].startswith("You said ")


def test_without_a_name_everybody_has_the_common_numbers(capsys):
    assert own_numbers() == own_numbers("  ", "05") == {"C": 256, "W": 56, "C1": 128, "S": 2}
    ask_own("02")
    assert capsys.readouterr().out == "BTNK2, C = 256: how many parameters?\n"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ada", "Ada Lovelace", True),
        ("Lovelace, Ada", "lovelaceada", True),
        ("ada", "03_btnk1_ada", True),
        ("ada", "adam", False),
        ("ada", "bob", False),
        ("", "bob", False),
        ("!", "bob", False),
        ("Jürgen Weiß", "Weiß, Ju\u0308rgen", True),  # as macOS writes the names of files
        ("Jürgen Müller", "mllerjrgen", True),  # as Canvas does
        ("Äda", "Öda", False),
        ("名前 花子", "山田 太郎", False),
    ],
)
def test_a_name_is_known_in_the_forms_that_files_give_it(one, other, same):
    assert same_student(one, other) is same and same_student(other, one) is same


def test_a_letter_gives_the_same_numbers_however_a_computer_writes_it():
    assert own_numbers("Jürgen") == own_numbers("Ju\u0308rgen")


def test_in_a_notebook_the_learners_own_word_counts():
    assert check_own("02", "ada", own_question("02", "ada").answer).ok
    assert "common numbers" in refused("02", "ada", own_question("02").answer).sentence
    assert "me is 3" in refused("02", 3, 5).sentence
    with pytest.raises(ValueError, match="lesson = '77' must be one of"):
        check_own("77", "", 5)


def test_an_answer_for_another_students_numbers_is_told_so_and_only_where_that_is_proved(file_of):
    adas, bobs = own_question("02", "ada").answer, own_question("02", "bob").answer
    file_of("bob", ["ada", "bob"])
    assert check_own("02", "bob", bobs).ok and check_own("02", "Bob Ross", own_question("02", "Bob Ross").answer).ok
    for me in ("ada", "bob"):  # handed in with the other's name, and with one's own put over it
        found = refused("02", me, adas)
        assert found.finding.kind is ANOTHERS and "the right answer for the numbers of “ada”" in found.sentence
    assert refused("02", "bob", adas + 1).finding.kind is not ANOTHERS
    assert check_own("02", "", own_question("02").answer).ok  # who gives no name has the common numbers
    file_of("bob", ["ada", "bob"], always=True)
    assert "the course's common numbers" in refused("02", "", own_question("02").answer).sentence
    assert check_own("02", "", bobs).ok


def test_the_block_of_lesson_03_is_held_to_the_file_too(file_of):
    block = own_numbers("ada", "03")
    answers = own_question("03", "ada").answer, parameters(BTNK1(block["C"], block["C1"], block["S"]))
    assert check_own_block("ada", *answers).ok
    file_of("bob", ["ada"])
    assert refused("ada", *answers, check=check_own_block).finding.kind is ANOTHERS


def test_the_names_of_a_submission_are_read_from_its_cells_and_its_file(tmp_path):
    path = submission(tmp_path / "x.ipynb", "me = 'Ada Lovelace'  # mine\nx = 1", 'me = ""')
    assert claimed(path) == {"Ada Lovelace"}
    (tmp_path / "y.ipynb").write_text("[")
    assert claimed(tmp_path / "y.ipynb") == set()
    assert without("03_btnk1", "ada/03_btnk1") == "ada" and without("03_btnk1", "03_BTNK1_ada") == "ada"
    assert without("03_btnk1", "03_btnk1") == "03_btnk1"


@pytest.mark.slow
def test_across_the_boundary_the_grader_asks_with_the_files_numbers(tmp_path, warm_grading):
    lesson = read_lesson("02")
    solved, adas = lesson.exercises[2].solution, own_question("02", "ada").answer
    cells = [[c.solution or c.source, c.exercise] for c in lesson.cells]
    answer = f'{solved}\nme = "ada"\nown = {adas}'
    by_formula = (
        f'{solved}\nfrom resnet_lib.exercises import own_numbers\nme = "bob"\nC = own_numbers(me, "02")["C"]\n'
        "own = C * C // 2 + 9 * (C // 4) ** 2 + 3 * C"
    )
    with warm_grading.hosts(), Graders(lesson, Limits(30), tmp_path) as graders:
        graders.others = ["ada"]

        def verdict(student, source):
            mine = [[source if n == 3 else each, n] for each, n in cells]
            return graders.marked(mine, [3], student=student)[0]

        found = verdict("bob", answer)
        assert verdict("bob", by_formula).result == "passed"
        graders.own_numbers = True
        common = verdict("bob", solved)
    assert (found.result, found.points) == ("partly", 0.6667) and "the numbers of “ada”" in found.sentence
    assert found.parts[2].mistake == "another student's numbers"
    assert common.result == "partly" and "the course's common numbers" in common.sentence


@pytest.mark.parametrize("lesson", sorted(set(QUESTIONS) - {"03"}))  # 03 has its own check
def test_each_lesson_asks_it_within_an_exercise_and_its_solution_is_right(lesson):
    cells = read_lesson(lesson).cells
    (cell,) = [c for c in cells if f'ask_own("{lesson}", me)' in c.source]
    assert cell.exercise and any(f'check_own("{lesson}", me, own)' in c.source for c in cells)
    own = next(line for line in cell.solution.splitlines() if line.startswith("own = "))
    space = {"math": math, "nn": torch.nn, "BTNK1": BTNK1, "BTNK2": BTNK2, "one_more": parameters(BTNK2(1024))}
    space["btnk2_parameters"] = lambda C: parameters(BTNK2(C))
    space["make_stage"] = lambda C, C1, S, n: stage(n, C, C1, S)
    exec(own, space)
    assert check_own(lesson, "", space["own"]).ok
