"""What the exercises of chapter 11 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "11_spectra"

#: The course's own, and packages that have these functions ready.
_READY = ("helpers.spectrum", "helpers.adversarial", "sklearn", "skdim", "powerlaw", "torchattacks")
_BY_HAND = Forbid(modules=_READY)

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="covariance-spectrum",
        title="The spectrum of a layer's outputs",
        answer="eigenspectrum",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"more samples": 1, "more features": 1, "far from zero": 1},
        forbid=_BY_HAND,
        hints=(
            "Center first: subtract from every feature its mean over the samples. Then there are "
            "two products of the centered table with itself. What are their sizes?",
            "centered.T @ centered is d×d, centered @ centered.T is n×n. Take the smaller one, "
            "divided by n - 1. torch.linalg.eigvalsh gives its eigenvalues in ascending order.",
            "samples, features = outputs.shape; product = centered.T @ centered if features <= "
            "samples else centered @ centered.T; then torch.linalg.eigvalsh of product / "
            "(samples - 1), turned round by .flip(0).",
        ),
    ),
    Statement(
        name="rank-exponent",
        title="The slope in log–log",
        answer="rank_exponent",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"exact spectra": 1, "noisy spectra": 1, "a range of ranks": 1},
        forbid=Forbid(modules=(*_READY, "scipy.stats")),
        hints=(
            "If λ = c · rank^−α, then log λ = log c − α · log rank: a straight line, whose slope "
            "is −α. Rank 1 stands at index 0.",
            "x is the logarithm of the ranks first, …, last, y that of eigenvalues[first - 1 : "
            "last]. The slope of least squares is Σ (x − mean x) y / Σ (x − mean x)².",
            "ranks = torch.arange(first, last + 1, dtype=eigenvalues.dtype); x = ranks.log(); "
            "x = x - x.mean(); the slope is (x @ y) / (x @ x). Return minus the slope, as a float.",
        ),
    ),
    Statement(
        name="participation-ratio",
        title="Directions that take part, without eigenvalues",
        answer="participation_ratio",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"more samples": 1, "more features": 1, "far from zero": 1},
        forbid=Forbid(operators=("*eig*", "*svd*"), modules=_READY),
        hints=(
            "The sum of all eigenvalues, and the sum of their squares: both can be read off a "
            "matrix without knowing a single eigenvalue.",
            "Σ λ is the trace of the covariance. Σ λ² is the trace of its square, which is the sum "
            "of the squares of all its entries, for it is symmetric.",
            "centered = outputs - outputs.mean(dim=0); C = centered.T @ centered (a factor such as "
            "1 / (n - 1) cancels). Then C.trace() ** 2 / C.square().sum(), as a float.",
        ),
    ),
    Statement(
        name="likelihood-exponent",
        title="The exponent of a density",
        answer="likelihood_exponent",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"estimate": 1, "standard error": 1, "x_min": 1},
        forbid=_BY_HAND,
        hints=(
            "Both formulas stand above. First decide which values count: those from x_min on.",
            "kept = values[values >= x_min], and n is how many are kept. The estimate is 1 + n "
            "over the sum of log(kept / x_min).",
            "less = n / sum, which is the estimate minus 1. Return the two floats 1 + less and "
            "less / math.sqrt(n), in this order. (.item() makes a float of a tensor.)",
        ),
    ),
    Statement(
        name="mend-likelihood",
        title="Find the bugs: α by likelihood",
        answer="alpha_by_likelihood",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"all eigenvalues": 1, "the largest": 1, "with zeros": 1},
        forbid=_BY_HAND,
        hints=(
            "Three lines, three bugs. In which order does eigvalsh give its eigenvalues? Where "
            "does the power law begin if only the largest are used? And what does 1 + n / Σ "
            "estimate?",
            "The largest are the last count ones. The smallest of *these* is x_min. The estimate "
            "is γ = 1 + 1/α, so solve that for α.",
            "largest = eigenvalues[-count:]; x_min = largest.min(); γ − 1 = count / Σ log(largest "
            "/ x_min), and α is one over that: the mean of log(largest / x_min).",
        ),
    ),
    Statement(
        name="two-nn",
        title="Dimension from two neighbors",
        answer="two_nn",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"points": 1, "repeated points": 1, "far from zero": 1},
        forbid=_BY_HAND,
        hints=(
            "Make a table of all distances and sort each row. What stands in the first column, and "
            "where are the two neighbors?",
            "points.unique(dim=0) leaves each point once. torch.cdist gives the distances; by "
            "default it uses matrix products, which lose small distances between large numbers: "
            "subtract the mean first, or give compute_mode.",
            'near = torch.cdist(p, p, compute_mode="donot_use_mm_for_euclid_dist").sort(dim=1)'
            ".values. Column 0 is the point itself. The ratio is near[:, 2] / near[:, 1], and the "
            "dimension one over the mean of its logarithm.",
        ),
    ),
    Statement(
        name="sign-attack",
        title="The fast gradient sign method",
        answer="fgsm",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"step": 1, "clipping": 1, "left as it was": 1},
        forbid=_BY_HAND,
        hints=(
            "Here the weights stay and the pixels move. Of what do you need the gradient, and with "
            "respect to what?",
            "Make a copy of the images that requires a gradient, run the model on it, and take the "
            "cross-entropy. torch.autograd.grad(loss, pixels) gives a tuple with one gradient, and "
            "writes into no parameter's .grad, as loss.backward() would.",
            "pixels = images.clone().requires_grad_(); loss = F.cross_entropy(model(pixels), "
            "labels); (gradient,) = torch.autograd.grad(loss, pixels). Add epsilon times its "
            ".sign() to the images (not to pixels, which would keep the graph), and .clamp(0, 1).",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="claim-and-evidence",
        title="A claim and its evidence",
        points=2,
        minutes=10,
        criteria=(
            "The 24 points are not 24 independent observations: layers of one network share "
            "weights and data, so the effective number is nearer the number of networks, and a "
            "p-value for independent points is far too small.",
            "Something else changes along with α (depth, readout scale, clean accuracy, seed) and "
            "may be what matters; a correlation does not tell.",
            "A remedy is named that would help: many seeds for each setting, comparison at equal "
            "clean accuracy or within one depth, an intervention that changes α alone.",
        ),
    ),
)
