// The program that gpg-agent runs as the scripted pinentry. It is a string and not a file, because it is written into each
// homedir, and a bundle has no files beside it. It speaks the server side of pinentry's Assuan dialogue (pinentry.c).

/**
 * The program, without its shebang and without the constant `transcript` (a file to append its dialogue to, or nothing). Beside
 * itself it expects `pinentry.json` (the script, with an `id` of its own where it may be replaced by one like it; else the file
 * itself is its id), and it appends to `pinentry.log`. Several may run at once, gpg-agent's and a gate's: whoever wants an answer appends a line to
 * `pinentry.taken`, and the answer with the number of that line among those of the script is his. No lock, which a process
 * that is killed could keep.
 */
export const pinentryProgram: string = String.raw`
import { appendFileSync, readFileSync, statSync } from "node:fs"
import { randomUUID } from "node:crypto"

const here = (name) => new URL(name, import.meta.url)
const log = (entry) => appendFileSync(here("pinentry.log"), JSON.stringify({ pid: process.pid, ...entry }) + "\n")
const escaped = (text) => text.replace(/[^\x20-\x5b\x5d-\x7e]/g, (c) =>
  c === "\\" ? "\\\\" : "\\x" + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"))
// the format of a transcript is that of harness/entry.ts
const note = (mark, text) => transcript && appendFileSync(transcript, "pinentry " + process.pid + " " + mark + " " + escaped(text) + "\n")
const say = (line, shown = line) => {
  note("<", shown)
  process.stdout.write(line + "\n", "latin1")
}

// errors of source 5, Pinentry: GPG_ERR_GENERAL, GPG_ERR_CANCELED, GPG_ERR_NOT_CONFIRMED
const mismatch = (question) => say("ERR 83886081 the next answer of the script does not fit " + question + " <Pinentry>")
const cancelled = () => say("ERR 83886179 Operation cancelled <Pinentry>")
const notConfirmed = () => say("ERR 83886194 Not confirmed <Pinentry>")

const read = () => {
  const file = here("pinentry.json")
  const { ctimeNs, ino } = statSync(file, { bigint: true })
  try {
    const given = JSON.parse(readFileSync(file, "utf8"))
    const script = Array.isArray(given) ? { answers: given } : given
    return { id: ino + "." + ctimeNs, answers: [], ...script }
  } catch {
    note("=", "pinentry.json is not JSON")
    process.exit(1)
  }
}
const take = () => {
  const script = read()
  const mine = script.id + " " + randomUUID()
  appendFileSync(here("pinentry.taken"), mine + "\n")
  const lines = readFileSync(here("pinentry.taken"), "utf8").split("\n").filter((line) => line.startsWith(script.id + " "))
  const last = script.default ?? script.answers.at(-1) ?? "cancel"
  return script.answers[lines.indexOf(mine)] ?? last
}

const { exits, flavor = "scripted", readingMs = 300, thirdButton = true } = read()
let repeat = false
const getpin = (pin) => {
  // pinentry has asked twice itself and says so; else the agent would ask a second time
  if (repeat) say("S PIN_REPEATED")
  const bytes = Buffer.from(pin, "utf8").toString("latin1")
  if (bytes !== "") say("D " + bytes.replace(/[%\r\n]/g, (c) => ({ "%": "%25", "\r": "%0D", "\n": "%0A" })[c]), "D (the pin)")
  say("OK")
}

const ask = (question) => {
  const answer = take()
  log({ event: "question", question })
  if (typeof answer === "string") note("=", answer)
  if (answer === "hang") return
  if (answer === "crash") return process.kill(process.pid, "SIGKILL")
  if (answer === "garbage") return say("What?")
  if (answer === "close") say("S BUTTON_INFO close")
  if (answer === "cancel" || answer === "close") return cancelled()
  if (question === "GETPIN") return typeof answer.pin === "string" ? getpin(answer.pin) : mismatch(question)
  // nobody says yes to what he has not had time to read
  if (answer.confirm === true) return void setTimeout(say, readingMs, "OK")
  if (answer.confirm === false) return cancelled()
  return answer.confirm === "notok" && thirdButton ? notConfirmed() : mismatch(question)
}

const words = new Set([
  "BYE", "GETINFO", "NOP", "OPTION", "RESET", "SETCANCEL", "SETDESC", "SETERROR", "SETGENPIN", "SETGENPIN_TT", "SETKEYINFO",
  "SETNOTOK", "SETOK", "SETPROMPT", "SETQUALITYBAR", "SETQUALITYBAR_TT", "SETREPEAT", "SETREPEATERROR", "SETREPEATOK",
  "SETTIMEOUT", "SETTITLE", "CLEARPASSPHRASE", "CANCEL", "MESSAGE"
])
const info = { flavor, version: "1.2.1", ttyinfo: "- - -", pid: String(process.pid) }
const handle = (line) => {
  const [, word, rest] = /^(\S*)\s*(.*)$/s.exec(line)
  if (word === "GETPIN" || word === "CONFIRM") return ask(word)
  if (!words.has(word)) return say("ERR 83886355 Unknown IPC command <Pinentry>")
  if (word === "SETREPEAT") repeat = true
  if (word === "RESET") repeat = false
  if (word === "GETINFO" && info[rest] !== undefined) say("D " + info[rest])
  say(word === "BYE" ? "OK closing connection" : "OK")
  if (word === "BYE") process.exit(0)
}

log({ event: "start", argv: process.argv.slice(2), env: process.env })
if (exits) process.exit(1)
note("=", "opened")
say("OK Pleased to meet you, process " + process.pid)
let pending = ""
process.stdin.setEncoding("latin1")
process.stdin.on("data", (chunk) => {
  const lines = (pending + chunk).split("\n")
  pending = lines.pop()
  for (const line of lines) {
    log({ event: "line", line })
    note(">", line)
    if (line !== "" && !line.startsWith("#")) handle(line)
  }
})
// also the way out of "hang": the agent has gone, or has given up
process.stdin.on("end", () => process.exit(0))
`
