/* Memory by kind: what everything in a context takes. */
#ifndef MET_METRICS_MEMORY_H
#define MET_METRICS_MEMORY_H

#include "metallic.h"

#include <stdatomic.h>

/* Zero-initialised is empty. Written by any thread. */
typedef struct met_account {
    struct {
        _Atomic uint64_t bytes;
        _Atomic uint64_t peak_bytes;
        _Atomic uint64_t planned_bytes;
    } kind[MET_MEMORY_KINDS];
} met_account;

/* What one owner, a model or a session, has in an account. */
typedef struct met_holding {
    uint64_t bytes[MET_MEMORY_KINDS];
    uint64_t planned_bytes[MET_MEMORY_KINDS];
} met_holding;

/* `held` has `bytes` of this kind now. Costs one comparison when nothing changed. */
void met_account_hold(met_account *account, met_holding *held, met_memory_kind kind,
                      uint64_t bytes);
/* `held` will have at most `bytes` of this kind. */
void met_account_plan(met_account *account, met_holding *held, met_memory_kind kind,
                      uint64_t bytes);
/* The owner is gone. */
void met_account_release(met_account *account, met_holding *held);

met_memory met_account_read(const met_account *account);

#endif
