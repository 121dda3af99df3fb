/* Owns: met_value, the tree of null, bools, numbers, strings, lists and dicts that callers build
 * and read. Knows nothing of templates.
 * The invariant: a container owns its items, a dict's keys are distinct and stay in the order of
 * insertion, and once it has more than LINEAR_MAX keys `slots` finds each of them. */
#include "template/value.h"

#include "base/checked.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* A dict this small is searched key by key: it needs no index, and most dicts are this small. */
enum { LINEAR_MAX = 8 };

typedef struct dict_key {
    char *data;
    size_t bytes;
    uint64_t hash;
} dict_key;

typedef struct container {
    met_value **items; /* [count] */
    dict_key *keys;    /* [count] of a dict; NULL in a list */
    uint32_t *slots;   /* [slot_count] position + 1 of a key, 0: free. NULL while small */
    size_t count;
    size_t capacity;
    size_t slot_count; /* a power of two, at least twice the count */
} container;

struct met_value {
    met_value_kind kind;
    met_value *next_freed; /* only while met_value_free takes the tree apart */
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        struct {
            char *data; /* NUL-terminated, in the same allocation */
            size_t bytes;
            bool trusted; /* counts as the template's own text */
        } string;
        container container;
    } as;
};

/* ---------------------------------------------------------------- making and freeing */

static met_value *value_of_kind(met_value_kind kind)
{
    met_value *value = calloc(1, sizeof *value);
    if (value != NULL) value->kind = kind;
    return value;
}

met_value *met_value_null(void)
{
    return value_of_kind(MET_VALUE_NULL);
}

met_value *met_value_bool(bool boolean)
{
    met_value *value = value_of_kind(MET_VALUE_BOOL);
    if (value != NULL) value->as.boolean = boolean;
    return value;
}

met_value *met_value_int(int64_t integer)
{
    met_value *value = value_of_kind(MET_VALUE_INT);
    if (value != NULL) value->as.integer = integer;
    return value;
}

met_value *met_value_uint(uint64_t natural)
{
    if (natural <= INT64_MAX) return met_value_int((int64_t)natural);
    met_value *value = value_of_kind(MET_VALUE_UINT);
    if (value != NULL) value->as.natural = natural;
    return value;
}

met_value *met_value_float(double real)
{
    met_value *value = value_of_kind(MET_VALUE_FLOAT);
    if (value != NULL) value->as.real = real;
    return value;
}

met_value *met_value_string(const char *data, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    met_value *value = malloc(sizeof *value + bytes + 1);
    if (value == NULL) return NULL;
    memset(value, 0, sizeof *value);
    value->kind = MET_VALUE_STRING;
    value->as.string.data = (char *)(value + 1);
    value->as.string.bytes = bytes;
    if (bytes > 0) memcpy(value->as.string.data, data, bytes);
    value->as.string.data[bytes] = '\0';
    return value;
}

met_value *met_value_trusted_string(const char *data, size_t bytes)
{
    met_value *value = met_value_string(data, bytes);
    if (value != NULL) value->as.string.trusted = true;
    return value;
}

met_value *met_value_list(void)
{
    return value_of_kind(MET_VALUE_LIST);
}

met_value *met_value_dict(void)
{
    return value_of_kind(MET_VALUE_DICT);
}

static bool is_container(const met_value *value)
{
    return value != NULL && (value->kind == MET_VALUE_LIST || value->kind == MET_VALUE_DICT);
}

/* Without recursion, since a caller may build a tree deeper than the stack. */
void met_value_free(met_value *value)
{
    met_value *pending = value;
    while (pending != NULL) {
        met_value *one = pending;
        pending = one->next_freed;
        if (is_container(one)) {
            container *c = &one->as.container;
            for (size_t i = 0; i < c->count; i++) {
                if (c->keys != NULL) free(c->keys[i].data);
                c->items[i]->next_freed = pending;
                pending = c->items[i];
            }
            free(c->items);
            free(c->keys);
            free(c->slots);
        }
        free(one);
    }
}

/* ---------------------------------------------------------------- adding to containers */

static bool container_grow(container *c, bool has_keys)
{
    if (c->count < c->capacity) return true;
    size_t capacity = c->capacity == 0 ? 4 : 2 * c->capacity;
    size_t item_bytes = 0;
    size_t key_bytes = 0;
    if (capacity > UINT32_MAX || !met_mul_size(capacity, sizeof *c->items, &item_bytes) ||
        !met_mul_size(capacity, sizeof *c->keys, &key_bytes)) {
        return false;
    }
    met_value **items = realloc(c->items, item_bytes);
    if (items == NULL) return false;
    c->items = items;
    if (has_keys) {
        dict_key *keys = realloc(c->keys, key_bytes);
        if (keys == NULL) return false;
        c->keys = keys;
    }
    c->capacity = capacity;
    return true;
}

