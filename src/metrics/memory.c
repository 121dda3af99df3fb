/* Owns: adding up memory by kind. Does not own any memory that it counts. The invariant: an
 * account's bytes are the sum of what its holders hold. */
#include "metrics/memory.h"

/* Unsigned arithmetic wraps, so that one addition goes up and down. */
static uint64_t move(_Atomic uint64_t *total, uint64_t *held, uint64_t bytes)
{
    uint64_t by = bytes - *held;
    *held = bytes;
    return atomic_fetch_add_explicit(total, by, memory_order_relaxed) + by;
}

void met_account_hold(met_account *account, met_holding *held, met_memory_kind kind, uint64_t bytes)
{
    if (held->bytes[kind] == bytes) return;
    uint64_t now = move(&account->kind[kind].bytes, &held->bytes[kind], bytes);
    _Atomic uint64_t *peak = &account->kind[kind].peak_bytes;
    uint64_t most = atomic_load_explicit(peak, memory_order_relaxed);
    while (most < now && !atomic_compare_exchange_weak_explicit(
                             peak, &most, now, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void met_account_plan(met_account *account, met_holding *held, met_memory_kind kind, uint64_t bytes)
{
    (void)move(&account->kind[kind].planned_bytes, &held->planned_bytes[kind], bytes);
}

void met_account_release(met_account *account, met_holding *held)
{
    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        met_account_hold(account, held, (met_memory_kind)kind, 0);
        met_account_plan(account, held, (met_memory_kind)kind, 0);
    }
}

met_memory met_account_read(const met_account *account)
{
    met_memory memory;
    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        memory.kind[kind] = (met_memory_use){
            .bytes = atomic_load_explicit(&account->kind[kind].bytes, memory_order_relaxed),
            .peak_bytes =
                atomic_load_explicit(&account->kind[kind].peak_bytes, memory_order_relaxed),
            .planned_bytes =
                atomic_load_explicit(&account->kind[kind].planned_bytes, memory_order_relaxed),
        };
    }
    return memory;
}

const char *met_memory_name(met_memory_kind kind)
{
    switch (kind) {
    case MET_MEMORY_MAPPED: return "mapped";
    case MET_MEMORY_REPACKED: return "repacked";
    case MET_MEMORY_KV: return "kv";
    case MET_MEMORY_SCRATCH: return "scratch";
    case MET_MEMORY_TOKENIZER: return "tokenizer";
    case MET_MEMORY_GPU: return "gpu";
    }
    return "unknown";
}
