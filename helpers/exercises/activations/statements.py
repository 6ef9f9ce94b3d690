"""What the exercises of chapter 5 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "05_activations"

_REFERENCE = ("helpers.activations", "helpers.models", "scipy.special")

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="fold-linear",
        title="Two linear layers in one",
        answer="fold_linear",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"weights": 1, "biases": 1, "one bias missing": 1},
        forbid=Forbid(modules=_REFERENCE),
        hints=(
            "Which sizes does the new layer have? It takes what the first takes and gives what the "
            "second gives; the size in the middle disappears.",
            "The matrices multiply as they act: the first layer's stands on the right. What does "
            "the stack give for an input of zeros, where no weight of the first layer counts? "
            "That is the new bias.",
            "folded = nn.Linear(first.in_features, second.out_features); under torch.no_grad(): "
            "folded.weight.copy_(second.weight @ first.weight), and folded.bias.copy_(…) of "
            "second(first(zeros)), where zeros has first.in_features numbers.",
        ),
    ),
    Statement(
        name="leaky-relu-function",
        title="A gradient by hand",
        answer="LeakyReLU",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"forward": 1, "gradient": 1, "gradients that arrive": 1},
        forbid=Forbid(operators=("*leaky_relu*", "*prelu*", "*rrelu*"), modules=_REFERENCE),
        hints=(
            "What does backward have to know about the input? Nothing passes from forward to "
            "backward but what you keep on ctx.",
            "ctx.save_for_backward(input) keeps the tensor, ctx.negative_slope = negative_slope "
            "the number. In backward, (input,) = ctx.saved_tensors. The chain rule multiplies what "
            "arrives, grad_output, by the slope at the input.",
            "forward: torch.where(input > 0, input, negative_slope * input). backward chooses in "
            "the same way between grad_output and ctx.negative_slope * grad_output, and returns "
            "two things: that tensor, and None for negative_slope.",
        ),
    ),
    Statement(
        name="gelu",
        title="GELU, exact and nearly",
        answer="gelu",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"exact": 1, "tanh": 1, "gradients": 1},
        forbid=Forbid(operators=("*gelu*",), modules=_REFERENCE),
        hints=(
            "Two formulas stand above. The argument approximate says which of them is asked for, "
            "and 'none' means the one with the normal distribution.",
            "Φ(x) is (1 + torch.erf(x / math.sqrt(2))) / 2. In the other formula Φ gives way to "
            "(1 + torch.tanh(u)) / 2.",
            'phi = (1 + torch.erf(input / math.sqrt(2))) / 2; if approximate == "tanh": '
            "u = math.sqrt(2 / math.pi) * (input + 0.044715 * input**3) and "
            "phi = (1 + torch.tanh(u)) / 2; return input * phi.",
        ),
    ),
    Statement(
        name="activation-gain",
        title="The gain of an activation",
        answer="activation_gain",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"ReLU and its kin": 1, "curved": 1, "shifted": 1},
        forbid=Forbid(modules=_REFERENCE),
        hints=(
            "What happens to the mean square of many standard normal numbers when the activation "
            "is applied to them? Measure it.",
            "torch.randn(1_000_000) draws a million. Square the activation's outputs and take the "
            "mean (of the squares: do not subtract the mean first). The gain squared, times that "
            "mean square, is to be 1.",
            "The mean square is activation(z).square().mean(). Its inverse square root, .rsqrt(), "
            "is the gain; .item() makes a float of it.",
        ),
    ),
    Statement(
        name="dead-units",
        title="Which units are dead",
        answer="dead_units",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"linear layers": 1, "feature maps": 1, "nearly dead": 1, "negative numbers": 1},
        forbid=Forbid(modules=_REFERENCE),
        hints=(
            "A unit is an entry of the second dimension. All the other dimensions, samples and "
            "pixels alike, must be zero for it to be dead.",
            "output == 0 says where the zeros are. Bring the units to the front, make one long "
            "row of each unit, and ask whether all of a row is true.",
            "movedim(1, 0) puts the units first, flatten(1) makes a row of each, and "
            ".all(dim=1) is True where the whole row is.",
        ),
    ),
    Statement(
        name="stable-sigmoid",
        title="A sigmoid that holds",
        answer="stable_sigmoid",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"near zero": 1, "far out": 1, "gradients": 2},
        forbid=Forbid(
            operators=(
                "*sigmoid*",
                "special_*",
                "silu*",
                "*glu*",
                "*softmax*",
                "softplus*",
                "logaddexp*",
                "*logsumexp*",
                "logit*",
                "*binary_cross_entropy*",
            ),
            modules=_REFERENCE,
        ),
        hints=(
            "Where x is negative, exp(−x) is the large one. Multiply numerator and denominator of "
            "1 / (1 + exp(−x)) by exp(x): which exponential is left?",
            "Compute one exponential, of minus the distance from 0: it is never more than 1. "
            "torch.where chooses the numerator. Take care of the gradient at 0: autograd thinks "
            "that abs has slope 0 there.",
            "small = torch.exp(torch.where(input >= 0, -input, input)). The denominator is "
            "1 + small for all; the numerator is 1 where input >= 0, and small elsewhere.",
        ),
    ),
    Statement(
        name="log-softmax",
        title="A log-softmax that holds",
        answer="log_softmax",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"last dimension": 1, "other dimensions": 1, "large logits": 2, "gradients": 2},
        forbid=Forbid(
            operators=("*softmax*", "*logsumexp*", "*logaddexp*", "*logcumsumexp*", "*nll*"),
            modules=_REFERENCE,
        ),
        hints=(
            "The logarithm of a quotient is a difference. And a number that is taken from all "
            "logits of a row alike changes no probability.",
            "Subtract the largest number along dim first, and go on with what is left and with "
            "nothing else: log softmax is the shifted logit less the logarithm of the sum of the "
            "shifted exponentials. keepdim=True lets the shapes meet.",
            "shifted = input - input.amax(dim, keepdim=True); then subtract "
            "shifted.exp().sum(dim, keepdim=True).log() from shifted.",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="in-place-after",
        title="In place after what?",
        points=2,
        minutes=10,
        criteria=(
            "After exp it raises: the slope of exp is its output, so autograd saved the output, "
            "which the in-place ReLU has overwritten.",
            "After square it does not: the slope, 2x, needs the input, which is untouched.",
            "What counts is that a saved tensor was written to, not whether its numbers changed: "
            "ReLU leaves the positive outputs of exp as they are, and still the error comes.",
        ),
    ),
)
