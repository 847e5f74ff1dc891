#!/usr/bin/env node
// The launcher: a compile cache halves the start-up, and an old Node gets a sentence instead of a syntax error.
if (Number(process.versions.node.split(".")[0]) < 22) {
  process.stderr.write(
    `gripgate: error: this is Node ${process.versions.node}, gripgate needs Node 22.19 or newer\n`
      + "gripgate: hint: in a clone, `npx gripgate` runs the Node that `npm ci` installed\n"
  )
  process.exit(1)
}
// `connect` starts once for every client, so it has a bundle of its own, too small for a cache; a command line that it leaves
// alone is for all verbs.
const [verb, ...args] = process.argv.slice(2)
const taken = verb === "connect" && (await import("../dist/connect.mjs")).main(args)
if (!taken) {
  process.getBuiltinModule?.("node:module").enableCompileCache?.()
  await import("../dist/gripgate.mjs")
}
