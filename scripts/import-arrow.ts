// Checks who imports whom: packages in one direction only, the pure ones free of Node, nothing around a package's
// border, and every package.json naming exactly what its sources import. `violations` is pure; the tree is read last.
import { globSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join, posix, resolve } from "node:path"
import process from "node:process"
import { parseSync, Visitor } from "rolldown/utils"
import { external } from "./bundle.ts"

/** The packages in the order of the arrow: each may import those before it. */
const order: ReadonlyArray<string> = ["protocol", "policy", "proxy", "testkit", "deploy", "cli"]

/** Packages that get everything as an argument: their tests need no clock, no file and no process. */
const pure: ReadonlySet<string> = new Set(["protocol", "policy"])

/** One broken rule; `line` counts from 1. */
export interface Violation {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** The text of files by their path from the root, with slashes: sources, tests and the package.json of each package. */
export type Files = ReadonlyMap<string, string>

/** A package whose command another one starts without importing it: a dependency, and no arrow. */
const started: ReadonlyMap<string, string> = new Map([["testkit", "gripgate"]])

interface Import {
  readonly specifier: string
  readonly line: number
  readonly typeOnly: boolean
}

interface Package {
  readonly folder: string
  readonly manifest: string
  readonly name: string
  readonly dependencies: ReadonlyMap<string, number>
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length

/** The package in a specifier: `effect/Effect` -> `effect`, `@gripgate/policy/decide` -> `@gripgate/policy`. */
const packageOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")

/** All imports of a file, however spelt: static, re-export, `import()`, `import("...").Type` and `require()`. */
const importsOf = (file: string, text: string): ReadonlyArray<Import> | Violation => {
  const { errors, program } = parseSync(file, text)
  const [error] = errors
  if (error !== undefined) {
    return { file, line: lineAt(text, error.labels[0]?.start ?? 0), message: `does not parse: ${error.message}` }
  }
  const found: Array<Import> = []
  const add = (source: unknown, offset: number, typeOnly = false) => {
    if (typeof source === "string") found.push({ specifier: source, line: lineAt(text, offset), typeOnly })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.start, node.importKind === "type"),
    ExportNamedDeclaration: (node) => add(node.source?.value, node.start, node.exportKind === "type"),
    ExportAllDeclaration: (node) => add(node.source.value, node.start, node.exportKind === "type"),
    ImportExpression: (node) => add(node.source.type === "Literal" ? node.source.value : undefined, node.start),
    TSImportType: (node) => add(node.source.value, node.start, true),
    CallExpression: (node) => {
      const [argument] = node.arguments
      const isRequire = node.callee.type === "Identifier" && node.callee.name === "require"
      if (isRequire && argument?.type === "Literal") add(argument.value, node.start)
    }
  }).visit(program)
  return found
}

const packagesOf = (files: Files): ReadonlyArray<Package> =>
  [...files].flatMap(([file, text]) => {
    const folder = /^packages\/([^/]+)\/package\.json$/.exec(file)?.[1]
    if (folder === undefined) return []
    // What is published is bundled: only what stays outside of the bundle is in its dependencies, the rest is for its making.
    const about: Record<"dependencies" | "devDependencies", Record<string, string> | undefined> & { name: string } =
      JSON.parse(text)
    const names = Object.keys({ ...about.dependencies, ...about.devDependencies })
    // The line is that of the name's last mention, which is in `dependencies` and not in a `name` above it.
    const lines = names.map((name) => [name, lineAt(text, text.lastIndexOf(`"${name}"`))] as const)
    return [{ folder, manifest: file, name: about.name, dependencies: new Map(lines) }]
  })

