/* Owns: what the interface says in its own voice: the welcome, help, figures. The invariant: it
 * never looks like an answer of the model. */
#include "cli/tui/app.h"
#include "cli/tui/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void met_tui_bytes(char text[16], uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 999.5 && unit < 4) {
        value /= 1000;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, 16, "%.*f %s", decimals, value, units[unit]);
}

void met_tui_seconds(char text[16], double seconds)
{
    if (seconds < 0.9995e-3) {
        snprintf(text, 16, "%.0f us", seconds * 1e6);
    } else if (seconds < 0.9995) {
        snprintf(text, 16, "%.*f ms",
                 seconds < 0.00995  ? 2
                 : seconds < 0.0995 ? 1
                                    : 0,
                 seconds * 1e3);
    } else {
        snprintf(text, 16, "%.*f s", seconds < 9.95 ? 2 : seconds < 99.5 ? 1 : 0, seconds);
    }
}

void met_tui_note(met_tui *tui, const char *format, ...)
{
    met_tui_buffer text = {0};
    va_list args;

    va_start(args, format);
    met_tui_buffer_vprintf(&text, format, args);
    va_end(args);
    met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_NOTE, met_tui_buffer_view(&text));
    met_tui_buffer_free(&text);
    tui->draw |= MET_TUI_DRAW_CHAT;
}

void met_tui_error(met_tui *tui, const char *text)
{
    met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_ERROR, (met_str){text, strlen(text)});
    tui->draw |= MET_TUI_DRAW_CHAT;
}

void met_tui_welcome(met_tui *tui)
{
    if (tui->flags->engine.gguf_path == NULL) {
        met_tui_note(tui,
                     "No model was named, so this is the small one that metallic carries. It knows "
                     "sums, sorting, the letters of words, some facts, and metallic itself; to all "
                     "else it says \"I don't know.\"\n"
                     "\n"
                     "For a model of your own, a GGUF file of Qwen2 or Qwen2.5 in F32, F16 or "
                     "Q8_0:\n"
                     "\n"
                     "    metallic --gguf-path MODEL.gguf\n"
                     "\n"
                     "Try: What is 231 + 468?   or: What is the capital of France?   or: /help");
    } else {
        met_tui_note(tui, "Type a message. /help shows keys and commands.");
    }
}

void met_tui_say_system(met_tui *tui)
{
    met_str system = met_tui_talk_system(&tui->talk);
    met_tui_buffer text = {0};

    met_tui_buffer_printf(&text, "System message: ");
    met_tui_buffer_add(&text, system.data, system.bytes);
    met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_NOTE, met_tui_buffer_view(&text));
    met_tui_buffer_free(&text);
    tui->draw |= MET_TUI_DRAW_CHAT;
}

void met_tui_say_help(met_tui *tui)
{
    met_tui_buffer text = {0};

    met_tui_buffer_printf(&text,
                          "Enter         send                  Alt-Enter, Ctrl-J   new line\n"
                          "Esc, Ctrl-C   stop the answer       Ctrl-C twice        leave\n"
                          "Up, Down      what you typed        PgUp, PgDn, wheel   scroll\n"
                          "F2, Ctrl-T    panel                 F3, Ctrl-G          log\n"
                          "Tab           into the timing tree: arrows, s sorts by time\n"
                          "\n"
                          "Ctrl-A, Ctrl-E, Ctrl-W, Ctrl-U, Ctrl-K, Ctrl-Y and Ctrl-arrows edit as "
                          "in a shell. Hold Shift to select text with the mouse.\n"
                          "\n");
    for (size_t i = 0; i < MET_TUI_COMMAND_COUNT; i++) {
        const met_tui_command_entry *entry = &met_tui_commands[i];
        char head[32];
        snprintf(head, sizeof head, "/%s %s", entry->name, entry->argument);
        met_tui_buffer_printf(&text, "%-16s%s%s", head, entry->help,
                              i + 1 < MET_TUI_COMMAND_COUNT ? "\n" : "");
    }
    met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_NOTE, met_tui_buffer_view(&text));
    met_tui_buffer_free(&text);
    tui->draw |= MET_TUI_DRAW_CHAT;
}

/* Tokens a second after the first one; 0: too few to say. */
static double decode_rate(const met_generate_result *result)
{
    if (result->generated_tokens < 2 || result->decode_seconds <= 0) return 0;
    return (result->generated_tokens - 1) / result->decode_seconds;
}

