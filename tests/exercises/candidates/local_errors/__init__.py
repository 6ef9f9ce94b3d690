"""Right and wrong answers to the exercises of chapter 10."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .answers import (
    _always_training,
    _as_attribute,
    _as_attribute_buffer,
    _as_frozen_parameter,
    _as_parameter,
    _as_unsaved_buffer,
    _features,
    _features_of_a_copy,
    _no_grad_step,
    _reach_assumed,
    _reach_backward_piled_up,
    _reach_biases_left,
    _reach_by_backward,
    _reach_left_behind,
    _reach_one_by_one,
    _reacher,
    _readout,
    _seeded_normal,
    _step_by_grad,
    _step_by_nll,
    _stepper,
)
from .later import (
    _depths,
    _depths_by_counting,
    _greedy,
    _greedy_recomputed,
    _two,
    _two_one_optimizer,
    _two_recomputed,
    _two_retained,
    _two_together,
)

RIGHT: dict[str, dict[str, object]] = {
    "fixed-readout": {
        "nn.Buffer and nn.init": _readout(
            lambda m, n, std: nn.init.normal_(torch.empty(m, n), 0, std), _as_attribute_buffer
        ),
        "einsum": _readout(rule=lambda input, weight: torch.einsum("...i,oi->...o", input, weight)),
        "F.linear": _readout(rule=F.linear),
    },
    "local-step": {
        "detach in front": _stepper(),
        "autograd.grad for this layer's parameters": _step_by_grad,
        "copies by lists, the loss by hand": _step_by_nll,
    },
    "gradient-reach": {
        "autograd.grad, all weights at once": _reacher(),
        "backward into these weights alone": _reach_by_backward,
        "autograd.grad, one weight at a time": _reach_one_by_one,
    },
    "frozen-features": {
        "split and cat": _features(),
        "slices into a tensor made beforehand": _features_of_a_copy,
    },
    "mend-cache": {
        "a cache in between": _two(),
        "no cache, a frozen copy": _two_recomputed,
    },
    "train-greedily": {
        "slices and a detached cache": _greedy(),
        "no cache, summed losses": _greedy_recomputed,
    },
    "accuracy-by-depth": {
        "one pass": _depths(),
        "each depth anew, counted": _depths_by_counting,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "fixed-readout": {
        "a parameter": _readout(keep=_as_parameter),
        "a frozen parameter": _readout(keep=_as_frozen_parameter),
        "a plain attribute": _readout(keep=_as_attribute),
        "a buffer that is not saved": _readout(keep=_as_unsaved_buffer),
        "uniform": _readout(lambda m, n, std: std * (2 * torch.rand(m, n) - 1)),
        "uniform, of the right deviation": _readout(
            lambda m, n, std: std * 3**0.5 * (2 * torch.rand(m, n) - 1)
        ),
        "signs": _readout(lambda m, n, std: std * torch.randn(m, n).sign()),
        "the variance for the deviation": _readout(lambda m, n, std: std**2 * torch.randn(m, n)),
        "no scale": _readout(lambda m, n, std: torch.randn(m, n)),
        "one over the features": _readout(default=lambda features, classes: 1 / features),
        "by the classes": _readout(default=lambda features, classes: classes**-0.5),
        "a scale that is fixed": _readout(default=lambda features, classes: 0.01),
        "the other way round": _readout(lambda m, n, std: std * torch.randn(n, m)),
        "always the same numbers": _readout(_seeded_normal),
        "softmax behind": _readout(rule=lambda input, weight: (input @ weight.T).softmax(-1)),
        "detached": _readout(rule=lambda input, weight: input.detach() @ weight.T),
    },
    "local-step": {
        "no detach in front": _stepper(enter=lambda input: input),
        "the history handed on": _stepper(leave=lambda output: output),
        "neither": _stepper(enter=lambda input: input, leave=lambda output: output),
        "detached behind the layer": _no_grad_step,
        "old gradients kept": _stepper(zero=False),
        "the step before the gradients": _stepper(order="sb"),
        "two steps": _stepper(order="bss"),
        "no step": _stepper(order="b"),
        "the output after the step": _stepper(again=True),
        "a sum for a mean": _stepper(loss_of=lambda x, y: F.cross_entropy(x, y, reduction="sum")),
        "softmax before the cross-entropy": _stepper(
            loss_of=lambda x, y: F.cross_entropy(x.softmax(1), y)
        ),
        "the loss as a tensor": _stepper(told=lambda loss: loss),
        "the negative loss": _stepper(loss_of=lambda x, y: -F.cross_entropy(x, y)),
    },
    "gradient-reach": {
        "squares": _reacher(lambda grad: grad.square().sum()),
        "the greatest": _reacher(lambda grad: grad.abs().max()),
        "sums of absolute values": _reacher(lambda grad: grad.abs().sum()),
        "sums": _reacher(Tensor.sum),
        "means": _reacher(lambda grad: grad.norm() / grad.numel()),
        "not a number where there is no way": _reacher(missing=float("nan")),
        "a row for each weight": _reacher(turn=True),
        "all losses so far": _reacher(running=True),
        "gradients that pile up": _reach_backward_piled_up,
        "something left in .grad": _reach_left_behind,
        "gradients left in the biases": _reach_biases_left,
        "takes it for granted": _reach_assumed,
    },
    "frozen-features": {
        "in training mode": _features(evaluate=False),
        "left in evaluation mode": _features(restore=False),
        "always back to training": _always_training,
        "with its history": _features(record=True),
        "all at once": _features(split=lambda images, size: [images]),
        "one image at a time": _features(split=lambda images, size: images.split(1)),
        "the last batch dropped": _features(
            split=lambda images, size: images[: len(images) // size * size].split(size)
        ),
        "that many batches": _features(split=lambda images, size: images.chunk(size)),
        "a list": _features(join=list),
        "the last batch's alone": _features(join=lambda parts: parts[-1]),
    },
    "mend-cache": {
        "detached, but too early": _two(late=False),
        "late, but with its history": _two(cut=lambda output: output),
        "retain_graph=True": _two_retained,
        "one optimizer for both": _two_one_optimizer,
        "both in the same steps": _two_together,
        "the second on the images": _two(second_on=lambda features, images: images),
        "the readouts swapped": _two(swap=True),
        "no ReLU kept": _two(second_on=lambda features, images: features.tanh()),
    },
    "train-greedily": {
        "features stay the images": _greedy(lambda layer, features, images: features),
        "always from the images": _greedy(lambda layer, features, images: layer(images).detach()),
        "an optimizer an epoch": _greedy(optimizer_each_epoch=True),
        "the last batch dropped": _greedy(drop_last=True),
        "all images at once": _greedy(at_once=True),
        "one epoch": _greedy(epochs_of=lambda epochs: 1),
        "one epoch too many": _greedy(epochs_of=lambda epochs: epochs + 1),
        "a mean of means": _greedy(mean=lambda rows: sum(x for x, _ in rows) / len(rows)),
        "the last batch's loss": _greedy(mean=lambda rows: rows[-1][0]),
        "sums for means": _greedy(mean=lambda rows: sum(loss * count for loss, count in rows)),
        "the last epoch's losses": _greedy(returned=lambda losses: [row[-1:] for row in losses]),
        "no losses": _greedy(returned=lambda losses: None),
        "with their history": _greedy(lambda layer, features, images: layer(features)),
        "frozen in training mode": _greedy(frozen_in=True),
        "the mode left alone": _greedy(learns_in=None, frozen_in=None),
        "learns in the mode that it came in": _greedy(learns_in=None),
        "evaluation mode throughout": _greedy(learns_in=False),
    },
    "accuracy-by-depth": {
        "dropout on": _depths(evaluate=False),
        "always from the images": _depths(onward=lambda output, input, logits: input),
        "the least logit": _depths(chosen=lambda logits: logits.argmin(1)),
        "the wrong axis": _depths(chosen=lambda logits: logits.argmax(0)),
        "counts": _depths(share=lambda right: right.sum().item()),
        "errors": _depths(share=lambda right: 1 - right.double().mean().item()),
        "percent": _depths(share=lambda right: 100 * right.double().mean().item()),
        "the last one only": _depths(returned=lambda shares: shares[-1:]),
        "deepest first": _depths(returned=lambda shares: shares[::-1]),
        "the mean over depths": _depths(
            returned=lambda shares: [sum(shares) / len(shares)] * len(shares)
        ),
        "the last readout for all": _depths(read=lambda place, count: count - 1),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {}
