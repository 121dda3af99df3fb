/* The structs behind the public handles. Only the files of this room look inside. */
#ifndef MET_GENERATE_OBJECTS_H
#define MET_GENERATE_OBJECTS_H

#include "backend/backend.h"
#include "base/mapping.h"
#include "gguf/gguf.h"
#include "generate/measured.h"
#include "metrics/memory.h"
#include "model/model.h"
#include "template/template.h"
#include "tokenizer/tokenizer.h"

struct met_context {
    met_machine *machine; /* owned */
    met_context_info info;
    char choice[320]; /* info.choice points here */
    met_recorder *recorder; /* borrowed; NULL: nothing is recorded */
    met_account account;    /* the memory of everything below */
};

/* Immutable once it is open. */
struct met_model {
    met_context *context; /* borrowed */
    met_mapping *mapping; /* NULL for a model in the caller's memory */
    met_gguf *gguf;
    met_tokenizer *tokenizer;
    met_template *chat; /* NULL: the file has none, or chat_error says why it cannot be used */
    met_error chat_error;
    met_hyper hyper;
    met_program program;
    met_loaded *loaded;
    met_model_info info;
    met_holding holding; /* its memory in the context's account */
};

/* tokens[0 .. count) are exactly the positions that the timeline holds. */
struct met_session {
    met_model *model; /* borrowed */
    met_timeline *timeline;
    int32_t *tokens; /* [context_length] */
    int32_t count;
    int32_t context_length;
    bool failed;       /* the machine failed: only free is allowed */
    float *all_logits; /* met_session_feed_all, when one step does not hold them */
    size_t all_logits_bytes;
    met_holding holding;    /* its memory in the context's account */
    met_measured *measured; /* NULL: the context does not record */
};

/* Where a model's lines go, and its sessions'. */
static inline const met_log *met_model_log(const met_model *model)
{
    return &model->context->machine->log;
}

/* A context around a machine that is open; it owns the machine also on failure. This is how tests
 * bring their own. `choice` is copied. */
met_status met_context_adopt(met_machine *machine, const char *choice, met_context **out,
                             met_error *err);

/* Take memory now for feeding up to `count` tokens with logits for all of them, so that such a call
 * allocates nothing later. Logits of earlier calls are gone. MET_E_MEMORY; MET_E_DEVICE when the
 * machine failed before. */
met_status met_session_reserve(met_session *session, int32_t count, met_error *err);

/* Tokens that the machine chooses itself: see met_decode. */
bool met_session_can_decode(const met_session *session);
/* Feed `token` and go on for at most `steps` tokens, that one included. MET_E_MEMORY,
 * MET_E_DEVICE. met_session_decode_end is due also then. */
met_status met_session_decode_begin(met_session *session, int32_t token, int32_t steps,
                                    const met_sampling *sampling, uint64_t (*draw)(void *user),
                                    void *user, met_error *err);
/* The token chosen after those that the session holds; -1 when no logit is above -infinity. */
met_status met_session_decode_next(met_session *session, int32_t *token, met_error *err);
/* The session holds the token that was chosen last: the machine has fed it. */
void met_session_decode_fed(met_session *session, int32_t token);
/* The session holds what was fed, and nothing that the machine computed beyond. */
met_status met_session_decode_end(met_session *session, met_error *err);

/* Called between chunks of a prompt that has `total` tokens, and within them. */
typedef struct met_watch {
    met_progress_fn progress; /* may be NULL */
    met_poll_fn poll;         /* may be NULL: asked within a chunk */
    void *user;
    bool stopped; /* out: one returned false; the session holds the chunks that were done */
} met_watch;

/* met_session_set that can be watched. `watch` may be NULL. */
met_status met_session_set_watched(met_session *session, const int32_t *tokens, int32_t count,
                                   met_watch *watch, const float **logits, int32_t *reused,
                                   met_error *err);

#endif
