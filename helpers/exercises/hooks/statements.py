"""What the exercises of chapter 8 ask."""

from ..definition import Forbid, Statement

CHAPTER = "08_hooks"

#: The course's own hooks.
_BY_HAND = Forbid(modules=("helpers.hooks",))

EXERCISES: tuple[Statement, ...] = (
    Statement(
        name="silence-channels",
        title="Silence channels",
        answer="silence_channels",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"maps": 1, "signals and vectors": 1, "gradients": 1, "removed": 1},
        forbid=_BY_HAND,
        hints=(
            "What a forward hook returns takes the place of the output, for the layers behind and "
            "for whoever called the layer.",
            "Do not write into the output that you are given: a layer such as Sigmoid still needs "
            "it for its gradient. Write into a clone. output[:, channels] are the channels, "
            "whatever dimensions come after them.",
            "Inside silence_channels define hook(module, args, output): make a clone of the "
            "output, set its channels to 0, return it. Then return what "
            "layer.register_forward_hook gives you: that is the handle.",
        ),
    ),
    Statement(
        name="accept-bytes",
        title="A network that takes bytes",
        answer="accept_bytes",
        points=2,
        difficulty=2,
        minutes=15,
        groups={"bytes": 1, "floats": 1, "other arguments": 1, "removed": 1},
        forbid=_BY_HAND,
        hints=(
            "The hook has to act before the network runs. Which of the two kinds is called then, "
            "and what does the value that it returns replace?",
            "args is a tuple, also when there is only one argument. Take it apart into the images "
            "and the rest, and give back a tuple with the same rest.",
            "images, *rest = args. If images.dtype is torch.uint8: the channels come second by "
            "permute(0, 3, 1, 2), and dividing by 255 makes floats. Return (images, *rest) in "
            "either case; register the hook with model.register_forward_pre_hook.",
        ),
    ),
    Statement(
        name="live-hooks",
        title="Count the live hooks",
        answer="live_hooks",
        points=2,
        difficulty=2,
        minutes=10,
        groups={"one layer": 1, "four kinds": 1, "nested": 1, "removed": 1},
        forbid=_BY_HAND,
        hints=(
            "Each module keeps its own hooks, in four dictionaries. Which method goes through a "
            "network and all modules inside it?",
            "modules() gives the network itself, too, and gives a module that has two names only "
            "once. The length of a dictionary is the number of its entries.",
            "total = 0; for each module of model.modules() add len(module._forward_pre_hooks), "
            "len(module._forward_hooks), len(module._backward_pre_hooks) and "
            "len(module._backward_hooks).",
        ),
    ),
    Statement(
        name="output-recorder",
        title="A recorder that leaves no hook behind",
        answer="OutputRecorder",
        points=4,
        difficulty=3,
        minutes=30,
        groups={"outputs": 1, "detached": 1, "no hook left": 1, "after an exception": 1},
        forbid=_BY_HAND,
        hints=(
            "__enter__ runs at the beginning of a with block, and what it returns is the name "
            "behind as. __exit__ runs at the end, also when an exception ends the block.",
            "Register one forward hook a name, made by a function that is given the name, and "
            "keep all handles in a list of the object. __exit__ removes them; if it returns "
            "nothing, the exception goes on its way.",
            "In __enter__: for name in self.names, take self.model.get_submodule(name), register "
            "on it the hook that a nested function make(name) returns, append the handle to "
            "self.handles. The hook stores output.detach() under its name. Return self.",
        ),
    ),
    Statement(
        name="mend-shares",
        title="Find the bug: nothing is negative",
        answer="negative_shares",
        points=3,
        difficulty=2,
        minutes=10,
        groups={"the numbers": 1, "what stays behind": 1, "both": 1},
        forbid=_BY_HAND,
        hints=(
            "Look at the layers behind the linear ones. When are the kept outputs counted, and "
            "who has been there before? And read the last loop aloud, character by character.",
            "detach() gives a second name for the same numbers, and an in-place ReLU writes over "
            "them. A method without its parentheses is only named, not called.",
            "Either keep output.detach().clone(), or work out the share inside the hook, before "
            "the next layer runs. And write handle.remove() with its parentheses.",
        ),
    ),
    Statement(
        name="scale-gradient",
        title="A hook that scales a gradient",
        answer="scale_gradient",
        points=3,
        difficulty=3,
        minutes=20,
        groups={
            "weights and input": 1,
            "in-place ReLU behind": 1,
            "without gradients": 1,
            "removed": 1,
        },
        forbid=_BY_HAND,
        hints=(
            "The gradient at a layer's output arrives at a tensor. Which hook does a tensor have, "
            "and when do you get hold of that tensor?",
            "A forward hook is given the output. It can register a hook on it: a function that "
            "takes the gradient and returns another. Under no_grad there is no gradient, and a "
            "tensor that needs none refuses a hook.",
            "hook(module, args, output): if output.requires_grad, call output.register_hook with "
            "a function that returns the gradient times factor. The forward hook itself returns "
            "nothing. Return what module.register_forward_hook(hook) gives.",
        ),
    ),
    Statement(
        name="heard-network",
        title="A function call that hooks can hear",
        answer="HeardNetwork",
        points=3,
        difficulty=2,
        minutes=15,
        groups={"what act1 hears": 1, "what act2 hears": 1, "learning": 1},
        forbid=_BY_HAND,
        hints=(
            "Hooks hang on modules. Which module computes what F.gelu computes?",
            "Make two of them in __init__, act1 and act2: one for each place, so that each hook "
            "hears one place only. forward calls them instead of the function.",
            "self.act1 = nn.GELU() and self.act2 = nn.GELU(). In forward the first call becomes "
            "self.act1(…), the second self.act2(…); the addition stays where it is, outside.",
        ),
    ),
)
