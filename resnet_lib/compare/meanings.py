"""What Python's and PyTorch's messages mean in a learner's code: tables, in which the first row that fits counts."""

import re

MORE = "    | "


def _rows(text):
    """Return (kind, pattern, sentence) for each row of a table.

    A row begins with a line `kind: pattern`, the pattern of what Python's message says; a line `| pattern` below it has
    more alternatives. The indented lines are the sentence, what that probably means; {0}, {1} are the pattern's groups.
    """
    rows = []
    for row in re.split(r"\n(?=\S)", text.strip()):
        head, *below = row.splitlines()
        kind, _, pattern = head.partition(": ")
        more = [line.removeprefix(MORE) for line in below if line.startswith(MORE)]
        words = [line.strip() for line in below if not line.startswith(MORE)]
        rows.append((kind, "|".join([pattern, *more]), " ".join(words)))
    return rows


MEANINGS = _rows(
    r"""
super missing: cannot assign .* before Module.__init__\(\)
    Begin __init__ with super().__init__(): it makes room for parts.
super missing: has no attribute '_modules'|has no attribute '_parameters'|has no attribute '_forward_
    super().__init__() is missing in __init__.
forward missing: missing the required "forward" function
    There is no method called forward: is it misspelt, or indented under __init__?
super brackets: super\(\): no arguments|super\(type, obj\)|of 'super' object needs an argument
    Write super().__init__(), with both pairs of brackets.
function without brackets: '(builtin_function_or_method|method)'
    A function stands there without its brackets: tensor.numel is the function, tensor.numel() the number.
endings of a text: slice indices must be integers|(?:ends|starts)with first arg must be
    endswith and startswith take one text, or a tuple of several: endswith((…, …)), with two pairs of brackets.
single number's shape: len\(\) of a 0-d tensor|tuple index out of range
    A tensor of a single number has the shape (), with no first side: tensor.numel() counts its numbers all the
    same.
weights do not fit: Error\(s\) in loading state_dict
    The weights do not fit: each goes to the part of its name, which has to have its shape. Keep the names and
    shapes that were there, on both sides.
None used: 'NoneType' object has no attribute|must be Tensor, not NoneType|unsupported operand .*NoneType
    | NoneType' and|got \(NoneType|(?:and|but) got NoneType
    Something gives None here: a function or a forward without its return, or conv.bias where there is no bias.
None called: 'NoneType' object is not callable
    A part that forward calls is None: it was never made in __init__.
weight changed in place: a leaf Variable that requires grad
    A weight is changed in place while gradients are recorded: do it below with torch.no_grad(): or call
    torch.nn.init.zeros_(weight), which sees to that itself.
parameter replaced: cannot assign '(?:torch\.)?(\w+)' as parameter '(\w+)'
    {1} = … would put something else, {0}, in the place of the parameter. Change the numbers inside it:
    torch.nn.init.zeros_(….{1}), or ….{1}.zero_() under torch.no_grad().
data replaced: Variable data has to be a tensor, but got (\w+)
    .data is a tensor, and {0} is none: change the numbers inside it, with .data.zero_() or better
    torch.nn.init.zeros_(weight).
attribute unknown: '(Parameter|Tensor|BatchNorm2d|Conv2d|BTNK[12]|ResNet|Sequential)' object has no attribute '(\w+)'
    | '(list|tuple|dict|int|float|Signal)' object has no attribute '(\w+)'
    A {0} has no {1}: is that misspelt, or is a {0} not what you think is there?
module attribute unknown: module '([\w.]+)' has no attribute '(\w+)'
    There is no {0}.{1}: is it misspelt? Capital letters count, as in nn.ReLU and nn.BatchNorm2d.
class not applied: must be Tensor, not (ReLU|MaxPool2d|BatchNorm2d|Conv2d)
    A {0} is made there, and not applied: write nn.{0}() with its brackets in __init__, and call it in forward.
types of numbers meet: expected scalar type \w+ but found \w+|Input type \(.*\) and (?:weight|bias) type
    | to have the same dtype|must have the same dtype
    Two types of numbers meet there: print .dtype of both, and leave out what changes one of them, such as
    .double(), .half() or .to(torch.uint8).
no floats: (?:not implemented for '|point or complex dtype\. Got:? )(\w+)
    Numbers of type {0} cannot be computed with there: write .float() before it.
type too narrow: result type (\w+) can't be cast to the desired output type (\w+)
    A tensor of type {1} cannot hold numbers of type {0}: make it with .float(), or write a = a + b for a += b.
BN for rows: expected 2D or 3D input \(got 4D input\)
    Feature maps need nn.BatchNorm2d; BatchNorm1d is for plain rows.
attribute not made: object has no attribute '(\w+)'
    forward uses self.{0}, and __init__ does not make it under that name.
name unknown: name '(\w+)' is not defined
    {0} is used and never given a value: is it misspelt, never imported, or, in a class, without its self.?
name without value: cannot access local variable '(\w+)'|local variable '(\w+)' referenced
    {0} is used before it is given a value.
channels of the terms: size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension 1
    The channels of the two terms differ, {0} and {1}: F and the shortcut must both give out the block's output
    channels.
widths of the terms: size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)
    The two terms are {0} and {1} wide: stride and padding of F and of the shortcut must lead to one size.
shapes of the terms: F\(x\) has shape (\(.*?\)) and the shortcut (\(.*?\))
    F gives {0} and the shortcut {1}: stride and output channels must be the same on both.
channels of a convolution: expected input.* to have (\d+) channels, but got (\d+) channels
    A convolution made for {0} channels is given {1}: each takes what the step before it gives out.
channels of a block: was made for C = (\d+) channels, and the input .* has (\d+)
    A block made for C = {0} is given {1} channels: each takes what the one before it gives out.
channels of a BN: running_mean should contain (\d+) elements not (\d+)|weight should contain (\d+) elements not (\d+)
    A BN made for {1} channels is given {0}: it needs as many as the convolution before it gives out.
head's channels: mat1 and mat2 shapes cannot be multiplied \((\d+x\d+) and (\d+x\d+)\)
    The linear layer gets {0} and was made for {1}: average over H and W and flatten first, and check its
    in_features.
one value per channel: Expected more than 1 value per channel
    BN in training mode needs more than one number a channel.
map too small: Kernel size can't be greater than actual input size|kernel size.* can't be greater
    The map is smaller than the kernel: is a padding missing, or a stride too many?
overwritten: inplace operation|in-place operation
    Something overwrites numbers that are still needed: write y = y + x and not y += x, and no inplace=True.
BTNK2's arguments: BTNK2\.__init__\(\) takes
    BTNK2 is made with one number, C: it has C/4 channels inside, and no stride.
init missing: \.__init__\(\) takes 1 positional argument but (\d+) were given
    __init__ is called with more arguments than it takes. (self counts as one.) Is it spelt with two underscores on each
    side, and does its def line list all the names that the exercise gives?
init returns: __init__\(\) should return None
    __init__ makes the parts and returns nothing: leave out its return.
too many arguments: takes (\d+) positional arguments? but (\d+) (?:was|were) given
    The function is called with more arguments than it takes. (self counts as one.) Does its def line list all the
    names that the exercise gives?
layer made without: (BatchNorm|Conv2d|MaxPool2d)\S*\.__init__\(\) missing \d+ required positional arguments?: (.*)
    The {0} is made without {1}: put it into the brackets.
class made without: (\w+)\.__init__\(\) missing \d+ required positional arguments?: (.*)
    {0} is made without {1}: put it into the brackets. (Where the check makes it, the def line asks for more than
    the exercise gives.)
sum with one term: check_sum\(\) missing
    A sum takes two terms, and is called with one. (A loop over all parts of a block meets its sum and its shortcut
    too.)
forward called without: (\w+)\.forward\(\) missing \d+ required positional arguments?: (.*)
    The forward of {0} is called without {1}: give it all that its def line lists. (Where {0} is the class itself, and
    not a part made of it, {0}(…) makes one first.)
called without: missing \d+ required positional arguments?: (.*)
    The function is called without {0}: a class must be made before it is called, and def must list what the
    exercise gives.
argument unknown: unexpected keyword argument '(\w+)'
    There is no argument called {0} there: is it misspelt?
float channels: must be tuple of ints|'float' object cannot be interpreted as an integer|got \(float
    A number of channels is a float: divide with //, not with /.
not divisible by 4: is not divisible by 4
    BTNK2 has C/4 channels inside.
block without brackets: (\w*BTNK[12]) is not a Module subclass
    {0} stands there without brackets: {0}(…) makes a block, {0} is only its class.
star missing: is not a Module subclass
    nn.Sequential takes modules one by one: write nn.Sequential(*blocks), with the star.
endless recursion: maximum recursion depth
    Something calls itself: does forward call self(x)?
division by zero: division by zero|modulo by zero|must not be zero
    You divide by zero: what is 0 for this input?
unpacking: values to unpack
    A line gives names to the parts of something, and there are more or fewer parts than names. Print it first. (A
    loop over a dictionary gives its names alone, .items() both.)
index past the end: (?:list|tuple) index out of range|index (?:-?\d+ )?is out of (?:bounds|range)
    An element past the end is asked for: the first has number 0, the last n − 1, and an empty list has none.
dictionary changed: dictionary (?:keys )?changed (?:size )?during iteration
    A dictionary is changed while a loop goes through it: put what is new into a new dictionary.
unhashable: unhashable type: '(\w+)'
    A {0} cannot be a key of a dictionary; a text can. (".".join(parts) makes one text of a list of texts.)
shape as a number: unsupported operand .*'torch\.Size'
    A shape is no number: tensor.numel() says how many numbers there are.
class as a part: as child module '(\w+)'
    self.{0} stands for a part, and gets something that is none: is a class written without its brackets, as in
    nn.ReLU()?
operands: unsupported operand type\(s\) for (\S+): '(\w+)' and '(\w+)'
    A {1} and a {2} do not go together with {0}: print both. One of them is not what you think.
not iterable: cannot unpack non-iterable (\w+)|'(\w+)' object is not (?:iterable|subscriptable)
    A {0} has no parts that could be taken one by one: print it. Several values are expected here.
arrays of two shapes: could not be broadcast together with shapes (\(.*?\)) (\(.*?\))
    Two arrays of shapes {0} and {1} meet: they need one number each for the same layers or steps.
layout of a shape: shape '(\[.*?\])' is invalid for input of size (\d+)
    {1} numbers cannot be laid out as {0}: the product of a shape is the number of its elements.
gradient of several: grad can be implicitly created only for scalar outputs
    A gradient is taken of one number: choose the logit of the class, logits[0, target].
no gradient: does not require grad|not have been used in the graph
    Nothing leads from there to what you differentiate: the maps and the number must come from one forward pass,
    with gradients recorded and nothing detached in between.
index of a number: invalid index of a 0-dim tensor
    This is one number already: an index is too many, or a sum or mean took all dimensions. Name them, as in sum(1).
index not whole: only integer|must be integers|valid indices|used as indices
    Something that is no whole number stands where a whole number is due: print it.
number not whole: object cannot be interpreted as an integer
    A whole number is due here: print what stands there.
network given: expects a tensor of shape .* but got (\w+)
    The network is given a {0}: what it takes is the picture, x.
step unknown: no step is called
    Steps are asked for by their names: activations(network, x, [step, …]).
dimension twice: multiple times in the list of dims
    One dimension is named twice: H and W are dimensions 2 and 3.
einsum: einsum\(\)|in argument 1, but got
    In einsum, first the letters, one for each dimension, then the tensors.
no tensor: must be Tensor, not (\w+)
    A tensor is due here, and there is a {0}: print it.
sizes written: the number of sizes provided
    Several numbers are written into a place for fewer: is an index [i] missing?
no item assignment: does not support item assignment
    Only lists, dictionaries and tensors can be written into, place by place.
arguments not taken: received an invalid combination of arguments
    PyTorch does not take these arguments here: print each of them.
weights overwritten: a leaf Variable that requires grad
    Weights may not be overwritten while gradients are recorded: make a new tensor.
dimension unknown: Dimension out of range .* but got (-?\d+)
    There is no dimension {0} in this tensor: print its shape before this line. The first dimension is 0.
number of arguments: expected (?:at least |at most |exactly )?\d+ arguments?, got
    | takes (?:exactly|at least) \w+ (?:positional )?arguments?|missing required argument
    A function is called with too many or too few arguments.
not callable: '(\w+)' object is not callable
    A {0} is called as if it were a function: look for brackets too many, or a name used twice.
"""
)


# In a function, which is no network, these mean something else.
IN_FUNCTIONS = _rows(
    r"""
function's name unknown: name '(\w+)' is not defined
    {0} is used and never given a value: is it misspelt, or never imported?
function's arguments: takes (\d+) positional arguments? but (\d+) (?:was|were) given
    Your function takes too few arguments, {0}, and is called with {1}: its def line must list all the names that
    the exercise gives.
function's values missing: ^(?!check_sum|.*\.(?:__init__|forward)\(\)).*\(\) missing \d+ required \w+ arguments?: (.*)
    The function is called without {0}. Where the check calls it, the def line asks for more than the exercise gives.
text for a tensor: 'str' object has no attribute|string indices must be integers
    A loop over a dictionary gives its names alone; .values() gives what they stand for, .items() both.
shapes do not fit: size of tensor a|The expanded size of the tensor
    Two shapes do not fit: print both before this line. They are compared from the last dimension on.
value's attribute: '(?:\w+\.)*(\w+)' object has no attribute '(\w+)'
    A {0} has no {1}: is that misspelt, or is a {0} not what you think is there?
"""
)
