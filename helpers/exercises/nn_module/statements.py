"""What the exercises of chapter 1 ask."""

from ..definition import Statement

CHAPTER = "01_nn_module"

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="add-constant",
        title="A module that adds a constant",
        answer="AddConstant",
        points=1,
        difficulty=1,
        minutes=5,
        groups={"output": 2, "two in a row": 1, "the input stays as it was": 1},
        hints=(
            "Two methods, two moments: __init__ runs once, when the module is made; forward "
            "runs at each call. Which of them sees the constant, which sees the input?",
            "Keep the constant on the object, in __init__, so that forward finds it there. "
            "Let forward make a new tensor; do not write into the one it was given.",
            "After super().__init__(): self.constant = constant. In forward: "
            "return input + self.constant (and not input += self.constant, which writes into "
            "the caller's tensor).",
        ),
    ),
    Statement(
        name="scale-shift",
        title="A learnable scale and shift",
        answer="ScaleShift",
        points=3,
        difficulty=2,
        minutes=10,
        groups={"output": 1, "learning": 1, "state_dict": 1},
        hints=(
            "Two vectors belong to the module and are learned. What makes a tensor learnable in "
            "the eyes of an optimizer?",
            "Wrap each vector in nn.Parameter and assign it to self, after super().__init__(). "
            "Which start values leave the input as it is?",
            "self.scale = nn.Parameter(torch.ones(num_features)); self.shift likewise, with "
            "torch.zeros; forward returns input * self.scale + self.shift.",
        ),
    ),
    Statement(
        name="call-counter",
        title="A buffer that counts",
        answer="CallCounter",
        points=4,
        difficulty=2,
        minutes=15,
        groups={"counting": 1, "evaluation mode": 1, "state_dict": 1, "another device": 1},
        hints=(
            "The count is state, but nothing learns it. What does a module offer for a tensor "
            "that is saved and moved with it and is no parameter?",
            "self.register_buffer(name, tensor) in __init__. In forward, self.training says "
            "which mode the module is in.",
            'self.register_buffer("calls", torch.tensor(0)) in __init__; in forward: '
            "if self.training: self.calls += 1, then return input.",
        ),
    ),
    Statement(
        name="module-list-mlp",
        title="A network of any depth",
        answer="MLP",
        points=3,
        difficulty=3,
        minutes=15,
        groups={"output": 1, "learning": 1, "state_dict": 1},
        hints=(
            "A network with k sizes has k − 1 layers: layer i maps sizes[i] features to "
            "sizes[i + 1]. What must hold the layers, so that the module sees them?",
            "Build an nn.ModuleList of nn.Linear over zip(sizes, sizes[1:]). In forward go through "
            "the layers in order, and treat the last one differently.",
            "self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in zip(sizes, sizes[1:])). "
            "In forward: for layer in self.layers[:-1]: input = F.relu(layer(input)); "
            "then return self.layers[-1](input).",
        ),
    ),
    Statement(
        name="count-parameters",
        title="Counting what can learn",
        answer="count_parameters",
        points=3,
        difficulty=2,
        minutes=10,
        groups={"plain networks": 1, "buffers": 1, "frozen parameters": 1, "shared parameters": 1},
        hints=(
            "One method of a module goes through every parameter, however deep, and gives a "
            "shared one only once.",
            "module.parameters() gives each parameter once. A tensor's numel() says how many "
            "numbers it holds; its requires_grad, whether gradients reach it.",
            "Sum parameter.numel() over module.parameters(), for those with "
            "parameter.requires_grad.",
        ),
    ),
    Statement(
        name="freeze-by-name",
        title="Freezing by name",
        answer="freeze",
        points=3,
        difficulty=3,
        minutes=15,
        groups={"names": 1, "one step of SGD": 1, "called twice": 1},
        hints=(
            "Each parameter has a name with dots, such as 0.weight. One method gives you name "
            "and parameter together.",
            "Go through module.named_parameters(). fnmatchcase(name, pattern) says whether a "
            "name matches; requires_grad on the parameter is the switch.",
            "For each name that matches: parameter.requires_grad = False, and append the name "
            "to a list. Return the list. Leave the other parameters as they are.",
        ),
    ),
    Statement(
        name="mend-residual",
        title="Find the bug: a block that half learns",
        answer="ScaledResidual",
        points=3,
        difficulty=3,
        minutes=15,
        groups={"learning": 1, "evaluation mode": 1, "state_dict": 1},
        hints=(
            "gain is missing from the list: what kind of object does the line that makes it "
            "assign? The outputs differ in evaluation mode: what in forward is random, and how "
            "could it know the mode?",
            "A Parameter times a number is an ordinary tensor: multiply first, wrap afterward. "
            "And a function does not know the module's mode unless it is told.",
            "self.gain = nn.Parameter(0.1 * torch.ones(num_features)), and "
            "F.dropout(…, self.p, training=self.training) in forward (or an nn.Dropout module, "
            "which follows train() and eval() by itself).",
        ),
    ),
)
