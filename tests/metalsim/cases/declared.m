/* Every value and name that the headers declare, once more: values by hand from the documentation's
 * numbers, names by use. On macOS this file is compiled, not run, against the SDK, with the other
 * cases: what the headers here have wrong fails there. */
#include "fixture.h"

#include <string.h>

/* The raw values, as public bindings of the frameworks list them. */
#define VALUE(name, value) _Static_assert((long)(name) == (value), #name)

VALUE(MTLCPUCacheModeDefaultCache, 0);
VALUE(MTLCPUCacheModeWriteCombined, 1);

VALUE(MTLStorageModeShared, 0);
VALUE(MTLStorageModePrivate, 2);

VALUE(MTLHazardTrackingModeDefault, 0);
VALUE(MTLHazardTrackingModeTracked, 2);

VALUE(MTLResourceCPUCacheModeDefaultCache, 0);
VALUE(MTLResourceCPUCacheModeWriteCombined, 1);
VALUE(MTLResourceStorageModeShared, 0);
VALUE(MTLResourceStorageModePrivate, 32);
VALUE(MTLResourceHazardTrackingModeDefault, 0);
VALUE(MTLResourceHazardTrackingModeTracked, 512);

VALUE(MTLBarrierScopeBuffers, 1);
VALUE(MTLBarrierScopeTextures, 2);
VALUE(MTLBarrierScopeRenderTargets, 4);

VALUE(MTLDispatchTypeSerial, 0);
VALUE(MTLDispatchTypeConcurrent, 1);

VALUE(MTLGPUFamilyApple1, 1001);
VALUE(MTLGPUFamilyApple2, 1002);
VALUE(MTLGPUFamilyApple3, 1003);
VALUE(MTLGPUFamilyApple4, 1004);
VALUE(MTLGPUFamilyApple5, 1005);
VALUE(MTLGPUFamilyApple6, 1006);
VALUE(MTLGPUFamilyApple7, 1007);
VALUE(MTLGPUFamilyApple8, 1008);
VALUE(MTLGPUFamilyApple9, 1009);
VALUE(MTLGPUFamilyMac1, 2001);
VALUE(MTLGPUFamilyMac2, 2002);
VALUE(MTLGPUFamilyCommon1, 3001);
VALUE(MTLGPUFamilyCommon2, 3002);
VALUE(MTLGPUFamilyCommon3, 3003);
VALUE(MTLGPUFamilyMetal3, 5001);

VALUE(MTLDataTypeNone, 0);
VALUE(MTLDataTypeFloat, 3);
VALUE(MTLDataTypeHalf, 16);
VALUE(MTLDataTypeInt, 29);
VALUE(MTLDataTypeUInt, 33);
VALUE(MTLDataTypeShort, 37);
VALUE(MTLDataTypeUShort, 41);
VALUE(MTLDataTypeChar, 45);
VALUE(MTLDataTypeUChar, 49);
VALUE(MTLDataTypeBool, 53);

VALUE(MTLCommandBufferStatusNotEnqueued, 0);
VALUE(MTLCommandBufferStatusEnqueued, 1);
VALUE(MTLCommandBufferStatusCommitted, 2);
VALUE(MTLCommandBufferStatusScheduled, 3);
VALUE(MTLCommandBufferStatusCompleted, 4);
VALUE(MTLCommandBufferStatusError, 5);

VALUE(MTLCommandBufferErrorNone, 0);
VALUE(MTLCommandBufferErrorInternal, 1);
VALUE(MTLCommandBufferErrorTimeout, 2);
VALUE(MTLCommandBufferErrorPageFault, 3);
VALUE(MTLCommandBufferErrorAccessRevoked, 4);
VALUE(MTLCommandBufferErrorNotPermitted, 7);
VALUE(MTLCommandBufferErrorOutOfMemory, 8);
VALUE(MTLCommandBufferErrorInvalidResource, 9);
VALUE(MTLCommandBufferErrorMemoryless, 10);
VALUE(MTLCommandBufferErrorDeviceRemoved, 11);
VALUE(MTLCommandBufferErrorStackOverflow, 12);

