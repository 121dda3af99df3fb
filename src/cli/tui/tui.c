/* Owns: the interface's life: what is opened in which order, the loop that waits and draws, and the
 * way out. Does not own what any event does.
 *
 * The invariant: this thread alone touches the terminal and the state; it waits for the next event
 * and draws at most sixty times a second, so that an interface at rest takes no time at all. */
#include "cli/tui/tui.h"

#include "cli/clock.h"
#include "cli/failure.h"
#include "cli/json_value.h"
#include "cli/tui/app.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* From one frame to the next: 60 a second at most. Text that streams is read, not typed: half as
 * many leave more of the processors to the model. */
static const double frame_seconds = 1.0 / 60, stream_frame_seconds = 1.0 / 30;

/* New lines of the log. */
static void take_log(met_tui *tui)
{
    met_log_line lines[16];
    size_t count;

    while ((count = met_log_ring_read(tui->log_ring, &tui->log_cursor, lines, 16, NULL)) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (tui->log_count == MET_TUI_LOG_LINES) {
                tui->log_count--;
                memmove(tui->log, tui->log + 1, tui->log_count * sizeof *tui->log);
            }
            tui->log[tui->log_count++] = lines[i];
            tui->log_unseen = tui->log_unseen || lines[i].level == MET_LOG_ERROR;
        }
        tui->draw |= MET_TUI_DRAW_LOG | MET_TUI_DRAW_INPUT; /* the status tells of errors */
    }
}

/* What something wrote to standard error past the log, line by line. */
static void take_stray(met_tui *tui)
{
    met_tui_buffer *stray = &tui->stray;
    size_t begin = 0;

    for (;;) {
        char *end =
            begin < stray->bytes ? memchr(stray->data + begin, '\n', stray->bytes - begin) : NULL;
        if (end == NULL) break;
        *end = '\0';
        met_logger_say(tui->invocation->logger, MET_LOG_WARN, "%s", stray->data + begin);
        begin = (size_t)(end + 1 - stray->data);
    }
    met_tui_buffer_remove(stray, 0, begin);
}

/* Characters that came together go into the text together: of a paste without brackets each would
 * move all that stands behind the cursor. */
static void press_typed(met_tui *tui)
{
    if (tui->typed.bytes == 0) return;
    met_tui_key_event event = {.key = MET_TUI_KEY_TEXT, .text = met_tui_buffer_view(&tui->typed)};
    met_tui_key_pressed(tui, &event);
    met_tui_buffer_clear(&tui->typed);
}

static void take_keys(met_tui *tui, bool late)
{
    met_tui_key_event event;

    met_tui_keys_add(&tui->keys, tui->key_bytes.data, tui->key_bytes.bytes);
    met_tui_buffer_clear(&tui->key_bytes);
    while (!tui->quit && met_tui_keys_next(&tui->keys, late, &event)) {
        if (event.key == MET_TUI_KEY_TEXT && !tui->tree_focus) {
            met_tui_buffer_add(&tui->typed, event.text.data, event.text.bytes);
            continue;
        }
        press_typed(tui);
        met_tui_key_pressed(tui, &event);
    }
    press_typed(tui);
}

static void take_events(met_tui *tui, unsigned events)
{
    if ((events & MET_TUI_EVENT_END) != 0) tui->quit = true;
    if ((events & MET_TUI_EVENT_SUSPEND) != 0) met_tui_terminal_suspend(tui->terminal);
    if ((events & (MET_TUI_EVENT_CONTINUE | MET_TUI_EVENT_RESIZE)) != 0) {
        met_tui_terminal_measure(tui->terminal);
        tui->draw |= MET_TUI_DRAW_ALL | MET_TUI_DRAW_LAYOUT;
    }
    if ((events & MET_TUI_EVENT_CONTINUE) != 0) met_tui_terminal_resume(tui->terminal);
    if ((events & MET_TUI_EVENT_INTERRUPT) != 0) met_tui_interrupted(tui);
    if ((events & MET_TUI_EVENT_STRAY) != 0) take_stray(tui);
    take_log(tui);
    met_tui_take_news(tui);
}

static bool out_of_memory(const met_tui *tui)
{
    return tui->chat.failed || tui->edit.text.failed || tui->edit.lines.failed ||
           tui->keys.pending.failed || tui->keys.pasted.failed || tui->tree.failed ||
           tui->key_bytes.failed || tui->typed.failed || tui->stray.failed;
}

static met_status loop(met_tui *tui, met_error *err)
{
    double next_frame = 0;

    while (!tui->quit) {
        double now = met_clock_seconds();
        int wait = -1;
        if (tui->draw != 0 && now >= next_frame) {
            met_tui_draw(tui);
            next_frame =
                met_clock_seconds() + (tui->answering ? stream_frame_seconds : frame_seconds);
        }
        if (out_of_memory(tui)) return met_failure_memory(err);
        /* Draw when the frame is due; settle an Escape when nothing follows it. */
        if (tui->draw != 0) wait = (int)((next_frame - now) * 1e3) + 1;
        bool escaping = met_tui_keys_waiting(&tui->keys);
        if (escaping && (wait < 0 || wait > MET_TUI_ESCAPE_MS)) wait = MET_TUI_ESCAPE_MS;
        unsigned events = met_tui_terminal_wait(tui->terminal, wait, &tui->key_bytes, &tui->stray);
        bool late = escaping && (events & MET_TUI_EVENT_INPUT) == 0;
        if ((events & MET_TUI_EVENT_INPUT) != 0 || late) take_keys(tui, late);
        take_events(tui, events);
    }
    return MET_OK;
}