void met_tui_say_foot(met_tui *tui, const met_tui_answer *answer)
{
    const met_generate_result *result = &answer->result;
    const char *dot = tui->screen.glyphs->middle;
    met_tui_buffer text = {0};
    char first[16];

    met_tui_seconds(first, result->first_token_seconds);
    met_tui_buffer_printf(&text, "%d token%s", result->generated_tokens,
                          result->generated_tokens == 1 ? "" : "s");
    double rate = decode_rate(result);
    if (rate > 0) met_tui_buffer_printf(&text, "%s%.1f tok/s", dot, rate);
    met_tui_buffer_printf(&text, "%sfirst after %s", dot, first);
    switch (result->finish) {
    case MET_FINISH_END: break;
    case MET_FINISH_STOP: met_tui_buffer_printf(&text, "%sended at a stop text", dot); break;
    case MET_FINISH_LENGTH: met_tui_buffer_printf(&text, "%sended by --max-tokens", dot); break;
    case MET_FINISH_CONTEXT: met_tui_buffer_printf(&text, "%sthe context is full", dot); break;
    case MET_FINISH_CALLBACK: met_tui_buffer_printf(&text, "%sstopped", dot); break;
    }
    /* Below its answer, also when something was said since. */
    size_t index = tui->has_answer ? tui->answer_entry + 1 : tui->chat.count;
    met_tui_chat_insert(&tui->chat, index, MET_TUI_ENTRY_FOOT, met_tui_buffer_view(&text));
    met_tui_buffer_free(&text);
}

static void add_memory(met_tui *tui, met_tui_buffer *text)
{
    met_memory memory = met_context_memory(tui->engine->context);

    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        char now[16], peak[16];
        if (memory.kind[kind].peak_bytes == 0) continue;
        met_tui_bytes(now, memory.kind[kind].bytes);
        met_tui_bytes(peak, memory.kind[kind].peak_bytes);
        met_tui_buffer_printf(text, "\n%-16s%s, at most %s", met_memory_name((met_memory_kind)kind),
                              now, peak);
    }
}

void met_tui_say_stats(met_tui *tui)
{
    met_tui_buffer text = {0};
    char first[16];

    if (!tui->has_last) {
        met_tui_buffer_printf(&text, "No answer yet.");
    } else {
        const met_generate_result *result = &tui->last.result;
        int32_t computed = result->prompt_tokens - result->reused_tokens;
        met_tui_seconds(first, result->first_token_seconds);
        met_tui_buffer_printf(&text, "prompt          %d tokens, %d of them reused",
                              result->prompt_tokens, result->reused_tokens);
        if (result->prefill_seconds > 0 && computed > 0) {
            met_tui_buffer_printf(&text, ", %.0f tok/s", computed / result->prefill_seconds);
        }
        met_tui_buffer_printf(&text, "\nfirst token     after %s\nanswer          %d tokens", first,
                              result->generated_tokens);
        if (decode_rate(result) > 0) {
            met_tui_buffer_printf(&text, ", %.1f tok/s", decode_rate(result));
        }
        met_tui_buffer_printf(&text, ", ended: %s", met_finish_name(result->finish));
        if (tui->last.has_summary && tui->last.summary.token_seconds_p50 > 0) {
            char p50[16], p95[16], p99[16];
            met_tui_seconds(p50, tui->last.summary.token_seconds_p50);
            met_tui_seconds(p95, tui->last.summary.token_seconds_p95);
            met_tui_seconds(p99, tui->last.summary.token_seconds_p99);
            met_tui_buffer_printf(&text, "\nbetween tokens  p50 %s, p95 %s, p99 %s", p50, p95, p99);
        }
        if (result->proposed_tokens > 0) {
            met_tui_buffer_printf(&text, "\nspeculation     %d of %d guesses right",
                                  result->accepted_tokens, result->proposed_tokens);
        }
    }
    met_tui_buffer_printf(&text, "\ncontext         %d of %d tokens", tui->progress.context_used,
                          met_tui_worker_context_length(tui->worker));
    add_memory(tui, &text);
    met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_NOTE, met_tui_buffer_view(&text));
    met_tui_buffer_free(&text);
    tui->draw |= MET_TUI_DRAW_CHAT;
}
