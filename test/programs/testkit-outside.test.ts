// The packed tarballs in a project outside of this repository, which has nothing else of it: the examples run there with vitest,
// Python and a shell, and fail with a message that shows why when they expect what is not so. Nothing is published, and nothing
// is fetched: what is not packed here (koffi, vitest) is taken from this clone.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk, type RunResult } from "@gripgate/testkit/run"
import { readdirSync, readFileSync } from "node:fs"
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")
const installed = join(root, "node_modules")
let folder: string
let project: string
let env: Readonly<Record<string, string>>

/** Makes the tarball of a package's folder in `folder`; returns its path. */
const pack = async (path: string, ...flags: ReadonlyArray<string>): Promise<string> => {
  const argv = ["npm", "pack", "--json", "--pack-destination", folder, ...flags]
  const { stdout } = await runOk(argv, { cwd: path, env, timeoutMs: 60_000 })
  const text = stdout.toString()
  const packed: unknown = JSON.parse(text.slice(text.search(/^[[{]$/m)))
  const name = /"filename": "([^"]+)"/.exec(JSON.stringify(packed, null, 1))?.[1]
  if (name === undefined) throw new Error(`npm pack names no file: ${text}`)
  return join(folder, name.replace(/^@/, "").replaceAll("/", "-"))
}

beforeAll(async () => {
  folder = await makeFolder("go")
  project = join(folder, "project")
  // npm, and whatever it starts, with this Node and nothing of whoever runs the tests
  env = {
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
    HOME: folder,
    LC_ALL: "C.UTF-8",
    NO_COLOR: "1",
    npm_config_cache: join(folder, "cache"),
    npm_config_update_notifier: "false"
  }
  const native = readdirSync(join(installed, "@koromix")).map((name) => `@koromix/${name}`)
  const tarballs: Record<string, string> = {
    gripgate: await pack(join(root, "packages/cli")),
    "@gripgate/testkit": await pack(join(root, "packages/testkit"))
  }
  for (const name of ["koffi", ...native]) tarballs[name] = await pack(join(installed, name), "--ignore-scripts")
  await mkdir(project)
  const dependencies = Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]))
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
  await runOk(["npm", "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: project,
    env,
    timeoutMs: 60_000
  })
}, 180_000)
afterAll(() => removeFolder(folder))

const inProject = (argv: ReadonlyArray<string>, cwd: string = project): Promise<RunResult> =>
  run(argv, { cwd, env: { ...env, PATH: `${join(project, "node_modules/.bin")}:${env["PATH"]}` } })

const outputOf = ({ stderr, stdout }: RunResult): string => `${stdout.toString()}${stderr}`

/** A copy of an example, in which one thing is expected that is not so. */
const example = async (name: string, as: string, file: string, mutate?: readonly [string, string]) => {
  const copy = join(project, as)
  await cp(join(project, "node_modules/@gripgate/testkit/examples", name), copy, { recursive: true })
  if (mutate !== undefined) {
    const text = await readFile(join(copy, file), "utf8")
    assert.strictEqual(text.split(mutate[0]).length, 2, `${file} has ${mutate[0]} once`)
    await writeFile(join(copy, file), text.replace(mutate[0], () => mutate[1]))
  }
  return copy
}

