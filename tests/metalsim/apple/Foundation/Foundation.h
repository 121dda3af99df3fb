/* The part of Apple's Foundation that a Metal compute host with manual retain/release needs,
 * declared from the documentation for GCC's Objective-C runtime (Debian's libobjc4).
 *
 * Owns: the declarations. The implementation is tests/metalsim/api/foundation_*.m.
 * Does not own: anything that host code may use and Apple does not have. Code that compiles here
 * must compile on macOS: names, selectors and enum values are those of the documentation cited at
 * each group. Wrong ones would pass here and fail there: change them only with the page at hand. */
#ifndef METALSIM_FOUNDATION_H
#define METALSIM_FOUNDATION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <objc/objc.h>

/* As Apple's: any pointer, not only an object. */
#undef nil
#define nil ((void *)0)

/* documentation/objectivec/nsuinteger, .../nsinteger; .../corefoundation/cftimeinterval */
typedef unsigned long NSUInteger;
typedef long NSInteger;
typedef double CFTimeInterval;
typedef double NSTimeInterval;
#define NSUIntegerMax ((NSUInteger)-1)
#define NSIntegerMax ((NSInteger)(NSUIntegerMax >> 1))

#define NS_ENUM(type, name) enum name : type name; enum name : type
#define NS_OPTIONS(type, name) enum name : type name; enum name : type

/* documentation/foundation/nsrange */
typedef struct {
    NSUInteger location;
    NSUInteger length;
} NSRange;

static inline NSRange NSMakeRange(NSUInteger location, NSUInteger length)
{
    NSRange range = {location, length};
    return range;
}

#ifdef __OBJC__
@class NSArray, NSDictionary, NSString;

/* documentation/objectivec/nsobject-swift.protocol (Objective-C: the NSObject protocol) */
@protocol NSObject
- (instancetype)retain;
- (oneway void)release;
- (instancetype)autorelease;
- (NSUInteger)retainCount;
- (Class)class;
- (BOOL)isEqual:(id)object;
- (BOOL)isKindOfClass:(Class)kind;
- (BOOL)respondsToSelector:(SEL)selector;
@property(readonly) NSUInteger hash;
@property(readonly, copy) NSString *description;
@end

/* documentation/foundation/nscopying */
@protocol NSCopying
- (id)copyWithZone:(void *)zone;
@end

/* documentation/objectivec/nsobject-swift.class */
__attribute__((objc_root_class)) @interface NSObject <NSObject> {
    Class isa;
}
+ (instancetype)alloc;
+ (instancetype)new;
+ (Class)class;
- (instancetype)init;
- (id)copy;
- (void)dealloc;
@end

/* documentation/foundation/nsautoreleasepool; @autoreleasepool { } compiles to it here. */
@interface NSAutoreleasePool : NSObject {
    id *_items;
    NSUInteger _count;
    NSUInteger _capacity;
    NSAutoreleasePool *_outer;
}
- (void)drain;
@end

/* documentation/foundation/nsfastenumeration: `for (id x in collection)` */
typedef struct {
    unsigned long state;
    id *itemsPtr;
    unsigned long *mutationsPtr;
    unsigned long extra[5];
} NSFastEnumerationState;

@protocol NSFastEnumeration
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState *)state
                                  objects:(id *)buffer
                                    count:(NSUInteger)count;
@end

/* documentation/foundation/nsstringencoding */
typedef NSUInteger NSStringEncoding;
enum : NSStringEncoding {
    NSASCIIStringEncoding = 1,
    NSUTF8StringEncoding = 4,
};

/* documentation/foundation/nsstring. length counts UTF-16 units, as there. */
@interface NSString : NSObject <NSCopying>
+ (instancetype)string;
+ (instancetype)stringWithUTF8String:(const char *)text;
+ (instancetype)stringWithString:(NSString *)other;
+ (instancetype)stringWithFormat:(NSString *)format, ...;
- (instancetype)initWithUTF8String:(const char *)text;
- (instancetype)initWithBytes:(const void *)bytes
                       length:(NSUInteger)length
                     encoding:(NSStringEncoding)encoding;
- (NSUInteger)lengthOfBytesUsingEncoding:(NSStringEncoding)encoding;
- (BOOL)isEqualToString:(NSString *)other;
- (BOOL)hasPrefix:(NSString *)prefix;
- (BOOL)hasSuffix:(NSString *)suffix;
- (NSString *)stringByAppendingString:(NSString *)other;
@property(readonly) const char *UTF8String;
@property(readonly) NSUInteger length;
@end

/* What @"..." becomes (-fconstant-string-class): no such class in Apple's documentation. */
@interface NSConstantString : NSString {
    char *_bytes;
    unsigned _count;
}
@end

