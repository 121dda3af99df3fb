"""The same GGUF weights in Hugging Face's Qwen2ForCausalLM; nothing is downloaded.

Owns: the mapping of names and hyper-parameters. Does not own: torch or transformers, which are
optional; `load` raises Missing, with one line to show, where they are not installed.
Invariant: every parameter of the torch model comes from the file (strict loading).
"""
import numpy as np

LAYER_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight", "attn_q.bias": "self_attn.q_proj.bias",
    "attn_k.weight": "self_attn.k_proj.weight", "attn_k.bias": "self_attn.k_proj.bias",
    "attn_v.weight": "self_attn.v_proj.weight", "attn_v.bias": "self_attn.v_proj.bias",
    "attn_output.weight": "self_attn.o_proj.weight", "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight", "ffn_down.weight": "mlp.down_proj.weight"}


class Missing(RuntimeError):
    """torch or transformers is not installed."""


def packages():
    """(torch, transformers), or Missing."""
    try:
        import torch  # pylint: disable=import-outside-toplevel
        import transformers  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise Missing(f"transformers: not compared, the Python package {error.name!r} is not "
                      "installed (optional: pip install torch transformers)") from error
    return torch, transformers


def make_config(transformers, hyper, tied):
    """Qwen2Config of a model; version 5 took the RoPE base into a dict."""
    config = transformers.Qwen2Config(
        vocab_size=hyper.vocab, hidden_size=hyper.cols, intermediate_size=hyper.ffn_cols,
        num_hidden_layers=hyper.layers, num_attention_heads=hyper.heads,
        num_key_value_heads=hyper.kv_heads, max_position_embeddings=hyper.context_length,
        rms_norm_eps=hyper.eps, tie_word_embeddings=tied, use_sliding_window=False,
        attn_implementation="eager")
    if getattr(config, "rope_parameters", None) is not None:
        config.rope_parameters = {"rope_type": "default", "rope_theta": hyper.rope_base}
    else:
        config.rope_theta = hyper.rope_base
    if hyper.head_dim * hyper.heads != hyper.cols:
        config.head_dim = hyper.head_dim
    return config


def weights(torch, model):
    """The state dict: float32 values of every tensor, by transformers' names."""
    def value(tensor):
        return torch.from_numpy(tensor.values(dtype=np.float32))

    state = {"model.embed_tokens.weight": value(model.embedding),
             "model.norm.weight": value(model.output_norm)}
    state["lm_head.weight"] = (state["model.embed_tokens.weight"] if model.tied
                               else value(model.output))
    for layer, tensors in enumerate(model.layers):
        for name, tensor in tensors.items():
            state[f"model.layers.{layer}.{LAYER_NAMES[name]}"] = value(tensor)
    return state


class Transformers:
    """Qwen2ForCausalLM with the weights of a reference.qwen2.Qwen2, in float32."""

    def __init__(self, model, dtype="float32", threads=None):
        self.torch, transformers = packages()
        if threads is not None:
            self.torch.set_num_threads(threads)
        self.version = f"transformers {transformers.__version__}, torch {self.torch.__version__}"
        self.dtype = dtype
        self.net = transformers.Qwen2ForCausalLM(make_config(transformers, model.hyper, model.tied))
        self.net.load_state_dict(weights(self.torch, model), strict=True)
        self.net = self.net.to(getattr(self.torch, dtype)).eval()

    def forward(self, tokens):
        """Logits [n, vocab] as float64."""
        with self.torch.no_grad():
            out = self.net(self.torch.tensor([list(map(int, tokens))]), use_cache=False)
        return out.logits[0].double().numpy()

    def activations(self, tokens):
        """(name, layer) -> value [n, ...], by the names that reference.qwen2's hook uses."""
        seen, handles = {}, []

        def watch(module, name, layer, source):
            def hook(_module, inputs, output):
                value = inputs[0] if source == "input" else output
                value = value[0] if isinstance(value, tuple) else value
                value = value[0] if value.dim() == 3 else value
                seen[name, layer] = value.detach().double().numpy()
            handles.append(module.register_forward_hook(hook))

        watch(self.net.model.embed_tokens, "embed", -1, "output")
        for layer, block in enumerate(self.net.model.layers):
            watch(block.input_layernorm, "attn_norm", layer, "output")
            watch(block.self_attn.o_proj, "attention", layer, "input")
            watch(block.post_attention_layernorm, "attn_out", layer, "input")
            watch(block.post_attention_layernorm, "ffn_norm", layer, "output")
            watch(block.mlp.down_proj, "swiglu", layer, "input")
            watch(block, "ffn_out", layer, "output")
        watch(self.net.model.norm, "output_norm", -1, "output")
        try:
            seen["logits", -1] = self.forward(tokens)
        finally:
            for handle in handles:
                handle.remove()
        return seen

    def greedy(self, tokens, count):
        """`count` tokens after `tokens`; nothing stops it."""
        tokens = list(tokens)
        for _ in range(count):
            tokens.append(int(self.forward(tokens)[-1].argmax()))
        return tokens[-count:] if count else []
