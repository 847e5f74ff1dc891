// The seccomp filter, run by an interpreter of the few instructions that it has: which system calls it refuses on which machine.
import { assert, describe, it } from "@effect/vitest"
import { terminalFilter } from "../../src/sandbox/terminal-filter.ts"

const ALLOW = 0x7fff0000
const EPERM = 0x00050001

/** Classic BPF as seccomp has it (linux/filter.h): load a word of seccomp_data, jump if equal, return. */
const decide = (program: Buffer, call: { arch: number; number: number; command: number }): number => {
  // number, arch, two words of the instruction pointer, then six arguments of eight bytes: the second is ioctl's command
  const data = [call.number, call.arch, 0, 0, 0, 0, call.command, 0]
  let loaded = 0
  for (let at = 0;; at++) {
    const value = program.readUInt32LE(8 * at + 4)
    switch (program.readUInt16LE(8 * at)) {
      case 0x20:
        loaded = data[value / 4]!
        break
      case 0x15:
        at += program.readUInt8(8 * at + (loaded === value ? 2 : 3))
        break
      case 0x06:
        return value
      default:
        throw new Error("an instruction that is none of the three")
    }
  }
}

const [TIOCSTI, TIOCLINUX, TIOCGWINSZ] = [0x5412, 0x541c, 0x5413]
const x86_64 = 0xc000003e

// by machine: AUDIT_ARCH_* and the number of ioctl for its own programs and the 32-bit ones
const ways = {
  x64: [[x86_64, 16], [x86_64, 0x40000000 + 514], [0x40000003, 54]],
  arm64: [[0xc00000b7, 29], [0x40000028, 54]]
} as const

describe("terminalFilter", () => {
  for (const [machine, each] of Object.entries(ways)) {
    it(`refuses to type into a terminal, in every way of ${machine}, and nothing else`, () => {
      const program = terminalFilter(machine)!
      for (const [arch, number] of each) {
        for (const command of [TIOCSTI, TIOCLINUX]) {
          assert.strictEqual(decide(program, { arch, number, command }), EPERM)
          // the command stands elsewhere in other calls
          assert.strictEqual(decide(program, { arch, number: number + 1, command }), ALLOW)
        }
        assert.strictEqual(decide(program, { arch, number, command: TIOCGWINSZ }), ALLOW)
        assert.strictEqual(decide(program, { arch, number: 0, command: TIOCSTI }), ALLOW)
      }
    })
  }

  it("is none for a machine whose numbers are not known", () => {
    assert.isUndefined(terminalFilter("s390x"))
  })
})
