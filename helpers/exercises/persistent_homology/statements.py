"""What the exercises of chapter 12 ask."""

from ..definition import Forbid, Question, Statement

CHAPTER = "12_persistent_homology"

#: The course's own, and packages that have these functions ready.
_READY = (
    *("helpers.topology", "gudhi", "ripser", "persim", "gph", "gtda", "sklearn", "networkx"),
    *("scipy.spatial", "scipy.cluster", "scipy.sparse.csgraph", "galois", "sympy"),
)
_BY_HAND = Forbid(modules=_READY)

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="exact-distances",
        title="A distance matrix that is exact",
        answer="distance_matrix",
        points=3,
        difficulty=2,
        minutes=15,
        groups={"city blocks": 1, "straight lines": 1, "far from zero": 1, "repeated points": 1},
        forbid=Forbid(operators=("*cdist*", "*pdist*", "_euclidean_dist"), modules=_READY),
        hints=(
            "Subtract first, and only then square or take absolute values. Formulas that multiply "
            "the points with each other lose what the subtraction would have kept.",
            "points[:, None] has the shape (n, 1, d) and points[None] the shape (1, n, d). Their "
            "difference is (n, n, d): entry [i, j] is point i minus point j.",
            "differences = points[:, None] - points[None]. For p = 1 sum their .abs() over the "
            "last dimension; for p = 2 sum their .square() and take .sqrt() of the sum.",
        ),
    ),
    Statement(
        name="boundary-matrix",
        title="The boundary matrix",
        answer="boundary_matrix",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"graphs": 1, "triangles": 1, "tetrahedra": 1},
        forbid=_BY_HAND,
        hints=(
            "A column is a simplex, and so is a row. In which rows of the column of (0, 1, 2) does "
            "a 1 stand? First find out where each simplex stands in the list.",
            "A dictionary from a simplex to its place in the list helps. The facets of a simplex "
            "are combinations(simplex, len(simplex) - 1); a point has none.",
            "place = {simplex: row for row, simplex in enumerate(simplices)}. For each simplex "
            "with two points or more, and each facet, set matrix[place[facet], place[simplex]] "
            "to 1 in a square matrix of zeros, dtype=torch.int64.",
        ),
    ),
    Statement(
        name="rank-mod-2",
        title="The rank over Z/2",
        answer="rank_mod_2",
        points=3,
        difficulty=3,
        minutes=25,
        groups={"small matrices": 1, "boundary matrices": 1, "left as it was": 1},
        forbid=Forbid(modules=_READY),
        hints=(
            "Eliminate as with real numbers, only that 1 + 1 = 0: to remove a 1 from a row, add a "
            "row that has a 1 in the same column.",
            "Go through the columns. If a row that is left has a 1 in the column, it is the pivot: "
            "count one, take the pivot away, and add it, modulo 2, to every other row that has a "
            "1 there. If no row has a 1, go on to the next column.",
            "rows = list(matrix); for each column: having = [row for row in rows if row[column]]. "
            "If there are any, add 1 to the rank and let pivot = having[0]; then rows becomes the "
            "other rows, (row + pivot) % 2 for those that have a 1 in the column. New tensors, so "
            "the matrix itself stays.",
        ),
    ),
    Statement(
        name="mend-betti",
        title="Find the bugs: Betti numbers",
        answer="betti_numbers",
        points=3,
        difficulty=3,
        minutes=25,
        groups={"graphs": 1, "surfaces": 1, "several pieces": 1},
        forbid=_BY_HAND,
        hints=(
            "Two bugs. Which field does torch.linalg.matrix_rank compute in? And how many entries "
            "does zip give for three counts, three ranks and two ranks from the second on?",
            "The rank has to be that over Z/2: the function of the exercise before. And above the "
            "highest dimension there are no simplices, so the rank of their boundary is 0: append "
            "a 0 to the ranks.",
            "Use your own boundary_matrix and rank_mod_2, not the course's. ranks[k] is the rank "
            "of the columns of all k-simplices (those with k + 1 points), ranks.append(0) at the "
            "end, and β_k = counts[k] - ranks[k] - ranks[k + 1] for every k from 0 to the highest "
            "dimension.",
        ),
    ),
    Statement(
        name="persistence-pairs",
        title="The reduction",
        answer="persistence_pairs",
        points=4,
        difficulty=4,
        minutes=35,
        groups={"graphs": 1, "triangles": 1, "other orders": 1, "left as it was": 1},
        forbid=_BY_HAND,
        hints=(
            "Work on the columns from left to right. What decides is the lowest 1 of a column: the "
            "one with the largest row number. Has an earlier column the same?",
            "Python's sets make it short: a column is the set of its rows with a 1, its pivot is "
            "max(column), and adding another column modulo 2 is column ^= other. One addition may "
            "not be enough: go on as long as the pivot belongs to an earlier column.",
            "owner = {} maps a pivot to its column. For each j: while columns[j] is not empty and "
            "its max is in owner, add columns[owner[max]] to it. If it is still not empty, owner["
            "max] = j. At the end owner.items() holds the pairs (birth, death).",
        ),
    ),
    Statement(
        name="component-deaths",
        title="H0 by union–find",
        answer="component_deaths",
        points=3,
        difficulty=3,
        minutes=25,
        groups={"clouds": 1, "ties": 1, "islands": 1},
        forbid=_BY_HAND,
        hints=(
            "Go through the edges from the shortest to the longest. An edge within a piece "
            "changes nothing. An edge between two of them ends one: its length is a death.",
            "Keep for each point a parent, at first itself. The root of a piece is found by "
            "going from parent to parent until one is its own. Two points are in one piece if "
            "their roots are the same; to merge, make one root the parent of the other.",
            "rows, columns = torch.triu_indices(n, n, 1) lists each pair once; sort them by "
            "distances[rows, columns].argsort(). For each pair find both roots; if they differ, "
            "set parent[one_root] = other_root and keep the distance. torch.stack makes a tensor "
            "of the n − 1 numbers kept.",
        ),
    ),
    Statement(
        name="betti-curve",
        title="A Betti curve from a diagram",
        answer="betti_curve",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"bars": 1, "bars that never die": 1, "at an end of a bar": 2},
        forbid=_BY_HAND,
        hints=(
            "A bar counts at a scale s if it is born (at s or before) and not yet dead. Does it "
            "count at its birth? At its death?",
            "Compare a column of scales with a row of births, and with a row of deaths: two tables "
            "of truth values, of shape (scales, bars). Both must be true.",
            "births, deaths = bars.T; s = scales[:, None]; alive = (births <= s) & (s < deaths); "
            "then alive.sum(dim=1).",
        ),
    ),
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="bars-and-holes",
        title="Bars and holes",
        points=2,
        minutes=10,
        criteria=(
            "Short bars are what sampling and noise leave: any cloud of random points has many. "
            "The number of bars says nothing by itself; their lengths have to be looked at.",
            "A comparison is named that would decide: clouds of the same number of points without "
            "holes (uniform, or Gaussian with the same covariance), in the same metric, and their "
            "longest bars; and several samples, not one.",
        ),
    ),
)
