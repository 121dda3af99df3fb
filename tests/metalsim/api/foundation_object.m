/* NSObject and NSAutoreleasePool.
 *
 * Invariant: every object but constant strings has a header in front of it. A released object keeps
 * its memory for a while and answers every message with the end of the program and its name. */
#include "object.h"

#include <objc/runtime.h>
#include <objc/message.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELEASED_KEPT = 4096, KIND_BYTES = 96 };

struct header {
    struct header *previous, *next; /* of the live ones */
    int32_t references;
    int32_t watchers;
    bool released;
    char kind[KIND_BYTES]; /* what it was, once it is released */
} __attribute__((aligned(16)));

__attribute__((objc_root_class))
@interface SimReleased {
    Class isa;
}
@end

@implementation SimReleased
@end

@interface NSAutoreleasePool ()
- (void)simAdd:(id)object;
@end

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct header live = {.previous = &live, .next = &live};
static struct header *released[RELEASED_KEPT];
static size_t released_next;
static __thread NSAutoreleasePool *innermost;

static struct header *header_of(id object)
{
    return (struct header *)object - 1;
}

static id object_of(struct header *header)
{
    return (id)(header + 1);
}

const char *api_name(id object)
{
    static __thread char names[4][KIND_BYTES + METALSIM_LABEL_BYTES];
    static __thread unsigned turn;
    char *out = names[turn++ % 4];
    const char *label = object != nil ? [object simLabel] : NULL;
    const char *kind = object != nil ? [object simKind] : "nil";
    if (label != NULL && *label != '\0')
        snprintf(out, sizeof names[0], "%s '%s'", kind, label);
    else
        snprintf(out, sizeof names[0], "%s", kind);
    return out;
}

void api_copy_label(id object, char *out, size_t out_bytes)
{
    const char *label = object != nil ? [object simLabel] : NULL;
    snprintf(out, out_bytes, "%s", label != NULL ? label : "");
}

/* Called by the runtime for a message that the class does not have. */
static id unknown_message(id object, SEL selector, ...)
{
    Class kind = object_getClass(object);
    if (kind == objc_getClass("SimReleased"))
        api_misuse("message %s to a %s that was released", sel_getName(selector),
                   header_of(object)->kind);
    api_misuse("%c[%s %s]: no such method", class_isMetaClass(kind) ? '+' : '-',
               class_getName(kind), sel_getName(selector));
}

static IMP unknown_message_for(id object, SEL selector)
{
    (void)object;
    (void)selector;
    return (IMP)unknown_message;
}

__attribute__((constructor)) static void install_unknown_message(void)
{
    __objc_msg_forward2 = unknown_message_for;
}

static id new_object(Class kind)
{
    struct header *header = calloc(1, sizeof *header + class_getInstanceSize(kind));
    if (header == NULL) api_misuse("no memory for a %s", class_getName(kind));
    header->references = 1;
    object_setClass(object_of(header), kind);
    pthread_mutex_lock(&list_lock);
    header->previous = live.previous;
    header->next = &live;
    live.previous->next = header;
    live.previous = header;
    pthread_mutex_unlock(&list_lock);
    return object_of(header);
}

/* The object is gone: keep its memory for a while, so that a late message is named. */
static void end_object(id object)
{
    struct header *header = header_of(object), *evicted = NULL;
    object_setClass(object, objc_getClass("SimReleased"));
    pthread_mutex_lock(&list_lock);
    header->previous->next = header->next;
    header->next->previous = header->previous;
    header->released = true;
    for (size_t tries = 0; tries < RELEASED_KEPT; tries++) {
        size_t at = released_next++ % RELEASED_KEPT;
        if (released[at] != NULL && released[at]->watchers > 0) continue;
        evicted = released[at];
        released[at] = header;
        break;
    }
    pthread_mutex_unlock(&list_lock);
    free(evicted);
}

void api_watch(id object)
{
    __atomic_add_fetch(&header_of(object)->watchers, 1, __ATOMIC_RELAXED);
}

void api_unwatch(id object)
{
    __atomic_sub_fetch(&header_of(object)->watchers, 1, __ATOMIC_RELEASE);
}

bool api_is_released(id object)
{
    pthread_mutex_lock(&list_lock);
    bool is = header_of(object)->released;
    pthread_mutex_unlock(&list_lock);
    return is;
}

@implementation NSObject
+ (instancetype)alloc
{
    return new_object((Class)self);
}

+ (instancetype)new
{
    return [[self alloc] init];
}

