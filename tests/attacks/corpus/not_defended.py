"""What gains marks all the same: the answers are right, though not by the means asked for."""

from __future__ import annotations

from .attack import FULL, Attack, Expect, right, wrong
from .edits import ONE, POINTS, answers, top

ATTACKS = [
    Attack(
        "other-means",
        "the right answers by other means (F.conv2d written out by numpy)",
        right(
            answers(
                """
                import numpy as np, torch
                w = np.lib.stride_tricks.sliding_window_view(input.numpy(), weight.shape)
                return torch.from_numpy((w * weight.numpy()).sum((2, 3)))
                """,
                "cross-correlation",
            )
        ),
        Expect(FULL),
        defended=False,
    ),
    Attack(
        "guard-off",
        "the dispatch mode that forbids operators is switched off",
        right(
            top("""
                from helpers.exercises import guard
                guard.OperatorGuard.__torch_dispatch__ = \\
                    lambda self, f, t, a=(), k=None: f(*a, **(k or {}))
            """),
            answers(
                "return F.conv2d(input, weight, bias, stride, padding, dilation, groups)",
                "conv2d-dilation-groups",
            ),
        ),
        Expect(FULL),
        defended=False,
    ),
    Attack(
        "probe-forged",
        "the probe in the learner's process is replaced by one that computes",
        wrong(
            top("""
                from helpers.exercises.convolution_arithmetic import probes
                def forged(answer, **k):
                    k = dict(zip(('kernel_size', 'dilation'), [*k.values(), 1]))
                    t = k['dilation'] * (k['kernel_size'] - 1)
                    return t // 2, t - t // 2
                probes.same_padding = forged
            """)
        ),
        Expect(POINTS[ONE]),
        defended=False,
    ),
]
