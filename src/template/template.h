/* Chat templates: Jinja as GGUF models carry it.
 *
 * The text is byte for byte what jinja2 makes with the settings of Hugging Face transformers:
 * trim_blocks, lstrip_blocks, break and continue, {% generation %}, its own tojson,
 * raise_exception, an immutable sandbox, undefined names that print as nothing. Whatever raises
 * there is an error here, and so is, by name and line, what is not supported: the tags block,
 * extends, include, import, from, call, autoescape, recursive loops; the filters attr, batch,
 * filesizeformat, groupby, pprint, random, slice, striptags, urlencode, urlize, wordwrap, xmlattr;
 * the functions cycler, joiner, lipsum.
 *
 * Where it differs on purpose: integers have 64 bits, and what does not fit is an error; so is the
 * text of a function or a generator, which in Python shows an address; list.pop and list.clear are
 * unsafe, as in later versions of jinja2; a slice of a constant that cannot be sliced is an error,
 * where jinja2's optimizer makes it undefined. */
#ifndef MET_TEMPLATE_TEMPLATE_H
#define MET_TEMPLATE_TEMPLATE_H

#include "metallic.h"

typedef struct met_template met_template;

/* Parse. `source` is copied. MET_E_TEMPLATE names the construct and its line ("line 12: filter
 * 'groupby' is not known"). */
met_status met_template_parse(met_str source, met_template **out, met_error *err);
/* Accepts NULL. */
void met_template_free(met_template *template_);

/* Evaluate with the names of a dict. Immutable: may be shared by threads. In `out`, `control`
 * covers the bytes that come from the template's own text and string literals; bytes of values are
 * outside, whatever filters and concatenation they went through, but for strings made by
 * met_value_trusted_string (value.h). Bounds: MET_TEMPLATE_DEPTH_MAX nested constructs (ten times
 * as many while evaluating, for macros that call themselves), MET_TEMPLATE_OUTPUT_MAX bytes of any
 * one text, MET_TEMPLATE_MEMORY_MAX bytes in all, MET_TEMPLATE_STEPS_MAX evaluation steps;
 * exceeding one is MET_E_TEMPLATE. raise_exception in a template is MET_E_TEMPLATE with its
 * message. MET_E_FORMAT a string of `names` that is not UTF-8.
 *
 * The clock: a template may call strftime_now(format). It is there only when `names` has a number
 * under "strftime_now": the local time in seconds since 1970-01-01 00:00. Without it
 * `strftime_now is defined` is false and calling it is an error. */
met_status met_template_evaluate(const met_template *template_, const met_value *names,
                                 met_text *out, met_error *err);

enum {
    MET_TEMPLATE_DEPTH_MAX = 100,
    MET_TEMPLATE_OUTPUT_MAX = 64 << 20,
    MET_TEMPLATE_MEMORY_MAX = 512 << 20,
    MET_TEMPLATE_STEPS_MAX = 50000000,
};

#endif
