"""What the exercises of chapter 3 ask."""

from ..definition import Forbid, Statement

CHAPTER = "03_convolution_layers"

#: The course's own versions.
_REFERENCES = ("helpers.convolution", "helpers.convolution_layers")
#: Torch's layers may be used, the course's references not.
_OWN = Forbid(modules=_REFERENCES)
#: Arithmetic of plain numbers: no layer is built and none is run.
_ARITHMETIC = Forbid(operators=("*",), modules=_REFERENCES)

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="conv-parameter-count",
        title="What a layer holds",
        answer="conv_parameters",
        points=1,
        difficulty=1,
        minutes=5,
        groups={"square kernels": 1, "oblong kernels": 1, "groups": 1, "no bias": 1},
        forbid=_ARITHMETIC,
        hints=(
            "The weight's shape has four numbers, and the table above names them. What is their "
            "product, and what does the bias add?",
            "A kernel has a slice for each channel that it sees, and it sees the channels of its "
            "own group only: in_channels // groups of them. There is one bias for each kernel.",
            "With height, width = (kernel_size, kernel_size) for an int and kernel_size itself for "
            "a pair: out_channels * (in_channels // groups) * height * width, and out_channels "
            "more if bias.",
        ),
    ),
    Statement(
        name="conv-layer",
        title="Your own convolution layer",
        answer="Conv2d",
        points=4,
        difficulty=3,
        minutes=25,
        groups={
            "output": 1,
            "options": 1,
            "no bias": 1,
            "learning": 1,
            "state_dict": 1,
            "start values": 1,
        },
        forbid=_OWN,
        hints=(
            "In __init__: make the two parameters and keep the settings. In forward: hand all of "
            "them to F.conv2d. Which shape has the weight?",
            "The weight is an nn.Parameter of shape (out_channels, in_channels // groups, kH, kW), "
            "the bias one of shape (out_channels,); without a bias, self.bias = None. "
            "tensor.uniform_(low, high) fills a tensor with start values.",
            "bound = (in_channels // groups * kH * kW) ** -0.5; self.weight = nn.Parameter("
            "torch.empty(…).uniform_(-bound, bound)), the bias likewise; forward returns "
            "F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, "
            "self.groups).",
        ),
    ),
    Statement(
        name="edge-layer",
        title="A layer that finds edges",
        answer="edge_layer",
        points=3,
        difficulty=2,
        minutes=20,
        groups={
            "left to right": 1,
            "top to bottom": 1,
            "center": 1,
            "several channels": 1,
            "border": 1,
        },
        forbid=_OWN,
        hints=(
            "Three output channels, one for each kernel. Which arguments of nn.Conv2d keep the "
            "size, repeat the edge and leave the bias out?",
            "Stack the three 3×3 kernels to (3, 3, 3) and put in a dimension for the input "
            "channels, which all get the same slice. To answer to their mean, each slice is "
            "divided by in_channels.",
            "layer = nn.Conv2d(in_channels, 3, 3, padding=1, padding_mode=…, bias=False); then, "
            "with torch.no_grad(): layer.weight.copy_(kernels[:, None] / in_channels). copy_ "
            "repeats the slice for each input channel.",
        ),
    ),
    Statement(
        name="reshaped-rows",
        title="Who stands in this row?",
        answer="maps_in_row",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"threes of six": 1, "other sizes": 1, "across images": 1},
        forbid=_OWN,
        hints=(
            "Number all maps through, image after image. Which numbers stand in row 0, in row 1, "
            "in row r?",
            "Row r holds the maps number r * per_row to r * per_row + per_row - 1. Map number n "
            "belongs to image n // channels; what is left over is its channel.",
            "Return [divmod(row * per_row + place, channels) for place in range(per_row)]: divmod "
            "gives the quotient and the rest.",
        ),
    ),
    Statement(
        name="normalize-maps",
        title="Every map by itself",
        answer="normalize_maps",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"one map": 1, "several channels": 1, "several images": 1, "flat maps": 1},
        forbid=_OWN,
        hints=(
            "Least and greatest value of each map: over which two of the four dimensions do you "
            "look for them, and which two stay?",
            "maps.amin(dim=…, keepdim=True) keeps the dimensions, with size 1, so that the result "
            "can be subtracted from maps. For a flat map the division would be 0 / 0.",
            "low and high by amin and amax over the dimensions (-2, -1); span = high - low; "
            "torch.where(span == 0, 0.5, (maps - low) / span).",
        ),
    ),
    Statement(
        name="conv-multiply-adds",
        title="What a layer costs",
        answer="multiply_adds",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"kernel": 1, "stride and padding": 1, "groups": 1, "together": 1},
        forbid=_ARITHMETIC,
        hints=(
            "How many numbers does the output have? How many products are added up for each one?",
            "The output has out_channels maps of oH × oW numbers, by the size formula above. "
            "Each number is a sum over in_channels // groups slices of kernel_size × kernel_size.",
            "oH = (H + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1, oW likewise; "
            "oH * oW * out_channels * (in_channels // groups) * kernel_size ** 2.",
        ),
    ),
    Statement(
        name="separable-conv",
        title="A depthwise separable layer",
        answer="SeparableConv2d",
        points=3,
        difficulty=2,
        minutes=15,
        groups={"output": 1, "options": 1, "learning": 1, "state_dict": 1},
        forbid=_OWN,
        hints=(
            "Two layers one after the other, both nn.Conv2d. How many channels lie between them?",
            "The first keeps the channels apart: as many groups as input channels, and as many "
            "kernels. The second has kernels of 1×1 and mixes all channels. Stride and padding "
            "move windows: which of the two has windows?",
            "self.depthwise = nn.Conv2d(in_channels, in_channels, kernel_size, stride, padding, "
            "groups=in_channels, bias=False); self.pointwise is an nn.Conv2d from in_channels to "
            "out_channels with kernel size 1; forward applies one, then the other.",
        ),
    ),
    Statement(
        name="receptive-field",
        title="How far a stack sees",
        answer="receptive_field",
        points=3,
        difficulty=2,
        minutes=15,
        groups={"stride 1": 1, "strides": 1, "dilation": 1, "together": 1},
        forbid=_ARITHMETIC,
        hints=(
            "Before the first layer a number sees one pixel: itself. By how much does a layer of "
            "stride 1 and kernel size k make the field larger?",
            "Keep two numbers as you go through the layers: the field's size, and how many input "
            "pixels lie between two neighbors of the present map. The second begins at 1 and is "
            "multiplied by each stride.",
            "size, step = 1, 1; for each layer: size += dilation * (kernel_size - 1) * step, and "
            "then step *= stride.",
        ),
    ),
)
