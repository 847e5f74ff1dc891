// Checks the rules of the house that neither the linter nor the compiler knows: the size and the header of a source
// file, no clock and no randomness in the pure core and the gate, no test that does not run, no leftover of writing.
import { globSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import process from "node:process"
import type { Files, Violation } from "./import-arrow.ts"

/** A source file that outgrows this holds more than one concept and becomes a folder. */
const maxLines = 400

/** A pattern that no line of certain files may contain. */
interface Rule {
  readonly files: RegExp
  readonly pattern: RegExp
  readonly message: string
}

const source = /^packages\/[^/]+\/src\/.*\.(?:ts|mjs)$/
const timeless = /^packages\/(?:protocol|policy|proxy)\/src\//
const test = /(?:^|\/)test\/.*\.ts$/

// The brackets in some patterns keep this file from finding itself.
const rules: ReadonlyArray<Rule> = [
  {
    files: test,
    pattern:
      /\b(?:it|test|describe|suite|layer)(?:\.\w+)*\.(?:only|skip|todo|skipIf|runIf)\b|\b(?:ctx|context)\.skip\b/,
    message: "every test runs: a missing program is a failure that names its Debian package"
  },
  {
    files: timeless,
    pattern: /\bDate\.now\(|\bnew Date\(/,
    message: "time comes from Effect's Clock, so that tests own it"
  },
  { files: timeless, pattern: /\bMath\.random\(/, message: "randomness comes from a service, so that tests own it" },
  { files: /./, pattern: /\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b/, message: "finish it, or write an issue" },
  {
    files: /./,
    // At the start of a path only: `framework/`, `../work/` and `${folder}/root/` are somebody's own folders.
    pattern: /(?<![\w.$}*)~-])\/(?:wor[k]|roo[t])\//,
    message: "a path of one machine"
  }
]

const linesOf = (text: string): ReadonlyArray<string> => text.replace(/\n$/, "").split("\n")

/** Every broken rule in a tree of text files, given by their path from the root, in the order of the files. */
export const violations = (files: Files): ReadonlyArray<Violation> =>
  [...files].flatMap(([file, text]) => {
    const lines = linesOf(text)
    const found: Array<Violation> = []
    if (source.test(file) && lines.length > maxLines) {
      found.push({ file, line: maxLines + 1, message: `${lines.length} lines; a source file has ${maxLines} at most` })
    }
    const first = lines[0]?.startsWith("#!") === true ? 1 : 0
    if (source.test(file) && !/^(?:\/\/|\/\*)/.test(lines[first] ?? "")) {
      found.push({
        file,
        line: first + 1,
        message: "a source file opens with a comment: what it is for, where its border is"
      })
    }
    const applying = rules.filter((rule) => rule.files.test(file))
    for (const [index, line] of lines.entries()) {
      for (const { message, pattern } of applying) {
        const hit = pattern.exec(line)?.[0]
        if (hit !== undefined) found.push({ file, line: index + 1, message: `"${hit}": ${message}` })
      }
    }
    return found
  })

if (import.meta.main) {
  const root = resolve(import.meta.dirname, "..")
  const patterns = [
    "{packages,scripts,test}/**/*.{ts,mjs,c,json}",
    "{docs,packages}/**/*.md",
    "*.{ts,json,md}",
    ".ci/run"
  ]
  // Transcripts are evidence: they stay as they were recorded.
  const exclude = ["**/node_modules/**", "**/dist/**", "test/transcripts/**"]
  const paths = globSync(patterns, { cwd: root, exclude }).toSorted()
  const found = violations(new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")])))
  for (const { file, line, message } of found) process.stderr.write(`${file}:${line}: ${message}\n`)
  if (found.length > 0) process.exitCode = 1
}
