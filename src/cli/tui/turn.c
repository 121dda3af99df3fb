/* Owns: one turn: a question goes to the worker, its answer comes back into the chat and the talk.
 *
 * The invariant: the talk holds a question without an answer only while one is being generated: a
 * turn that failed or was stopped before its first token leaves nothing behind but a note. */
#include "cli/clock.h"
#include "cli/tui/app.h"

#include <string.h>

/* The question goes back to where it was typed, unless something else is there by now. */
static void take_back(met_tui *tui)
{
    const met_tui_talk *talk = &tui->talk;

    if (talk->count == 0 || talk->messages[talk->count - 1].role != MET_TUI_ROLE_USER) return;
    const met_tui_message *question = &talk->messages[talk->count - 1];
    if (tui->edit.text.bytes == 0) {
        met_tui_edit_set(&tui->edit, (met_str){question->text, question->bytes});
        tui->draw |= MET_TUI_DRAW_INPUT | MET_TUI_DRAW_LAYOUT;
    }
    met_tui_talk_drop(&tui->talk);
}

static void fail(met_tui *tui, const met_error *err)
{
    met_tui_error(tui, err->text);
    if (err->status == MET_E_CONTEXT_FULL) {
        met_tui_note(tui, "The conversation no longer fits into the context. Nothing was left out "
                          "of it: /save FILE keeps it, /clear begins a new one.");
    }
    if (err->status == MET_E_KEY) {
        met_tui_note(tui, "This model cannot chat. Let it go on from a text: metallic --raw "
                          "--prompt TEXT -o text");
    }
    take_back(tui);
}

void met_tui_ask(met_tui *tui, met_str text)
{
    const int32_t *tokens;
    size_t count;
    met_error err;
    met_status status = MET_OK;

    tui->has_answer = false;
    if (text.bytes > 0) {
        met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_USER, text);
        status = met_tui_talk_add(&tui->talk, MET_TUI_ROLE_USER, text, &err);
    }
    if (status == MET_OK) {
        status = met_tui_talk_prompt(&tui->talk, tui->engine, tui->tools, &tokens, &count, &err);
    }
    met_tui_chat_to_end(&tui->chat);
    tui->draw |= MET_TUI_DRAW_ALL;
    if (status != MET_OK) {
        fail(tui, &err);
        return;
    }
    uint64_t seed = tui->flags->seed >= 0 ? (uint64_t)tui->flags->seed : met_generate_random_seed();
    met_generate_options options = met_generate_flags_options(tui->flags, seed);
    options.sampling.temperature = (float)tui->temperature;
    met_tui_worker_start(tui->worker, tokens, count, &options);
    met_tui_rate_begin(&tui->rate);
    tui->answering = true;
    tui->stopping = false;
    tui->was_timed = tui->layout.panel.rows > 0;
}

/* An answer has come to its end, whichever. */
static void end_answer(met_tui *tui, const met_tui_answer *answer)
{
    met_str text = {"", 0};
    met_error err;

    tui->answering = false;
    tui->stopping = false;
    tui->draw |= MET_TUI_DRAW_ALL;
    if (tui->has_answer && tui->answer_entry < tui->chat.count) {
        text = met_tui_buffer_view(&tui->chat.entries[tui->answer_entry].text);
    }
    if (answer->status != MET_OK && text.bytes == 0) {
        fail(tui, &answer->error);
        return;
    }
    if (answer->token_count == 0 && answer->result.finish == MET_FINISH_CALLBACK) {
        met_tui_note(tui, "Stopped before the answer began.");
        take_back(tui);
        return;
    }
    if (met_tui_talk_answered(&tui->talk, text, answer->tokens, answer->token_count, &err) !=
        MET_OK) {
        fail(tui, &err);
        return;
    }
    if (answer->status != MET_OK) { /* what there is of it stays */
        met_tui_error(tui, answer->error.text);
        return;
    }
    tui->last = *answer;
    tui->last.tokens = NULL; /* the worker's */
    tui->has_last = true;
    met_tui_say_foot(tui, answer);
    if (answer->result.finish == MET_FINISH_CONTEXT) {
        met_tui_note(tui,
                     "The context of %d tokens is full: the answer is not complete. Nothing was "
                     "left out of the conversation: /save FILE keeps it, /clear begins a new one.",
                     met_tui_worker_context_length(tui->worker));
    }
}

void met_tui_take_news(met_tui *tui)
{
    met_tui_answer answer;
    met_tui_buffer text = {0};
    met_tui_phase before = tui->progress.phase;

    bool ended = met_tui_worker_take(tui->worker, &text, &tui->progress, &answer);
    if (text.bytes > 0 && !tui->has_answer) {
        met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_ANSWER, (met_str){"", 0});
        tui->answer_entry = tui->chat.count - 1;
        tui->has_answer = true;
    }
    if (text.bytes > 0) {
        met_tui_chat_append(&tui->chat, tui->answer_entry, met_tui_buffer_view(&text));
        tui->draw |= MET_TUI_DRAW_CHAT;
    }
    tui->chat.failed = tui->chat.failed || text.failed;
    met_tui_buffer_free(&text);
    if (tui->answering && tui->progress.generated > 0) {
        double now = tui->progress.latest_seconds;
        if (met_tui_rate_add(&tui->rate, tui->progress.generated, now)) {
            tui->draw |= MET_TUI_DRAW_PANEL | MET_TUI_DRAW_INPUT;
        }
    }
    if (tui->progress.phase == MET_TUI_PHASE_PREFILL || tui->progress.phase != before) {
        tui->draw |= MET_TUI_DRAW_PANEL | MET_TUI_DRAW_INPUT;
    }
    if (ended) end_answer(tui, &answer);
}

void met_tui_show_talk(met_tui *tui)
{
    met_tui_chat_clear(&tui->chat);
    for (size_t i = 0; i < tui->talk.count; i++) {
        const met_tui_message *message = &tui->talk.messages[i];
        met_str text = {message->text, message->bytes};
        switch (message->role) {
        case MET_TUI_ROLE_SYSTEM: met_tui_say_system(tui); break;
        case MET_TUI_ROLE_USER: met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_USER, text); break;
        case MET_TUI_ROLE_ASSISTANT:
            met_tui_chat_add(&tui->chat, MET_TUI_ENTRY_ANSWER, text);
            break;
        }
    }
    tui->draw |= MET_TUI_DRAW_CHAT;
}
