// Commands that choose a key and use it. The first four only set state, which the gate holds and sends together with the
// command that uses it: after a refused setter the agent keeps the old value and would sign that (seen with GnuPG 2.2.40).
import type { CommandSpec } from "../grammar/command.ts"
import { has } from "../grammar/command.ts"
import { choice, escapedText, type Field, hex, keygrip, number, word } from "../grammar/field.ts"
import { arg, command, data, flag, optional, unlocking, valued } from "./define.ts"

const setKey = {
  keys: "use",
  options: [flag("--another", "2.5.0")],
  args: [arg(keygrip)]
} as const

const hashNames = choice("sha1", "sha224", "sha256", "sha384", "sha512", "rmd160", "md5", "tls-md5sha1", "none")

/** The first argument: a number, or the digest where an option names the algorithm. */
const algorithmOrDigest: Field = {
  names: "ALGORITHM or DIGEST",
  read: (bytes) => number("ALGORITHM").read(bytes) ?? hex("DIGEST", 1, 64).read(bytes),
  write: (value) => Buffer.from(value)
}

/** Digest lengths in bytes that the agent takes (GnuPG agent/command.c cmd_sethash). */
const digestLengths: ReadonlySet<number> = new Set([16, 20, 24, 28, 32, 48, 64])

export const useCommands: ReadonlyArray<CommandSpec> = [
  command("SIGKEY", "hold", "chooses the key of the next operation", setKey),
  command("SETKEY", "hold", "chooses the key of the next operation", setKey),
  command("SETKEYDESC", "hold", "gives the text of the next prompt; what follows a blank is dropped", {
    args: [arg(escapedText("TEXT"))]
  }),
  command("SETHASH", "hold", "gives the digest to sign", {
    options: [
      valued("--hash", hashNames),
      flag("--inquire", "2.3.0"),
      flag("--pss", "2.3.0")
    ],
    args: [optional(algorithmOrDigest), optional(hex("DIGEST", 1, 64))],
    check: (parsed) => {
      if (has(parsed, "--inquire")) {
        const name = parsed.options.get("--hash")
        return parsed.args.length === 0 && (name === undefined || name === "none")
          ? undefined
          : "SETHASH --inquire takes no algorithm"
      }
      if (parsed.options.get("--hash") === "none") return "SETHASH needs ALGORITHM"
      const digest = parsed.args[has(parsed, "--hash") ? 0 : 1]
      if (digest === undefined || parsed.args.length !== (has(parsed, "--hash") ? 1 : 2)) {
        return "SETHASH needs ALGORITHM and DIGEST"
      }
      if (!has(parsed, "--hash") && number("ALGORITHM").read(Buffer.from(parsed.args[0]!)) === undefined) {
        return "SETHASH needs ALGORITHM"
      }
      const length = digest.length / 2
      return digestLengths.has(length) || (parsed.options.get("--hash") === "tls-md5sha1" && length === 36)
        ? undefined
        : "SETHASH: unsupported length of hash"
    },
    inquiries: [{ ...data("TBSDATA", 2048), since: "2.3.0" }]
  }),
  command("PKSIGN", "agent", "signs the digest with the key", {
    is: "sign",
    keys: "session",
    args: [optional(word("NONCE"))],
    inquiries: unlocking,
    status: ["CACHE_NONCE", "PROGRESS"]
  }),
  command("PKDECRYPT", "agent", "decrypts with the key", {
    is: "decrypt",
    keys: "session",
    options: [{
      name: "--kem",
      value: choice("PQC-PGP", "PGP", "CMS"),
      bare: true,
      bareMeans: "PQC-PGP",
      since: "2.5.0"
    }],
    inquiries: [
      { keyword: "CIPHERTEXT", grammar: "ciphertext", limit: 4096 },
      { ...data("OPTION"), since: "2.5.0" },
      ...unlocking
    ],
    status: ["PADDING", "PROGRESS"]
  })
]
