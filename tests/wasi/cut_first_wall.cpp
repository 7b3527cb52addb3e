// SPDX-License-Identifier: Apache-2.0
// Linked into a copy of the command with --wrap=syscall, for landlock_test.py: openat2(2) forgets to stay
// beneath its directory, as if the first wall had a hole. What is left is the second.
#include <cstdarg>
#include <linux/openat2.h>
#include <sys/syscall.h>

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names.
extern "C" long __real_syscall(long number, ...);
extern "C" long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...) {
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (long& argument : arguments)
        argument = va_arg(list, long);
    va_end(list);
    open_how how{};
    if (number == SYS_openat2) {
        how = *reinterpret_cast<const open_how*>(arguments[2]);
        how.resolve = 0;
        arguments[2] = reinterpret_cast<long>(&how);
    }
    return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                          arguments[5]);
}
// NOLINTEND(bugprone-reserved-identifier)
