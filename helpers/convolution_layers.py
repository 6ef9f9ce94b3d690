"""Convolution layers: what they hold and cost, and how to look at what they make.

Counts of parameters and of multiply-adds, the depthwise separable layer, and the two things that
one needs for looking at feature maps: which maps a reshape puts side by side, and every map
stretched over its own range.
"""

from __future__ import annotations

import torch
from torch import nn

from .convolution import conv_output_size
from .windows import Pair


def conv_parameters(
    in_channels: int,
    out_channels: int,
    kernel_size: int | Pair,
    groups: int = 1,
    bias: bool = True,
) -> int:
    """How many numbers a convolution layer learns.

    Parameters
    ----------
    in_channels, out_channels
        Both divisible by ``groups``.
    kernel_size
        One number, or one for the height and one for the width.
    groups
        Into how many parts the channels are cut.
    bias
        Whether each output channel has one.

    Returns
    -------
    int
        ``out_channels (in_channels / groups) kH kW``, and ``out_channels`` for the bias.

    Raises
    ------
    ValueError
        If an argument is less than 1, or ``groups`` does not divide the channels.

    Notes
    -----
    The shapes of `torch.nn.Conv2d`'s parameters, multiplied out.

    Examples
    --------
    >>> conv_parameters(3, 6, 3)
    168
    """
    height, width = _kernel(in_channels, out_channels, kernel_size, groups)
    return out_channels * (in_channels // groups * height * width + bool(bias))


def conv_multiply_adds(
    input_size: int | Pair,
    in_channels: int,
    out_channels: int,
    kernel_size: int | Pair,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> int:
    """How many multiply-adds a convolution layer does for one image.

    Each number of the output is one sum of ``in_channels / groups`` times ``kH kW`` products.
    Products with padding count, the bias does not: the usual convention.

    Parameters
    ----------
    input_size
        Height and width of the image in pixels, or one number for both.
    in_channels, out_channels, kernel_size, groups
        As in `conv_parameters`.
    stride, padding, dilation
        As in `helpers.convolution.conv2d`, without its words.

    Returns
    -------
    int
        ``oH oW out_channels (in_channels / groups) kH kW``.

    Raises
    ------
    ValueError
        As `conv_parameters` and `helpers.convolution.conv_output_size`.

    Notes
    -----
    Howard et al. (2017), "MobileNets", section 3.1, where a multiply-add is called a mult-add.

    Examples
    --------
    >>> conv_multiply_adds(32, 3, 6, 3)
    145800
    """
    kernel = _kernel(in_channels, out_channels, kernel_size, groups)
    settings = (_both(value) for value in (stride, padding, dilation))
    along = zip(_both(input_size), kernel, *settings, strict=True)
    rows, columns = (conv_output_size(*numbers) for numbers in along)
    weights = conv_parameters(in_channels, out_channels, kernel_size, groups, bias=False)
    return rows * columns * weights  # every weight is used once at each place


def maps_in_row(row: int, channels: int, per_row: int = 3) -> list[tuple[int, int]]:
    """Which feature maps stand in a row of ``maps.reshape(-1, per_row, H, W)``.

    Parameters
    ----------
    row
        Counted from 0.
    channels
        How many channels the maps have: their shape is ``(N, channels, H, W)``.
    per_row
        How many maps the reshape puts into a row.

    Returns
    -------
    list of (int, int)
        The image and the channel of each map, both counted from 0.

    Raises
    ------
    ValueError
        If ``row`` is negative, or ``channels`` or ``per_row`` less than 1.

    Notes
    -----
    A reshape keeps the order of the numbers, so map ``channels · image + channel`` stays that.

    Examples
    --------
    >>> maps_in_row(3, channels=6)
    [(1, 3), (1, 4), (1, 5)]
    """
    for name, value, least in (("row", row, 0), ("channels", channels, 1), ("per_row", per_row, 1)):
        if value < least:
            raise ValueError(f"{name} is {value}; allowed: at least {least}")
    return [divmod(row * per_row + place, channels) for place in range(per_row)]


def normalize_maps(maps: torch.Tensor) -> torch.Tensor:
    """Stretch each map over its own range: its least value becomes 0, its greatest 1.

    Parameters
    ----------
    maps
        Shape ``(…, H, W)``, real numbers of any dtype.

    Returns
    -------
    torch.Tensor
        The same shape, in [0, 1]; floats keep their dtype, other numbers become torch's default.
        A map whose values are all equal becomes 0.5.

    Raises
    ------
    ValueError
        If ``maps`` has less than two dimensions, an empty map, or complex numbers.

    Notes
    -----
    What `torchvision.utils.make_grid` does with ``scale_each=True``, but map by map.

    Examples
    --------
    >>> normalize_maps(torch.tensor([[-2, 0], [2, 6]]))
    tensor([[0.0000, 0.2500],
            [0.5000, 1.0000]])
    """
    if maps.ndim < 2 or 0 in maps.shape[-2:]:
        shape = "×".join(map(str, maps.shape)) or "a single number"
        raise ValueError(f"maps has shape {shape}; allowed: (…, H, W), of 1 or more each")
    if maps.is_complex():
        raise ValueError(f"maps is {maps.dtype}; allowed: real numbers")
    if not maps.is_floating_point():
        maps = maps.to(torch.get_default_dtype())
    low, high = maps.amin(dim=(-2, -1), keepdim=True), maps.amax(dim=(-2, -1), keepdim=True)
    span = high - low
    flat = span == 0
    return ((maps - low) / span.masked_fill(flat, 1)).masked_fill(flat, 0.5)


class SeparableConv2d(nn.Module):
    """A depthwise separable convolution: each channel by itself, then channels mixed 1×1.

    Parameters
    ----------
    in_channels, out_channels
        The depthwise part keeps ``in_channels``, the pointwise part makes ``out_channels``.
    kernel_size, stride, padding, dilation
        Of the depthwise part, as in `torch.nn.Conv2d`.
    bias
        Whether the pointwise part has a bias. The depthwise part has none.
    device, dtype
        Of the parameters.

    Raises
    ------
    ValueError
        If a size or a number of channels is less than 1.

    Notes
    -----
    Input ``(N, in_channels, H, W)`` or without ``N``; output sizes as in
    `helpers.convolution.conv_output_size`. Howard et al. (2017), "MobileNets", without the batch
    normalization and the activation that stand between the two parts there; Chollet (2017).

    Examples
    --------
    >>> SeparableConv2d(3, 8, 3, padding=1)(torch.zeros(2, 3, 5, 5)).shape
    torch.Size([2, 8, 5, 5])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        _kernel(in_channels, out_channels, kernel_size, 1)
        self.depthwise = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups=in_channels,
            bias=False,
            device=device,
            dtype=dtype,
        )
        self.pointwise = nn.Conv2d(
            in_channels, out_channels, 1, bias=bias, device=device, dtype=dtype
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Shape ``(N, in_channels, H, W)`` to ``(N, out_channels, oH, oW)``."""
        output: torch.Tensor = self.pointwise(self.depthwise(input))
        return output


def _both(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else value


def _kernel(in_channels: int, out_channels: int, kernel_size: int | Pair, groups: int) -> Pair:
    """The kernel's height and width, after a look at all arguments."""
    height, width = _both(kernel_size)
    sizes = {"in_channels": in_channels, "out_channels": out_channels, "groups": groups}
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; allowed: at least 1")
    if min(height, width) < 1:
        raise ValueError(f"kernel_size is {kernel_size}; allowed: at least 1")
    if in_channels % groups or out_channels % groups:
        raise ValueError(
            f"groups is {groups}; allowed: a divisor of both {in_channels} and {out_channels} "
            "channels"
        )
    return height, width
