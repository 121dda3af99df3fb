/* The model inside the binary. */
#ifndef MET_CLI_BUNDLED_H
#define MET_CLI_BUNDLED_H

#include "metallic.h"

/* A whole GGUF file, aligned to 64 bytes, in read-only memory. */
met_str met_bundled_model(void);

#endif
