// The import check on made-up trees: each rule broken once, and beside it what is allowed.
import { assert, describe, it } from "@effect/vitest"
import { violations } from "../../scripts/import-arrow.ts"

const manifest = (name: string, ...dependencies: ReadonlyArray<string>): string =>
  JSON.stringify({ name, dependencies: Object.fromEntries(dependencies.map((one) => [one, "1.0.0"])) }, null, 2)

/** The findings of a tree as `file:line: message`. */
const check = (tree: Record<string, string>): ReadonlyArray<string> =>
  violations(new Map(Object.entries(tree))).map(({ file, line, message }) => `${file}:${line}: ${message}`)

/** One source file in `proxy`, which depends on the packages given; protocol lies beside it. */
const proxy = (text: string, ...dependencies: ReadonlyArray<string>): ReadonlyArray<string> =>
  check({
    "packages/protocol/package.json": manifest("@gripgate/protocol"),
    "packages/proxy/package.json": manifest("@gripgate/proxy", ...dependencies),
    "packages/proxy/src/session/session.ts": text
  })

const order = "protocol <- policy <- proxy <- testkit <- deploy <- cli"

describe("the arrow", () => {
  it("lets a package import the ones before it", () => {
    assert.deepStrictEqual(proxy(`import { parse } from "@gripgate/protocol/parse"\n`, "@gripgate/protocol"), [])
  })

  it("refuses an import of a package that comes later, also of a type alone", () => {
    for (const text of [`import { x } from "gripgate/x"`, `import type { X } from "gripgate/x"`]) {
      assert.deepStrictEqual(
        check({
          "packages/cli/package.json": manifest("gripgate"),
          "packages/policy/package.json": manifest("@gripgate/policy", "gripgate"),
          "packages/policy/src/decide.ts": `// header\n\n${text}\n`
        }),
        [`packages/policy/src/decide.ts:3: policy must not import cli; the order is ${order}`]
      )
    }
  })

  it("refuses a package that imports itself by its name", () => {
    assert.deepStrictEqual(proxy(`export * from "@gripgate/proxy/other"\n`), [
      "packages/proxy/src/session/session.ts:1: \"@gripgate/proxy/other\" is in this very package: import it by a relative path"
    ])
  })

  it("refuses a package that is not in the order", () => {
    assert.deepStrictEqual(check({ "packages/extra/package.json": manifest("@gripgate/extra") }), [
      `packages/extra/package.json:1: extra has no place in the order ${order}`
    ])
  })

  it("takes what a bundle is made of for dependencies, and the command that is only started for a used one", () => {
    const testkit = {
      name: "@gripgate/testkit",
      dependencies: { gripgate: "1.0.0" },
      devDependencies: { effect: "1.0.0" }
    }
    const check = (text: string) =>
      violations(
        new Map([
          ["packages/testkit/package.json", JSON.stringify(testkit, null, 2)],
          ["packages/testkit/src/a.ts", text]
        ])
      ).map(({ message }) => message)
    assert.deepStrictEqual(check(`import "effect/Effect"\n`), [])
    assert.deepStrictEqual(check("export const a = 1\n"), [`"effect" is in the dependencies but no source imports it`])
    assert.deepStrictEqual(check(`import "effect/Effect"\nimport "koffi"\n`), [
      `"koffi" is imported but not in the dependencies of packages/testkit/package.json`
    ])
  })

  it("lets the tests of a package import what they like", () => {
    assert.deepStrictEqual(
      check({
        "packages/protocol/package.json": manifest("@gripgate/protocol"),
        "packages/protocol/test/a.test.ts": `import "fast-check"\nimport "node:fs"\nimport "tmp-promise"\n`
      }),
      []
    )
  })

  it("finds an import in whatever way it is written", () => {
    for (
      const text of [
        `import x from "nope"`,
        `import "nope"`,
        `import type { X } from "nope"`,
        `export { x } from "nope"`,
        `export * as x from "nope"`,
        `export const x = await import("nope")`,
        `export const x = require("nope")`,
        `export type X = import("nope").X`,
        `export function* f() { yield () => import("nope") }`
      ]
    ) {
      assert.deepStrictEqual(
        proxy(`\n${text}\n`),
        [
          "packages/proxy/src/session/session.ts:2: \"nope\" is imported but not in the dependencies of packages/proxy/package.json"
        ],
        text
      )
    }
  })

  it("takes no string or comment for an import", () => {
    assert.deepStrictEqual(proxy(`// import "nope"\nexport const x = \`import "nope"\`\n`), [])
  })
})

