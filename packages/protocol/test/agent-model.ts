// What gpg-agent and scdaemon see in a command's line: a second, independent reading, written after their own way of
// looking for options (GnuPG common/server-help.c), command by command (agent/command.c and scd/command.c of 2.5.12,
// whose options include those of 2.2 and 2.4). Nothing here comes from the table that is tested.

const isSpace = (character: string | undefined): boolean => character === " " || character === "\t"
const atWordStart = (line: string, at: number): boolean => at === 0 || isSpace(line[at - 1])
const wordAt = (line: string, at: number): string => /^[^ \t]*/.exec(line.slice(at))![0]

/** The line behind its leading options. */
export const skipOptions = (line: string): string => line.replace(/^[ \t]*(?:--[^ \t]*[ \t]*)*/, "")

/** Only the first place where the letters stand is looked at, and only before the first word that is no option. */
export const hasOption = (line: string, name: string): boolean => {
  const at = line.indexOf(name)
  if (at < 0 || at >= line.length - skipOptions(line).length) return false
  const after = line[at + name.length]
  return atWordStart(line, at) && (after === undefined || isSpace(after))
}

/** The offset behind the name; the first place where its letters stand may be anywhere in the line. */
export const hasOptionName = (line: string, name: string): number | undefined => {
  const at = line.indexOf(name)
  if (at < 0 || !atWordStart(line, at)) return undefined
  const after = line[at + name.length]
  return after === undefined || isSpace(after) || after === "=" ? at + name.length : undefined
}

/** A value may also be the next word. */
export const optionValue = (line: string, name: string): string | undefined => {
  const at = line.indexOf(name)
  if (at < 0 || at >= line.length - skipOptions(line).length || !atWordStart(line, at)) return undefined
  const after = line[at + name.length]
  if (after === undefined || !(isSpace(after) || after === "=")) return undefined
  const value = line.slice(at + name.length + 1).replace(/^ +/, "")
  return value === "" || isSpace(value[0]) ? undefined : wordAt(value, 0)
}

/** How a command looks for one of its options: the value it finds, `""` for none, `undefined` for no such option. */
type Probe = readonly [name: string, look: (line: string) => string | undefined]

const flags = (...names: ReadonlyArray<string>): ReadonlyArray<Probe> =>
  names.map((name) => [name, (line) => hasOption(line, name) ? "" : undefined])

/** `--name=value` up to the next blank, or to the end of the line. */
const named = (name: string, toEnd = false): Probe => [name, (line) => {
  const at = hasOptionName(line, name)
  if (at === undefined) return undefined
  return line[at] !== "=" ? "" : toEnd ? line.slice(at + 1) : wordAt(line, at + 1)
}]

const valued = (name: string): Probe => [name, (line) => optionValue(line, name)]

/** First whether the name stands anywhere, then its value. */
const namedValue = (
  name: string
): Probe => [name, (line) => hasOptionName(line, name) === undefined ? undefined : optionValue(line, name) ?? ""]

/** One of `--name=word`, each looked for on its own. */
const oneOf = (
  name: string,
  ...words: ReadonlyArray<string>
): Probe => [name, (line) => words.find((word) => hasOption(line, `${name}=${word}`))]

const hashes = ["sha1", "sha224", "sha256", "sha384", "sha512", "rmd160", "md5", "tls-md5sha1", "none"]
const cardHashes = ["rmd160", "sha1", "sha224", "sha256", "sha384", "sha512", "md5", "none"]

const agentProbes: Record<string, ReadonlyArray<Probe>> = {
  LISTTRUSTED: flags("--status"),
  HAVEKEY: [...flags("--info"), namedValue("--list")],
  KEYINFO: [
    ...flags("--ssh-list", "--list", "--data", "--with-ssh"),
    ["--ssh-fpr", (line) =>
      hasOptionName(line, "--ssh-fpr") === undefined
        ? undefined
        : oneOf("--ssh-fpr", "md5", "sha1", "sha256")[1](line) ?? ""],
    named("--need-attr")
  ],
  SIGKEY: flags("--another"),
  SETKEY: flags("--another"),
  SETHASH: [
    ["--hash", (line) => hasOptionName(line, "--hash") === undefined ? undefined : oneOf("--hash", ...hashes)[1](line)],
    ...flags("--pss", "--inquire")
  ],
  PKDECRYPT: [named("--kem", true)],
  GENKEY: [...flags("--no-protection", "--preset", "--inq-passwd"), valued("--passwd-nonce"), named("--timestamp")],
  READKEY: [...flags("--no-data", "--card"), oneOf("--format", "ssh")],
  GET_PASSPHRASE: [
    ...flags("--data", "--check", "--no-ask", "--qualitybar", "--newsymkey"),
    namedValue("--repeat")
  ],
  CLEAR_PASSPHRASE: [oneOf("--mode", "normal", "ssh")],
  PRESET_PASSPHRASE: flags("--inquire", "--restricted"),
  LEARN: flags("--send", "--sendinfo", "--force"),
  PASSWD: [...flags("--preset", "--verify"), valued("--cache-nonce"), valued("--passwd-nonce")],
  KEYWRAP_KEY: flags("--clear", "--import", "--export"),
  IMPORT_KEY: [...flags("--unattended", "--force"), named("--timestamp")],
  EXPORT_KEY: [...flags("--openpgp", "--mode1003"), valued("--cache-nonce")],
  DELETE_KEY: flags("--force", "--stub-only"),
  KEYTOCARD: flags("--force"),
  PUT_SECRET: flags("--clear"),
  KEYATTR: flags("--delete")
}

