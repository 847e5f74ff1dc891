// What gpg 2.2 says to an agent for one signature, in the order in which it says it (recorded: test/transcripts,
// sign-unprotected.txt), and a client that says it line by line. Its border: it knows nothing of time.
import { close, connect, receive, send } from "./libc.ts"

const line = (text: string): Buffer => Buffer.from(`${text}\n`)

/** From the greeting to the first command that has to do with a key. */
export const handshake: ReadonlyArray<Buffer> = [
  "RESET",
  "OPTION ttyname=/dev/null",
  "OPTION ttytype=xterm",
  "OPTION lc-ctype=C.UTF-8",
  "OPTION lc-messages=C.UTF-8",
  "GETINFO version",
  "OPTION allow-pinentry-notify",
  "OPTION agent-awareness=2.1.0"
].map(line)

const haveKey = (keygrip: string): Buffer => line(`HAVEKEY ${keygrip}`)

export const keyInfo = (keygrip: string): Buffer => line(`KEYINFO ${keygrip}`)

/** A whole signature over a SHA-256 digest. */
export const signature = (keygrip: string): ReadonlyArray<Buffer> => [
  ...handshake,
  haveKey(keygrip),
  ...[
    "RESET",
    `SIGKEY ${keygrip}`,
    "SETKEYDESC Please+enter+the+passphrase+to+unlock+the+OpenPGP+secret+key:%0A%22Alice+<alice@example.org>%22%0A"
    + "255-bit+EDDSA+key,+ID+D9CFD058CC9E5130,%0Acreated+2024-01-01.%0A",
    `SETHASH 8 ${"5A".repeat(32)}`,
    "PKSIGN"
  ].map(line)
]

/** Milliseconds after which an agent that says nothing is given up. */
export const PATIENCE = 10_000

const LF = 10

/** One connection that sends a line and takes its reply. No reply here has more than 4 KiB. */
export class Client {
  readonly fd: number
  private readonly buffer = Buffer.alloc(4096)
  private length = 0

  constructor(path: string) {
    this.fd = connect(path, PATIENCE)
  }

  /** Connects and takes the greeting. */
  static greeted(path: string): Client {
    const client = new Client(path)
    try {
      client.reply()
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  /** As libassuan does it: the line, and its LF in a write of its own (assuan-buffer.c writen, seen with strace). */
  send(bytes: Buffer): void {
    this.length = 0
    send(this.fd, bytes.subarray(0, -1))
    send(this.fd, bytes.subarray(-1))
  }

  /** Takes what is there; whether the reply is whole now. Throws for any but an OK. */
  take(): boolean {
    const more = receive(this.fd, this.buffer.subarray(this.length))
    if (more === 0) throw new Error("the connection was closed")
    this.length += more
    if (this.buffer[this.length - 1] !== LF) return false
    const last = this.length < 2 ? 0 : this.buffer.lastIndexOf(LF, this.length - 2) + 1
    const word = this.buffer.toString("latin1", last, last + 3)
    if (word === "ERR") throw new Error(this.buffer.toString("latin1", last, this.length - 1))
    return word === "OK " || word === "OK\n"
  }

  /** The lines of the reply that was taken, as text. */
  text(): string {
    return this.buffer.toString("latin1", 0, this.length)
  }

  /** Waits for the reply, an OK; its lines as text. */
  reply(): string {
    while (!this.take());
    return this.text()
  }

  command(bytes: Buffer): void {
    this.send(bytes)
    while (!this.take());
  }

  close(): void {
    close(this.fd)
  }
}
