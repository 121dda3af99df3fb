/* One typed option: a flag of the command line or a variable of the environment. */
#ifndef MET_CLI_OPTION_H
#define MET_CLI_OPTION_H

#include "metallic.h"

typedef enum met_option_kind {
    MET_OPTION_SWITCH,  /* bool; takes no value */
    MET_OPTION_COUNT,   /* int64_t: how often it was given; takes no value */
    MET_OPTION_BOOL,    /* bool; "on" or "off" */
    MET_OPTION_INTEGER, /* int64_t */
    MET_OPTION_REAL,    /* double */
    MET_OPTION_TEXT,    /* const char * */
    MET_OPTION_PATH,    /* const char *, a file: completions offer files */
    MET_OPTION_CHOICE,  /* const char *, one of `choices` */
    MET_OPTION_TEXTS,   /* met_texts; may be given several times */
} met_option_kind;

enum { MET_TEXTS_MAX = 16 };

typedef struct met_texts {
    const char *items[MET_TEXTS_MAX];
    size_t count;
} met_texts;

typedef struct met_option {
    const char *name; /* "top-k", without dashes; or "METALLIC_THREADS" */
    char letter;      /* 'n' for -n; 0: none */
    met_option_kind kind;
    size_t offset;             /* of the field, in the struct that the options fill */
    const char *value_name;    /* what help calls the value: "N" */
    const char *fallback;      /* default as text; NULL: zero, false, NULL. May be out of range, so
                                  that the code can tell "not given" */
    const char *fallback_help; /* what help says instead of `fallback` */
    int64_t least, most;       /* MET_OPTION_INTEGER, both accepted */
    double real_least, real_most; /* MET_OPTION_REAL, both accepted unless ..._open */
    bool least_open, most_open;
    const char *const *choices; /* MET_OPTION_CHOICE; ends in NULL */
    const char *help;           /* one line, lower case, no full stop */
} met_option;

/* Whether a flag of this kind is followed by a value. */
static inline bool met_option_takes_value(const met_option *option)
{
    return option->kind != MET_OPTION_SWITCH && option->kind != MET_OPTION_COUNT;
}

/* "choice", "integer", "path", ... Static storage. */
const char *met_option_kind_name(met_option_kind kind);

enum { MET_OPTION_ACCEPTED_BYTES = 160 };

/* What the option accepts, in words: "a whole number from 0 to 64". */
void met_option_accepted(const met_option *option, char text[MET_OPTION_ACCEPTED_BYTES]);

/* Store `text` as the option's value in the field at `fields + offset`. Texts are borrowed.
 * subject  what an error calls the option: "--top-k".
 * MET_E_ARGUMENT: subject, found, accepted; the field is unchanged. */
met_status met_option_store(const met_option *option, const char *subject, const char *text,
                            void *fields, met_error *err);

/* Store the defaults of `count` options. `fields` was zeroed. */
void met_option_store_fallbacks(const met_option *options, size_t count, void *fields);

#endif
