// Attempts with lines: what a filter must not get wrong about framing, escapes, case, options and turns.
import { assert } from "@effect/vitest"
import { cannedSignature } from "@gripgate/testkit/fake-agent/defaults"
import { type Attack, describeAttacks, grips } from "../support/attack.ts"
import {
  assertClosed,
  assertPipelined,
  assertTalk,
  DIGEST,
  ecdhCiphertext,
  ERR,
  outcome,
  outcomes
} from "../support/wire.ts"

const { plain, protected: locked } = grips

const attacks: ReadonlyArray<Attack> = [
  {
    item: "a % with fewer than two characters after it at the end of a D line, an endless loop in assuan_inquire",
    attempt: async ({ client }) => {
      for (const data of ["D %", "D abc%4", "D a%41%", "d x%", "D %zz"]) {
        const attacker = await client()
        await assertTalk(attacker, [`SETKEY ${plain.encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])
        await assertTalk(attacker, [data, ERR.SYNTAX])
        await assertClosed(attacker)
      }
    }
  },
  {
    item: "the same D line as a passphrase in loopback mode, and sent before it is asked for",
    attempt: async ({ client }) => {
      const attacker = await client()
      await assertTalk(attacker, ["OPTION pinentry-mode=loopback", "OK"], ["OPTION use-cache-for-signing=0", "OK"])
      const use = `SIGKEY ${locked.primary}\nSETHASH 8 ${DIGEST}\nPKSIGN\nD ab%\nEND\n`
      await assertPipelined(attacker, use, ["OK", "OK", "INQUIRE PASSPHRASE", ERR.SYNTAX])
      await assertClosed(attacker)
    }
  },
  {
    item: "INPUT FD=4 and RESET make the agent close its own listening socket, and so does OUTPUT",
    attempt: async ({ client }) => {
      const attacker = await client()
      for (
        const line of ["INPUT FD=4", "OUTPUT FD=4", "input fd=5", "InPut\tFD=3", "OUTPUT  FD=6", "INPUT FD", "INPUT"]
      ) {
        await assertTalk(attacker, [line, ERR.FORBIDDEN], ["RESET", "OK"])
      }
      await assertTalk(attacker, ["GETINFO pid", "OK"])
    }
  },
  {
    item: "NUL in a command line, which the agent takes for its end",
    attempt: async ({ client }) => {
      for (
        const line of [
          "GETINFO version\0 pid",
          "NOP\0KILLAGENT",
          "\0",
          "OPTION putenv=A=\0",
          `HAVEKEY ${plain.primary}\0`
        ]
      ) {
        const attacker = await client()
        await assertTalk(attacker, [line, ERR.SYNTAX])
        await assertClosed(attacker)
      }
    }
  },
  {
    item: "pipelined input, with inquiry answers sent before the INQUIRE: held until the agent has answered",
    attempt: async ({ client, fake }) => {
      const early: Array<string> = []
      const asked = { inquire: "CIPHERTEXT", maxlen: 4096, next: () => ["D x", "OK"] }
      fake?.handle("PKDECRYPT", (_, connection) => {
        early.push(connection.lines().at(-1)!.toString("latin1"))
        return asked
      })
      const attacker = await client()
      const data = `D ${ecdhCiphertext.toString("latin1")}\nEND\n`
      const use = `SETKEY ${plain.encryption}\nPKDECRYPT\n${data}GETINFO pid\nD x\nEND\nNOP\n`
      // the second answer has no question: two lines that are no commands
      const unasked = [ERR.NOT_IMPLEMENTED, ERR.NOT_IMPLEMENTED]
      await assertPipelined(attacker, use, ["OK", "INQUIRE CIPHERTEXT", "OK", "OK", ...unasked, "OK"])
      if (fake !== undefined) assert.deepStrictEqual(early, ["PKDECRYPT"])
    }
  },
  {
    item: "commands are case-insensitive, option names and values and GETINFO words are not",
    attempt: async ({ client }) => {
      await assertTalk(
        await client(),
        ...["nop", "nOp", "getinfo pid", "GetInfo version", `haveKEY ${plain.primary}`].map((line) =>
          [line, "OK"] as const
        ),
        ["GETINFO PID", ERR.PARAMETER],
        ["GETINFO Version", ERR.PARAMETER],
        ["OPTION Pinentry-mode=loopback", ERR.UNKNOWN_OPTION],
        ["OPTION DISPLAY=:9", ERR.UNKNOWN_OPTION],
        ["OPTION pinentry-mode=LOOPBACK", ERR.INV_VALUE],
        ["d x", ERR.UNKNOWN_CMD],
        ["BYE", "OK"]
      )
    }
  },
  {
    item: "the agent's option parser is strstr based: options that a tokenizer sees otherwise",
    policy: "default = \"allow\"\n[operations]\ndelete = \"forbid\"\n",
    attempt: async ({ client, direct, home }) => {
      const refused = [
        `DELETE_KEY --forceX --force ${plain.primary}`,
        `DELETE_KEY ${plain.primary} --force`,
        `IMPORT_KEY ABC --force`,
        `KEYINFO --foo ${plain.primary}`,
        `HAVEKEY ${plain.primary} --list`,
        `SIGKEY ${plain.primary} garbage`,
        `SIGKEY ${plain.primary}00`,
        `SETHASH 8 ${DIGEST} --hash=sha1`,
        `SETHASH --hash=sha1 --hash=sha256 ${DIGEST}`,
        `GENKEY A--timestamp=20010101T000000 B`,
        `GENKEY --timestamp=20010101T000000x`,
        `GET_PASSPHRASE --repeat=9999999999 X X X X`,
        `GET_PASSPHRASE X X X --no-ask`,
        `PUTVAL a b --force`
      ]
      const attacker = await client()
      await assertTalk(attacker, ...refused.map((line) => [line, ERR.PARAMETER] as const), ["GETINFO pid", "OK"])
      if (home !== undefined) await assertTalk(await direct(), [`HAVEKEY ${plain.primary}`, "OK"])
    }
  },
  {
    item: "keygrips in either case, double blanks, TABs and -- are sent in one spelling only",
    attempt: async ({ client, fake }) => {
      const attacker = await client()
      await assertTalk(
        attacker,
        [`sigkey  --\t${plain.primary.toLowerCase()}`, "OK"],
        [`SETHASH  --hash=sha256 \t ${DIGEST.toLowerCase()}`, "OK"],
        ["pksign", "OK"],
        [`haveKEY\t${"0".repeat(40)}  ${plain.primary.toLowerCase()}`, "OK"]
      )
      if (fake === undefined) return
      // the gate itself asks which keys there are
      const sent = fake.commands().filter((line) => !/^(?:GETINFO|KEYINFO --list)/.test(line))
      assert.deepStrictEqual(sent, [
        `SIGKEY ${plain.primary}`,
        `SETHASH --hash=sha256 ${DIGEST}`,
        "PKSIGN",
        `HAVEKEY ${"0".repeat(40)} ${plain.primary}`
      ])
    }
  },
  {
    item: "D data is binary: NUL and bytes from 0x80 on come through as the agent sent them",
    attempt: async ({ client, direct, fake }) => {
      const reader = await client()
      const read = await reader.command(`READKEY ${plain.primary}`)
      const same = await (await direct()).command(`READKEY ${plain.primary}`)
      assert.deepStrictEqual(read.lines, same.lines)
      assert.isTrue(read.data.some((byte) => byte >= 0x80) || fake !== undefined)
      if (fake === undefined) return
      await assertTalk(reader, [`SIGKEY ${plain.primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
      assert.deepStrictEqual((await reader.command("PKSIGN")).data, cannedSignature)
    }
  },
  {
    item: "a greeting that is not OK makes gpg start an agent over our socket, and ERR 0 kills gpg",
    policy: "forbid",
    attempt: async ({ client }) => {
      // `client` itself insists on the greeting, and `assertTalk` on numbers that are not 0
      const refused = [
        "PKSIGN",
        "PKDECRYPT",
        "GENKEY",
        `EXPORT_KEY ${plain.primary}`,
        `DELETE_KEY ${plain.primary}`,
        "KILLAGENT"
      ]
      const unknown = ["NOSUCH", "AGENT_ID", "END", "CAN", " NOP", "HAVEKEY"]
      const attacker = await client()
      await assertTalk(attacker, [`SIGKEY ${plain.primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
      await assertTalk(attacker, ...refused.map((line) => [line, ERR.FORBIDDEN] as const))
      for (const line of unknown) assert.match(outcome(await attacker.command(line)), /^ERR /, line)
      await assertTalk(attacker, ["GETINFO pid", "OK"])
    }
  },
  {
    item: "a refused setter keeps the old value in the agent, pipelined too: the old digest or key would be used",
    attempt: async ({ client, fake }) => {
      const key = `SIGKEY ${plain.primary}\n`
      const hash = `SETHASH 8 ${DIGEST}\n`
      const attempts: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
        [`${key}${hash}SETHASH 8 ${"BB".repeat(33)}\nPKSIGN\n`, ["OK", "OK", ERR.PARAMETER, ERR.NO_DATA]],
        [`${key}${hash}SETHASH 8 XX\nPKSIGN\n`, ["OK", "OK", ERR.PARAMETER, ERR.NO_DATA]],
        [`${key}${hash}SETHASH\nPKSIGN\n`, ["OK", "OK", ERR.PARAMETER, ERR.NO_DATA]],
        [`${key}${hash}SIGKEY ${"G".repeat(40)}\nPKSIGN\n`, ["OK", "OK", ERR.PARAMETER, ERR.NO_SECKEY]],
        [`${key}${hash}SETKEY ${plain.primary} x\nPKSIGN\n`, ["OK", "OK", ERR.PARAMETER, ERR.NO_SECKEY]]
      ]
      for (const [bytes, expected] of attempts) await assertPipelined(await client(), bytes, expected)
      if (fake === undefined) return
      // an algorithm that only the agent can judge, and it says no
      fake.handle(
        "SETHASH",
        (line) => line.toString().startsWith("SETHASH 110 ") ? ["ERR 67108869 Invalid digest algorithm"] : ["OK"]
      )
      await assertPipelined(await client(), `${key}${hash}SETHASH 110 ${DIGEST}\nPKSIGN\n`, [
        "OK",
        "OK",
        "ERR 67108869",
        ERR.NO_DATA
      ])
      assert.notInclude(fake.commands(), "PKSIGN")
    }
  },
  {
    item: "gpg's KEYPARAM is not canonical: it is written anew, and nothing else passes for one",
    attempt: async ({ client, fake }) => {
      const maker = await client()
      await assertTalk(maker, ["GENKEY --no-protection", "INQUIRE KEYPARAM"])
      const made = await maker.answer(Buffer.from("(genkey(ecc(curve 7:Ed25519)(flags \"eddsa\")))"))
      assert.strictEqual(outcome(made), "OK")
      for (
        const nonsense of [
          "(genkey",
          "genkey",
          "(genkey(ecc)))",
          `(${"(".repeat(500)}${")".repeat(500)})`,
          "(genkey(1:",
          "\0"
        ]
      ) {
        await assertTalk(maker, ["GENKEY", "INQUIRE KEYPARAM"])
        assert.strictEqual(outcome(await maker.answer(Buffer.from(nonsense, "latin1"))), ERR.INV_SEXP, nonsense)
      }
      await assertTalk(maker, ["GETINFO pid", "OK"])
      if (fake === undefined) return
      const answers = fake.connections.flatMap((connection) => connection.answers)
      assert.deepStrictEqual(answers.map(({ data }) => data?.toString("latin1")), [
        "(6:genkey(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa)))",
        ...Array<undefined>(6).fill(undefined)
      ])
    }
  },
  {
    item: "a line that comes byte by byte, and one whose LF comes later: a chunk is never a line",
    attempt: async ({ client }) => {
      const slow = await client()
      const bytes = `RESET\nGETINFO pid\r\nSETKEY ${plain.encryption}\nPKDECRYPT\nCAN\nNOP\n`
      for (const byte of bytes) {
        slow.send(byte)
        await new Promise(setImmediate)
      }
      assert.deepStrictEqual(await outcomes(slow, 6), ["OK", "OK", "OK", "INQUIRE CIPHERTEXT", ERR.ASS_CANCELED, "OK"])
    }
  },
  {
    item: "a client that closes right after BYE, or in the middle of a command, is normal life",
    attempt: async ({ client, gate }) => {
      for (const last of ["BYE\n", "GETINFO pid\n", "GETINFO p", `SETKEY ${plain.encryption}\nPKDECRYPT\nD (1:`]) {
        const gone = await client()
        gone.send(last)
        // the system takes the bytes with the next turn
        await new Promise(setImmediate)
        await gone.close()
      }
      assert.deepStrictEqual(gate.log().filter((line) => /bug|EPIPE|ECONNRESET/.test(line)), [])
    }
  },
  {
    item: "a line may have 1001 bytes and no more, a comment too; longer ones are an ERR and a close",
    attempt: async ({ client }) => {
      const longest = `NOP ${"A".repeat(997)}`
      await assertTalk(await client(), [longest, "OK"], [`${longest}\r`.slice(1), ERR.UNKNOWN_CMD])
      const comment = await client()
      comment.send(`#${"A".repeat(1000)}\n`)
      await assertTalk(comment, ["NOP", "OK"])
      for (const line of [`${longest}A`, `#${"A".repeat(1001)}`, `OPTION putenv=A=${"A".repeat(5000)}`]) {
        const attacker = await client()
        await assertTalk(attacker, [line, ERR.LINE_TOO_LONG])
        await assertClosed(attacker)
      }
    }
  },
  {
    item: "empty lines and comments get no reply, inside an answer either; one CR before LF is nothing",
    attempt: async ({ client }) => {
      const bytes = `\n#x\n\r\nNOP\r\nNOP\r\r\nSETKEY ${plain.encryption}\nPKDECRYPT\n\n# D %\n\r\nd (1:\nCan\nNOP\n`
      const expected = ["OK", ERR.SYNTAX, "OK", "INQUIRE CIPHERTEXT", ERR.ASS_CANCELED, "OK"]
      await assertPipelined(await client(), bytes, expected)
    }
  },
  {
    item: "END junk ends an answer and CANDY cancels it; a foreign line inside an answer shifts every later reply",
    attempt: async ({ client }) => {
      const decrypt = `SETKEY ${plain.encryption}\nPKDECRYPT\n`
      const data = `D ${ecdhCiphertext.toString("latin1")}\n`
      await assertPipelined(await client(), `${decrypt}${data}end junk\nNOP\n`, [
        "OK",
        "INQUIRE CIPHERTEXT",
        "OK",
        "OK"
      ])
      for (const cancel of ["CANDY", "can", "CAN x", "cAn"]) {
        await assertPipelined(await client(), `${decrypt}${data}${cancel}\nNOP\n`, [
          "OK",
          "INQUIRE CIPHERTEXT",
          ERR.ASS_CANCELED,
          "OK"
        ])
      }
      for (const foreign of ["Dabc", "ENDX", "NOP", "KILLAGENT", "RESET", " END", "D", "CA", "\0"]) {
        const attacker = await client()
        await assertPipelined(attacker, `${decrypt}${foreign}\nEND\nKILLAGENT\n`, [
          "OK",
          "INQUIRE CIPHERTEXT",
          ERR.UNEXPECTED_CMD
        ])
        await assertClosed(attacker)
      }
    }
  }
]

describeAttacks("lines", attacks)
