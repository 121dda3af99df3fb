/* NSString and what @"..." becomes. Text is UTF-8 inside; lengths are counted in UTF-16 units. */
#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

@interface SimString : NSString {
  @public
    char *_bytes;
}
@end

/* A UTF-8 sequence of four bytes is two UTF-16 units, any other is one. */
static NSUInteger utf16_length(const char *text)
{
    NSUInteger length = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if ((*at & 0xC0) != 0x80) length++;
        if (*at >= 0xF0) length++;
    }
    return length;
}

static bool is_utf8(const unsigned char *text, size_t count)
{
    for (size_t i = 0; i < count;) {
        unsigned char lead = text[i];
        size_t more = lead < 0x80                   ? 0
                      : lead >= 0xC2 && lead < 0xE0 ? 1
                      : (lead & 0xF0) == 0xE0       ? 2
                      : lead >= 0xF0 && lead < 0xF5 ? 3
                                                    : 4;
        if (more == 4 || i + more >= count) return false;
        for (size_t k = 1; k <= more; k++)
            if ((text[i + k] & 0xC0) != 0x80) return false;
        i += more + 1;
    }
    return true;
}

static SimString *string_of(const char *bytes, size_t count)
{
    SimString *string = [SimString alloc];
    string->_bytes = malloc(count + 1);
    if (string->_bytes == NULL) api_misuse("no memory for a string of %zu bytes", count);
    memcpy(string->_bytes, bytes, count);
    string->_bytes[count] = '\0';
    return string;
}

/* As printf, with %@ for an object. The pieces between are left to vsnprintf with one conversion at
 * a time, for which the types of the arguments have to be known: those that a host uses. */
static void append_conversion(FILE *out, const char *format, size_t count, va_list arguments)
{
    char one[32];
    if (count >= sizeof one) api_misuse("stringWithFormat: conversion too long in \"%s\"", format);
    memcpy(one, format, count);
    one[count] = '\0';
    char last = one[count - 1];
    bool is_long = strchr(one, 'l') != NULL || strchr(one, 'z') != NULL;
    if (strchr("diouxX", last) != NULL) {
        if (is_long)
            fprintf(out, one, va_arg(arguments, long));
        else
            fprintf(out, one, va_arg(arguments, int));
    } else if (strchr("eEfgG", last) != NULL) {
        fprintf(out, one, va_arg(arguments, double));
    } else if (last == 's') {
        fprintf(out, one, va_arg(arguments, const char *));
    } else if (last == 'p') {
        fprintf(out, one, va_arg(arguments, void *));
    } else if (last == '@') {
        id object = va_arg(arguments, id);
        fputs(object != nil ? [[object description] UTF8String] : "(null)", out);
    } else if (last == '%') {
        fputc('%', out);
    } else {
        api_misuse("stringWithFormat: conversion \"%s\" is not known here", one);
    }
}

static SimString *string_of_format(const char *format, va_list arguments)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    if (out == NULL) api_misuse("no memory for a string");
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, out);
        format += plain;
        if (*format == '\0') break;
        size_t length = 1 + strspn(format + 1, "0123456789.-+ #lzhq") + 1;
        append_conversion(out, format, length, arguments);
        format += length;
    }
    fclose(out);
    SimString *string = string_of(text, count);
    free(text);
    return string;
}

@implementation NSString
+ (instancetype)alloc
{
    return self == [NSString class] ? (id)[SimString alloc] : [super alloc];
}

+ (instancetype)string
{
    return [string_of("", 0) autorelease];
}

+ (instancetype)stringWithUTF8String:(const char *)text
{
    return [[[self alloc] initWithUTF8String:text] autorelease];
}

+ (instancetype)stringWithString:(NSString *)other
{
    return [self stringWithUTF8String:[other UTF8String]];
}

+ (instancetype)stringWithFormat:(NSString *)format, ...
{
    va_list arguments;
    va_start(arguments, format);
    SimString *string = string_of_format([format UTF8String], arguments);
    va_end(arguments);
    return [string autorelease];
}

- (instancetype)initWithUTF8String:(const char *)text
{
    if (text == NULL) api_misuse("a string made of NULL");
    return [self initWithBytes:text length:strlen(text) encoding:NSUTF8StringEncoding];
}

/* nil when the bytes are not text of the encoding, as Apple's. */
- (instancetype)initWithBytes:(const void *)bytes
                       length:(NSUInteger)length
                     encoding:(NSStringEncoding)encoding
{
    if (encoding != NSUTF8StringEncoding && encoding != NSASCIIStringEncoding)
        api_misuse("string encoding %lu is not known here", encoding);
    [self release];
    if (!is_utf8(bytes, length)) return nil;
    return string_of(bytes, length);
}

- (const char *)UTF8String
{
    api_misuse("%s has no characters", api_name(self));
}

- (NSUInteger)length
{
    return utf16_length([self UTF8String]);
}

- (NSUInteger)lengthOfBytesUsingEncoding:(NSStringEncoding)encoding
{
    (void)encoding;
    return strlen([self UTF8String]);
}

- (BOOL)isEqualToString:(NSString *)other
{
    return other != nil && strcmp([self UTF8String], [other UTF8String]) == 0;
}

- (BOOL)isEqual:(id)object
{
    return [object isKindOfClass:[NSString class]] && [self isEqualToString:object];
}

- (NSUInteger)hash
{
    NSUInteger hash = 5381;
    for (const char *at = [self UTF8String]; *at != '\0'; at++)
        hash = 33 * hash + (unsigned char)*at;
    return hash;
}

- (BOOL)hasPrefix:(NSString *)prefix
{
    const char *text = [prefix UTF8String];
    return strncmp([self UTF8String], text, strlen(text)) == 0;
}

- (BOOL)hasSuffix:(NSString *)suffix
{
    const char *text = [self UTF8String], *end = [suffix UTF8String];
    size_t count = strlen(text), end_count = strlen(end);
    return end_count <= count && strcmp(text + count - end_count, end) == 0;
}

- (NSString *)stringByAppendingString:(NSString *)other
{
    return [NSString stringWithFormat:@"%@%@", self, other];
}

- (NSString *)description
{
    return self;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    return [self retain]; /* it does not change */
}

- (const char *)simKind
{
    return "string";
}

- (const char *)simLabel
{
    return [self UTF8String];
}
@end

@implementation SimString
- (const char *)UTF8String
{
    return _bytes != NULL ? _bytes : "";
}

- (void)dealloc
{
    free(_bytes);
    _bytes = NULL;
    [super dealloc];
}
@end

/* In the program's data, with no header in front of it. */
@implementation NSConstantString
- (const char *)UTF8String
{
    return _bytes;
}

- (instancetype)retain
{
    return self;
}

- (oneway void)release
{
}

- (instancetype)autorelease
{
    return self;
}

- (NSUInteger)retainCount
{
    return NSUIntegerMax;
}
@end
