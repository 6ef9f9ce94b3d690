"""What the exercises of chapter 10 ask."""

from ..definition import Forbid, Statement

CHAPTER = "10_local_errors"

#: The course's own layers and training.
_BY_HAND = Forbid(modules=("helpers.local_error", "helpers.recorded"))

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="fixed-readout",
        title="A readout that no optimizer can touch",
        answer="RandomReadout",
        points=2,
        difficulty=1,
        minutes=15,
        groups={"output": 1, "scale": 1, "an optimizer": 2, "saved and moved": 1},
        forbid=_BY_HAND,
        hints=(
            "An optimizer is given module.parameters(). What belongs to a module, is saved and "
            "moved with it, and is not in that list? (Chapter 1 has it.)",
            "A buffer. Draw it with torch.randn, which has the deviation 1, and multiply by the "
            "deviation asked for. Its shape is (num_classes, in_features), as in nn.Linear.",
            'In __init__: self.register_buffer("weight", std * torch.randn(num_classes, '
            "in_features)), after super().__init__(); std None means in_features ** -0.5. "
            "forward multiplies by the transpose of the weight.",
        ),
    ),
    Statement(
        name="local-step",
        title="A step that reaches one layer only",
        answer="local_step",
        points=3,
        difficulty=2,
        minutes=20,
        groups={"the layer learns": 1, "the layer below": 2, "what is passed on": 1},
        forbid=_BY_HAND,
        hints=(
            "The input comes with its history: autograd knows that the layer below made it. Where "
            "has that history to be cut, before the layer or behind it?",
            "Run the layer on input.detach(). Then zero_grad, backward and step as in every "
            "training step. What you return must have no history either.",
            "output = layer(input.detach()); loss = F.cross_entropy(readout(output), labels); "
            "then optimizer.zero_grad(), loss.backward(), optimizer.step(). Return the detached "
            "output, and the loss as a number.",
        ),
    ),
    Statement(
        name="gradient-reach",
        title="Who hears which loss?",
        answer="gradient_reach",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"cut everywhere": 1, "cut nowhere": 1, "cut here and there": 1},
        forbid=_BY_HAND,
        hints=(
            "torch.autograd.grad(loss, weights) gives a loss's gradients without writing into "
            ".grad. You need it once for each loss.",
            "Two of its arguments matter here: retain_graph=True, for the losses share their "
            "history; and allow_unused=True, with which a weight that the loss does not depend on "
            "has the gradient None instead of an error.",
            "For each loss: grads = torch.autograd.grad(loss, weights, retain_graph=True, "
            "allow_unused=True); its row has grad.norm() for each, and 0 where grad is None. "
            "Stack the rows.",
        ),
    ),
    Statement(
        name="frozen-features",
        title="Compute once what does not change",
        answer="frozen_features",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"features": 1, "in batches": 1, "left as it was": 1},
        forbid=_BY_HAND,
        hints=(
            "Three things to switch: gradients off, evaluation mode on, and the mode back at the "
            "end as you found it. The rest is a loop over images.split(batch_size).",
            "Remember the mode of the module, frozen.training, before eval(). Under "
            "torch.no_grad() nothing is recorded. Collect what each batch gives in a list.",
            "was_training = frozen.training; frozen.eval(); with torch.no_grad(): parts = "
            "[frozen(batch) for batch in images.split(batch_size)]; frozen.train(was_training). "
            "torch.cat joins the parts.",
        ),
    ),
    Statement(
        name="mend-cache",
        title="Find the bug: a cache too early",
        answer="train_two",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"the first layer": 1, "the second layer": 1, "several steps": 1},
        forbid=_BY_HAND,
        hints=(
            "The loud one: the message is about a second backward pass through the same history. "
            "Whose history is it, and should a gradient go there at all? The silent one: with "
            "which weights was the cache computed?",
            "retain_graph=True only silences the message: every step then goes back through the "
            "first layer, for nothing. The cache must have no history, and it is to be made after "
            "the first layer has learned.",
            "Train the first layer on the images in a loop. Then compute the features from it "
            "under torch.no_grad(). Then train the second layer on the features, with an "
            "optimizer of its own.",
        ),
    ),
    Statement(
        name="train-greedily",
        title="K layers, one after another",
        answer="train_greedily",
        points=4,
        difficulty=4,
        minutes=30,
        groups={
            "one layer": 1,
            "several layers": 1,
            "dropout": 1,
            "last batch": 1,
            "losses": 1,
        },
        forbid=_BY_HAND,
        hints=(
            "Three loops: over the layers, over the epochs, over the batches. Between two layers "
            "the features change: what the trained layer makes of the old ones.",
            "An optimizer is made once for each layer, from that layer's parameters. A layer "
            "learns in training mode, and gives the next layer's features in evaluation mode. The "
            "mean over the images weights each batch's loss with its size, for the last batch may "
            "be smaller.",
            "features = images; for layer, readout in zip(layers, readouts): optimizer = "
            "make_optimizer(layer.parameters()); layer.train(); train for the epochs on "
            "features.split(batch_size) and labels.split(batch_size), adding loss.item() * "
            "len(batch) up; behind the epochs, layer.eval() and, under torch.no_grad(), features "
            "= layer(features).",
        ),
    ),
    Statement(
        name="accuracy-by-depth",
        title="Told right, at every depth",
        answer="accuracy_by_depth",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"one layer": 1, "several layers": 1, "dropout": 1},
        forbid=_BY_HAND,
        hints=(
            "One pass is enough: after each layer, ask its readout, then go on with the layer's "
            "output (not with the logits).",
            "The chosen class is the place of the greatest logit: argmax(dim=1). Comparing with "
            "the labels gives truth values; their mean as floats is the share. Dropout must be "
            "off.",
            "for layer, readout in zip(layers, readouts): layer.eval(); images = layer(images); "
            "then append the mean of (readout(images).argmax(dim=1) == labels).float(), as a "
            "number, to a list.",
        ),
    ),
)