describe("a project outside of this repository", () => {
  it("has a package of each tarball, koffi, and nothing else", () => {
    const modules = join(project, "node_modules")
    const names = readdirSync(modules).filter((name) => !name.startsWith("."))
    assert.deepStrictEqual(names, ["@gripgate", "@koromix", "gripgate", "koffi"])
    assert.deepStrictEqual(readdirSync(join(modules, "@gripgate")), ["testkit"])
    for (const [name, dependencies] of [["gripgate", ["koffi"]], ["@gripgate/testkit", ["gripgate"]]] as const) {
      const path = join(modules, name)
      assert.deepStrictEqual(Object.keys(JSON.parse(readFileSync(join(path, "package.json"), "utf8")).dependencies), [
        ...dependencies
      ])
      assert.strictEqual(readFileSync(join(path, "LICENSE"), "utf8"), readFileSync(join(root, "LICENSE"), "utf8"))
      assert.include(readFileSync(join(path, "dist/THIRD-PARTY"), "utf8"), "MIT")
      const files = readdirSync(path, { recursive: true, encoding: "utf8", withFileTypes: true })
      for (const file of files.filter((one) => one.isFile())) {
        const text = readFileSync(join(file.parentPath, file.name), "utf8")
        assert.notInclude(text, `${root}/`, `${file.name} names no path of this machine`)
        if (!/\.m?js$/.test(file.name)) continue
        assert.notMatch(text, /\bawait using\b/, `${file.name} is for Node 22 too, which does not know that`)
      }
    }
  })

  it("runs the command that was installed", async () => {
    const { code, stdout } = await inProject(["gripgate", "--version"])
    assert.strictEqual(code, 0)
    assert.match(stdout.toString(), /^gripgate \d/)
  })

  it("is type-checked against the declarations, strictly and without any type of Effect", async () => {
    await mkdir(join(project, "node_modules/@types"), { recursive: true })
    for (const name of ["@types/node", "undici-types"]) {
      await symlink(join(installed, name), join(project, "node_modules", name))
    }
    const source = [
      `import { type Harness, startHarness, type HarnessOptions } from "@gripgate/testkit"`,
      `const options: HarnessOptions = { keys: ["bob", { userId: "C <c@example.org>" }], pinentry: [{ pin: "x" }, "cancel"] }`,
      `const harness: Harness = await startHarness(options)`,
      `const code: number | null = (await harness.run(["gpg"])).code`,
      `harness.transcript.assertNo(/x/)`,
      `// @ts-expect-error an answer that there is not`,
      `await harness.setPinentry(["cancle"])`,
      `await harness.close()`,
      `export { code }`
    ]
    await writeFile(join(project, "use.ts"), source.join("\n"))
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--module", "nodenext", "--target", "es2024"]
    const compiled = await inProject([join(installed, ".bin/tsc"), ...flags, "--ignoreConfig", "use.ts"])
    assert.strictEqual(compiled.code, 0, outputOf(compiled))
  })

  it("runs the example of docs/testkit.md", async () => {
    const page = readFileSync(join(root, "docs/testkit.md"), "utf8")
    const [, code = ""] = /^```ts\n([^]*?)\n```$/m.exec(page) ?? []
    await writeFile(join(project, "page.mjs"), code)
    const good = await inProject([process.execPath, "page.mjs"])
    assert.strictEqual(good.code, 0, outputOf(good))
    await writeFile(join(project, "page.mjs"), code.replace("PKSIGN$/, 1", "PKSIGN$/, 3"))
    const bad = await inProject([process.execPath, "page.mjs"])
    assert.strictEqual(bad.code, 1)
    assert.match(bad.stderr, /no retry after the cancel: expected .* 3 times in the transcript, found it 1 times/)
  })

  it("is tested with vitest", async () => {
    await symlink(join(installed, "vitest"), join(project, "node_modules/vitest"))
    const vitest = (path: string) => inProject([process.execPath, join(installed, "vitest/vitest.mjs"), "run"], path)
    const good = await vitest(await example("vitest", "vitest", "sign.test.ts"))
    assert.strictEqual(good.code, 0, outputOf(good))
    assert.match(good.stdout.toString(), /Tests +2 passed/)
    const mutation = [`PKSIGN$/, 1,`, `PKSIGN$/, 2,`] as const
    const bad = await vitest(await example("vitest", "vitest-mutated", "sign.test.ts", mutation))
    assert.strictEqual(bad.code, 1, outputOf(bad))
    assert.match(outputOf(bad), /no retry: expected .*PKSIGN\$\/ 2 times in the transcript, found it 1 times/)
    assert.match(outputOf(bad), /--> +\d+ +program 1 > PKSIGN\n/)
    assert.match(outputOf(bad), /Tests +1 failed \| 1 passed/)
  })

  it("is tested with Python", async () => {
    const python = async (path: string) =>
      inProject(["gripgate", "testkit", "--key", "bob", "--", needs("python3"), "-m", "unittest"], path)
    const good = await python(await example("python", "python", "test_sign.py"))
    assert.strictEqual(good.code, 0, outputOf(good))
    assert.match(good.stderr, /^Ran 2 tests in/m)
    const mutation = [`> GETPIN$", 2)`, `> GETPIN$", 1)`] as const
    const bad = await python(await example("python", "python-mutated", "test_sign.py", mutation))
    assert.strictEqual(bad.code, 1, outputOf(bad))
    assert.match(bad.stderr, /^AssertionError: 2 != 1 : .*GETPIN\$ in$/m)
    assert.match(bad.stderr, /^pinentry \d+ > GETPIN$/m)
    assert.match(bad.stderr, /^FAILED \(failures=1\)$/m)
  })

  it("is tested with a shell", async () => {
    const shell = (path: string) => {
      const flags = ["--key", "bob", "--pinentry", "answers.json"]
      return inProject(["gripgate", "testkit", ...flags, "--", "sh", "test-sign.sh"], path)
    }
    const good = await shell(await example("shell", "shell", "test-sign.sh"))
    assert.strictEqual(good.code, 0, outputOf(good))
    assert.include(good.stdout.toString(), "ok: no second try")
    const mutation = [`> PKSIGN$' 1`, `> PKSIGN$' 0`] as const
    const bad = await shell(await example("shell", "shell-mutated", "test-sign.sh", mutation))
    assert.strictEqual(bad.code, 1, outputOf(bad))
    assert.match(bad.stdout.toString(), /^not ok: expected 0 lines like \^program .*> PKSIGN\$, found 1$/m)
    assert.match(bad.stdout.toString(), /^program 1 > PKSIGN$/m)
  })
})
