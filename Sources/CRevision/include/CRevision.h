#pragma once

/// The commit that the program was built from, as Package.swift found it.
const char *berth_revision(void);
