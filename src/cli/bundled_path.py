#!/usr/bin/env python3
"""Write the header that tells bundled.c which file to embed: bundled_path.py MODEL HEADER.

The header is made anew whenever the model changes, and so bundled.c is compiled anew: the compiler
itself does not see what the assembler reads.
"""
import os
import sys

model, header = sys.argv[1:]
path = os.path.abspath(model).replace("\\", "\\\\").replace('"', '\\"')
with open(header, "w", encoding="utf-8") as out:
    # Twice escaped: once for C, once for the assembler.
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    out.write(f'#define MET_BUNDLED_PATH "{escaped}"\n')
    out.write(f"#define MET_BUNDLED_BYTES {os.path.getsize(model)}u\n")
