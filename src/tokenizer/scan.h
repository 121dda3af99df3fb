/* Pre-tokenizers: where a text is cut before the merges are applied. */
#ifndef MET_TOKENIZER_SCAN_H
#define MET_TOKENIZER_SCAN_H

#include <stddef.h>

/* End of the word that begins at `at`, for the pattern of Qwen2:
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*
 *   |\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * The text is valid UTF-8 and at < bytes. Every word has at least one character, and a whole text
 * is walked in time linear in its bytes. */
size_t met_scan_qwen2(const char *text, size_t bytes, size_t at);

#endif
