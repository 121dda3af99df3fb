/* NSNumber, NSData, NSURL, NSError. */
#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NSErrorUserInfoKey const NSLocalizedDescriptionKey = @"NSLocalizedDescription";
NSErrorDomain const NSCocoaErrorDomain = @"NSCocoaErrorDomain";
NSErrorDomain const NSPOSIXErrorDomain = @"NSPOSIXErrorDomain";

@interface NSNumber ()
- (instancetype)initWhole:(long long)whole real:(double)real isReal:(BOOL)isReal;
@end

static NSNumber *whole_number(long long value)
{
    NSNumber *number = [NSNumber alloc];
    return [[number initWhole:value real:(double)value isReal:NO] autorelease];
}

static NSNumber *real_number(double value)
{
    NSNumber *number = [NSNumber alloc];
    return [[number initWhole:(long long)value real:value isReal:YES] autorelease];
}

@implementation NSNumber
- (instancetype)initWhole:(long long)whole real:(double)real isReal:(BOOL)isReal
{
    _whole = whole;
    _real = real;
    _is_real = isReal;
    return self;
}

+ (NSNumber *)numberWithBool:(BOOL)value
{
    return whole_number(value != NO);
}

+ (NSNumber *)numberWithInt:(int)value
{
    return whole_number(value);
}

+ (NSNumber *)numberWithUnsignedInt:(unsigned)value
{
    return whole_number(value);
}

+ (NSNumber *)numberWithLong:(long)value
{
    return whole_number(value);
}

+ (NSNumber *)numberWithUnsignedLong:(unsigned long)value
{
    return whole_number((long long)value);
}

+ (NSNumber *)numberWithLongLong:(long long)value
{
    return whole_number(value);
}

+ (NSNumber *)numberWithUnsignedLongLong:(unsigned long long)value
{
    return whole_number((long long)value);
}

+ (NSNumber *)numberWithInteger:(NSInteger)value
{
    return whole_number(value);
}

+ (NSNumber *)numberWithUnsignedInteger:(NSUInteger)value
{
    return whole_number((long long)value);
}

+ (NSNumber *)numberWithFloat:(float)value
{
    return real_number((double)value);
}

+ (NSNumber *)numberWithDouble:(double)value
{
    return real_number(value);
}

- (BOOL)boolValue
{
    return _is_real ? _real != 0.0 : _whole != 0;
}

- (int)intValue
{
    return (int)_whole;
}

- (long)longValue
{
    return (long)_whole;
}

- (long long)longLongValue
{
    return _whole;
}

- (unsigned long long)unsignedLongLongValue
{
    return (unsigned long long)_whole;
}

- (NSInteger)integerValue
{
    return (NSInteger)_whole;
}

- (NSUInteger)unsignedIntegerValue
{
    return (NSUInteger)_whole;
}

- (float)floatValue
{
    return (float)_real;
}

- (double)doubleValue
{
    return _real;
}

- (NSString *)stringValue
{
    char text[40];
    if (_is_real)
        snprintf(text, sizeof text, "%.17g", _real);
    else
        snprintf(text, sizeof text, "%lld", _whole);
    return [NSString stringWithUTF8String:text];
}

- (NSString *)description
{
    return [self stringValue];
}

- (BOOL)isEqual:(id)object
{
    if (![object isKindOfClass:[NSNumber class]]) return NO;
    NSNumber *other = object;
    return _is_real || other->_is_real ? _real == other->_real : _whole == other->_whole;
}

- (NSUInteger)hash
{
    return (NSUInteger)_whole;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [self retain];
}
@end

@implementation NSData
+ (instancetype)dataWithBytes:(const void *)bytes length:(NSUInteger)length
{
    return [[[self alloc] initWithBytes:bytes length:length] autorelease];
}

+ (instancetype)dataWithContentsOfFile:(NSString *)path
{
    FILE *file = fopen([path UTF8String], "rb");
    if (file == NULL) return nil;
    NSData *data = [[[self alloc] init] autorelease];
    char piece[4096];
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        data->_bytes = realloc(data->_bytes, data->_count + got);
        if (data->_bytes == NULL) api_misuse("no memory for the bytes of a file");
        memcpy((char *)data->_bytes + data->_count, piece, got);
        data->_count += got;
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    return failed ? nil : data;
}

- (instancetype)initWithBytes:(const void *)bytes length:(NSUInteger)length
{
    _bytes = malloc(length != 0 ? length : 1);
    if (_bytes == NULL) api_misuse("no memory for %lu bytes of data", length);
    if (length != 0) memcpy(_bytes, bytes, length);
    _count = length;
    return self;
}

- (const void *)bytes
{
    return _bytes;
}

- (NSUInteger)length
{
    return _count;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [self retain];
}

- (void)dealloc
{
    free(_bytes);
    [super dealloc];
}
@end

@implementation NSURL
+ (NSURL *)fileURLWithPath:(NSString *)path
{
    return [[[self alloc] initFileURLWithPath:path] autorelease];
}

+ (NSURL *)fileURLWithPath:(NSString *)path isDirectory:(BOOL)directory
{
    (void)directory;
    return [self fileURLWithPath:path];
}

- (instancetype)initFileURLWithPath:(NSString *)path
{
    if (path == nil) api_misuse("a file URL made of nil");
    _path = [path copy];
    return self;
}

- (NSString *)path
{
    return [[_path retain] autorelease];
}

- (const char *)fileSystemRepresentation
{
    return [_path UTF8String];
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [self retain];
}

- (const char *)simLabel
{
    return [_path UTF8String];
}

- (void)dealloc
{
    [_path release];
    [super dealloc];
}
@end

@implementation NSError
+ (instancetype)errorWithDomain:(NSErrorDomain)domain
                           code:(NSInteger)code
                       userInfo:(NSDictionary *)info
{
    return [[[self alloc] initWithDomain:domain code:code userInfo:info] autorelease];
}

- (instancetype)initWithDomain:(NSErrorDomain)domain
                          code:(NSInteger)code
                      userInfo:(NSDictionary *)info
{
    _domain = [domain copy];
    _code = code;
    _info = [info copy];
    return self;
}

- (NSErrorDomain)domain
{
    return _domain;
}

- (NSInteger)code
{
    return _code;
}

- (NSDictionary *)userInfo
{
    return _info;
}

- (NSString *)localizedDescription
{
    NSString *text = [_info objectForKey:NSLocalizedDescriptionKey];
    if (text != nil) return text;
    return [NSString stringWithFormat:@"The operation couldn't be completed. (%@ error %ld.)",
                                      _domain, (long)_code];
}

- (NSString *)description
{
    return [NSString stringWithFormat:@"Error Domain=%@ Code=%ld \"%@\"", _domain, (long)_code,
                                      [self localizedDescription]];
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [self retain];
}

- (void)dealloc
{
    [_domain release];
    [_info release];
    [super dealloc];
}
@end
