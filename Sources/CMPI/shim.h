#pragma once
#include <mpi.h>

// Swift does not import these macros: they cast the address of a global.
static inline MPI_Comm dure_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm dure_mpi_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Datatype dure_mpi_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype dure_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype dure_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Op dure_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Info dure_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline void *dure_mpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *dure_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Errhandler dure_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Win dure_mpi_win_null(void) { return MPI_WIN_NULL; }
