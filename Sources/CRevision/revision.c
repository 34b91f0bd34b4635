#include "CRevision.h"

const char *berth_revision(void) { return BERTH_REVISION; }