/* The first turn, if the command line has one. */
static met_status begin(met_tui *tui, const met_prompt *prompt, met_error *err)
{
    met_status status = MET_OK;
    met_str system = {tui->flags->system, 0};

    met_tui_welcome(tui);
    if (system.data != NULL) {
        system.bytes = strlen(system.data);
        status = met_tui_talk_set_system(&tui->talk, system, err);
        if (status != MET_OK) return status;
        met_tui_say_system(tui);
    }
    if (prompt->messages != NULL) {
        status = met_tui_talk_take(&tui->talk, prompt->messages, "--messages", err);
        if (status != MET_OK) return status;
        met_tui_show_talk(tui);
        size_t count = tui->talk.count;
        if (count > 0 && tui->talk.messages[count - 1].role == MET_TUI_ROLE_USER) {
            met_tui_ask(tui, (met_str){"", 0});
        }
    } else if (prompt->text_bytes > 0) {
        met_str text = {prompt->text, prompt->text_bytes};
        if (!met_tui_history_add(&tui->history, text)) return met_failure_memory(err);
        met_tui_ask(tui, text);
    }
    return MET_OK;
}

/* The log goes to its pane from before the model is opened, and tells at least what was chosen. */
static met_status open_log(met_tui *tui, met_error *err)
{
    met_logger *logger = tui->invocation->logger;

    tui->log = calloc(MET_TUI_LOG_LINES, sizeof *tui->log);
    tui->log_ring = met_log_ring_create(MET_TUI_LOG_LINES, met_tui_terminal_wake, NULL);
    if (tui->log == NULL || tui->log_ring == NULL) return met_failure_memory(err);
    if (logger->level == MET_LOG_WARN) logger->level = MET_LOG_INFO;
    met_logger_divert(logger, tui->log_ring);
    return MET_OK;
}

static met_status open_parts(met_tui *tui, const met_prompt *prompt, met_engine *engine,
                             met_error *err)
{
    met_invocation *invocation = tui->invocation;
    const met_environment *environment = invocation->environment;
    const met_generate_flags *flags = tui->flags;

    met_status status = met_tui_terminal_create(&tui->terminal, err);
    if (status == MET_OK) status = open_log(tui, err);
    invocation->metrics->shares_screen = true;
    /* Percentiles of an answer. */
    if (status == MET_OK) {
        status = met_metrics_record(invocation->metrics, MET_RECORD_TOKEN, err);
    }
    /* The model first: a failure to open it is told on a terminal as it was. */
    if (status == MET_OK) status = met_engine_open(&flags->engine, invocation, engine, err);
    if (status == MET_OK) {
        tui->engine = engine;
        status = met_tui_worker_create(engine, &flags->engine, invocation, met_tui_terminal_wake,
                                       NULL, &tui->worker, err);
    }
    if (status == MET_OK && prompt->tools != NULL) {
        tui->tools = met_json_to_value(prompt->tools);
        if (tui->tools == NULL) status = met_failure_memory(err);
    }
    if (status == MET_OK) {
        bool no_color = environment->no_color != NULL;
        status = met_tui_terminal_enter(tui->terminal, environment->terminal, no_color, err);
    }
    if (status != MET_OK) return status;
    bool utf8 = met_tui_terminal_has_utf8(tui->terminal);
    met_tui_screen_init(&tui->screen, utf8);
    if (!utf8) {
        met_logger_say(invocation->logger, MET_LOG_WARN,
                       "locale: found no UTF-8 here, so other characters than ASCII show as ?");
    }
    return MET_OK;
}

static void close_parts(met_tui *tui, met_engine *engine)
{
    /* The screen first: a long step may keep the worker for a while. */
    if (tui->terminal != NULL) met_tui_terminal_leave(tui->terminal);
    met_tui_worker_free(tui->worker);
    met_engine_close(engine);
    met_logger_divert(tui->invocation->logger, NULL);
    met_log_ring_free(tui->log_ring);
    met_tui_terminal_free(tui->terminal);
    free(tui->log);
    met_value_free(tui->tools);
    met_tui_talk_free(&tui->talk);
    met_tui_chat_free(&tui->chat);
    met_tui_edit_free(&tui->edit);
    met_tui_history_free(&tui->history);
    met_tui_keys_free(&tui->keys);
    met_tui_tree_free(&tui->tree);
    met_tui_buffer_free(&tui->key_bytes);
    met_tui_buffer_free(&tui->typed);
    met_tui_buffer_free(&tui->stray);
    free(tui->op_times);
    free(tui->drawn);
}

met_status met_tui_run(met_invocation *invocation, const met_generate_flags *flags,
                       const met_prompt *prompt, met_error *err)
{
    met_engine engine = {0};
    int end_signal = 0;
    met_tui *tui = calloc(1, sizeof *tui);

    if (tui == NULL) return met_failure_memory(err);
    tui->invocation = invocation;
    tui->flags = flags;
    tui->temperature = flags->temperature;
    tui->draw = MET_TUI_DRAW_ALL | MET_TUI_DRAW_LAYOUT;
    met_status status = open_parts(tui, prompt, &engine, err);
    if (status == MET_OK) status = begin(tui, prompt, err);
    if (status == MET_OK) status = loop(tui, err);
    if (tui->terminal != NULL) end_signal = met_tui_terminal_end_signal(tui->terminal);
    invocation->interrupted = tui->interrupted;
    close_parts(tui, &engine);
    free(tui);
    if (end_signal != 0) (void)raise(end_signal); /* its sender sees that it ended the process */
    return status;
}
