// A target needs a source file; everything is in liblz4.
#include "CLZ4.h"
