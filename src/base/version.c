/* Owns: the version string. */
#include "metallic.h"

#include "version.h"

const char *met_version(void)
{
    return MET_VERSION;
}
