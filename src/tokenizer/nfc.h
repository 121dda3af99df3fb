/* Unicode normalisation form C. */
#ifndef MET_TOKENIZER_NFC_H
#define MET_TOKENIZER_NFC_H

#include "metallic.h"

/* Room for texts that are not in NFC. Zero-initialised is empty; free with met_nfc_work_free. */
typedef struct met_nfc_work {
    char *text;
    size_t text_capacity_bytes;
    int32_t *points; /* of a segment that is decomposed */
    size_t points_capacity;
} met_nfc_work;

void met_nfc_work_free(met_nfc_work *work);

/* `text`, valid UTF-8, in NFC. *out views `text` itself when it is in NFC already, which costs one
 * pass; otherwise `work`, until it is used or freed. Linear, whatever the order of combining marks.
 * MET_E_MEMORY. */
met_status met_nfc_normalize(met_str text, met_nfc_work *work, met_str *out, met_error *err);

#endif
