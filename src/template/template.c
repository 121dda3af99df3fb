/* Owns: the doors of this room: parse, evaluate, free, and the one-shot of the public interface. */
#include "template/template.h"

#include "base/error.h"
#include "template/eval.h"
#include "template/locale.h"
#include "template/parser.h"
#include "template/symbols.h"

#include <stdlib.h>

met_status met_template_parse(met_str source, met_template **out, met_error *err)
{
    met_status status = MET_OK;
    const met_jtoken *tokens = NULL;
    met_arena scratch = {0}; /* tokens, which the tree does not need */

    *out = NULL;
    met_template *made = calloc(1, sizeof *made);
    if (made == NULL) return met_fail_memory(err, "template", sizeof *made);
    met_locale plain = met_locale_enter();
    status = met_lexer_run(&made->arena, &scratch, source, &tokens, err);
    if (status != MET_OK) goto done;
    met_parser p = {.arena = &made->arena, .err = err, .token = tokens};
    if (!met_parser_template(&p, &made->body) ||
        !met_symbols_find_hidden(&p, &made->body, &made->hidden)) {
        status = p.status;
        goto done;
    }
    made->names = p.names;
    made->name_count = p.name_count;
    *out = made;
    made = NULL; /* moved to the caller */
done:
    met_locale_leave(plain);
    met_arena_free(&scratch);
    met_template_free(made);
    return status;
}

void met_template_free(met_template *template_)
{
    if (template_ == NULL) return;
    met_arena_free(&template_->arena);
    free(template_);
}

met_status met_template_evaluate(const met_template *template_, const met_value *names,
                                 met_text *out, met_error *err)
{
    return met_template_evaluate_within(template_, names, met_template_limits_default(), out, err);
}

met_status met_template_render(met_str source, const met_value *names, met_text *out,
                               met_error *err)
{
    met_template *parsed = NULL;
    memset(out, 0, sizeof *out);
    met_status status = met_template_parse(source, &parsed, err);
    if (status == MET_OK) status = met_template_evaluate(parsed, names, out, err);
    met_template_free(parsed);
    return status;
}
