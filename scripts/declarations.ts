// Puts the type declarations of @gripgate/testkit beside its bundle: those that its entry leads to, as the compiler makes them, and
// nothing that needs another package.
//
//   node scripts/declarations.ts
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, posix, resolve } from "node:path"
import process from "node:process"

const root = resolve(import.meta.dirname, "..")
const made = join(root, ".types/testkit/src")
const out = join(root, "packages/testkit/dist")

const fail = (message: string): never => {
  process.stderr.write(`gripgate: error: no declarations: ${message}\n`)
  process.exit(1)
}

const compiler = spawnSync(join(root, "node_modules/.bin/tsc"), ["-b", "packages/testkit"], {
  cwd: root,
  stdio: ["ignore", 2, 2]
})
if (compiler.status !== 0) fail("the compiler fails")

/** The declarations by their path, with imports spelt as a package without sources needs them. */
const found = new Map<string, string>()
const collect = (file: string): void => {
  if (found.has(file)) return
  const text = readFileSync(join(made, file), "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, "")
  const imported: Array<string> = []
  const rewritten = text.replace(/(from |import\()"([^"]+)"/g, (whole, keyword: string, specifier: string) => {
    if (specifier.startsWith("node:")) return whole
    if (!specifier.startsWith(".")) return fail(`${file} needs ${specifier}, which is not published`)
    imported.push(posix.join(posix.dirname(file), specifier.replace(/\.ts$/, ".d.ts")))
    return `${keyword}"${specifier.replace(/\.ts$/, ".js")}"`
  })
  found.set(file, rewritten)
  imported.forEach(collect)
}
collect("index.d.ts")
// Buffer and the like: a compiler that is told of no types finds them all the same
found.set("index.d.ts", `/// <reference types="node" />\n${found.get("index.d.ts")}`)
for (const [file, text] of found) {
  mkdirSync(dirname(join(out, file)), { recursive: true })
  writeFileSync(join(out, file), text)
}
process.stdout.write(`packages/testkit/dist: ${found.size} declarations\n`)
