// Makes the file that `npx gripgate`, the demo and the end-to-end tests run, and that is published: all of
// packages/cli and what it imports, minified, beside the licences of what went in; and a second one for `gripgate connect`, which
// starts once for every client and so has nothing of the rest. With --entry it is that one alone. With --testkit it makes that of
// @gripgate/testkit, which is not minified: who reads a failed assertion may follow it there. It does not start what it made.
//
//   node scripts/bundle.ts [--testkit] [--entry FILE] [--out FOLDER]
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join, relative, resolve } from "node:path"
import process from "node:process"
import { parseArgs, stripVTControlCharacters } from "node:util"
import { type OutputChunk, rolldown } from "rolldown"

const root = resolve(import.meta.dirname, "..")

/** Packages that stay outside of the bundle, as they bring native code; whoever installs gripgate installs them. */
export const external: ReadonlyArray<string> = ["koffi"]

/** A reason not to have a bundle that is told in one line, without a stack. */
class BundleError extends Error {}

/** The oldest Node that the bundles run on, as the launcher and the manifests say. */
const oldestNode = "node22.19"

interface Target {
  readonly entry: string
  readonly folder: string
  readonly file: string
  readonly minify: boolean
}

const targets = {
  command: { entry: "packages/cli/src/main.ts", folder: "packages/cli/dist", file: "gripgate.mjs", minify: true },
  testkit: { entry: "packages/testkit/src/index.ts", folder: "packages/testkit/dist", file: "index.js", minify: false }
} as const satisfies Record<string, Target>

/** What `gripgate connect` is, beside the command. */
const connect: Target = {
  entry: "packages/cli/src/connect/connect.ts",
  folder: "packages/cli/dist",
  file: "connect.mjs",
  minify: true
}

interface Bundle {
  readonly code: string
  readonly licences: string
  /** The folders of the packages that are not of this workspace. */
  readonly packages: ReadonlyArray<string>
}

/** The bundle and `THIRD-PARTY` as text. Fails when an import would not be found at run time. */
const build = async ({ entry, file, minify }: Target): Promise<Bundle> => {
  if (!existsSync(entry)) throw new BundleError(`the entry ${entry} is not there`)
  const warnings: Array<string> = []
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    external: [/^node:/, ...external],
    transform: { target: oldestNode },
    // A warning here is an import that was not found or an export that does not exist: both break only when run.
    onLog: (level, log) => {
      if (level === "warn") warnings.push(log.message)
    }
  })
  const { output } = await bundle.generate({
    format: "esm",
    codeSplitting: false,
    entryFileNames: file,
    minify,
    comments: { legal: true, annotation: false, jsdoc: false }
  })
  await bundle.close()
  if (warnings.length > 0) throw new BundleError(warnings.join("\n"))
  const [chunk, ...others] = output
  if (others.length > 0) {
    throw new BundleError(`one file was expected, also came ${others.map((file) => file.fileName)}`)
  }
  // A module that is imported lazily lies in the bundle too, which then names itself among its imports.
  const beside = [...chunk.imports, ...chunk.dynamicImports].filter((name) => name !== chunk.fileName)
  const missing = beside.filter((name) => !isBuiltin(name) && !external.includes(name))
  if (missing.length > 0) throw new BundleError(`would have to be installed beside the bundle: ${missing.join(", ")}`)
  return { code: chunk.code, licences: licencesOf(chunk, file), packages: packagesOf(chunk) }
}

/** The folders of the installed packages of which code is in the bundle, sorted. */
const packagesOf = (chunk: OutputChunk): ReadonlyArray<string> => {
  const folders = new Set<string>()
  for (const [id, module] of Object.entries(chunk.modules)) {
    const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/.exec(id)?.[0]
    if (folder !== undefined && module.code !== null) folders.add(folder)
  }
  return [...folders].toSorted()
}

const licencesOf = (chunk: OutputChunk, file: string): string => {
  const parts = packagesOf(chunk).map((folder) => {
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    const author = typeof about.author === "object" ? about.author?.name : about.author
    const texts = readdirSync(folder).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name)).toSorted()
    return [
      `${about.name} ${about.version} (${about.license})${author === undefined ? "" : `, by ${author}`}`,
      ...texts.map((name) => readFileSync(join(folder, name), "utf8").trim()),
      ...texts.length === 0 ? ["The package comes without the text of its licence."] : []
    ].join("\n\n")
  })
  const line = "-".repeat(80)
  return `${file} contains code of these packages, under their own licences.\n\n${line}\n${
    parts.join(`\n\n${line}\n`)
  }\n`
}

/** The bundle of `gripgate connect`. An import of any package would be one of the rest. */
const buildConnect = async (): Promise<string> => {
  const { code, packages } = await build({ ...connect, entry: join(root, connect.entry) })
  if (packages.length > 0) throw new BundleError(`connect is to load nothing, and loads ${packages.join(", ")}`)
  return code
}

/** Replaces a file in one step: a gate or a test that starts meanwhile reads the old bundle or the new one, whole. */
const put = (file: string, text: string) => {
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, file)
}

/** Makes the bundle; on failure says why on stderr and sets exit code 1. */
export const main = async (args: Array<string>): Promise<void> => {
  try {
    const { values } = parseArgs({
      args,
      options: { testkit: { type: "boolean" }, entry: { type: "string" }, out: { type: "string" } }
    })
    const target = targets[values.testkit === true ? "testkit" : "command"]
    const { code, licences } = await build({ ...target, entry: resolve(values.entry ?? join(root, target.entry)) })
    const folder = resolve(values.out ?? join(root, target.folder))
    mkdirSync(folder, { recursive: true })
    put(join(folder, target.file), code)
    put(join(folder, "THIRD-PARTY"), licences)
    if (target === targets.command && values.entry === undefined) put(join(folder, connect.file), await buildConnect())
    process.stdout.write(`${relative("", join(folder, target.file))}: ${Math.ceil(code.length / 1024)} KiB\n`)
  } catch (error) {
    // The bundler's own errors carry the file, the line and a picture of it in their message, always in colours; its
    // stack says nothing.
    const message = error instanceof Error ? error.message : String(error)
    const text = process.stderr.isTTY ? message : stripVTControlCharacters(message)
    process.stderr.write(`gripgate: error: no bundle: ${text.trim()}\n`)
    process.exitCode = 1
  }
}

if (import.meta.main) await main(process.argv.slice(2))
