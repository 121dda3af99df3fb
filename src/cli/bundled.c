/* Owns: models/bundled-q8_0.gguf as bytes of this program. The assembler copies the file, which
 * takes no compile time and, as read-only data, no memory until it is read. */
#include "cli/bundled.h"

#include "bundled_path.h" /* made by meson: the path, and its size so that a new model recompiles */

#include <assert.h>

#define TEXT_OF_EXPANDED(name) #name
#define TEXT_OF(name) TEXT_OF_EXPANDED(name)
/* Mach-O puts an underscore before C names. */
#define SYMBOL(name) TEXT_OF(__USER_LABEL_PREFIX__) name

#if defined(__APPLE__)
#define SECTION ".section __TEXT,__const\n"
#define HIDDEN ".private_extern "
#define BACK ".text\n"
#else
#define SECTION ".section .rodata.met_bundled,\"a\"\n"
#define HIDDEN ".hidden "
#define BACK ".previous\n"
#endif

/* clang-format off */
__asm__(
    SECTION
    HIDDEN SYMBOL("met_bundled_begin") "\n"
    HIDDEN SYMBOL("met_bundled_end") "\n"
    ".globl " SYMBOL("met_bundled_begin") "\n"
    ".globl " SYMBOL("met_bundled_end") "\n"
    ".balign 64\n"
    SYMBOL("met_bundled_begin") ":\n"
    ".incbin \"" MET_BUNDLED_PATH "\"\n"
    SYMBOL("met_bundled_end") ":\n"
    ".byte 0\n"
    BACK
);
/* clang-format on */

extern const char met_bundled_begin[];
extern const char met_bundled_end[];

met_str met_bundled_model(void)
{
    met_str model = {met_bundled_begin, (size_t)(met_bundled_end - met_bundled_begin)};
    assert(model.bytes == MET_BUNDLED_BYTES);
    return model;
}
