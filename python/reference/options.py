"""Command-line options that the tools in python/ share.

Owns: how tokens are chosen and how metallic is found. Does not own: any one tool's options.
"""
import numpy as np

from reference import command


def add_token_options(parser):
    """--tokens, --prompt or --random, as every tool here takes them."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--tokens", metavar="1,2,3", help="token ids")
    group.add_argument("--prompt", metavar="TEXT", help="text, tokenized by metallic (no template)")
    group.add_argument("--random", metavar="N", type=int, default=16,
                       help="N random token ids (default 16)")
    parser.add_argument("--seed", type=int, default=1, help="of --random (default 1)")


def add_metallic_options(parser):
    parser.add_argument("--metallic", metavar="PATH",
                        help="the binary (default: this tree's newest build, else PATH)")
    parser.add_argument("--backend", help="passed on to metallic")
    parser.add_argument("--threads", type=int, help="passed on to metallic")


def open_command(args):
    return command.Command(args.metallic, args.backend, args.threads)


def choose_tokens(args, model, metallic=None):
    """Token ids as the options ask for them; metallic is looked for only when a text needs it."""
    if args.tokens is not None:
        return [int(part) for part in args.tokens.split(",")]
    if args.prompt is not None:
        return (metallic or open_command(args)).tokenize(args.gguf_path, args.prompt)
    random = np.random.default_rng(args.seed)
    return random.integers(0, model.hyper.vocab, args.random).tolist()
