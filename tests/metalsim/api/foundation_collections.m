/* NSArray and NSDictionary: small ones, searched from the front. */
#include "object.h"

#include <stdlib.h>

static id *new_items(const id *items, NSUInteger count, const char *kind)
{
    id *out = malloc((count != 0 ? count : 1) * sizeof *out);
    if (out == NULL) api_misuse("no memory for a %s of %lu", kind, count);
    for (NSUInteger i = 0; i < count; i++) {
        if (items[i] == nil) api_misuse("nil as element %lu of a %s", i, kind);
        out[i] = [items[i] retain];
    }
    return out;
}

static void free_items(id *items, NSUInteger count)
{
    for (NSUInteger i = 0; i < count; i++)
        [items[i] release];
    free(items);
}

@implementation NSArray
+ (instancetype)array
{
    return [self arrayWithObjects:NULL count:0];
}

+ (instancetype)arrayWithObject:(id)object
{
    return [self arrayWithObjects:&object count:1];
}

+ (instancetype)arrayWithObjects:(id)first, ...
{
    id objects[64];
    NSUInteger count = 0;
    va_list arguments;
    va_start(arguments, first);
    for (id at = first; at != nil; at = va_arg(arguments, id)) {
        if (count == 64) api_misuse("arrayWithObjects: takes at most 64 here");
        objects[count++] = at;
    }
    va_end(arguments);
    return [self arrayWithObjects:objects count:count];
}

+ (instancetype)arrayWithObjects:(const id[])objects count:(NSUInteger)count
{
    return [[[self alloc] initWithObjects:objects count:count] autorelease];
}

- (instancetype)initWithObjects:(const id[])objects count:(NSUInteger)count
{
    _items = new_items(objects, count, "array");
    _count = count;
    return self;
}

- (NSUInteger)count
{
    return _count;
}

- (id)objectAtIndex:(NSUInteger)index
{
    if (index >= _count) api_misuse("index %lu of an array of %lu", index, _count);
    return _items[index];
}

- (id)firstObject
{
    return _count != 0 ? _items[0] : nil;
}

- (BOOL)containsObject:(id)object
{
    for (NSUInteger i = 0; i < _count; i++)
        if ([_items[i] isEqual:object]) return YES;
    return NO;
}

- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState *)state
                                  objects:(id *)buffer
                                    count:(NSUInteger)count
{
    (void)buffer;
    (void)count;
    if (state->state != 0) return 0; /* all of them were given at once */
    state->state = 1;
    state->itemsPtr = _items;
    state->mutationsPtr = (unsigned long *)&_count; /* an array does not change */
    return _count;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [self retain];
}

- (void)dealloc
{
    free_items(_items, _count);
    [super dealloc];
}
@end

@implementation NSDictionary
+ (instancetype)dictionary
{
    return [[[self alloc] init] autorelease];
}

+ (instancetype)dictionaryWithObject:(id)object forKey:(id)key
{
    return [self dictionaryWithObjects:&object forKeys:&key count:1];
}

+ (instancetype)dictionaryWithObjects:(const id[])objects
                              forKeys:(const id[])keys
                                count:(NSUInteger)count
{
    return [[[self alloc] initWithObjects:objects forKeys:keys count:count] autorelease];
}

- (instancetype)initWithObjects:(const id[])objects forKeys:(const id[])keys count:(NSUInteger)count
{
    _items = new_items(objects, count, "dictionary");
    _keys = new_items(keys, count, "dictionary's keys");
    _count = count;
    return self;
}

- (id)objectForKey:(id)key
{
    for (NSUInteger i = 0; i < _count; i++)
        if ([_keys[i] isEqual:key]) return _items[i];
    return nil;
}

- (NSUInteger)count
{
    return _count;
}

- (NSArray *)allKeys
{
    return [NSArray arrayWithObjects:_keys count:_count];
}

/* A copy of its own: a mutable one may change afterwards. */
- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [[NSDictionary alloc] initWithObjects:_items forKeys:_keys count:_count];
}

- (void)dealloc
{
    free_items(_items, _count);
    free_items(_keys, _count);
    [super dealloc];
}
@end

@implementation NSMutableDictionary
- (void)setObject:(id)object forKey:(id)key
{
    if (object == nil || key == nil) api_misuse("nil put into a dictionary");
    for (NSUInteger i = 0; i < _count; i++) {
        if (![_keys[i] isEqual:key]) continue;
        [object retain];
        [_items[i] release];
        _items[i] = object;
        return;
    }
    _items = realloc(_items, (_count + 1) * sizeof *_items);
    _keys = realloc(_keys, (_count + 1) * sizeof *_keys);
    if (_items == NULL || _keys == NULL) api_misuse("no memory for a dictionary");
    _items[_count] = [object retain];
    _keys[_count++] = [key copy];
}
@end
