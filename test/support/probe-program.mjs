// Tries what a program would that wants around the gate, as whoever runs it, and prints how each attempt ended: `ok`, or the name of the
// error. Argument: the attempts as JSON, [name, kind, path or pid].
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as net from "node:net"
import { dirname, join } from "node:path"
import { getSystemErrorName } from "node:util"

const require = createRequire(import.meta.url)

const tries = {
  connect: (path) =>
    new Promise((resolve, reject) => {
      const socket = net.connect(path, () => resolve(socket.destroy())).once("error", reject)
    }),
  listen: (path) =>
    new Promise((resolve, reject) => {
      const server = net.createServer().listen(path, () => resolve(server.close())).once("error", reject)
    }),
  list: (path) => fs.readdirSync(path),
  read: (path) => fs.closeSync(fs.openSync(path, "r")),
  memory: (path) => {
    const fd = fs.openSync(path, "r")
    fs.readSync(fd, Buffer.alloc(8), 0, 8, 4096)
  },
  write: (path) => fs.closeSync(fs.openSync(path, "r+")),
  replace: (path) => fs.writeFileSync(join(dirname(path), "new"), ""),
  remove: (path) => fs.unlinkSync(path),
  signal: (pid) => process.kill(pid, "SIGTERM"),
  ptrace: (pid) => {
    const koffi = require(join(dirname(process.execPath), "node_modules/koffi"))
    const library = koffi.load(null)
    const ptrace = library.func("long ptrace(long, int, void *, void *)")
    // PTRACE_SEIZE, which stops nobody (linux/ptrace.h)
    if (ptrace(0x4206, pid, null, null) !== 0) {
      throw Object.assign(new Error(), { code: getSystemErrorName(-koffi.errno()) })
    }
  },
  gripgate: (control) => {
    const launcher = join(dirname(process.execPath), "bin/gripgate.mjs")
    execFileSync(process.execPath, [launcher, "approve", "AAAA", "--control", control], { stdio: "pipe" })
  }
}

const found = {}
for (const [name, kind, at] of JSON.parse(process.argv[2])) {
  try {
    await tries[kind](at)
    found[name] = "ok"
  } catch (error) {
    found[name] = error.code ?? (error.status === undefined ? error.message : `exit ${error.status}`)
  }
}
process.stdout.write(JSON.stringify(found))
