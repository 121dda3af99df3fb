/* The matrix product of Metal Performance Shaders, computed by plain loops.
 *
 * Invariant: result[i][j] sums over ascending k in F32. Apple does not document its order: a test
 * may only rely on a bound. */
#include "api.h"

#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <stdlib.h>

static size_t element_bytes(MPSDataType type, const char *what)
{
    if (type == MPSDataTypeFloat32) return 4;
    if (type == MPSDataTypeFloat16) return 2;
    api_misuse("%s: data type %#x is not in this subset", what, (unsigned)type);
}

BOOL MPSSupportsMTLDevice(id<MTLDevice> device)
{
    return device != nil;
}

@implementation MPSMatrixDescriptor
+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                rowBytes:(NSUInteger)rowBytes
                                dataType:(MPSDataType)dataType
{
    return [self matrixDescriptorWithRows:rows
                                  columns:columns
                                 matrices:1
                                 rowBytes:rowBytes
                              matrixBytes:rows * rowBytes
                                 dataType:dataType];
}

+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                matrices:(NSUInteger)matrices
                                rowBytes:(NSUInteger)rowBytes
                             matrixBytes:(NSUInteger)matrixBytes
                                dataType:(MPSDataType)dataType
{
    size_t element = element_bytes(dataType, "MPSMatrixDescriptor");
    if (rows == 0 || columns == 0 || matrices == 0)
        api_misuse("MPSMatrixDescriptor: %lu matrices of %lu x %lu", matrices, rows, columns);
    if (rowBytes % element != 0 || rowBytes < columns * element)
        api_misuse("MPSMatrixDescriptor: rowBytes of %lu for %lu columns of %zu bytes", rowBytes,
                   columns, element);
    if (matrices > 1 && matrixBytes < rows * rowBytes)
        api_misuse("MPSMatrixDescriptor: matrixBytes of %lu for %lu rows of %lu bytes", matrixBytes,
                   rows, rowBytes);
    MPSMatrixDescriptor *one = [[[self alloc] init] autorelease];
    one->_rows = rows;
    one->_columns = columns;
    one->_matrices = matrices;
    one->_row_bytes = rowBytes;
    one->_matrix_bytes = matrixBytes;
    one->_type = dataType;
    return one;
}

/* The stride that is fastest: whole lines of 64 bytes here; Apple's may be another. */
+ (size_t)rowBytesFromColumns:(NSUInteger)columns dataType:(MPSDataType)dataType
{
    return (columns * element_bytes(dataType, "rowBytesFromColumns") + 63) / 64 * 64;
}

+ (size_t)rowBytesForColumns:(NSUInteger)columns dataType:(MPSDataType)dataType
{
    return [self rowBytesFromColumns:columns dataType:dataType];
}

- (NSUInteger)rows
{
    return _rows;
}

- (void)setRows:(NSUInteger)rows
{
    _rows = rows;
}

- (NSUInteger)columns
{
    return _columns;
}

- (void)setColumns:(NSUInteger)columns
{
    _columns = columns;
}

- (NSUInteger)matrices
{
    return _matrices;
}

- (NSUInteger)rowBytes
{
    return _row_bytes;
}

- (void)setRowBytes:(NSUInteger)rowBytes
{
    _row_bytes = rowBytes;
}

- (NSUInteger)matrixBytes
{
    return _matrix_bytes;
}

- (MPSDataType)dataType
{
    return _type;
}

- (void)setDataType:(MPSDataType)dataType
{
    _type = dataType;
}
@end

@implementation MPSMatrix
- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer descriptor:(MPSMatrixDescriptor *)descriptor
{
    return [self initWithBuffer:buffer offset:0 descriptor:descriptor];
}

- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer
                        offset:(NSUInteger)offset
                    descriptor:(MPSMatrixDescriptor *)descriptor
{
    SimBuffer *bytes = api_buffer_of(buffer, "MPSMatrix");
    size_t element = element_bytes([descriptor dataType], "MPSMatrix");
    size_t needed = ([descriptor matrices] - 1) * [descriptor matrixBytes] +
                    ([descriptor rows] - 1) * [descriptor rowBytes] +
                    [descriptor columns] * element;
    if (offset % element != 0 || offset > bytes->count || needed > bytes->count - offset)
        api_misuse("MPSMatrix: %zu bytes at %lu of %s, which has %zu", needed, offset,
                   api_name(bytes), bytes->count);
    _buffer = [buffer retain];
    _offset = offset;
    _rows = [descriptor rows];
    _columns = [descriptor columns];
    _matrices = [descriptor matrices];
    _row_bytes = [descriptor rowBytes];
    _matrix_bytes = [descriptor matrixBytes];
    _type = [descriptor dataType];
    return self;
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (NSUInteger)rows
{
    return _rows;
}

- (NSUInteger)columns
{
    return _columns;
}

- (NSUInteger)matrices
{
    return _matrices;
}

- (MPSDataType)dataType
{
    return _type;
}

- (NSUInteger)rowBytes
{
    return _row_bytes;
}

- (NSUInteger)matrixBytes
{
    return _matrix_bytes;
}

- (NSUInteger)offset
{
    return _offset;
}

- (id<MTLBuffer>)data
{
    return _buffer;
}

- (const char *)simLabel
{
    return [(SimBuffer *)_buffer simLabel];
}

- (void)dealloc
{
    [_buffer release];
    [super dealloc];
}
@end

@implementation MPSKernel
- (instancetype)initWithDevice:(id<MTLDevice>)device
{
    if (device == nil) api_misuse("MPSKernel: the device is nil");
    _device = [device retain];
    return self;
}

- (id<MTLDevice>)device
{
    return _device;
}

- (NSString *)label
{
    return _label;
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
    [_device release];
    [_label release];
    _label = nil;
    [super dealloc];
}
@end

static struct api_matrix shape_of(MPSMatrix *matrix)
{
    struct api_matrix shape = {
        .rows = [matrix rows],
        .columns = [matrix columns],
        .row_bytes = [matrix rowBytes],
        .matrix_bytes = [matrix matrixBytes],
        .is_half = [matrix dataType] == MPSDataTypeFloat16,
    };
    return shape;
}

/* rows and columns as the product reads them. */
static void check_shape(const char *what, MPSMatrix *matrix, NSUInteger rows, NSUInteger columns,
                        bool transposed)
{
    if (matrix == nil) api_misuse("MPSMatrixMultiplication: the %s matrix is nil", what);
    NSUInteger found_rows = transposed ? [matrix columns] : [matrix rows];
    NSUInteger found_columns = transposed ? [matrix rows] : [matrix columns];
    if (found_rows < rows || found_columns < columns)
        api_misuse("MPSMatrixMultiplication: the %s matrix has %lu x %lu, needs %lu x %lu", what,
                   found_rows, found_columns, rows, columns);
}

@implementation MPSMatrixMultiplication
- (instancetype)initWithDevice:(id<MTLDevice>)device
                 transposeLeft:(BOOL)transposeLeft
                transposeRight:(BOOL)transposeRight
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns
                         alpha:(double)alpha
                          beta:(double)beta
{
    if (resultRows == 0 || resultColumns == 0 || interiorColumns == 0)
        api_misuse("MPSMatrixMultiplication: a product of %lu x %lu over %lu", resultRows,
                   resultColumns, interiorColumns);
    _transpose_left = transposeLeft;
    _transpose_right = transposeRight;
    _rows = resultRows;
    _columns = resultColumns;
    _inner = interiorColumns;
    _alpha = alpha;
    _beta = beta;
    return [super initWithDevice:device];
}

- (instancetype)initWithDevice:(id<MTLDevice>)device
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns
{
    return [self initWithDevice:device
                  transposeLeft:NO
                 transposeRight:NO
                     resultRows:resultRows
                  resultColumns:resultColumns
                interiorColumns:interiorColumns
                          alpha:1.0
                           beta:0.0];
}

- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
                   leftMatrix:(MPSMatrix *)left
                  rightMatrix:(MPSMatrix *)right
                 resultMatrix:(MPSMatrix *)result
{
    SimCommandBuffer *buffer = api_command_buffer_of(commandBuffer, "MPSMatrixMultiplication");
    [buffer checkOpenFor:"MPSMatrixMultiplication"];
    check_shape("left", left, _rows, _inner, _transpose_left);
    check_shape("right", right, _inner, _columns, _transpose_right);
    check_shape("result", result, _rows, _columns, false);
    if ([left dataType] != [right dataType] || [left dataType] != [result dataType])
        api_misuse("MPSMatrixMultiplication: matrices of different data types");
    struct api_command *command = [buffer append:API_MATMUL];
    MPSMatrix *matrices[3] = {left, right, result};
    for (size_t i = 0; i < 3; i++) {
        SimBuffer *bytes = (SimBuffer *)[matrices[i] data];
        command->bindings[i].buffer = bytes;
        command->bindings[i].offset = [matrices[i] offset];
        command->bindings[i].count = bytes->count - [matrices[i] offset];
        [buffer hold:bytes];
    }
    api_copy_label(self, command->encoder, sizeof command->encoder);
    NSUInteger count = [result matrices];
    if ([left matrices] < count || [right matrices] < count)
        api_misuse("MPSMatrixMultiplication: %lu results of %lu and %lu matrices", count,
                   [left matrices], [right matrices]);
    command->matmul = (struct api_matmul){
        .left = shape_of(left),
        .right = shape_of(right),
        .result = shape_of(result),
        .rows = _rows,
        .columns = _columns,
        .inner = _inner,
        .matrices = count,
        .transpose_left = _transpose_left,
        .transpose_right = _transpose_right,
        .alpha = (float)_alpha,
        .beta = (float)_beta,
    };
}
@end

static float load(const unsigned char *matrix, const struct api_matrix *shape, size_t row,
                  size_t column)
{
    const unsigned char *at = matrix + row * shape->row_bytes;
    return shape->is_half ? (float)((const _Float16 *)at)[column] : ((const float *)at)[column];
}

static void store(unsigned char *matrix, const struct api_matrix *shape, size_t row, size_t column,
                  float value)
{
    unsigned char *at = matrix + row * shape->row_bytes;
    if (shape->is_half)
        ((_Float16 *)at)[column] = (_Float16)value;
    else
        ((float *)at)[column] = value;
}

/* The operand as [rows][columns] floats, transposed when asked: `out` is allocated. */
static float *unpack(const unsigned char *matrix, const struct api_matrix *shape, size_t rows,
                     size_t columns, bool transposed)
{
    float *out = malloc(rows * columns * sizeof *out);
    if (out == NULL) api_misuse("no memory for a matrix of %zu x %zu", rows, columns);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            out[row * columns + column] =
                transposed ? load(matrix, shape, column, row) : load(matrix, shape, row, column);
    return out;
}

void api_matmul_run(const struct api_command *command)
{
    const struct api_matmul *job = &command->matmul;
    for (size_t m = 0; m < job->matrices; m++) {
        const unsigned char *base[3];
        for (size_t i = 0; i < 3; i++)
            base[i] = command->bindings[i].buffer->bytes + command->bindings[i].offset;
        const unsigned char *left_bytes = base[0] + m * job->left.matrix_bytes;
        const unsigned char *right_bytes = base[1] + m * job->right.matrix_bytes;
        unsigned char *result = (unsigned char *)(uintptr_t)base[2] + m * job->result.matrix_bytes;
        float *left = unpack(left_bytes, &job->left, job->rows, job->inner, job->transpose_left);
        /* The right operand by columns, so that both are read along k. */
        float *right =
            unpack(right_bytes, &job->right, job->columns, job->inner, !job->transpose_right);
        for (size_t i = 0; i < job->rows; i++) {
            for (size_t j = 0; j < job->columns; j++) {
                float sum = 0.0f;
                for (size_t k = 0; k < job->inner; k++)
                    sum += left[i * job->inner + k] * right[j * job->inner + k];
                float value = job->alpha * sum;
                if (job->beta != 0.0f) value += job->beta * load(result, &job->result, i, j);
                store(result, &job->result, i, j, value);
            }
        }
        free(left);
        free(right);
    }
}
