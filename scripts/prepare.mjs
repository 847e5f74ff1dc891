// What `npm ci` runs at its end. Plain JavaScript, since it must also run under a Node that cannot read TypeScript: then
// the platform package of Node was not installed, and a sentence about that is better than an unknown file extension.
const major = Number(process.versions.node.split(".")[0])
if (major < 24) {
  process.stderr.write(
    `gripgate: error: the bundle needs the Node 26 of this workspace, but this is Node ${process.versions.node}`
      + ` on ${process.platform}-${process.arch}\n`
      + "gripgate: hint: run `npm ci` without --omit=optional; where it is not linux-x64, linux-arm64 or darwin-arm64,"
      + " install Node 26 first\n"
  )
  process.exit(1)
}
try {
  const { main } = await import("./bundle.ts")
  await main([])
} catch (error) {
  // Only loading fails here: the bundler's native part for this platform is not in node_modules.
  process.stderr.write(`gripgate: error: the bundler does not load: ${error.message}\n`)
  process.exitCode = 1
}
