/* Compile options, function constants, libraries and their functions, over the front end. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_CONSTANTS = 64, MAX_FLAGS = 64, MESSAGE_BYTES = 16384 };

NSErrorDomain const MTLLibraryErrorDomain = @"MTLLibraryErrorDomain";

@implementation MTLCompileOptions
- (instancetype)init
{
    _version = MTLLanguageVersion3_0;
    _math = MTLMathModeFast;
    _functions = MTLMathFloatingPointFunctionsFast;
    return self;
}

- (NSDictionary *)preprocessorMacros
{
    return _macros;
}

- (void)setPreprocessorMacros:(NSDictionary *)macros
{
    NSDictionary *copy = [macros copy];
    [_macros release];
    _macros = copy;
}

- (BOOL)fastMathEnabled
{
    return _math == MTLMathModeFast;
}

- (void)setFastMathEnabled:(BOOL)enabled
{
    _math = enabled ? MTLMathModeFast : MTLMathModeSafe;
}

- (MTLMathMode)mathMode
{
    return _math;
}

- (void)setMathMode:(MTLMathMode)mode
{
    _math = mode;
}

- (MTLMathFloatingPointFunctions)mathFloatingPointFunctions
{
    return _functions;
}

- (void)setMathFloatingPointFunctions:(MTLMathFloatingPointFunctions)functions
{
    _functions = functions;
}

- (MTLLanguageVersion)languageVersion
{
    return _version;
}

- (void)setLanguageVersion:(MTLLanguageVersion)version
{
    _version = version;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    MTLCompileOptions *copy = [[MTLCompileOptions alloc] init];
    [copy setPreprocessorMacros:_macros];
    copy->_version = _version;
    copy->_math = _math;
    copy->_functions = _functions;
    return copy;
}

- (void)dealloc
{
    [_macros release];
    [super dealloc];
}
@end

/* What _values of MTLFunctionConstantValues points to: sorted by index. */
struct constant_list {
    size_t count;
    sim_constant constants[MAX_CONSTANTS];
};

struct constant_type {
    enum sim_type type;
    size_t bytes;
};

static struct constant_type constant_type_of(MTLDataType type)
{
    switch (type) {
    case MTLDataTypeFloat: return (struct constant_type){SIM_TYPE_FLOAT, 4};
    case MTLDataTypeHalf: return (struct constant_type){SIM_TYPE_HALF, 2};
    case MTLDataTypeInt: return (struct constant_type){SIM_TYPE_INT, 4};
    case MTLDataTypeUInt: return (struct constant_type){SIM_TYPE_UINT, 4};
    case MTLDataTypeShort: return (struct constant_type){SIM_TYPE_SHORT, 2};
    case MTLDataTypeUShort: return (struct constant_type){SIM_TYPE_USHORT, 2};
    case MTLDataTypeChar: return (struct constant_type){SIM_TYPE_CHAR, 1};
    case MTLDataTypeUChar: return (struct constant_type){SIM_TYPE_UCHAR, 1};
    case MTLDataTypeBool: return (struct constant_type){SIM_TYPE_BOOL, 1};
    case MTLDataTypeNone: break;
    }
    api_misuse("a function constant of data type %lu is not in this subset", (NSUInteger)type);
}

static void set_constant(struct constant_list *list, size_t index, enum sim_type type,
                         const void *value, size_t bytes)
{
    size_t at = 0;
    while (at < list->count && (size_t)list->constants[at].index < index)
        at++;
    if (at == list->count || (size_t)list->constants[at].index != index) {
        if (list->count == MAX_CONSTANTS)
            api_misuse("more than %d function constants", MAX_CONSTANTS);
        memmove(&list->constants[at + 1], &list->constants[at],
                (list->count++ - at) * sizeof *list->constants);
    }
    list->constants[at] = (sim_constant){.index = (int32_t)index, .type = (int32_t)type};
    memcpy(list->constants[at].bytes, value, bytes);
}

