"""What the exercises of chapter 13 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "13_topology_of_layers"

#: The course's own, and packages that have such functions ready.
_READY = ("helpers.topology", "helpers.recorded", "gudhi", "ripser", "persim", "gtda")
_BY_HAND = Forbid(modules=_READY)

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="median-scale",
        title="Distances in units of their median",
        answer="median_scaled",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"odd number of pairs": 1, "even number of pairs": 1, "points that coincide": 1},
        forbid=_BY_HAND,
        hints=(
            "Which entries of the matrix are distances between two points? The diagonal is not, "
            "and every other pair stands there twice.",
            "torch.triu_indices(n, n, offset=1) gives the places above the diagonal. torch.median "
            "of an even number of values gives the lower of the two middle ones, not their mean.",
            "i, j = torch.triu_indices(n, n, offset=1); pairs = distances[i, j]; then "
            "distances / pairs.quantile(0.5), whose default is the mean of the two middle values.",
        ),
    ),
    Statement(
        name="layer-clouds",
        title="From a network to distance matrices",
        answer="layer_distances",
        points=4,
        difficulty=4,
        minutes=35,
        groups={
            "distances": 1,
            "one run, evaluated": 1,
            "in-place activation": 1,
            "left as it was": 1,
        },
        forbid=Forbid(
            modules=(*_READY, "helpers.hooks", "torchvision.models.feature_extraction", "torch.fx")
        ),
        hints=(
            "Five steps: note the mode and call eval(); hang a hook on each named layer; run the "
            "images once under torch.no_grad(); take the hooks off and put the mode back; make "
            "the matrices.",
            "A hook made in a function that is given the name keeps the right name. Keep a clone: "
            "an in-place ReLU behind the layer writes over its output. flatten(1) makes rows of "
            "maps, and torch.cdist(rows, rows, p=1) their L1 distances.",
            "handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in "
            "names], where keep(name) returns a function that writes kept[name] = "
            "output.detach().clone().flatten(1). After the run: handle.remove() for each, "
            "model.train(was). Then d = torch.cdist(kept[name], kept[name], p=1), over the median "
            "of its pairs as in the exercise before.",
        ),
    ),
    Statement(
        name="disjoint-subsamples",
        title="Disjoint subsamples",
        answer="disjoint_subsamples",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"some are left": 1, "none is left": 1},
        forbid=_BY_HAND,
        hints=(
            "Shuffle all indices once, and deal them out like cards.",
            "torch.randperm(count, generator=generator) is the shuffled deck; the first size of it "
            "are the first subsample, the next size the second. How many cards are needed in all?",
            "Raise ValueError if number * size > count. Else return the first number * size "
            "entries of the permutation, reshaped to (number, size).",
        ),
    ),
    Statement(
        name="curve-irregularity",
        title="How irregular are Betti curves?",
        answer="irregularity",
        points=4,
        difficulty=4,
        minutes=35,
        groups={"two diagrams": 1, "several diagrams": 1, "an empty diagram": 1},
        forbid=_BY_HAND,
        hints=(
            "A Betti curve is constant between two neighboring births or deaths. Between such "
            "places the area is height times width, and no grid is needed.",
            "The difference of two curves goes up by 1 at a birth of the first and at a death of "
            "the second, and down by 1 at the other two. Sort all these places, add up the steps "
            "with cumsum, take absolute values, multiply with the widths (diff of the places).",
            "places = torch.cat([a[:, 0], b[:, 1], a[:, 1], b[:, 0]]); steps: +1 for the first two "
            "parts, −1 for the last two; places, order = places.sort(); heights = "
            "steps[order].cumsum(0); the area is (heights[:-1].abs() * places.diff()).sum(). Mean "
            "over itertools.combinations(diagrams, 2), over the mean of (death − birth).sum().",
        ),
    ),
    Statement(
        name="shared-or-own",
        title="One window for all, or one for each",
        answer="crops",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"shared": 1, "own": 1, "color": 1},
        forbid=_BY_HAND,
        hints=(
            "A window from row top on, size rows high, is images[..., top : top + size, :]. The "
            "same goes for columns.",
            "If all share a window, one slice of the whole batch is enough. If each has its own, "
            "slice image by image and torch.stack the pieces.",
            "places = corners.tolist(); if not own, places = [places[0]] * len(images). Then "
            "torch.stack([image[:, t : t + size, l : l + size] for image, (t, l) in zip(images, "
            "places)]).",
        ),
    ),
    Statement(
        name="gaussian-cloud",
        title="A cloud with the same covariance",
        answer="gaussian_cloud",
        points=3,
        difficulty=3,
        minutes=25,
        groups={"more points": 1, "more features": 1, "far from zero": 1},
        forbid=_BY_HAND,
        hints=(
            "Rows of noise have covariance I. Multiplied by a matrix A they have covariance "
            "Aᵀ A. Which A has Aᵀ A equal to the covariance C of the points?",
            "A symmetric square root: C = V diag(λ) Vᵀ by torch.linalg.eigh gives A = V "
            "diag(√λ) Vᵀ. With more features than points some λ are 0, and come out a little "
            "below by rounding: clamp them. (torch.linalg.cholesky refuses such a matrix.)",
            "C = torch.cov(points.T); values, V = torch.linalg.eigh(C); root = V * "
            "values.clamp(min=0).sqrt() @ V.T; return points.mean(dim=0) + noise @ root. Do not "
            "standardize the noise: what is given counts as it is.",
        ),
    ),
    Statement(
        name="choose-control",
        title="Which control for which claim?",
        answer="control_for",
        points=3,
        difficulty=3,
        minutes=15,
        groups={"claims about learning": 1, "claims about shape": 1, "claims about measuring": 1},
        forbid=_BY_HAND,
        hints=(
            "Ask of each claim: if it were wrong, what else could have made the same figure? The "
            "right control keeps everything that the claim does not speak of, and takes away the "
            "one thing that it does.",
            "Claim 1 speaks of training, so take away the training. Claim 2 grants that training "
            "matters, and speaks of the labels. Claim 4 speaks of what mean and covariance leave "
            "unsaid; claim 5 of the kind of map.",
            "A list of eight words, in the order of the claims, indexed by claim. Each word is "
            "used once. Claims 1 to 3 need the network in another state or on other images, 4 and "
            "5 another cloud, 6 and 7 another way of measuring.",
        ),
    ),
    Statement(
        name="mend-interval",
        title="Find the bugs: an interval for a mean difference",
        answer="paired_interval",
        points=3,
        difficulty=3,
        minutes=20,
        groups={
            "one subsample a seed": 1,
            "several subsamples": 1,
            "unequal numbers of subsamples": 1,
        },
        forbid=Forbid(modules=(*_READY, "scipy.stats")),
        hints=(
            "What was drawn anew each time? A seed. What was drawn inside a seed says nothing "
            "about how another seed would come out.",
            "First one number a seed: the mean over its subsamples, in both states. Then one "
            "difference a seed. Only then a mean and a standard deviation, over the seeds.",
            "differences = one.mean(dim=1) − other.mean(dim=1); middle = differences.mean(); reach "
            "= factor · differences.std() / √len(differences). Return three floats: middle, "
            "middle − reach, middle + reach.",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="what-the-table-says",
        title="What the table says, and what not",
        points=3,
        minutes=25,
        criteria=(
            "The three verdicts are read from the recorded intervals as the protocol says, network "
            "by network, and undecided is left undecided (not turned into no effect).",
            "The claim is limited to what was measured: this measure, this layer, this data set, "
            "these networks; regular curves are not the same as simple or meaningful topology.",
            "One further experiment is named that could change the conclusion, with its control "
            "and with seeds as replicates.",
        ),
    ),
)