VALUE(MTLLibraryErrorUnsupported, 1);
VALUE(MTLLibraryErrorInternal, 2);
VALUE(MTLLibraryErrorCompileFailure, 3);
VALUE(MTLLibraryErrorCompileWarning, 4);
VALUE(MTLLibraryErrorFunctionNotFound, 5);
VALUE(MTLLibraryErrorFileNotFound, 6);

VALUE(MTLBinaryArchiveErrorNone, 0);
VALUE(MTLBinaryArchiveErrorInvalidFile, 1);
VALUE(MTLBinaryArchiveErrorUnexpectedElement, 2);
VALUE(MTLBinaryArchiveErrorCompilationFailure, 3);
VALUE(MTLBinaryArchiveErrorInternalError, 4);

VALUE(MTLLanguageVersion2_4, (2 << 16) + 4);
VALUE(MTLLanguageVersion3_0, (3 << 16) + 0);
VALUE(MTLLanguageVersion3_1, (3 << 16) + 1);
VALUE(MTLLanguageVersion3_2, (3 << 16) + 2);

VALUE(MTLMathModeSafe, 0);
VALUE(MTLMathModeRelaxed, 1);
VALUE(MTLMathModeFast, 2);

VALUE(MTLMathFloatingPointFunctionsFast, 0);
VALUE(MTLMathFloatingPointFunctionsPrecise, 1);

VALUE(MTLPipelineOptionNone, 0);
VALUE(MTLPipelineOptionFailOnBinaryArchiveMiss, 4);

VALUE(MTLFunctionTypeKernel, 3);

VALUE(MPSDataTypeInvalid, 0);
VALUE(MPSDataTypeFloatBit, 0x10000000);
VALUE(MPSDataTypeFloat32, 0x10000020);
VALUE(MPSDataTypeFloat16, 0x10000010);

static void foundation_names(void)
{
    NSString *text = [[[NSString alloc] initWithUTF8String:"abc"] autorelease];
    CHECK([[NSString stringWithString:text] isEqualToString:@"abc"]);
    CHECK([[[text copyWithZone:NULL] autorelease] isEqual:text]);
    CHECK([[[[NSObject new] autorelease] description] length] > 0);
    CHECK([[NSNumber numberWithInt:-3] longValue] == -3);
    CHECK([[NSNumber numberWithUnsignedInt:3] unsignedIntegerValue] == 3);
    CHECK([[NSNumber numberWithLong:-4] longLongValue] == -4);
    CHECK([[NSNumber numberWithUnsignedLong:4] integerValue] == 4);
    CHECK([[NSNumber numberWithLongLong:5] intValue] == 5);
    CHECK([[NSNumber numberWithInteger:6] boolValue]);
    CHECK([[NSNumber numberWithUnsignedInteger:7] doubleValue] == 7.0);
    CHECK([[NSNumber numberWithFloat:0.5f] floatValue] == 0.5f);
    CHECK([[[NSNumber numberWithDouble:0.5] stringValue] isEqualToString:@"0.5"]);
    NSURL *url = [NSURL fileURLWithPath:@"/a" isDirectory:YES];
    CHECK(strcmp([url fileSystemRepresentation], "/a") == 0);
    url = [[[NSURL alloc] initFileURLWithPath:@"/b"] autorelease];
    CHECK([[url path] isEqualToString:@"/b"]);
    id objects[] = { @1, @2 }, keys[] = {@"a", @"b"};
    NSArray *list = [[[NSArray alloc] initWithObjects:objects count:2] autorelease];
    CHECK(list.count == 2 && [[NSArray arrayWithObject:@1] count] == 1);
    NSFastEnumerationState state = {0};
    id room[2];
    CHECK([list countByEnumeratingWithState:&state objects:room count:2] == 2);
    NSDictionary *map = [[[NSDictionary alloc] initWithObjects:objects forKeys:keys
                                                         count:2] autorelease];
    CHECK([[map allKeys] count] == 2 && [[map objectForKey:@"b"] isEqual:@2]);
    map = [NSDictionary dictionaryWithObjects:objects forKeys:keys count:2];
    CHECK([map count] == 2 && [[NSDictionary dictionaryWithObject:@1 forKey:@"k"] count] == 1);
    NSError *error = [[[NSError alloc] initWithDomain:NSPOSIXErrorDomain code:2
                                             userInfo:map] autorelease];
    CHECK(error.userInfo.count == 2 && ![error.domain isEqualToString:NSCocoaErrorDomain]);
}

