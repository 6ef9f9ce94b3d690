"""What the exercises of chapter 6 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "06_linear_layers"


def _without(*operators: str) -> Forbid:
    """Neither the course's own nor these operators; the probes watch what dissolves into others."""
    return Forbid(operators=operators, modules=("helpers.linear",))


EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="linear-by-matmul",
        title="A linear layer by hand",
        answer="linear_layer",
        points=2,
        difficulty=1,
        minutes=10,
        groups={"one vector": 1, "a batch": 1, "more dimensions": 1, "without a bias": 1},
        forbid=_without(),
        hints=(
            "Each output is one row of the weight times the input, added up. @ does this for all "
            "rows at once, if the inner sizes meet: (…, in) @ (in, out).",
            "The weight has shape (out, in), and (in, out) is asked for: turn it around with .T. "
            "The bias, of shape (out,), is added to the last dimension by itself. Mind that it "
            "may be None.",
            "output = input @ weight.T; return output if bias is None, else output + bias.",
        ),
    ),
    Statement(
        name="flatten-dims",
        title="Flatten from here to there",
        answer="flatten_dims",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"everything": 1, "start_dim": 1, "end_dim": 1, "counted from the end": 1},
        forbid=_without(),
        hints=(
            "The new shape has three parts: the dimensions before start_dim, one number, the "
            "dimensions after end_dim. What is the number?",
            "The number is the product of input.shape[start_dim : end_dim + 1]. For end_dim = -1 "
            "that slice is empty: turn negative dimensions into positive ones first. -1 in "
            "reshape is no way out: a batch of no images leaves it nothing to work with.",
            "start_dim % input.ndim counts from the front whatever the sign. Then "
            "input.reshape(shape[:start] + (math.prod(shape[start : end + 1]),) + "
            "shape[end + 1 :]), with shape = tuple(input.shape).",
        ),
    ),
    Statement(
        name="matrix-of-a-layer",
        title="The matrix of a layer",
        answer="matrix_of",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"convolution": 1, "bias": 1, "stride and padding": 1, "other linear maps": 1},
        forbid=_without(),
        hints=(
            "A matrix times the vector (0, …, 1, …, 0) is one of its columns. What does the "
            "layer make of such an image, and what of the image that is all zeros?",
            "torch.eye(n) has the n unit vectors as its rows; reshape it to a batch of n images. "
            "The layer takes all of them at once. Flatten its output, without the batch "
            "dimension, and take off what the layer makes of zeros: that is the offset.",
            "offset = layer(torch.zeros(1, *input_shape)).flatten(), columns = "
            "layer(torch.eye(n).reshape(n, *input_shape)).flatten(1) - offset. Row j of columns "
            "is column j of the matrix, so return columns.T, offset.",
        ),
    ),
    Statement(
        name="inverted-dropout",
        title="Inverted dropout",
        answer="drop",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"training": 1, "evaluation": 1, "the ends of p": 1, "gradients": 1},
        forbid=_without("*dropout*"),
        hints=(
            "Three cases: in evaluation nothing happens; in training a number either becomes 0 "
            "or grows by a factor, so that the mean stays.",
            "noise >= p is True where a number is kept. The kept ones are divided by 1 - p. If p "
            "is 1, nothing is kept, and a division by zero would make NaN, if not in the output, "
            "then in the gradients. Treat that case alone.",
            "if not training: return input; if p == 1: return input * 0. Else torch.where(noise "
            ">= p, input / (1 - p), 0.0).",
        ),
    ),
    Statement(
        name="batch-norm-module",
        title="Batch normalization with a memory",
        answer="BatchNorm",
        points=4,
        difficulty=4,
        minutes=35,
        groups={
            "training": 1,
            "running statistics": 1,
            "evaluation": 1,
            "images": 1,
            "learning": 1,
        },
        forbid=_without("*batch_norm*", "*group_norm*", "*layer_norm*"),
        hints=(
            "Two parameters, weight and bias, and two buffers, running_mean and running_var. In "
            "training mode the batch's own mean and variance are used, and the buffers follow "
            "them; in evaluation mode the buffers are used.",
            "dims = [0, *range(2, input.ndim)] are all dimensions but the channels; "
            "input.var(dims, correction=0) divides by n, correction=1 by n - 1. To meet the "
            "input, a vector of C numbers takes the shape (C, 1, 1) before images: "
            "vector.reshape(-1, *[1] * (input.ndim - 2)). The buffers take part in no gradient: "
            "change them under torch.no_grad().",
            "In training: mean, var = input.mean(dims), input.var(dims, correction=0); under "
            "torch.no_grad() move each buffer by momentum * (new - old), where the new variance "
            "is input.var(dims) with its n - 1. Then (input - mean) / (var + eps).sqrt() * weight "
            "+ bias, all four reshaped.",
        ),
    ),
    Statement(
        name="layer-norm-function",
        title="Layer normalization",
        answer="normalize_layer",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"one dimension": 1, "several dimensions": 1, "scale and shift": 1, "eps": 1},
        forbid=_without("*layer_norm*", "*batch_norm*", "*group_norm*", "*rms_norm*"),
        hints=(
            "Mean and variance are taken over the last dimensions, as many as normalized_shape "
            "has. No two samples meet.",
            "The dimensions are (-1,), (-2, -1) and so on: tuple(range(-len(normalized_shape), "
            "0)). keepdim=True keeps them with size 1, so that they meet the input again. The "
            "variance divides by n: correction=0.",
            "mean = input.mean(dims, keepdim=True), var = input.var(dims, correction=0, "
            "keepdim=True), output = (input - mean) / (var + eps).sqrt(); then times weight and "
            "plus bias, each only if it is not None.",
        ),
    ),
    Statement(
        name="embedding-one-hot",
        title="A look-up as a matrix product",
        answer="embed",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"one sentence": 1, "a batch": 1, "gradients": 1},
        forbid=_without("embedding*", "index*", "gather*", "take*", "select*"),
        hints=(
            "What must a row vector look like so that its product with a table is row 3 of the "
            "table?",
            "Make a last dimension of V numbers for each index: a 1 at the index, 0 elsewhere. "
            "F.one_hot does it, or a comparison of the indices with torch.arange(V). A matrix "
            "product wants both sides of one dtype.",
            "F.one_hot(indices, len(table)) has shape (…, V) and is int64: .to(table.dtype), then "
            "@ table.",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="one-image-at-a-time",
        title="One image at a time",
        points=2,
        minutes=10,
        criteria=(
            "In training mode batch normalization uses the mean and variance of the batch, so a "
            "sample's output depends on the others; eval() was forgotten.",
            "With batches of one, each channel is normalized over one image's pixels only (for "
            "N×C inputs it is an error), which is not what the network saw in training.",
            "eval() uses the running statistics; the calls in training mode have also moved them, "
            "so calling eval() afterward does not undo the harm.",
        ),
    ),
)
