// A seccomp filter that keeps a command from typing into its terminal: TIOCSTI puts characters where the owner's shell reads them
// when the command has ended, and TIOCLINUX pastes into a console. A session of its own would hinder that too, and take Ctrl-C and
// job control with it.
import { endianness } from "node:os"

/** How system calls are numbered: AUDIT_ARCH_* (linux/audit.h), and the numbers of ioctl(2) there. */
interface Abi {
  readonly arch: number
  readonly ioctl: ReadonlyArray<number>
}

const i386: Abi = { arch: 0x40000003, ioctl: [54] }
const arm: Abi = { arch: 0x40000028, ioctl: [54] }

/** By Node's name for the machine: its own way and that of 32-bit programs on it. The second number of x64 is x32's. */
const abis: Readonly<Record<string, ReadonlyArray<Abi>>> = {
  x64: [{ arch: 0xc000003e, ioctl: [16, 0x40000000 + 514, 0x40000000 + 16] }, i386],
  arm64: [{ arch: 0xc00000b7, ioctl: [29] }, arm]
}

// linux/bpf_common.h, linux/filter.h, linux/seccomp.h
const LOAD = 0x20
const JUMP_IF_EQUAL = 0x15
const RETURN = 0x06
const ALLOW = 0x7fff0000
const ERRNO_EPERM = 0x00050000 + 1

/** Offsets in struct seccomp_data; of the second argument the low half, as the kernel takes only that (ioctl's cmd is an int). */
const NUMBER = 0
const ARCH = 4
const COMMAND = 24

/** asm-generic/ioctls.h, as on x86 and arm. */
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

/** The program as bubblewrap reads it, 8 bytes an instruction; `undefined` for a machine whose numbers are not known here. */
export const terminalFilter = (machine: string): Buffer | undefined => {
  const known = abis[machine]
  if (known === undefined || endianness() !== "LE") return undefined
  const code: Array<readonly [operation: number, yes: number, no: number, value: number]> = []
  for (const { arch, ioctl } of known) {
    const past = 6 + ioctl.length
    code.push([LOAD, 0, 0, ARCH], [JUMP_IF_EQUAL, 0, past, arch], [LOAD, 0, 0, NUMBER])
    // a number of ioctl goes on to the look at its command; none of them, to the end
    for (const [index, number] of ioctl.entries()) {
      const last = index === ioctl.length - 1
      code.push([JUMP_IF_EQUAL, ioctl.length - 1 - index, last ? 3 : 0, number])
    }
    code.push([LOAD, 0, 0, COMMAND], [JUMP_IF_EQUAL, 2, 0, TIOCSTI], [JUMP_IF_EQUAL, 1, 0, TIOCLINUX])
    code.push([RETURN, 0, 0, ALLOW], [RETURN, 0, 0, ERRNO_EPERM])
  }
  code.push([RETURN, 0, 0, ALLOW])
  const program = Buffer.alloc(8 * code.length)
  for (const [index, [operation, yes, no, value]] of code.entries()) {
    program.writeUInt16LE(operation, 8 * index)
    program.writeUInt8(yes, 8 * index + 2)
    program.writeUInt8(no, 8 * index + 3)
    program.writeUInt32LE(value >>> 0, 8 * index + 4)
  }
  return program
}
