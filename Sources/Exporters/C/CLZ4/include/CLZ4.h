#ifndef PELLUCID_CLZ4_H
#define PELLUCID_CLZ4_H

// Single blocks, for records that carry their own lengths and checksums.
#include <lz4.h>
// The frame format of LZ4, as the lz4 command reads it.
#include <lz4frame.h>

#endif