/** What a package's own source may not import; `undefined` if this one is fine. */
const brokenRule = (
  from: Package,
  { specifier, typeOnly }: Import,
  packages: ReadonlyArray<Package>
): string | undefined => {
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith("node:")) return `write "node:${specifier}" for "${specifier}"`
    if (!pure.has(from.folder) || typeOnly && specifier === "node:buffer") return undefined
    return `${from.folder} is pure: it may import types from node:buffer and nothing else of Node, not "${specifier}"`
  }
  const name = packageOf(specifier)
  if (pure.has(from.folder) && (name.startsWith("@effect/platform") || external.includes(name))) {
    return `${from.folder} is pure: it does not import "${name}"`
  }
  if (specifier === "effect") return `import the module ("effect/Effect"): the barrel doubles the time to start`
  const to = packages.find((candidate) => candidate.name === name)
  if (to === from) return `"${specifier}" is in this very package: import it by a relative path`
  if (to !== undefined && order.indexOf(to.folder) >= order.indexOf(from.folder)) {
    return `${from.folder} must not import ${to.folder}; the order is ${order.join(" <- ")}`
  }
  if (name === "tmp-promise" && from.folder !== "testkit") return `only testkit and tests use "tmp-promise"`
  if (!from.dependencies.has(name)) return `"${name}" is imported but not in the dependencies of ${from.manifest}`
  return undefined
}

/** Dependencies that nothing imports. The command also names what its bundle leaves outside, on behalf of the others. */
const unusedDependencies = (
  from: Package,
  used: ReadonlyMap<string, ReadonlySet<string>>
): ReadonlyArray<Violation> => {
  const importers = from.folder === "cli" ? [...used.keys()] : [from.folder]
  return [...from.dependencies].flatMap(([name, line]) => {
    if (started.get(from.folder) === name) return []
    const asked = external.includes(name) ? importers : [from.folder]
    if (asked.some((folder) => used.get(folder)?.has(name) === true)) return []
    return [{ file: from.manifest, line, message: `"${name}" is in the dependencies but no source imports it` }]
  })
}

/**
 * Every broken rule in a tree, sorted by file and line. Looks at `packages/NAME/{src,test}`, `test` and `scripts`; the
 * arrow and the dependencies concern `src` only, since the tests of a package may use whatever the workspace has.
 */
export const violations = (files: Files): ReadonlyArray<Violation> => {
  const packages = packagesOf(files)
  const used = new Map(packages.map((one) => [one.folder, new Set<string>()]))
  const found: Array<Violation> = packages.filter((one) => !order.includes(one.folder)).map((one) => ({
    file: one.manifest,
    line: 1,
    message: `${one.folder} has no place in the order ${order.join(" <- ")}`
  }))
  for (const [file, text] of files) {
    if (!/\.[cm]?[jt]s$/.test(file)) continue
    const imports = importsOf(file, text)
    if ("message" in imports) {
      found.push(imports)
      continue
    }
    const [, folder, part] = /^packages\/([^/]+)\/([^/]+)\//.exec(file) ?? []
    const from = packages.find((one) => one.folder === folder)
    if (folder !== undefined && from === undefined) {
      found.push({ file, line: 1, message: `packages/${folder} has no package.json` })
    }
    for (const one of imports) {
      const report = (message: string) => found.push({ file, line: one.line, message })
      if (one.specifier.startsWith(".")) {
        const target = posix.join(posix.dirname(file), one.specifier)
        const inside = folder === undefined || target.startsWith(`packages/${folder}/`)
        if (!inside) report(`"${one.specifier}" leaves its package: write @gripgate/NAME/...`)
        else if (part === "src" && !target.startsWith(`packages/${folder}/src/`) && !target.endsWith("/package.json")) {
          report(`"${one.specifier}" leaves src: what is published does not import tests or tools`)
        }
      } else if (from !== undefined && part === "src") {
        used.get(from.folder)?.add(packageOf(one.specifier))
        const message = brokenRule(from, one, packages)
        if (message !== undefined) report(message)
      } else if (file.startsWith("scripts/") && packageOf(one.specifier) === "tmp-promise") {
        report(`only testkit and tests use "tmp-promise"`)
      }
    }
  }
  for (const one of packages) found.push(...unusedDependencies(one, used))
  return found.toSorted((a, b) => a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1)
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, "..")
  const patterns = [
    "packages/*/package.json",
    "packages/*/{src,test,bin}/**/*.{ts,mjs}",
    "{test,scripts}/**/*.{ts,mjs}"
  ]
  const paths = globSync(patterns, { cwd: root, exclude: ["**/node_modules/**"] }).toSorted()
  const found = violations(new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")])))
  for (const { file, line, message } of found) process.stderr.write(`${file}:${line}: ${message}\n`)
  if (found.length > 0) process.exitCode = 1
}
