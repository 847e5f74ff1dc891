// The other end of sd_notify: a Unix socket that takes datagrams, which Node has not. Linux only.
import * as Effect from "effect/Effect"
import koffi from "koffi"

const library = koffi.load(null)
const socket = library.func("int socket(int, int, int)")
const bind = library.func("int bind(int, const uint8_t *, uint32_t)")
const recv = library.func("intptr_t recv(int, _Out_ uint8_t *, size_t, int)")
const close = library.func("int close(int)")

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40

/** Receives at a path or at `@NAME`; `receive` gives the next datagram, or `undefined` where none waits. */
export const receiver = (address: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const name = Buffer.from(address)
        if (address.startsWith("@")) name[0] = 0
        const to = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), name])
        const fd = socket(AF_UNIX, SOCK_DGRAM, 0) as number
        if (bind(fd, to, to.length) !== 0) throw new Error(`bind ${address}: errno ${koffi.errno()}`)
        return fd
      }),
      (fd) => Effect.sync(() => close(fd))
    ),
    (fd) => ({
      receive: (): Buffer | undefined => {
        const bytes = Buffer.alloc(4096)
        const length = Number(recv(fd, bytes, bytes.length, MSG_DONTWAIT))
        return length < 0 ? undefined : bytes.subarray(0, length)
      }
    })
  )
