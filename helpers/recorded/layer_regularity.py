"""What makes the Betti curves of layers regular: augmentation, learning, or the map itself? MNIST.

The protocol. It was written down, and committed, before any of it was run.

**Observation to explain.** Betti numbers of a network's layers looked more regular than those of
the data. The networks were freshly built, and the loader gave all images the same augmentation.
Three explanations, which do not exclude one another: (1) the shared augmentation; (2) structure
that a network learns; (3) the map itself, before it learns: its architecture, width or activation.

**Networks.** LeNet (28×28 in; blocks of 6×14×14, 16×5×5, 120, 84; tanh, average pooling) and an
MLP (784–256–256–256, ReLU). A layer is a block's output, behind its activation. Under each seed
and for each network all of these begin with the same weights:

- *fresh*: never trained.
- *backpropagation*: 10,000 images, Adam 0.001, batches of 64, `EPOCHS` epochs, a linear head.
- *local errors*: the same images and epochs for each layer, one layer after another, each with a
  fixed random readout of deviation 1/√n. Matched in accuracy: its partner *matched* is that state
  of the backpropagation run, kept four times an epoch, whose accuracy on 2,000 validation images
  is nearest to the local-error network's (last readout). Both accuracies are reported.
- *shuffled*: labels of the first 2,000 images permuted, as many steps as backpropagation; its
  partner *true 2000* has the same images and steps, and the right labels. Its accuracy on these
  images, by the wrong labels, says whether it learned them.
- *trained on shared crops*, *trained on own crops*: backpropagation for the second table only.
  All others are trained without augmentation.

**Augmentation, when measuring.** None; *flip*, *crop* (a 22×22 window enlarged to 28×28) and *blur*
(Gaussian, deviation 0.5 to 2.5 pixels), each once *shared* by all images (one window, one deviation
a seed, drawn at random; all flipped) and once with an *own* draw for each (flipped with probability
1/2). A shared flip is an isometry of pixels, crop and blur are not. Networks see [-1, 1].

**Cloud and subsamples.** 1,000 test images a seed, which no network has seen; their outputs at a
layer, flattened. Split at random into four disjoint subsamples of 250, drawn without replacement,
the same split for everything under one seed.

**Primary measure: irregularity.** L1 distances over their median, within each subsample. H1 of the
Vietoris–Rips filtration, coefficients in Z/2, scale an edge's length, no threshold. β1 curve of
each subsample. Mean over the six pairs of the L1 distance between two curves (the area between
them, integrated exactly), over the mean area under the four. A small number is a regular curve.
Analyzed as its logarithm; 0.1 is about ten percent.

**Named layer.** The last hidden one of each network: LeNet's 84, the MLP's third 256.

**Replicates.** The seed: its initialisation, order, training images, test images, splits and
augmentations. At least ten. Subsamples are nested inside a seed and are never counted as
replicates: a seed gives one number. Differences are paired within a seed.

**Primary contrasts**, at the named layer, differences of log irregularity; three in each of two
networks:

- A1: fresh, shared crop − fresh, none.
- B1: backpropagation − fresh, both without augmentation.
- C1: fresh − raw pixels, both without augmentation.

**Supporting contrasts**, four in each network:

- A2: fresh, shared crop − fresh, own crop.
- B2: true 2000 − shuffled.
- C2: random projection and ReLU of the same widths − raw pixels.
- C3: fresh − a Gaussian cloud with the mean and covariance of the fresh layer's outputs.

**Intervals.** Student's t over seeds, for the mean difference, at 1 − 0.05/k for a family of k:
k = 6 for the primary ones, k = 8 for the supporting ones, and for every other table the number of
its rows. No contrast is added to a family after the results are seen.

**Verdicts.** *Lower*: the whole interval is below 0. *Higher*: above. *Small*: the whole interval
lies within ±0.1 (it may be lower or higher, too). Else *undecided*. In each network by itself:

- The observation is reproduced if C1 is lower. If it is not, there is nothing to explain there.
- Explanation 1 is supported if A1 is lower, and A2 is not higher; it fails if A1 is higher or small.
- Explanation 2 is supported if B1 and B2 are lower; it fails if B1 is higher or small.
- Explanation 3 is supported if C1 is lower; if C2 is lower, too, random weights with ReLU are
  enough; if C3 is small, the cloud's covariance is enough, and no other structure is needed.
- Everything else is undecided. How much each contributes is told by the three primary differences.

**Secondary.** Finite total persistence in H1 (the area under the curve, scale in medians) and H0;
number of bars; all other layers; L2 in place of L1, cosine distance (which breaks the triangle
inequality; Rips needs none), at the named layer; local errors − matched, with the augmentations
other than crop. Second table: trained on none, shared crops, own crops × measured on the same three.

**Controls.** Raw pixels under each augmentation. Gaussian clouds with the mean and covariance of
every layer, fresh and backpropagation. Random projections of the same widths, with and without
ReLU. The first 1,000 training images in place of test images. Each class alone, four subsamples of
80, beside pooled subsamples of 80. Subsamples of 125 and 500 points (of 2,000 test images). The
concentration of distances: their standard deviation over their mean.

**Smaller form.** The chapter runs a smaller form on the embedded digits. It has its own numbers
and decides nothing.
"""
