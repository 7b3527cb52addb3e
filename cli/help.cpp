// SPDX-License-Identifier: Apache-2.0
// What --help says.
#include "cli/help.h"

namespace wsb::cli {
namespace {

constexpr std::string_view overview =
    R"(wasm-sandbox: runs WebAssembly programs that get nothing they were not given.

Usage:
  wasm-sandbox run [options] FILE [ARGS...]   run a WASI program, or call one export
  wasm-sandbox validate FILE...               check modules
  wasm-sandbox inspect FILE [--json]          what a module imports, exports and needs
  wasm-sandbox disas FILE [FUNC]              the machine code of functions, below their instructions
  wasm-sandbox wat2wasm FILE -o OUT           text to binary
  wasm-sandbox wasm2wat FILE [-o OUT]         binary to text
  wasm-sandbox manifest check FILE            what a manifest grants, in words; "manifest schema" prints
                                              its JSON Schema
  wasm-sandbox audit verify FILE              whether an audit log is whole
  wasm-sandbox --version

"wasm-sandbox SUBCOMMAND --help" says more. FILE is binary (.wasm) or text (.wat); the content decides.

Examples:
  wasm-sandbox run hello.wasm
  wasm-sandbox run --dir .::/data:ro --max-memory 64MiB count.wasm /data/notes.txt
  wasm-sandbox run --invoke add math.wat 2 3

Exit status:
  the guest's own; or
  125  the sandbox refused or could not start: a bad option, a denied import, an unreadable file
  126  the module is malformed, invalid or does not link
  134  the guest trapped
  124  the time was over
  137  another limit was reached: fuel, memory, output
)";

constexpr std::string_view run = R"(Runs a WASI program, or calls one export of a module.

Usage: wasm-sandbox run [options] FILE [ARGS...]

Options come before FILE; everything after FILE belongs to the guest.

What to run:
  --invoke NAME            call this export; ARGS are parsed by its types and the results printed,
                           one per line
  --tier interp|auto|jit   how to execute: interpreted (default); interpreted, with machine code for
                           what takes long, made while it runs; or all compiled to machine code
                           when it is loaded. Results, traps and fuel are the same
  --background             with --tier auto: another thread makes the machine code meanwhile
  --lazy                   translate each function when it is first called: large programs of which
                           little runs start faster; results are the same

What the guest gets (otherwise only its standard streams, clocks and random bytes):
  --dir HOST[::GUEST][:ro] a directory, under the name GUEST (default: HOST); read-only with :ro;
                           can be given again
  --listen ADDRESS:PORT    a TCP socket that listens there, to accept from
  --connect ADDRESS:PORT   a TCP socket connected to there; addresses are numeric or localhost; the
                           sockets are the descriptors after those of directories, first the
                           listening ones
  --env NAME=VALUE         an environment variable
  --env NAME               the same with the value that it has here; both can be given again

What the module may use:
  --wasm 1.0|2.0|3.0       a version of WebAssembly (default: 3.0)
  --features LIST          more or less than that: names between commas, with a minus what to take
                           away, e.g. threads,-simd; all is every one; an unknown name prints all

Limits (none of them by default, but for the stack and open files):
  --fuel N                 stop after N units, about one for each instruction
  --timeout DURATION       stop after this time, whatever the guest does: 250ms, 5s, 2m
  --max-memory SIZE        bytes of linear memory, tables and objects, e.g. 64MiB; beyond it
                           memory.grow gives -1, and no room for a new object ends the run
  --max-stack SIZE         bytes of stack for calls (default 1MiB)
  --max-table N            elements of all tables together
  --max-instances N        instances
  --max-open-files N       descriptors, standard streams and directories included (default 1024)
  --max-output SIZE        bytes of standard output and error

Grants and limits from a file:
  --manifest FILE          see "wasm-sandbox manifest --help"; options win over it, and the module
                           may be left out if it names one

Reports:
  --stats[=FILE]           JSON about the run, to FILE or standard error:
                           fuel, wall_ns, cpu_ns, peak_memory_bytes, collections,
                           longest_pause_ns, functions, translated_functions, translated_bytes,
                           machine_functions, machine_bytes, tier, exit
  --audit FILE             append a line of JSON for each grant used, denial and limit reached
  --deterministic          canonical NaNs, a virtual clock and seeded random bytes
  --landlock               a second wall: the kernel confines the process to the directories given
  --profile perf-map|jitdump
                           with --tier jit or auto, for Linux perf: names of functions in
                           /tmp/perf-PID.map; or names and code in jit-PID.dump in the working
                           directory, for perf inject --jit; both can be given
  --gdb                    with --tier jit or auto: debuggers know functions as wasm!NAME
  -h, --help               this text

Examples:
  wasm-sandbox run hello.wasm
  wasm-sandbox run --timeout 5s --max-memory 64MiB untrusted.wasm
  wasm-sandbox run --dir /srv/data::/data:ro --env LANG=C report.wasm /data/2024.csv
  wasm-sandbox run --fuel 1000000 --stats untrusted.wasm
  wasm-sandbox run --invoke fib fib.wat 30

Exit status:
  the guest's own (0 for a call by --invoke); or
  125  refused: a bad option, an import that nothing provides, an unreadable file
  126  malformed, invalid, or an import of the wrong type
  134  the guest trapped; the reason and a backtrace are on standard error
  124  the time was over
  137  another limit was reached: fuel, memory, output
)";

constexpr std::string_view validate = R"(Checks modules: decodes and validates, runs nothing.

Usage: wasm-sandbox validate [options] FILE...

Prints a line for each valid file. Each error names the file, the place (byte offset, or line and
column of text), the function and the reason.

