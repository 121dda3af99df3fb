/* The matrix product of Apple's Metal Performance Shaders, declared from the documentation.
 *
 * Owns: the declarations that the vendor path of the Metal machine needs; the implementation is
 * tests/metalsim/api/mps.m. Each group names its page below
 * https://developer.apple.com/documentation/metalperformanceshaders/. */
#ifndef METALSIM_METAL_PERFORMANCE_SHADERS_H
#define METALSIM_METAL_PERFORMANCE_SHADERS_H

#import <Metal/Metal.h>

/* mpsdatatype */
typedef NS_ENUM(uint32_t, MPSDataType) {
    MPSDataTypeInvalid = 0,
    MPSDataTypeFloatBit = 0x10000000,
    MPSDataTypeFloat32 = MPSDataTypeFloatBit | 32,
    MPSDataTypeFloat16 = MPSDataTypeFloatBit | 16,
};

#ifdef __OBJC__
/* mpssupportsmtldevice(_:) */
BOOL MPSSupportsMTLDevice(id<MTLDevice> device);

/* mpsmatrixdescriptor */
@interface MPSMatrixDescriptor : NSObject {
    NSUInteger _rows;
    NSUInteger _columns;
    NSUInteger _matrices;
    NSUInteger _row_bytes;
    NSUInteger _matrix_bytes;
    MPSDataType _type;
}
+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                rowBytes:(NSUInteger)rowBytes
                                dataType:(MPSDataType)dataType;
+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                matrices:(NSUInteger)matrices
                                rowBytes:(NSUInteger)rowBytes
                             matrixBytes:(NSUInteger)matrixBytes
                                dataType:(MPSDataType)dataType;
+ (size_t)rowBytesFromColumns:(NSUInteger)columns dataType:(MPSDataType)dataType;
+ (size_t)rowBytesForColumns:(NSUInteger)columns dataType:(MPSDataType)dataType;
@property(readwrite, nonatomic) NSUInteger rows;
@property(readwrite, nonatomic) NSUInteger columns;
@property(readonly, nonatomic) NSUInteger matrices;
@property(readwrite, nonatomic) MPSDataType dataType;
@property(readwrite, nonatomic) NSUInteger rowBytes;
@property(readonly, nonatomic) NSUInteger matrixBytes;
@end

/* mpsmatrix */
@interface MPSMatrix : NSObject {
    id<MTLBuffer> _buffer;
    NSUInteger _offset;
    NSUInteger _rows;
    NSUInteger _columns;
    NSUInteger _matrices;
    NSUInteger _row_bytes;
    NSUInteger _matrix_bytes;
    MPSDataType _type;
}
- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer descriptor:(MPSMatrixDescriptor *)descriptor;
- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer
                        offset:(NSUInteger)offset
                    descriptor:(MPSMatrixDescriptor *)descriptor;
@property(readonly, nonatomic) id<MTLDevice> device;
@property(readonly, nonatomic) NSUInteger rows;
@property(readonly, nonatomic) NSUInteger columns;
@property(readonly, nonatomic) NSUInteger matrices;
@property(readonly, nonatomic) MPSDataType dataType;
@property(readonly, nonatomic) NSUInteger rowBytes;
@property(readonly, nonatomic) NSUInteger matrixBytes;
@property(readonly, nonatomic) NSUInteger offset;
@property(readonly, nonatomic) id<MTLBuffer> data;
@end

/* mpskernel */
@interface MPSKernel : NSObject {
    id<MTLDevice> _device;
    NSString *_label;
}
- (instancetype)initWithDevice:(id<MTLDevice>)device;
@property(readonly, retain, nonatomic) id<MTLDevice> device;
@property(copy, atomic) NSString *label;
@end

/* mpsmatrixmultiplication: result = alpha * op(left) * op(right) + beta * result */
@interface MPSMatrixMultiplication : MPSKernel {
    BOOL _transpose_left;
    BOOL _transpose_right;
    NSUInteger _rows;
    NSUInteger _columns;
    NSUInteger _inner;
    double _alpha;
    double _beta;
}
- (instancetype)initWithDevice:(id<MTLDevice>)device
                 transposeLeft:(BOOL)transposeLeft
                transposeRight:(BOOL)transposeRight
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns
                         alpha:(double)alpha
                          beta:(double)beta;
- (instancetype)initWithDevice:(id<MTLDevice>)device
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns;
- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
                   leftMatrix:(MPSMatrix *)leftMatrix
                  rightMatrix:(MPSMatrix *)rightMatrix
                 resultMatrix:(MPSMatrix *)resultMatrix;
@end
#endif
#endif
