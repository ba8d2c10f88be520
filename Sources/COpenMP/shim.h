#pragma once
#include <stddef.h>
#include <string.h>

// OpenMP libraries, which OpenBLAS or oneDNN may come with, read these as soon as they are loaded and bind the thread
// that loads them to the first of the places that they stand for: all threads that it starts later would share that.
#define DURE_BINDING_VARIABLES "OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY"

static int dure_removed_binding_variables = 0;

/// Also with a suffix for a kind of device, as OMP_PROC_BIND_ALL.
static inline int dure_is_binding_variable(const char *setting) {
    static const char *const names[] = {DURE_BINDING_VARIABLES};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i]);
        if (strncmp(setting, names[i], length) == 0 && (setting[length] == '=' || setting[length] == '_')) return 1;
    }
    return 0;
}

/// Closes the gaps in the array that `environ` will point to, as unsetenv does.
static void dure_remove_binding_variables(int count, char **arguments, char **environment) {
    (void)count;
    (void)arguments;
    char **kept = environment;
    for (char **setting = environment; *setting != NULL; setting++) {
        if (dure_is_binding_variable(*setting)) {
            dure_removed_binding_variables++;
        } else {
            *kept++ = *setting;
        }
    }
    *kept = NULL;
}

// Called before the initialisers of all libraries; the program's own come after them.
__attribute__((used, section(".preinit_array"))) static void (*dure_before_libraries)(int, char **, char **) =
    dure_remove_binding_variables;

/// The number of variables that were removed. To be called somewhere: nothing of this header is in a program that does
/// not use it.
static inline int dure_count_removed_binding_variables(void) {
    return dure_before_libraries == NULL ? 0 : dure_removed_binding_variables;
}
