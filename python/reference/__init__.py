"""The whole-model oracle of metallic: a GGUF file through Qwen2 in numpy, nothing else needed."""