@implementation MTLFunctionConstantValues
- (instancetype)init
{
    _values = calloc(1, sizeof(struct constant_list));
    if (_values == NULL) api_misuse("no memory for function constants");
    return self;
}

- (void)setConstantValue:(const void *)value type:(MTLDataType)type atIndex:(NSUInteger)index
{
    [self setConstantValues:value type:type withRange:NSMakeRange(index, 1)];
}

- (void)setConstantValues:(const void *)values type:(MTLDataType)type withRange:(NSRange)range
{
    struct constant_type known = constant_type_of(type);
    if (values == NULL) api_misuse("a function constant's value is NULL");
    if (range.location + range.length > 65536)
        api_misuse("function constant index %lu", range.location + range.length - 1);
    for (NSUInteger i = 0; i < range.length; i++)
        set_constant(_values, range.location + i, known.type,
                     (const char *)values + i * known.bytes, known.bytes);
}

- (void)reset
{
    ((struct constant_list *)_values)->count = 0;
}

- (const sim_constant *)simValues:(size_t *)count
{
    const struct constant_list *list = _values;
    *count = list->count;
    return list->constants;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    MTLFunctionConstantValues *copy = [[MTLFunctionConstantValues alloc] init];
    memcpy(copy->_values, _values, sizeof(struct constant_list));
    return copy;
}

- (void)dealloc
{
    free(_values);
    [super dealloc];
}
@end

/* The front end's arguments: those of METALSIM_FLAGS, then the macros. Each is allocated. */
static size_t flags_for(MTLCompileOptions *options, char **out)
{
    char words[sizeof api_settings_get()->flags], *rest = words;
    size_t count = 0;
    strcpy(words, api_settings_get()->flags);
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        if (*word == '\0') continue;
        if (count == MAX_FLAGS) api_misuse("METALSIM_FLAGS: more than %d words", MAX_FLAGS);
        out[count++] = strdup(word);
    }
    NSDictionary *macros = [options preprocessorMacros];
    for (NSString *name in [macros allKeys]) {
        if (count == MAX_FLAGS) api_misuse("more than %d macros and flags", MAX_FLAGS);
        if (asprintf(&out[count++], "-D%s=%s", [name UTF8String],
                     [[[macros objectForKey:name] description] UTF8String]) < 0)
            api_misuse("no memory for a macro");
    }
    return count;
}

/* The folder and those above it; what cannot be made is reported by who writes there. */
static void make_folders(const char *path)
{
    char part[sizeof api_settings_get()->cache_folder];
    for (size_t i = 1; path[i - 1] != '\0'; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        mkdir(part, 0777);
    }
}

@implementation SimLibrary
- (instancetype)initWithSource:(const char *)source
                       options:(MTLCompileOptions *)options
                         error:(NSError **)error
{
    char *flags[MAX_FLAGS];
    char *message = malloc(MESSAGE_BYTES);
    if (message == NULL) api_misuse("no memory for a message");
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    size_t flag_count = flags_for(options, flags);
    [pool drain];
    const struct api_settings *settings = api_settings_get();
    sim_library_options how = {
        .compiler = settings->compiler,
        .cache_folder = settings->cache_folder,
        .source = source,
        .flags = (const char *const *)flags,
        .flag_count = flag_count,
        .fast_math = options == nil || [options mathMode] != MTLMathModeSafe,
        .count_bytes = settings->count_traffic,
    };
    bool fails = api_fault_due(METALSIM_FAULT_LIBRARY);
    if (fails)
        snprintf(message, MESSAGE_BYTES, "program_source:1:1: error: injected compile error\n");
    make_folders(settings->cache_folder);
    bool is_open = !fails && sim_library_open(&how, &library, message, MESSAGE_BYTES);
    counts_bytes = how.count_bytes;
    content = api_hash(API_HASH_START, source, strlen(source));
    content = api_hash(content, &how.fast_math, sizeof how.fast_math);
    for (size_t i = 0; i < flag_count; i++) {
        content = api_hash(content, flags[i], strlen(flags[i]) + 1);
        free(flags[i]);
    }
    if (!is_open) {
        api_set_error(error, MTLLibraryErrorDomain, MTLLibraryErrorCompileFailure, "%s", message);
        [self release];
        self = nil;
    }
    free(message);
    return self;
}