static void library_names(void)
{
    MTLCompileOptions *options = [[[MTLCompileOptions alloc] init] autorelease];
    options.languageVersion = MTLLanguageVersion3_0;
    options.mathFloatingPointFunctions = MTLMathFloatingPointFunctionsPrecise;
    MTLCompileOptions *copy = [[options copy] autorelease];
    CHECK(copy.languageVersion == MTLLanguageVersion3_0);
    CHECK(copy.mathFloatingPointFunctions == MTLMathFloatingPointFunctionsPrecise);
    MTLFunctionConstantValues *constants = [[[MTLFunctionConstantValues alloc] init] autorelease];
    int wrong[] = {1, 2}, factor = 2;
    bool has_bias = false;
    [constants setConstantValues:wrong type:MTLDataTypeInt withRange:NSMakeRange(0, 2)];
    NSError *error = nil;
    CHECK([library() newFunctionWithName:@"with_constants" constantValues:constants
                                   error:&error] == nil); /* constant 0 is a bool */
    [constants reset];
    [constants setConstantValue:&has_bias type:MTLDataTypeBool atIndex:0];
    [constants setConstantValue:&factor type:MTLDataTypeInt atIndex:1];
    id<MTLFunction> function = [[library() newFunctionWithName:@"with_constants"
                                                constantValues:constants
                                                         error:&error] autorelease];
    CHECK(function.functionType == MTLFunctionTypeKernel && function.device == device());
    MTLComputePipelineDescriptor *descriptor =
        [[[MTLComputePipelineDescriptor alloc] init] autorelease];
    descriptor.computeFunction = function;
    [descriptor reset];
    CHECK(descriptor.computeFunction == nil && descriptor.binaryArchives == nil);
}

static void device_names(void)
{
    id<MTLDevice> one = device();
    CHECK(one.registryID != 0 && !one.isHeadless && !one.isLowPower && !one.isRemovable);
    id<MTLBuffer> x = floats(@"x", 8, 0);
    CHECK(x.cpuCacheMode == MTLCPUCacheModeDefaultCache && x.allocatedSize >= 32);
    CHECK(x.hazardTrackingMode == MTLHazardTrackingModeTracked && x.gpuAddress != 0);
    CHECK((x.resourceOptions & MTLResourceStorageModePrivate) == 0);
    id<MTLEvent> event = [[one newEvent] autorelease];
    event.label = @"order";
    id<MTLCommandBuffer> commands = command_buffer();
    CHECK(commands.commandQueue == queue() && commands.device == one);
    id<MTLComputeCommandEncoder> encoding =
        [commands computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent];
    CHECK(encoding.dispatchType == MTLDispatchTypeConcurrent);
    [encoding endEncoding];
    [commands encodeSignalEvent:event value:1];
    [commands encodeWaitForEvent:event value:1];
    [commands commit];
    [commands waitUntilCompleted];
    CHECK(commands.kernelEndTime >= commands.kernelStartTime);
    CHECK(MPSSupportsMTLDevice(one));
    CHECK([MPSMatrixDescriptor rowBytesFromColumns:5 dataType:MPSDataTypeFloat32] >= 20);
    CHECK([MPSMatrixDescriptor rowBytesForColumns:5 dataType:MPSDataTypeFloat16] >= 10);
}

#define CASE(name)                                                                                 \
    {                                                                                              \
        #name, name                                                                                \
    }
const struct test_case declared_cases[] = {
    CASE(foundation_names),
    CASE(library_names),
    CASE(device_names),
    {NULL, NULL},
};
