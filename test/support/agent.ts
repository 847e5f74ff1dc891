// What a fake agent does in these tests: every command of the table is known to it, and it asks what gpg-agent 2.2.40 asks,
// in loopback mode and without.
import { dataLines } from "@gripgate/testkit/assuan-data"
import { type FakeAgent, type FakeAgentOptions, startFakeAgent } from "@gripgate/testkit/fake-agent"
import { cannedPlaintext, cannedSignature } from "@gripgate/testkit/fake-agent/defaults"
import type { FakeConnection } from "@gripgate/testkit/fake-agent/record"
import type { Handler, Handlers, Reply } from "@gripgate/testkit/fake-agent/reply"

/** The nonce that GENKEY, PASSWD, IMPORT_KEY and EXPORT_KEY hand out. */
export const NONCE = "04FC9E44DFC55B4FEA520008"

const OK: Reply = ["OK"]
const ERR_NO_PASSPHRASE: Reply = ["ERR 67109041 No passphrase given <GPG Agent>"]

const lastOption = (connection: FakeConnection, name: string): string | undefined =>
  connection.commands.findLast((line) => line.startsWith(`OPTION ${name}`))

const inLoopback = (connection: FakeConnection): boolean =>
  lastOption(connection, "pinentry-mode") === "OPTION pinentry-mode=loopback"

/** The passphrase from the client in loopback mode, else from a pinentry of which it is told if it wants to know. */
const unlocked = (keyword: string, then: Reply): Handler => (_, connection): Reply => {
  if (inLoopback(connection)) {
    return { inquire: keyword, maxlen: 255, next: (answer) => answer.length === 0 ? ERR_NO_PASSPHRASE : then }
  }
  const launched = "PINENTRY_LAUNCHED 4711 gripgate 1.2.1 - - -"
  return lastOption(connection, "allow-pinentry-notify") === undefined
    ? then
    : { inquire: launched, next: () => then, cancelled: then }
}

const after = (inquire: string, maxlen: number | undefined, next: Handler): Handler => (line, connection): Reply => ({
  inquire,
  ...(maxlen === undefined ? {} : { maxlen }),
  next: () => typeof next === "function" ? next(line, connection) as Reply : next
})

const given = (flag: string, yes: Handler, no: Handler): Handler => (line, connection) => {
  const handler = line.toString("latin1").split(" ").includes(flag) ? yes : no
  return typeof handler === "function" ? handler(line, connection) : handler
}

const nonces: ReadonlyArray<string> = [`S CACHE_NONCE ${NONCE}`]
const publicKey = dataLines(
  Buffer.concat([Buffer.from("(10:public-key(3:ecc(1:q33:"), Buffer.alloc(33, 0x25), Buffer.from(")))")])
)

/** Laid over the testkit's default table. */
export const handlers: Handlers = {
  PKSIGN: unlocked("PASSPHRASE", [...dataLines(cannedSignature), "OK"]),
  PKDECRYPT: after("CIPHERTEXT", 4096, unlocked("PASSPHRASE", ["S PADDING 0", ...dataLines(cannedPlaintext), "OK"])),
  GENKEY: after(
    "KEYPARAM",
    1024,
    given(
      "--inq-passwd",
      after("NEWPASSWD", undefined, [...nonces, ...publicKey, "OK"]),
      unlocked("NEW_PASSPHRASE", [...nonces, ...publicKey, "OK"])
    )
  ),
  PASSWD: unlocked("PASSPHRASE", [...nonces, `S PASSWD_NONCE ${NONCE}`, "OK"]),
  IMPORT_KEY: after("KEYDATA", undefined, unlocked("PASSPHRASE", [...nonces, "OK"])),
  EXPORT_KEY: unlocked("PASSPHRASE", [...nonces, ...dataLines(Buffer.alloc(500, "%\n\r\0x")), "OK"]),
  KEYWRAP_KEY: ["D 0123456789abcdef", "OK"],
  DELETE_KEY: OK,
  GET_PASSPHRASE: given("--no-ask", ["ERR 67108922 No data <GPG Agent>"], unlocked("PASSPHRASE", ["OK 616263"])),
  GET_CONFIRMATION: OK,
  PRESET_PASSPHRASE: given("--inquire", after("PASSPHRASE", 480, OK), OK),
  CLEAR_PASSPHRASE: OK,
  READKEY: [...publicKey, "OK"],
  LISTTRUSTED: ["D # no entries%0A", "OK"],
  MARKTRUSTED: OK,
  GETVAL: ["D value", "OK"],
  PUTVAL: OK,
  GET_SECRET: ["D secret", "OK"],
  PUT_SECRET: after("SECRET", 4096, OK),
  KEYATTR: OK,
  LEARN: OK,
  KEYTOCARD: OK,
  KEYTOTPM: OK,
  UPDATESTARTUPTTY: OK
}

/** A fake agent with these handlers, and with others laid over them. */
export const startBusyAgent = (options: FakeAgentOptions = {}): Promise<FakeAgent> =>
  startFakeAgent({ ...options, handlers: { ...handlers, ...options.handlers } })