Options:
  --wasm 1.0|2.0|3.0   what the module may use: a version of WebAssembly (default: 3.0)
  --features LIST      more or less than that: names between commas, with a minus what to take away,
                       e.g. threads,-simd; all is every one; an unknown name prints all
  -h, --help           this text

Examples:
  wasm-sandbox validate plugin.wasm
  wasm-sandbox validate build/*.wasm

Exit status: 0 if all are valid; 126 if any is not; 125 if one cannot be read.
)";

constexpr std::string_view inspect =
    R"(Shows what a module imports, exports and contains, which features of WebAssembly it uses, and what
it would need to be granted. Runs nothing.

Usage: wasm-sandbox inspect [options] FILE

Options:
  --wasm 1.0|2.0|3.0   what the module may use: a version of WebAssembly (default: all known)
  --features LIST      more or less than that: names between commas, with a minus what to take away,
                       e.g. threads,-simd; all is every one; an unknown name prints all
  --json               the same as JSON
  -h, --help           this text

Examples:
  wasm-sandbox inspect plugin.wasm
  wasm-sandbox inspect --json plugin.wasm

Exit status: 0; 126 if the module is malformed or invalid; 125 if it cannot be read.
)";

constexpr std::string_view disas =
    R"(Shows the x86-64 machine code that "run --tier jit" runs: the instructions of each function with
their byte offsets in the module, and below each what was emitted when it was read. Runs nothing.

Usage: wasm-sandbox disas [options] FILE [FUNC]

FUNC is the index of a function (imported ones come first), or its name, in the name section or as
an export; without it all are shown.

How to read it:
  0x2c    i32.add        an instruction of the module, indented by the blocks around it
          0010  add ...  machine code; the place is counted in bytes from the function's beginning
  Code before the first instruction enters the function. Operands are computed where they are used,
  so that many instructions have no code of their own; what cannot be reached has none at all. Code
  apart from the straight line comes last: edges, traps, what to do without fuel, with what leads to
  it (";; from"). Then there is data: constants, tables of jumps, and cells, by which tiers call
  and return to each other.
  Registers: r13 frame, r14 and r15 memory and its size, rsi fuel, rdx instance.

Options:
  --cpu x86-64-v2|x86-64-v3
                       a processor to compile for (default: this one)
  --wasm 1.0|2.0|3.0   what the module may use: a version of WebAssembly (default: all known)
  --features LIST      more or less than that: names between commas, with a minus what to take away,
                       e.g. threads,-simd; all is every one; an unknown name prints all
  -h, --help           this text

Examples:
  wasm-sandbox disas plugin.wasm
  wasm-sandbox disas fib.wat fib
  wasm-sandbox disas --cpu x86-64-v2 plugin.wasm 17

Exit status: 0; 126 if the module is malformed or invalid; 125 if it cannot be read, if there is no
such function, or if machine code is not in this build or not for this processor.
)";

constexpr std::string_view wat2wasm =
    R"(Assembles the text format to a binary module, names included, and checks it.

Usage: wasm-sandbox wat2wasm [options] FILE -o OUT

Options:
  --wasm 1.0|2.0|3.0   what the module may use: a version of WebAssembly (default: 3.0)
  --features LIST      more or less than that: names between commas, with a minus what to take away,
                       e.g. threads,-simd; all is every one; an unknown name prints all
  -o, --output OUT     the file to write
  -h, --help           this text

Example:
  wasm-sandbox wat2wasm fib.wat -o fib.wasm

Exit status: 0; 126 if the text is malformed or the module invalid (nothing is written then);
125 if a file cannot be read or written.
)";

constexpr std::string_view wasm2wat = R"(Prints a module in the text format.

Usage: wasm-sandbox wasm2wat [options] FILE

Options:
  --wasm 1.0|2.0|3.0   what the module may use: a version of WebAssembly (default: 3.0)
  --features LIST      more or less than that: names between commas, with a minus what to take away,
                       e.g. threads,-simd; all is every one; an unknown name prints all
  -o, --output OUT     the file to write (default: standard output)
  -h, --help           this text

Examples:
  wasm-sandbox wasm2wat plugin.wasm
  wasm-sandbox wasm2wat plugin.wasm -o plugin.wat

Exit status: 0; 126 if the module is malformed or invalid; 125 if a file cannot be read or written.
)";

constexpr std::string_view manifest = R"(Checks a manifest, or prints the JSON Schema of manifests.

Usage: wasm-sandbox manifest check FILE
       wasm-sandbox manifest schema

"check" says in words what the manifest grants and limits; each mistake is named with its line and
column.

Options:
  -h, --help           this text

Example:
  wasm-sandbox manifest check plugin.toml

Exit status: 0; 125 if the manifest is wrong or cannot be read.
)";

constexpr std::string_view audit = R"(Checks an audit log: that no record was changed, removed or put in.

Usage: wasm-sandbox audit verify FILE

Prints the number of records and the hash of the last one, which shows whether records were cut off
at the end.

Options:
  -h, --help           this text

Example:
  wasm-sandbox audit verify audit.jsonl

Exit status: 0; 125 if it is not whole or cannot be read.
)";

}  // namespace

std::string_view help_for(std::string_view subcommand) noexcept {
    if (subcommand == "run")
        return run;
    if (subcommand == "manifest")
        return manifest;
    if (subcommand == "audit")
        return audit;
    if (subcommand == "validate")
        return validate;
    if (subcommand == "inspect")
        return inspect;
    if (subcommand == "disas")
        return disas;
    if (subcommand == "wat2wasm")
        return wat2wasm;
    if (subcommand == "wasm2wat")
        return wasm2wat;
    return overview;
}

}  // namespace wsb::cli
