"""What the exercises of chapter 2 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "02_convolution_arithmetic"

#: Neither torch's convolutions, forward, transposed or backward, nor the operators behind
#: `F.unfold` and `F.fold`, nor the course's own. `Tensor.unfold` and `as_strided` are allowed.
_BY_HAND = Forbid(
    operators=("*conv*", "im2col*", "col2im*"),
    modules=("helpers.convolution", "helpers.windows", "scipy.signal", "scipy.ndimage"),
)

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="cross-correlation",
        title="Slide, multiply, add",
        answer="cross_correlate",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"square": 1, "oblong": 1, "integers": 1},
        forbid=_BY_HAND,
        hints=(
            "How many places can the kernel take from top to bottom, and how many from left to "
            "right? Make an output of that shape, of the input's dtype, and fill it.",
            "At place (i, j) the kernel lies on input[i : i + height, j : j + width]. Multiply "
            "this window by weight, place by place, and add up.",
            "With height, width = weight.shape: output = input.new_zeros(input.shape[0] - height "
            "+ 1, input.shape[1] - width + 1), and in two loops output[i, j] = (input[i : i + "
            "height, j : j + width] * weight).sum().",
        ),
    ),
    Statement(
        name="conv-output-size",
        title="The size of a convolution's output",
        answer="conv_output_size",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"kernel": 1, "padding": 1, "stride": 1, "dilation": 1, "together": 1},
        forbid=_BY_HAND,
        hints=(
            "Put the kernel at the left end of the padded input. How many pixels are left on its "
            "right? Each stride uses some of them up.",
            "Padding makes the input longer by 2 * padding. A dilated kernel spans "
            "dilation * (kernel_size - 1) + 1 pixels. Steps that do not fit whole do not count: "
            "// divides integers and rounds down.",
            "return (input_size + 2 * padding - span) // stride + 1, where span is "
            "dilation * (kernel_size - 1) + 1.",
        ),
    ),
    Statement(
        name="same-padding",
        title="Padding that keeps the size",
        answer="same_padding",
        points=1,
        difficulty=2,
        minutes=10,
        groups={"odd kernels": 1, "even kernels": 1, "dilation": 1},
        forbid=_BY_HAND,
        hints=(
            "Without padding, how many pixels shorter than the input is the output at stride 1?",
            "The two paddings add up to dilation * (kernel_size - 1). If that is odd, one side "
            "gets one more: the right. // divides integers and rounds down.",
            "total = dilation * (kernel_size - 1); the left gets total // 2, the right the rest.",
        ),
    ),
    Statement(
        name="channels-first",
        title="Find the bug: scrambled images",
        answer="channels_first",
        points=1,
        difficulty=2,
        minutes=10,
        groups={"square images": 1, "oblong images": 1, "bytes": 1},
        forbid=_BY_HAND,
        hints=(
            "reshape keeps the numbers in the order they have in memory and only deals them out "
            "anew. Which operation moves a dimension to another place?",
            "images.permute(...) takes the old dimensions, counted from 0, in their new order. "
            "Which old dimension comes first, which second?",
            "The batch stays (0), then the channels (3), then height (1) and width (2): "
            "images.permute(0, 3, 1, 2).",
        ),
    ),
    Statement(
        name="conv2d-batch-channels",
        title="Your own conv2d, step 1: batch and channels",
        answer="conv2d_channels",
        points=3,
        difficulty=3,
        minutes=25,
        groups={"channels": 1, "kernels": 1, "batch": 1, "bias": 1},
        forbid=_BY_HAND,
        hints=(
            "One output pixel is one window of all input channels times one kernel, added up. "
            "Which loops can a tensor operation take over?",
            "input.unfold(2, kH, 1).unfold(3, kW, 1) has shape (N, C, oH, oW, kH, kW). Multiply by "
            "the weight (out, C, kH, kW) and add up over C, kH and kW: give each of these "
            "dimensions a letter, for torch.einsum. If the lines without a bias fail, mind that "
            "bias is None there.",
            'torch.einsum("nchwij,ocij->nohw", windows, weight) does it; then, if there is a '
            "bias, add bias.reshape(1, -1, 1, 1).",
        ),
    ),
    Statement(
        name="conv2d-stride-padding",
        title="Your own conv2d, step 2: stride and padding",
        answer="conv2d_strided",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"stride": 1, "padding": 1, "both": 1, "pairs": 1},
        forbid=_BY_HAND,
        hints=(
            "Padding happens before the windows are taken, stride when they are taken.",
            "F.pad wants (left, right, top, bottom), the width first. The third argument of "
            "Tensor.unfold is the step from one window to the next.",
            "Make pairs first: sh, sw = stride if isinstance(stride, tuple) else (stride, stride). "
            "Then F.pad(input, (pw, pw, ph, ph)).unfold(2, kH, sh).unfold(3, kW, sw), and the rest "
            "is step 1.",
        ),
    ),
    Statement(
        name="conv2d-dilation-groups",
        title="Your own conv2d, step 3: dilation and groups",
        answer="conv2d_full",
        points=4,
        difficulty=4,
        minutes=30,
        groups={"dilation": 1, "groups": 1, "together": 1, "gradients": 1},
        forbid=_BY_HAND,
        hints=(
            "Dilation: take windows as wide as the dilated kernel spans, then keep every "
            "dilation-th pixel of each. Groups: the same computation on parts of the channels.",
            "windows[..., ::dh, ::dw] thins the windows out. For groups, split the channels of the "
            "windows and the kernels into parts of equal size, and convolve part by part.",
            "einsum does all parts at once: reshape the windows to (N, groups, C // groups, oH, "
            "oW, kH, kW) and the weight to (groups, out // groups, C // groups, kH, kW); "
            '"ngchwij,gocij->ngohw" and a reshape to (N, out, oH, oW).',
        ),
    ),
    Statement(
        name="conv-transpose-output-size",
        title="The size of a transposed convolution's output",
        answer="conv_transpose_output_size",
        points=2,
        difficulty=3,
        minutes=10,
        groups={"kernel": 1, "stride": 1, "padding": 1, "output padding": 1, "together": 1},
        forbid=_BY_HAND,
        hints=(
            "Every input pixel lays down a whole kernel. Where does the first kernel begin, and "
            "where does the last one end?",
            "The last kernel begins (input_size - 1) * stride pixels after the first and spans "
            "dilation * (kernel_size - 1) + 1. Padding is cut off at both ends.",
            "return (input_size - 1) * stride + dilation * (kernel_size - 1) + 1 - 2 * padding "
            "+ output_padding.",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="output-padding",
        title="The way back",
        points=2,
        minutes=10,
        criteria=(
            "A step that does not fit whole is not taken, so inputs that differ by fewer pixels "
            "than the stride can share an output size: at stride 3 three sizes do (7, 8 and 9).",
            "output_padding decides which of these sizes the transposed convolution gives.",
            "It is smaller than the stride, for the next size is not among them: 10 gives 4.",
        ),
    ),
)