+ (Class)class
{
    return self;
}

- (instancetype)init
{
    return self;
}

- (id)copy
{
    return [(id<NSCopying>)self copyWithZone:NULL];
}

- (instancetype)retain
{
    __atomic_add_fetch(&header_of(self)->references, 1, __ATOMIC_RELAXED);
    return self;
}

- (oneway void)release
{
    struct header *header = header_of(self);
    int32_t left = __atomic_sub_fetch(&header->references, 1, __ATOMIC_ACQ_REL);
    if (left > 0) return;
    snprintf(header->kind, sizeof header->kind, "%s", api_name(self));
    [self dealloc];
}

- (instancetype)autorelease
{
    if (innermost == nil)
        api_misuse("autorelease of a %s with no pool in place: it would leak", api_name(self));
    [innermost simAdd:self];
    return self;
}

- (NSUInteger)retainCount
{
    return (NSUInteger)__atomic_load_n(&header_of(self)->references, __ATOMIC_RELAXED);
}

- (void)dealloc
{
    end_object(self);
}

- (Class)class
{
    return object_getClass(self);
}

- (BOOL)isEqual:(id)object
{
    return object == self;
}

- (NSUInteger)hash
{
    return (NSUInteger)self >> 4;
}

- (NSString *)description
{
    return [NSString stringWithUTF8String:api_name(self)];
}

- (BOOL)isKindOfClass:(Class)kind
{
    Class at = object_getClass(self);
    while (at != Nil && at != kind)
        at = class_getSuperclass(at);
    return at != Nil;
}

- (BOOL)respondsToSelector:(SEL)selector
{
    return class_respondsToSelector(object_getClass(self), selector);
}

- (const char *)simKind
{
    return class_getName(object_getClass(self));
}

- (const char *)simLabel
{
    return NULL;
}
@end

@implementation NSAutoreleasePool
- (instancetype)init
{
    _outer = innermost;
    innermost = self;
    return self;
}

- (void)simAdd:(id)object
{
    if (_count == _capacity) {
        _capacity = _capacity != 0 ? 2 * _capacity : 32;
        _items = realloc(_items, _capacity * sizeof *_items);
        if (_items == NULL) api_misuse("no memory for an autorelease pool");
    }
    _items[_count++] = object;
}

/* Draining an outer pool drains those inside it first, as Apple's does. */
- (void)drain
{
    [self release];
}

- (instancetype)autorelease
{
    api_misuse("an autorelease pool cannot be autoreleased");
}

- (void)dealloc
{
    NSAutoreleasePool *at = innermost;
    while (at != nil && at != self)
        at = at->_outer;
    if (at == nil) api_misuse("an autorelease pool is drained on another thread or twice");
    while (innermost != self)
        [innermost release];
    for (NSUInteger i = 0; i < _count; i++) /* _count may grow meanwhile */
        [_items[i] release];
    free(_items);
    innermost = _outer;
    [super dealloc];
}
@end

@implementation SimNamed
- (NSString *)label
{
    return [[_label retain] autorelease];
}

- (void)setLabel:(NSString *)label
{
    NSString *copy = [label copy];
    [_label release];
    _label = copy;
}

- (const char *)simLabel
{
    return _label != nil ? [_label UTF8String] : NULL;
}

- (void)dealloc
{
    [_label release];
    [super dealloc];
}
@end

size_t metalsim_live_objects(bool print)
{
    size_t count = 0;
    pthread_mutex_lock(&list_lock);
    for (struct header *at = live.next; at != &live; at = at->next) {
        if (object_getClass(object_of(at)) == objc_getClass("SimDevice")) continue;
        count++;
        if (print)
            fprintf(stderr, "metalsim: leak: %s, %d reference%s\n", api_name(object_of(at)),
                    at->references, at->references == 1 ? "" : "s");
    }
    pthread_mutex_unlock(&list_lock);
    return count;
}

/* When the process exits. */
__attribute__((destructor)) static void report_leaks(void)
{
    enum api_leaks leaks = api_settings_get()->leaks;
    size_t pending = metalsim_pending_command_buffers();
    if (leaks == API_LEAKS_OFF) return;
    if (pending > 0)
        fprintf(stderr, "metalsim: leak: %zu command buffer%s committed, nothing waited for %s\n",
                pending, pending == 1 ? "" : "s", pending == 1 ? "it" : "them");
    if (metalsim_live_objects(true) == 0 || leaks != API_LEAKS_FAIL) return;
    fflush(NULL); /* _Exit does not */
    _Exit(86);
}