describe("the pure packages", () => {
  const protocol = (text: string, ...dependencies: ReadonlyArray<string>): ReadonlyArray<string> =>
    check({
      "packages/protocol/package.json": manifest("@gripgate/protocol", ...dependencies),
      "packages/protocol/src/framing.ts": text
    })

  it("may name the type of a buffer", () => {
    assert.deepStrictEqual(protocol(`import type { Buffer } from "node:buffer"\n`), [])
  })

  it("may not load anything of Node", () => {
    for (
      const [text, name] of [
        [`import { Buffer } from "node:buffer"`, "node:buffer"],
        [`import type { Stats } from "node:fs"`, "node:fs"],
        [`export const load = () => import("node:fs")`, "node:fs"]
      ] as const
    ) {
      assert.deepStrictEqual(protocol(text), [
        `packages/protocol/src/framing.ts:1: protocol is pure: it may import types from node:buffer and nothing else of Node, not "${name}"`
      ])
    }
  })

  it("may not import Effect's Node layer or native code, even as a dependency", () => {
    assert.deepStrictEqual(
      protocol(
        `import "@effect/platform-node/NodeRuntime"\nimport "koffi"\n`,
        "@effect/platform-node",
        "koffi"
      ),
      [
        "packages/protocol/src/framing.ts:1: protocol is pure: it does not import \"@effect/platform-node\"",
        "packages/protocol/src/framing.ts:2: protocol is pure: it does not import \"koffi\""
      ]
    )
  })
})

describe("borders", () => {
  it("refuses a relative import that leaves its package, from sources and from tests", () => {
    const found = check({
      "packages/policy/package.json": manifest("@gripgate/policy"),
      "packages/policy/src/a/b.ts": `import "../c.ts"\nimport "../../../protocol/src/x.ts"\n`,
      "packages/policy/test/b.test.ts": `import "../src/a/b.ts"\nimport "../../protocol/src/x.ts"\n`
    })
    assert.deepStrictEqual(found, [
      "packages/policy/src/a/b.ts:2: \"../../../protocol/src/x.ts\" leaves its package: write @gripgate/NAME/...",
      "packages/policy/test/b.test.ts:2: \"../../protocol/src/x.ts\" leaves its package: write @gripgate/NAME/..."
    ])
  })

  it("refuses a source that imports a test of its package, and lets it read its package.json", () => {
    assert.deepStrictEqual(
      proxy(`import "../../test/tool.ts"\nimport about from "../../package.json" with { type: "json" }\n`),
      [
        "packages/proxy/src/session/session.ts:1: \"../../test/tool.ts\" leaves src: what is published does not import tests or tools"
      ]
    )
  })

  it("refuses sources in a folder without a package.json", () => {
    assert.deepStrictEqual(check({ "packages/stray/src/a.ts": "export {}\n" }), [
      "packages/stray/src/a.ts:1: packages/stray has no package.json"
    ])
  })

  it("reports a file that does not parse, with its line", () => {
    const [found, ...others] = proxy("export const a = 1\nexport const b = (\n")
    assert.deepStrictEqual(others, [])
    assert.match(found ?? "", /^packages\/proxy\/src\/session\/session\.ts:[23]: does not parse: /)
  })
})

describe("dependencies", () => {
  it("wants each import named, with a builtin of Node by its full name", () => {
    assert.deepStrictEqual(proxy(`import "ws/lib/a.js"\nimport "fs"\nimport "node:fs"\n`), [
      "packages/proxy/src/session/session.ts:1: \"ws\" is imported but not in the dependencies of packages/proxy/package.json",
      "packages/proxy/src/session/session.ts:2: write \"node:fs\" for \"fs\""
    ])
  })

  it("wants each dependency imported, and says on which line it stands", () => {
    assert.deepStrictEqual(proxy(`import "koffi"\n`, "koffi", "effect"), [
      "packages/proxy/package.json:5: \"effect\" is in the dependencies but no source imports it"
    ])
  })

  it("does not count an import in a test", () => {
    assert.deepStrictEqual(
      check({
        "packages/proxy/package.json": manifest("@gripgate/proxy", "effect"),
        "packages/proxy/test/a.test.ts": `import "effect/Effect"\n`
      }),
      ["packages/proxy/package.json:4: \"effect\" is in the dependencies but no source imports it"]
    )
  })

  it("lets the command name native code that its bundle leaves outside, as long as someone imports it", () => {
    const tree = {
      "packages/cli/package.json": manifest("gripgate", "koffi"),
      "packages/proxy/package.json": manifest("@gripgate/proxy", "koffi")
    }
    assert.deepStrictEqual(check({ ...tree, "packages/proxy/src/a.ts": `import "koffi"\n` }), [])
    assert.deepStrictEqual(check(tree), [
      "packages/cli/package.json:4: \"koffi\" is in the dependencies but no source imports it",
      "packages/proxy/package.json:4: \"koffi\" is in the dependencies but no source imports it"
    ])
  })

  it("refuses Effect's barrel", () => {
    assert.deepStrictEqual(proxy(`import { Effect } from "effect"\n`, "effect"), [
      "packages/proxy/src/session/session.ts:1: import the module (\"effect/Effect\"): the barrel doubles the time to start"
    ])
  })

  it("keeps tmp-promise to testkit and tests", () => {
    const text = `import "tmp-promise"\n`
    const found = check({
      "packages/proxy/package.json": manifest("@gripgate/proxy", "tmp-promise"),
      "packages/proxy/src/a.ts": text,
      "packages/proxy/test/a.test.ts": text,
      "packages/testkit/package.json": manifest("@gripgate/testkit", "tmp-promise"),
      "packages/testkit/src/a.ts": text,
      "scripts/a.ts": text,
      "test/a.test.ts": text
    })
    assert.deepStrictEqual(found, [
      "packages/proxy/src/a.ts:1: only testkit and tests use \"tmp-promise\"",
      "scripts/a.ts:1: only testkit and tests use \"tmp-promise\""
    ])
  })
})
