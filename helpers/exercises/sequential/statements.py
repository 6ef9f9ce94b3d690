"""What the exercises of chapter 7 ask."""

from ..definition import Forbid, Statement

CHAPTER = "07_sequential"

#: The course's own networks and tools, and the packages that print a network's table.
_BY_HAND = Forbid(modules=("helpers.models", "torchinfo", "torchsummary"))

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="lenet-module",
        title="A network from its table",
        answer="LeNet",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"output": 1, "batches": 1, "learning": 1},
        forbid=_BY_HAND,
        hints=(
            "Each row of the table with parameters is a layer of its own, made in __init__. The "
            "other rows are steps in forward, in the same order.",
            "28×28 stays 28×28 by padding 2, is halved to 14, shrinks to 10 without padding and is "
            "halved to 5: 16 · 5 · 5 = 400 numbers. Keep the batch dimension when you flatten.",
            "In forward: self.pool(torch.tanh(self.conv1(input))), the same with conv2; then "
            "flatten(start_dim=1), torch.tanh(self.linear1(…)), torch.tanh(self.linear2(…)), "
            "and self.linear3(…) without a tanh.",
        ),
    ),
    Statement(
        name="nested-sequential",
        title="Named and nested",
        answer="cifar_sequential",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"output": 1, "names": 1, "parts": 1},
        forbid=_BY_HAND,
        hints=(
            "Build two nn.Sequential, features and head, and put both into a third. Each "
            "convolution takes as many channels as the one before it gives; the first takes 3.",
            "nn.Sequential(OrderedDict(name=layer, …)) names its layers, and so does "
            "features.add_module(name, layer) on one that exists. Every pooling halves the side "
            "of the image, which is 32 at first.",
            'In a loop over enumerate(channels, start=1): features.add_module(f"conv{number}", '
            "nn.Conv2d(before, after, 5, padding=2)), then the pooling, then before = after. "
            "linear1 takes before * side * side features, where side is 32 // 2 ** len(channels).",
        ),
    ),
    Statement(
        name="network-summary",
        title="A summary of your own",
        answer="summary",
        points=4,
        difficulty=4,
        minutes=30,
        groups={"one level": 1, "nested": 1, "order of running": 1, "left as it was": 1},
        forbid=_BY_HAND,
        hints=(
            "Only a layer that runs knows its output's shape. What does a module call each time "
            "that it has run? (Chapter 1 has it.)",
            "Go through network.named_modules(), and hang a forward hook on every layer that has "
            "no children. The hook appends a row. Then run the network once on zeros. The hook "
            "must know the layer's name: make it in a function that is given the name.",
            "hook(module, inputs, output) appends (name, type(module).__name__, "
            "tuple(output.shape[1:]), the sum of p.numel() over module.parameters()). Keep what "
            "register_forward_hook returns, and call remove() on each at the end.",
        ),
    ),
    Statement(
        name="flat-features",
        title="How many features come out?",
        answer="flat_features",
        points=3,
        difficulty=3,
        minutes=15,
        groups={"square images": 1, "oblong images": 1, "left as it was": 1},
        forbid=_BY_HAND,
        hints=(
            "You need not know the layers: send one sample through, and count what comes out.",
            "torch.zeros(1, *shape) is such a sample. In training mode, batch normalization "
            "remembers what it sees, so use evaluation mode; and put back the mode you found.",
            "before = features.training; features.eval(); with torch.no_grad(): output = "
            "features(torch.zeros(1, *shape)); features.train(before); then count the numbers of "
            "output[0].",
        ),
    ),
    Statement(
        name="mend-network",
        title="Find the bug: one loud, one silent",
        answer="deep_net",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"the loud one": 1, "the silent one": 1, "learning": 1},
        forbid=_BY_HAND,
        hints=(
            "The loud one: compare the two numbers in the message. Which of them comes out of the "
            "pooling? The silent one: look at the list of names. How many convolutions are in it?",
            "A list times a number repeats its entries; it makes no new ones. And behind the "
            "pooling an image has (size // 2) rows and as many columns.",
            "Start a list with the first convolution and its ReLU. In a loop over range(depth) add "
            "a new nn.Conv2d(channels, channels, 3, padding=1) and an nn.ReLU(). Then MaxPool2d, "
            "Flatten, and a Linear from channels * (size // 2) ** 2. nn.Sequential(*layers).",
        ),
    ),
    Statement(
        name="load-matching",
        title="Load what fits, say what does not",
        answer="load_matching",
        points=3,
        difficulty=3,
        minutes=20,
        groups={"everything fits": 1, "another head": 1, "other names": 1},
        forbid=_BY_HAND,
        hints=(
            "Two dictionaries meet: the one in the file and the network's own state_dict(). Which "
            "entries of the first have a place in the second?",
            "Keep those whose name is in the network's state dict and whose shape is the same "
            "there. load_state_dict(kept, strict=False) takes a part.",
            "own = network.state_dict(); saved = torch.load(file, weights_only=True); kept = "
            "{name: tensor for name, tensor in saved.items() if name in own and tensor.shape == "
            "own[name].shape}. Load kept, and return the names of own that are not in kept.",
        ),
    ),
)