/* documentation/foundation/nsnumber */
@interface NSNumber : NSObject <NSCopying> {
    double _real;
    long long _whole;
    BOOL _is_real;
}
+ (NSNumber *)numberWithBool:(BOOL)value;
+ (NSNumber *)numberWithInt:(int)value;
+ (NSNumber *)numberWithUnsignedInt:(unsigned)value;
+ (NSNumber *)numberWithLong:(long)value;
+ (NSNumber *)numberWithUnsignedLong:(unsigned long)value;
+ (NSNumber *)numberWithLongLong:(long long)value;
+ (NSNumber *)numberWithUnsignedLongLong:(unsigned long long)value;
+ (NSNumber *)numberWithInteger:(NSInteger)value;
+ (NSNumber *)numberWithUnsignedInteger:(NSUInteger)value;
+ (NSNumber *)numberWithFloat:(float)value;
+ (NSNumber *)numberWithDouble:(double)value;
@property(readonly) BOOL boolValue;
@property(readonly) int intValue;
@property(readonly) long longValue;
@property(readonly) long long longLongValue;
@property(readonly) unsigned long long unsignedLongLongValue;
@property(readonly) NSInteger integerValue;
@property(readonly) NSUInteger unsignedIntegerValue;
@property(readonly) float floatValue;
@property(readonly) double doubleValue;
@property(readonly, copy) NSString *stringValue;
@end

/* documentation/foundation/nsdata */
@interface NSData : NSObject <NSCopying> {
    void *_bytes;
    NSUInteger _count;
}
+ (instancetype)dataWithBytes:(const void *)bytes length:(NSUInteger)length;
+ (instancetype)dataWithContentsOfFile:(NSString *)path;
- (instancetype)initWithBytes:(const void *)bytes length:(NSUInteger)length;
@property(readonly) const void *bytes;
@property(readonly) NSUInteger length;
@end

/* documentation/foundation/nsurl: file URLs only */
@interface NSURL : NSObject <NSCopying> {
    NSString *_path;
}
+ (NSURL *)fileURLWithPath:(NSString *)path;
+ (NSURL *)fileURLWithPath:(NSString *)path isDirectory:(BOOL)directory;
- (instancetype)initFileURLWithPath:(NSString *)path;
@property(readonly, copy) NSString *path;
@property(readonly) const char *fileSystemRepresentation;
@end

/* documentation/foundation/nsarray. No list[i]: the compiler has none for this runtime. */
@interface NSArray<Item> : NSObject <NSCopying, NSFastEnumeration> {
    id *_items;
    NSUInteger _count;
}
+ (instancetype)array;
+ (instancetype)arrayWithObject:(Item)object;
+ (instancetype)arrayWithObjects:(Item)first, ...;
+ (instancetype)arrayWithObjects:(const Item[])objects count:(NSUInteger)count;
- (instancetype)initWithObjects:(const Item[])objects count:(NSUInteger)count;
- (Item)objectAtIndex:(NSUInteger)index;
- (BOOL)containsObject:(Item)object;
@property(readonly) NSUInteger count;
@property(readonly) Item firstObject;
@end

/* documentation/foundation/nsdictionary, .../nsmutabledictionary */
@interface NSDictionary<Key, Item> : NSObject <NSCopying> {
    id *_keys;
    id *_items;
    NSUInteger _count;
}
+ (instancetype)dictionary;
+ (instancetype)dictionaryWithObject:(Item)object forKey:(Key)key;
+ (instancetype)dictionaryWithObjects:(const Item[])objects
                              forKeys:(const Key[])keys
                                count:(NSUInteger)count;
- (instancetype)initWithObjects:(const Item[])objects
                        forKeys:(const Key[])keys
                          count:(NSUInteger)count;
- (Item)objectForKey:(Key)key;
@property(readonly) NSUInteger count;
@property(readonly, copy) NSArray *allKeys;
@end

@interface NSMutableDictionary<Key, Item> : NSDictionary <Key, Item>
- (void)setObject:(Item)object forKey:(Key)key;
@end

/* documentation/foundation/nserror */
typedef NSString *NSErrorDomain;
typedef NSString *NSErrorUserInfoKey;
extern NSErrorUserInfoKey const NSLocalizedDescriptionKey;
extern NSErrorDomain const NSCocoaErrorDomain;
extern NSErrorDomain const NSPOSIXErrorDomain;

@interface NSError : NSObject <NSCopying> {
    NSString *_domain;
    NSInteger _code;
    NSDictionary *_info;
}
+ (instancetype)errorWithDomain:(NSErrorDomain)domain
                           code:(NSInteger)code
                       userInfo:(NSDictionary *)info;
- (instancetype)initWithDomain:(NSErrorDomain)domain
                          code:(NSInteger)code
                      userInfo:(NSDictionary *)info;
@property(readonly, copy) NSErrorDomain domain;
@property(readonly) NSInteger code;
@property(readonly, copy) NSDictionary *userInfo;
@property(readonly, copy) NSString *localizedDescription;
@end
#endif
#endif
