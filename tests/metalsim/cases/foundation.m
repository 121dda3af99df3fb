/* The part of Foundation: text, numbers, collections, errors, pools. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static void strings(void)
{
    NSString *text = [NSString stringWithUTF8String:"n\303\244he \360\237\230\200"];
    CHECK(text.length == 7); /* UTF-16: the last character is two */
    CHECK([text lengthOfBytesUsingEncoding:NSUTF8StringEncoding] == 10);
    CHECK([@"abc" isEqual:[NSString stringWithUTF8String:"abc"]] && ![@"abc" isEqual:@"abd"]);
    CHECK([@"abc" hash] == [[NSString stringWithUTF8String:"abc"] hash]);
    CHECK([@"kernel_f16" hasPrefix:@"kernel"] && [@"kernel_f16" hasSuffix:@"f16"]);
    CHECK(![@"f16" hasSuffix:@"kernel_f16"]);
    NSString *made = [NSString stringWithFormat:@"%@ has %d of %5.2f%% %s %lu %p", @"layer", -3,
                                                12.5, "x", (unsigned long)7, NULL];
    CHECK([made isEqualToString:@"layer has -3 of 12.50% x 7 (nil)"]);
    CHECK([[@"a" stringByAppendingString:@"b"] isEqualToString:@"ab"]);
    NSString *part = [[[NSString alloc] initWithBytes:"abcdef"
                                               length:3
                                             encoding:NSUTF8StringEncoding] autorelease];
    CHECK([part isEqualToString:@"abc"]);
    CHECK([[NSString alloc] initWithBytes:"\377\376" length:2
                                 encoding:NSUTF8StringEncoding] == nil);
    CHECK([[NSString alloc] initWithBytes:"ab\303" length:3 encoding:NSUTF8StringEncoding] == nil);
    NSString *none = nil;
    CHECK(none.length == 0 && [none UTF8String] == NULL);
}

static void collections(void)
{
    NSArray *list = @[ @"a", @"b", @"c" ];
    NSString *joined = @"";
    for (NSString *one in list)
        joined = [joined stringByAppendingString:one];
    CHECK([joined isEqualToString:@"abc"] && list.count == 3 &&
          [[list objectAtIndex:1] isEqual:@"b"]);
    CHECK([list containsObject:@"c"] && [list.firstObject isEqual:@"a"]);
    CHECK([[NSArray array] firstObject] == nil);
    CHECK([[NSArray arrayWithObjects:@"x", @"y", nil] count] == 2);
    NSMutableDictionary *map = [NSMutableDictionary dictionary];
    [map setObject:@4 forKey:@"rows"];
    [map setObject:@8 forKey:@"rows"];
    [map setObject:@"kv" forKey:@"name"];
    CHECK(map.count == 2 && [[map objectForKey:@"rows"] intValue] == 8);
    CHECK([map objectForKey:@"none"] == nil);
    NSDictionary *copy = [[map copy] autorelease];
    [map setObject:[NSNumber numberWithBool:YES] forKey:@"more"];
    CHECK(copy.count == 2 && map.count == 3 && [[map objectForKey:@"more"] boolValue]);
}

static void numbers_and_data(void)
{
    CHECK([@(1 << 20) integerValue] == 1 << 20 && [@2.5 doubleValue] == 2.5);
    CHECK([[@7 stringValue] isEqualToString:@"7"] && [@1 isEqual:@1.0]);
    CHECK([[NSNumber numberWithUnsignedLongLong:UINT64_MAX] unsignedLongLongValue] == UINT64_MAX);
    NSData *data = [NSData dataWithBytes:"12345" length:5];
    CHECK(data.length == 5 && memcmp(data.bytes, "12345", 5) == 0);
    CHECK([NSData dataWithContentsOfFile:@"/nonexistent/file"] == nil);
    CHECK([[[NSURL fileURLWithPath:@"/a/b"] path] isEqualToString:@"/a/b"]);
}

static void errors(void)
{
    NSError *plain = [NSError errorWithDomain:@"D" code:4 userInfo:nil];
    CHECK(strstr(plain.localizedDescription.UTF8String, "D error 4") != NULL);
    NSError *said = [NSError errorWithDomain:@"D"
                                        code:4
                                    userInfo:@{NSLocalizedDescriptionKey : @"no kernel"}];
    CHECK([said.localizedDescription isEqualToString:@"no kernel"] && said.code == 4);
}

@interface Counted : NSObject
@end
static int ended;
@implementation Counted
- (void)dealloc
{
    ended++;
    [super dealloc];
}
@end

static void pools(void)
{
    Counted *kept = [[Counted alloc] init];
    @autoreleasepool {
        [[kept retain] autorelease];
        [[[Counted alloc] init] autorelease];
        CHECK(kept.retainCount == 2 && ended == 0);
    }
    CHECK(kept.retainCount == 1 && ended == 1);
    NSAutoreleasePool *outer = [[NSAutoreleasePool alloc] init];
    NSAutoreleasePool *inner = [[NSAutoreleasePool alloc] init];
    CHECK(inner != nil);
    [[[Counted alloc] init] autorelease];
    [outer drain]; /* and with it the one inside */
    CHECK(ended == 2);
    [kept release];
    CHECK(ended == 3);
}

static void classes(void)
{
    CHECK([@"a" isKindOfClass:[NSString class]] && ![@1 isKindOfClass:[NSString class]]);
    CHECK([(id)device() respondsToSelector:@selector(newCommandQueue)]);
    CHECK(![(id)device() respondsToSelector:@selector(commit)]);
    CHECK([[@"a" description] isEqualToString:@"a"]);
}

#define CASE(name)                                                                                 \
    {                                                                                              \
        #name, name                                                                                \
    }
const struct test_case foundation_cases[] = {
    CASE(strings), CASE(collections), CASE(numbers_and_data), CASE(errors),
    CASE(pools),   CASE(classes),     {NULL, NULL},
};
