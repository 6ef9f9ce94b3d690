"""What the exercises of chapter 4 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "04_pooling"

#: None of torch's pooling, unpooling or adaptive operators, forward or backward, and none of the
#: course's own. Windows by `Tensor.unfold`, `F.unfold` or a convolution are allowed.
_BY_HAND = Forbid(
    operators=("*pool*",),
    modules=(
        "helpers.pooling",
        "helpers.convolution",
        "helpers.windows",
        "scipy.signal",
        "scipy.ndimage",
    ),
)

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="pool-output-size",
        title="The size of a pooled image",
        answer="pool_output_size",
        points=3,
        difficulty=3,
        minutes=20,
        groups={
            "default stride": 1,
            "stride and padding": 1,
            "dilation": 1,
            "ceil_mode": 1,
            "dropped windows": 1,
        },
        forbid=_BY_HAND,
        hints=(
            "Begin with the formula of chapter 2, and with stride=None: what is the stride then? "
            "Rounding up comes next, and the window that starts outside last.",
            "-(-a // b) divides integers and rounds up. With ceil_mode, the last of n windows "
            "starts at (n - 1) * stride, counted from the left end of the padding. Where does the "
            "right padding begin, counted so?",
            "free = input_size + 2 * padding - dilation * (kernel_size - 1) - 1; the count is "
            "free // stride + 1, or -(-free // stride) + 1 with ceil_mode. Then, with ceil_mode, "
            "one less if (count - 1) * stride >= input_size + padding.",
        ),
    ),
    Statement(
        name="max-pool",
        title="Your own max_pool2d",
        answer="max_pool",
        points=3,
        difficulty=3,
        minutes=25,
        groups={"stride": 1, "padding": 1, "dilation": 1, "pairs": 1, "integers": 1},
        forbid=_BY_HAND,
        hints=(
            "Pad first, with a number that never wins. Then take the windows as you did for "
            "conv2d, and look for the largest number of each.",
            "F.pad(input, (left, right, top, bottom), value=…). Tensor.unfold(2, span, step) cuts "
            "windows of the rows, then unfold(3, …) of the columns; a dilated window spans "
            "dilation * (kernel_size - 1) + 1 and keeps every dilation-th pixel. The least whole "
            "number is torch.iinfo(input.dtype).min; that of floats is float('-inf').",
            "windows = padded.unfold(2, dh * (kh - 1) + 1, sh).unfold(3, dw * (kw - 1) + 1, sw), "
            "then windows[..., ::dh, ::dw].amax(dim=(-2, -1)).",
        ),
    ),
    Statement(
        name="avg-pool",
        title="Your own avg_pool2d",
        answer="avg_pool",
        points=4,
        difficulty=4,
        minutes=30,
        groups={
            "mean": 1,
            "padding counts": 1,
            "padding does not count": 1,
            "ceil_mode": 1,
            "divisor_override": 1,
        },
        forbid=_BY_HAND,
        hints=(
            "Sums of windows are easy: outside there are zeros. So the exercise is about the "
            "divisors. Which pixels of a window count? Could you make an image of what counts?",
            "Make a second image, of ones for all that counts and of zeros for all that does not, "
            "pad it as the first one, and sum its windows: these sums are the divisors. Padding "
            "is a one there or a zero; what hangs over behind the padding is always a zero.",
            "With n = pool_output_size(H, k, s, p, 1, ceil_mode), the last window ends at "
            "(n - 1) * s + k, counted from the left end of the padding. So after the padding of p "
            "at both ends, F.pad adds (n - 1) * s + k - H - 2 * p at the right (it cuts off, if "
            "that is negative). Do the same with ones, and divide the sums by the sums.",
        ),
    ),
    Statement(
        name="max-unpool",
        title="Back to their places",
        answer="max_unpool",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"one map": 1, "batch and channels": 1, "integers": 1},
        forbid=_BY_HAND,
        hints=(
            "An index counts the pixels of one map row by row, from 0. So make each map one long "
            "row of zeros first, and give it its height and width at the end.",
            "Tensor.scatter(dim, index, source) writes source into the places that index names, "
            "along one dimension. flatten(2) makes one row of a map, unflatten(2, (H, W)) a map "
            "of a row.",
            "canvas = input.new_zeros(N, C, height * width), then canvas.scatter(2, "
            "indices.flatten(2), input.flatten(2)), then unflatten.",
        ),
    ),
    Statement(
        name="max-pool-gradient",
        title="Where the gradient goes",
        answer="max_pool_gradient",
        points=3,
        difficulty=4,
        minutes=30,
        groups={"side by side": 1, "overlapping": 1, "ties": 1, "batch and channels": 1},
        forbid=_BY_HAND,
        hints=(
            "Go through the outputs, one after the other. Which single pixel of the input made "
            "this one? That pixel gets the output's gradient, on top of what it has already.",
            "argmax of a window that is flattened gives the first of the largest numbers: its row "
            "in the window is the result // kernel_size, its column the result % kernel_size. Add "
            "the place of the window, and add to the gradient there: += and not =.",
            "In loops over n, c, i, j: window = input[n, c, i * s : i * s + k, j * s : j * s + k]; "
            "best = int(window.argmax()); result[n, c, i * s + best // k, j * s + best % k] += "
            "gradient[n, c, i, j].",
        ),
    ),
    Statement(
        name="adaptive-bins",
        title="The bins of adaptive pooling",
        answer="adaptive_bins",
        points=2,
        difficulty=1,
        minutes=10,
        groups={"even": 1, "uneven": 1, "more bins than pixels": 1},
        forbid=_BY_HAND,
        hints=(
            "Cut a ruler of input_size pixels into output_size equal parts. Where, in pixels, do "
            "the parts begin and end? A pixel that is cut belongs to both parts.",
            "Part i runs from i * input_size / output_size to (i + 1) * input_size / output_size. "
            "The start is rounded down and the end up. -(-a // b) divides and rounds up.",
            "[(i * input_size // output_size, -(-(i + 1) * input_size // output_size)) for i in "
            "range(output_size)]",
        ),
    ),
    Statement(
        name="blur-pool",
        title="Blur before you skip",
        answer="blur_pool",
        points=2,
        difficulty=3,
        minutes=15,
        groups={"one map": 1, "batch and channels": 1, "stride": 1},
        forbid=_BY_HAND,
        hints=(
            "Blurring is a convolution with a fixed kernel, for each channel alone. Frame the "
            "image first, so that the size is kept; skip pixels last, or by a stride.",
            "F.pad(input, (1, 1, 1, 1), mode='reflect') frames it. Blur the rows and then the "
            "columns by adding up slices, or make the 3×3 kernel by torch.outer and use F.conv2d "
            "with groups equal to the number of channels C: the weight is then (C, 1, 3, 3).",
            "k = input.new_tensor([1, 2, 1]) / 4; weight = torch.outer(k, k).expand(C, 1, 3, 3); "
            "F.conv2d(padded, weight, stride=stride, groups=C).",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="what-pooling-saves",
        title="What pooling saves",
        points=2,
        minutes=10,
        criteria=(
            "The pooling layer itself has no parameters, and the convolution behind it has as many "
            "with pooling as without: a convolution's weight does not depend on the image's size.",
            "Activations and the multiply–adds of the convolution behind it go down by 4, and the "
            "linear layer behind has a quarter of the weights.",
            "The numbers are right: 36,864 weights of the convolution with 32×32 maps or 16×16 "
            "ones; the linear layer's go from 655,360 to 163,840.",
        ),
    ),
)
