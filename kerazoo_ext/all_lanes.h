/* Everything that is compiled once per instruction set. */
#include "lanes.h"
#include "noise_lanes.h"
#include "softmax_lanes.h"
#include "subword_lanes.h"
#include "skipgram_lanes.h"
#include "cbow_lanes.h"
#include "hierarchy_lanes.h"
#undef KZ_VEC
#undef KZ_LOAD
#undef KZ_STORE
#undef KZ_ALL
#undef KZ_LANES
#undef KZ_TILE_ROWS
#undef KZ_TILE_VECTORS
#undef KZ_FN