- (const sim_kernel *)kernelNamed:(const char *)name
{
    const sim_description *description = sim_library_description(library);
    for (int32_t i = 0; i < description->kernel_count; i++)
        if (strcmp(description->kernels[i].name, name) == 0) return &description->kernels[i];
    return NULL;
}

- (NSArray<NSString *> *)functionNames
{
    const sim_description *description = sim_library_description(library);
    NSString *names[1024];
    if (description->kernel_count > 1024) api_misuse("a library of more than 1024 functions");
    for (int32_t i = 0; i < description->kernel_count; i++)
        names[i] = [NSString stringWithUTF8String:description->kernels[i].name];
    return [NSArray arrayWithObjects:names count:(NSUInteger)description->kernel_count];
}

- (SimFunction *)functionNamed:(NSString *)name
                     constants:(MTLFunctionConstantValues *)values
                         error:(NSError **)error
{
    if (name == nil) api_misuse("newFunctionWithName: nil");
    const char *text = [name UTF8String];
    if (api_fault_due(METALSIM_FAULT_FUNCTION) || [self kernelNamed:text] == NULL) {
        api_set_error(error, MTLLibraryErrorDomain, MTLLibraryErrorFunctionNotFound,
                      "Function %s was not found in the library", text);
        return nil;
    }
    char message[1024] = "";
    size_t count = 0;
    const sim_constant *constants = values != nil ? [values simValues:&count] : NULL;
    api_lock();
    const sim_kernel *kernel =
        sim_library_kernel(library, text, constants, count, message, sizeof message);
    api_unlock();
    if (kernel == NULL) {
        api_set_error(error, MTLLibraryErrorDomain, MTLLibraryErrorCompileFailure, "%s", message);
        if (error == NULL) fprintf(stderr, "metalsim: function %s: %s\n", text, message);
        return nil;
    }
    SimFunction *function = [[SimFunction alloc] init];
    function->library = [self retain];
    function->kernel = kernel;
    function->constants = [values copy];
    function->content = api_hash(content, text, strlen(text) + 1);
    function->content = api_hash(function->content, constants, count * sizeof *constants);
    return function;
}

- (id<MTLFunction>)newFunctionWithName:(NSString *)name
{
    return [self functionNamed:name constants:nil error:NULL];
}

- (id<MTLFunction>)newFunctionWithName:(NSString *)name
                        constantValues:(MTLFunctionConstantValues *)values
                                 error:(NSError **)error
{
    if (values == nil) api_misuse("newFunctionWithName: %s: constantValues is nil", api_name(name));
    return [self functionNamed:name constants:values error:error];
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (const char *)simKind
{
    return "library";
}

- (void)dealloc
{
    sim_library_close(library);
    [super dealloc];
}
@end

bool api_function_has(const SimFunction *function, const sim_parameter *parameter)
{
    size_t count = 0;
    const sim_constant *values =
        function->constants != nil ? [function->constants simValues:&count] : NULL;
    if (parameter->condition < 0) return true;
    for (size_t i = 0; i < count; i++)
        if (values[i].index == parameter->condition) return values[i].bytes[0] != 0;
    return false;
}

@implementation SimFunction
- (NSString *)name
{
    return [NSString stringWithUTF8String:kernel->name];
}

- (MTLFunctionType)functionType
{
    return MTLFunctionTypeKernel;
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (const char *)simKind
{
    return "function";
}

- (const char *)simLabel
{
    return kernel != NULL ? kernel->name : "";
}

- (void)dealloc
{
    [library release];
    [constants release];
    kernel = NULL;
    [super dealloc];
}
@end
