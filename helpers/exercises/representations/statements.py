"""What the exercises of chapter 9 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "09_representations"

#: The course's own, and the library that has most of it.
_BY_HAND = Forbid(modules=("helpers.embedding", "helpers.probes", "helpers.hooks", "sklearn"))

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="gather-features",
        title="Find the bug: features that are not the network's",
        answer="gather",
        points=3,
        difficulty=2,
        minutes=15,
        groups={"every image": 1, "evaluation mode": 1, "left as it was": 1, "no graph": 1},
        forbid=_BY_HAND,
        hints=(
            "Compare how many rows came out with how many images went in. Then ask what dropout "
            "does to the rows, and what it should do when you only look.",
            "images.split(batch_size) gives all batches, the short last one too. Remember "
            "network.training, call eval(), and set back what you found at the end. Looking needs "
            "no gradients.",
            "was = network.training; network.eval(); with torch.no_grad(): rows = [the first "
            "layers on the batch, flattened from dimension 1, for batch in "
            "images.split(batch_size)]; network.train(was); torch.cat(rows).",
        ),
    ),
    Statement(
        name="pca-coordinates",
        title="Principal components",
        answer="pca_coordinates",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"coordinates": 1, "shares": 1, "wide": 1},
        forbid=_BY_HAND,
        hints=(
            "Variance is measured from the mean. What must be done to the features before "
            "anything else?",
            "torch.linalg.svd(centered, full_matrices=False) gives three things; the rows of the "
            "third are the directions, and the squares of the second stand in the ratio of the "
            "variances along them.",
            "Coordinates: centered @ directions[:k].T. Shares: squares = sizes ** 2, divided by "
            "their sum over *all* directions, and then the first k of them. Return both, as a "
            "tuple.",
        ),
    ),
    Statement(
        name="neighborhood-purity",
        title="Who lives next door?",
        answer="purity",
        points=3,
        difficulty=2,
        minutes=15,
        groups={"nearest neighbor": 1, "several neighbors": 1, "twins": 1},
        forbid=_BY_HAND,
        hints=(
            "You need the distance of each sample from each other one. And who is nearest of all "
            "to a sample? Somebody who must not be counted.",
            "torch.cdist(features, features) has all distances. Put infinity on its diagonal, so "
            "that no sample is its own neighbor, not even one that has a twin at distance 0.",
            "distances.fill_diagonal_(torch.inf); near = distances.topk(k, largest=False).indices, "
            "of shape (n, k). labels[near] are the neighbors' labels: compare them with "
            "labels[:, None], and take the mean of each row, as floats.",
        ),
    ),
    Statement(
        name="class-separability",
        title="Between the classes",
        answer="separability",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"classes of one size": 1, "classes of many sizes": 1, "any labels": 1},
        forbid=_BY_HAND,
        hints=(
            "Two sums of squared distances are needed: of the samples from the mean of all, and "
            "of each sample's class mean from the mean of all.",
            "A class counts as often as it has members. labels.unique() gives the labels that "
            "occur, and features[labels == label] the members of a class.",
            "In a loop over labels.unique(): members = features[labels == label], and add "
            "len(members) * ((members.mean(0) - center) ** 2).sum(), where center = "
            "features.mean(0). Divide by ((features - center) ** 2).sum().",
        ),
    ),
    Statement(
        name="probe-scores",
        title="A linear probe",
        answer="probe_scores",
        points=4,
        difficulty=4,
        minutes=30,
        groups={"few features": 1, "many features": 1, "far from zero": 1, "other samples": 1},
        forbid=_BY_HAND,
        hints=(
            "Write down the shapes: X is (n, d), Y is (n, classes), W is (d, classes). The other "
            "samples must go through exactly what the first ones went through.",
            "One mean, that of features, is subtracted from features and from others. "
            "F.one_hot(labels).to(features.dtype) is Y; torch.linalg.solve(A, B) gives the W with "
            "A W = B.",
            "X = features - mean; A = X.T @ X + ridge * (X.T @ X).trace() / d * torch.eye(d, "
            "dtype=X.dtype); W = torch.linalg.solve(A, X.T @ Y). The scores: (others - mean) @ W "
            "plus the mean of Y's rows.",
        ),
    ),
    Statement(
        name="linear-cka",
        title="Alike up to a rotation",
        answer="linear_cka",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"the same samples": 1, "other widths": 1, "far from zero": 1, "many samples": 1},
        forbid=_BY_HAND,
        hints=(
            "Center each of the two first. Then three matrices are needed, and of each only the "
            "sum of the squares of its entries.",
            "X.T @ Y has the shape (d, e), X.T @ X (d, d) and Y.T @ Y (e, e). Never write "
            "X @ X.T: that is n×n.",
            "With x and y centered: (x.T @ y).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm()). "
            "norm() is the root of the sum of the squares.",
        ),
    ),
    Statement(
        name="debiased-cka",
        title="Alike, and not by chance",
        answer="debiased_cka",
        points=4,
        difficulty=4,
        minutes=30,
        groups={"more features than samples": 1, "related": 1, "far from zero": 1},
        forbid=_BY_HAND,
        hints=(
            "Write a function for U of two n×n matrices first, and call it three times.",
            "K = x @ x.T and L = y @ y.T, each with zeros on its diagonal (fill_diagonal_(0)). "
            "The sum of the products of their entries is (K * L).sum(); K.sum(0) are the sums of "
            "K's columns, which are those of its rows.",
            "U(K, L) is (K * L).sum() + K.sum() * L.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * "
            "(K.sum(0) * L.sum(0)).sum(). Return U(K, L) / (U(K, K) * U(L, L)) ** 0.5.",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="ten-islands",
        title="Ten islands",
        points=2,
        minutes=10,
        criteria=(
            "Islands of training samples can be had with random labels too (learned by heart), "
            "so samples that were not learned from, gathered after training in evaluation mode, "
            "are needed.",
            "The distance between two islands and an island's size mean little in t-SNE: they "
            "change with the perplexity and the seed, and dense and thin clusters are drawn alike.",
            "A number is named that would test a claim: a probe or neighbors' purity on held-out "
            "samples, distances or angles between class means in the features themselves, the "
            "classes' variances there.",
        ),
    ),
)
