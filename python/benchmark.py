#!/usr/bin/env python3
"""Time the same prompt through metallic and, where installed, through transformers.

Both get the same token ids and generate the same number of tokens greedily, ends ignored. Times are
medians of --repeat runs after --warmup runs that are thrown away.

What the figures are:
  prefill   prompt tokens / seconds from their feeding to the logits of the last one
  decode    tokens after the first / seconds that they took
  start     seconds before that: metallic opens the file anew in every run (its own process);
            transformers is loaded once, and its start is not comparable
metallic computes with the weights as the file has them; transformers with the same weights decoded
to --dtype, so that a Q8_0 file costs transformers four times the memory traffic in float32.
"""
import argparse
import json
import statistics
import sys
import time

from reference import command, gguf, options, qwen2, transformers_qwen2

EPILOG = """exit codes: 0 done (also when transformers is absent, which is said), 1 failed,
2 bad usage, 3 --only transformers and it is not installed

examples:
  python/benchmark.py --gguf-path model.gguf
  python/benchmark.py --gguf-path model.gguf --prompt "Once upon a time" --threads 2 --json
"""
PROMPT = ("The quick brown fox jumps over the lazy dog, and then it sits down under a tree "
          "and thinks about what it has done. ") * 4


def time_metallic(args, metallic):
    """One dict of seconds for each run, and the prompt's token ids."""
    runs, tokens = [], None
    for index in range(args.warmup + args.repeat):
        begin = time.perf_counter()
        document = metallic.generate(args.gguf_path, args.prompt, "--max-tokens", args.max_tokens,
                                     "--ignore-end")
        wall = time.perf_counter() - begin
        timings, usage = document["timings"], document["usage"]
        tokens = document["prompt_tokens"]
        if index >= args.warmup:
            runs.append({"prefill_seconds": timings["prefill_seconds"],
                         "decode_seconds": timings["decode_seconds"],
                         "start_seconds": wall - timings["prefill_seconds"]
                         - timings["decode_seconds"],
                         "prompt_tokens": usage["prompt_tokens"],
                         "generated_tokens": usage["generated_tokens"]})
    settings = document["settings"]
    label = (f"metallic {settings['backend']} {settings['isa']}, {settings['threads']} threads, "
             f"{document['model']['weight_type']}")
    return label, runs, tokens


def generate_once(torch, net, tokens, count):
    """Seconds of prefill and of decode, with transformers' own key-value cache."""
    with torch.no_grad():
        begin = time.perf_counter()
        out = net(torch.tensor([tokens]), use_cache=True)
        token = out.logits[:, -1:].argmax(-1)
        prefilled = time.perf_counter()
        for _ in range(count - 1):
            out = net(token, past_key_values=out.past_key_values, use_cache=True)
            token = out.logits[:, -1:].argmax(-1)
        return prefilled - begin, time.perf_counter() - prefilled


def time_transformers(args, tokens):
    begin = time.perf_counter()
    other = transformers_qwen2.Transformers(qwen2.Qwen2(gguf.read(args.gguf_path)), args.dtype,
                                            args.threads)
    start, runs = time.perf_counter() - begin, []
    for index in range(args.warmup + args.repeat):
        prefill, decode = generate_once(other.torch, other.net, tokens, args.max_tokens)
        if index >= args.warmup:
            runs.append({"prefill_seconds": prefill, "decode_seconds": decode,
                         "start_seconds": start, "prompt_tokens": len(tokens),
                         "generated_tokens": args.max_tokens})
    return f"{other.version}, {other.torch.get_num_threads()} threads, {args.dtype}", runs


def summarize(label, runs):
    """Medians over the runs."""
    def median(name):
        return statistics.median(run[name] for run in runs)

    def rate(count, seconds):
        return count / seconds if seconds > 0 else None

    prefill, decode = median("prefill_seconds"), median("decode_seconds")
    prompt, generated = runs[-1]["prompt_tokens"], runs[-1]["generated_tokens"]
    rates = [rate(generated - 1, run["decode_seconds"]) for run in runs]
    spread = [value for value in rates if value is not None]
    return {"label": label, "runs": len(runs), "prompt_tokens": prompt,
            "generated_tokens": generated, "start_seconds": median("start_seconds"),
            "prefill_seconds": prefill, "decode_seconds": decode,
            "prefill_tokens_per_second": rate(prompt, prefill),
            "decode_tokens_per_second": rate(generated - 1, decode),
            "decode_tokens_per_second_least": min(spread, default=None),
            "decode_tokens_per_second_most": max(spread, default=None)}


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def show(rows, args):
    print(f"{args.gguf_path}: {rows[0]['prompt_tokens']} prompt tokens, "
          f"{rows[0]['generated_tokens']} generated, median of {args.repeat} after "
          f"{args.warmup} warm-up")
    print(f"{'prefill tok/s':>14} {'decode tok/s':>14} {'(least .. most)':>20} {'start ms':>10}")
    for row in rows:
        spread = (f"({number(row['decode_tokens_per_second_least'])} .. "
                  f"{number(row['decode_tokens_per_second_most'])})")
        print(f"{number(row['prefill_tokens_per_second']):>14} "
              f"{number(row['decode_tokens_per_second']):>14} {spread:>20} "
              f"{1000 * row['start_seconds']:>10.1f}  {row['label']}")


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}, expected 1 or more")
    return value


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf-path", required=True, metavar="M", help="a Qwen2 GGUF file")
    parser.add_argument("--prompt", default=PROMPT, metavar="TEXT",
                        help="given to the model as it is, without a template")
    parser.add_argument("--max-tokens", type=positive, default=64, metavar="N",
                        help="tokens to generate (default 64)")
    parser.add_argument("--warmup", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--repeat", type=positive, default=5, metavar="N", help="default 5")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32",
                        help="of transformers' weights (default float32)")
    parser.add_argument("--only", choices=["metallic", "transformers"], help="time one of them")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options.add_metallic_options(parser)
    return parser.parse_args(argv)


def run(args):
    metallic = options.open_command(args)
    rows = []
    if args.only == "transformers":
        transformers_qwen2.packages()  # absent: say so before any work
    if args.only != "transformers":
        label, runs, tokens = time_metallic(args, metallic)
        rows.append(summarize(label, runs))
    else:
        tokens = metallic.tokenize(args.gguf_path, args.prompt)
    if args.only != "metallic":
        try:
            rows.append(summarize(*time_transformers(args, tokens)))
        except transformers_qwen2.Missing as missing:
            if args.only == "transformers":
                raise
            print(f"benchmark.py: {missing}", file=sys.stderr)
    if args.json:
        json.dump({"schema": "metallic.benchmark/1", "path": args.gguf_path, "rows": rows},
                  sys.stdout, indent=1)
        print()
    else:
        show(rows, args)
    return 0


def main(argv=None):
    args = parse(argv)
    try:
        return run(args)
    except transformers_qwen2.Missing as missing:
        print(f"benchmark.py: {missing}", file=sys.stderr)
        return 3
    except (gguf.GgufError, command.CommandError, OSError, ValueError) as error:
        print(f"benchmark.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
