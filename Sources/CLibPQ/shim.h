#ifndef BERTH_CLIBPQ_SHIM_H
#define BERTH_CLIBPQ_SHIM_H

#include <libpq-fe.h>

// Swift's Glibc module has neither; the loop that polls libpq's sockets needs both.
#include <sys/epoll.h>
#include <sys/eventfd.h>

// The PG_DIAG_* field codes are character macros, which Swift does not import.
static const int berth_diag_severity = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int berth_diag_sqlstate = PG_DIAG_SQLSTATE;
static const int berth_diag_message = PG_DIAG_MESSAGE_PRIMARY;
static const int berth_diag_detail = PG_DIAG_MESSAGE_DETAIL;
static const int berth_diag_hint = PG_DIAG_MESSAGE_HINT;
static const int berth_diag_position = PG_DIAG_STATEMENT_POSITION;
static const int berth_diag_schema = PG_DIAG_SCHEMA_NAME;
static const int berth_diag_table = PG_DIAG_TABLE_NAME;
static const int berth_diag_column = PG_DIAG_COLUMN_NAME;
static const int berth_diag_constraint = PG_DIAG_CONSTRAINT_NAME;
static const int berth_diag_source_function = PG_DIAG_SOURCE_FUNCTION;

#endif