const cardProbes: Record<string, ReadonlyArray<Probe>> = {
  SERIALNO: [...flags("--all"), named("--demand")],
  LEARN: [...flags("--force", "--keypairinfo", "--reread", "--multi"), named("--demand")],
  READKEY: [...flags("--advanced", "--info", "--info-only"), oneOf("--format", "advanced", "ssh")],
  SETDATA: flags("--append"),
  PKSIGN: [oneOf("--hash", ...cardHashes)],
  PKAUTH: flags("--challenge-response"),
  SETATTR: flags("--inquire"),
  WRITEKEY: flags("--force"),
  GENKEY: [...flags("--force"), named("--timestamp"), named("--algo")],
  PASSWD: flags("--reset", "--nullpin", "--clear"),
  LOCK: flags("--wait"),
  RESET: flags("--keep-lock"),
  APDU: [...flags("--atr", "--more", "--dump-atr", "--data-atr"), named("--exlen")],
  KEYINFO: [
    ...flags("--data"),
    ["--list", (line) => hasOption(line, "--list") ? "" : oneOf("--list", "sign", "encr", "auth")[1](line)]
  ],
  DEVINFO: flags("--watch")
}

/** A line as its receiver takes it apart. */
export interface Seen {
  readonly name: string
  /** The name behind SCD. */
  readonly inner?: string
  readonly options: Record<string, string>
  /** What is left behind the options. */
  readonly rest: string
}

const split = (line: string): readonly [word: string, rest: string] => {
  const word = wordAt(line, 0)
  return [word, line.slice(word.length).replace(/^[ \t]+/, "")]
}

/** Every option that a receiver can be asked for, by command; the names of commands of the card begin with `SCD `. */
export const knownOptions: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...Object.entries(agentProbes).map(([name, probes]) => [name, new Set(probes.map(([option]) => option))] as const),
  ...Object.entries(cardProbes).map(([name, probes]) =>
    [`SCD ${name}`, new Set(probes.map(([option]) => option))] as const
  )
])

/** What the agent, or behind SCD the card daemon, sees in a line. */
export const agentSees = (line: string): Seen => {
  const [name, behind] = split(line)
  const [inner, args] = name === "SCD" ? split(behind) : [undefined, behind]
  const probes = (inner === undefined ? agentProbes[name] : cardProbes[inner]) ?? []
  const found = probes.map(([option, look]) => [option, look(args)] as const).filter(([, value]) => value !== undefined)
  return {
    name,
    ...(inner === undefined ? {} : { inner }),
    options: Object.fromEntries(found) as Record<string, string>,
    rest: skipOptions(args)
  }
}

/** Name and value of an OPTION line, or libassuan's complaint (assuan-handler.c std_handler_option). */
export const optionSeen = (line: string): readonly [name: string, value: string] | string => {
  const args = line.replace(/^[^ \t]*[ \t]*/, "")
  if (args === "") return "argument required"
  if (args.startsWith("=")) return "no option name given"
  const [, key = "", gap = "", equals, rest = ""] = /^([^ \t=]+)([ \t]*)(=?)(.*)$/s.exec(args) ?? []
  const value = equals === "=" ? rest.replace(/^[ \t]+/, "") : gap === "" ? "" : rest
  if (equals === "=" && value === "") return "option argument expected"
  const name = /^--./s.test(key) ? key.slice(2) : key
  if (name.startsWith("-")) return "option should not begin with one dash"
  // blanks at the end are kept behind a value of one byte
  return [name, /^.[ \t]+$/s.test(value) ? value : value.replace(/[ \t]+$/, "")]
}