/* FNV-1a with a last mix, because slots are taken from the low bits. */
static uint64_t hash_of(met_str key)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < key.bytes; i++) {
        hash = (hash ^ (unsigned char)key.data[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

static void slots_put(container *c, size_t position)
{
    size_t at = (size_t)c->keys[position].hash & (c->slot_count - 1);
    while (c->slots[at] != 0)
        at = (at + 1) & (c->slot_count - 1);
    c->slots[at] = (uint32_t)position + 1;
}

/* Room in the index for one more key. */
static bool slots_grow(container *c)
{
    size_t count = c->count + 1;
    if (count <= LINEAR_MAX || 2 * count <= c->slot_count) return true;
    size_t slot_count = c->slot_count == 0 ? 64 : 2 * c->slot_count;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL) return false;
    free(c->slots);
    c->slots = slots;
    c->slot_count = slot_count;
    for (size_t i = 0; i < c->count; i++)
        slots_put(c, i);
    return true;
}

static bool key_is(const dict_key *key, met_str wanted, uint64_t hash)
{
    return key->hash == hash && key->bytes == wanted.bytes &&
           (wanted.bytes == 0 || memcmp(key->data, wanted.data, wanted.bytes) == 0);
}

/* The position of a key, or the count when the dict has none. */
static size_t key_position(const container *c, met_str wanted, uint64_t hash)
{
    if (c->slots == NULL) {
        size_t i = 0;
        while (i < c->count && !key_is(&c->keys[i], wanted, hash))
            i++;
        return i;
    }
    size_t at = (size_t)hash & (c->slot_count - 1);
    for (; c->slots[at] != 0; at = (at + 1) & (c->slot_count - 1)) {
        size_t position = c->slots[at] - 1;
        if (key_is(&c->keys[position], wanted, hash)) return position;
    }
    return c->count;
}

static bool dict_append(container *c, met_str key, uint64_t hash, met_value *item)
{
    if (key.bytes > SIZE_MAX / 2 || !container_grow(c, true) || !slots_grow(c)) return false;
    char *data = malloc(key.bytes + 1);
    if (data == NULL) return false;
    if (key.bytes > 0) memcpy(data, key.data, key.bytes);
    data[key.bytes] = '\0';
    c->keys[c->count] = (dict_key){data, key.bytes, hash};
    c->items[c->count] = item;
    if (c->slots != NULL) slots_put(c, c->count);
    c->count++;
    return true;
}

met_status met_value_push(met_value *list, met_value *item)
{
    met_status status = MET_E_ARGUMENT;
    if (item == NULL) return MET_E_MEMORY;
    if (list == NULL || list->kind != MET_VALUE_LIST || list == item) goto done;
    status = MET_E_MEMORY;
    if (!container_grow(&list->as.container, false)) goto done;
    list->as.container.items[list->as.container.count++] = item;
    return MET_OK;
done:
    if (item != list) met_value_free(item);
    return status;
}

met_status met_value_set_view(met_value *dict, met_str key, met_value *item)
{
    met_status status = MET_E_ARGUMENT;
    if (item == NULL) return MET_E_MEMORY;
    if (dict == NULL || dict->kind != MET_VALUE_DICT || dict == item) goto done;
    container *c = &dict->as.container;
    uint64_t hash = hash_of(key);
    size_t position = key_position(c, key, hash);
    if (position < c->count) {
        met_value_free(c->items[position]);
        c->items[position] = item;
        return MET_OK;
    }
    status = MET_E_MEMORY;
    if (!dict_append(c, key, hash, item)) goto done;
    return MET_OK;
done:
    if (item != dict) met_value_free(item);
    return status;
}

met_status met_value_set(met_value *dict, const char *key, met_value *item)
{
    return met_value_set_view(dict, met_str_of(key), item);
}

/* ---------------------------------------------------------------- reading */

met_value_kind met_value_get_kind(const met_value *value)
{
    return value == NULL ? MET_VALUE_NULL : value->kind;
}

bool met_value_get_bool(const met_value *value)
{
    return value != NULL && value->kind == MET_VALUE_BOOL && value->as.boolean;
}

int64_t met_value_get_int(const met_value *value)
{
    return value != NULL && value->kind == MET_VALUE_INT ? value->as.integer : 0;
}

uint64_t met_value_get_uint(const met_value *value)
{
    if (value == NULL) return 0;
    if (value->kind == MET_VALUE_UINT) return value->as.natural;
    bool natural = value->kind == MET_VALUE_INT && value->as.integer >= 0;
    return natural ? (uint64_t)value->as.integer : 0;
}

double met_value_get_float(const met_value *value)
{
    return value != NULL && value->kind == MET_VALUE_FLOAT ? value->as.real : 0.0;
}

met_str met_value_get_string(const met_value *value)
{
    met_str view = {"", 0};
    if (value != NULL && value->kind == MET_VALUE_STRING) {
        view.data = value->as.string.data;
        view.bytes = value->as.string.bytes;
    }
    return view;
}

bool met_value_is_trusted(const met_value *value)
{
    return met_value_get_kind(value) == MET_VALUE_STRING && value->as.string.trusted;
}

size_t met_value_get_count(const met_value *value)
{
    return is_container(value) ? value->as.container.count : 0;
}

const met_value *met_value_get_item(const met_value *value, size_t index)
{
    return index < met_value_get_count(value) ? value->as.container.items[index] : NULL;
}

met_str met_value_get_key(const met_value *value, size_t index)
{
    met_str view = {"", 0};
    if (index < met_value_get_count(value) && value->kind == MET_VALUE_DICT) {
        view.data = value->as.container.keys[index].data;
        view.bytes = value->as.container.keys[index].bytes;
    }
    return view;
}

const met_value *met_value_find(const met_value *dict, met_str key)
{
    if (dict == NULL || dict->kind != MET_VALUE_DICT) return NULL;
    const container *c = &dict->as.container;
    size_t position = key_position(c, key, hash_of(key));
    return position < c->count ? c->items[position] : NULL;
}
