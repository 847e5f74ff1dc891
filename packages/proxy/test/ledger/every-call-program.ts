// Does the same things to files of a folder in every way that Node has. Argument: the folder.
import * as fs from "node:fs"
import * as promises from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"

const folder = process.argv[2]!
const path = (name: string) => join(folder, name)
const data = Buffer.from("0123456789")

{
  const fd = fs.openSync(path("sync"), "w+")
  fs.writeSync(fd, data, 2, 4, 0)
  fs.writeSync(fd, data, ...[{ offset: 2, length: 4, position: 4 }] as unknown as [number])
  fs.writeSync(fd, "text", 8)
  fs.writevSync(fd, [data, data], 12)
  fs.fdatasyncSync(fd)
  fs.fsyncSync(fd)
  fs.ftruncateSync(fd, 20)
  fs.closeSync(fd)
  fs.truncateSync(path("sync"), 10)
  fs.writeFileSync(path("sync-file"), "content")
  fs.appendFileSync(path("sync-file"), data)
  fs.linkSync(path("sync-file"), path("sync-link"))
  fs.renameSync(path("sync-link"), path("sync-name"))
}
{
  const fd = await promisify(fs.open)(path("callback"), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
  await promisify(fs.write)(fd, data, 2, 4, 0)
  await promisify(fs.write)(fd, "text", 4)
  await promisify(fs.writev)(fd, [data, data], 8)
  await promisify(fs.fdatasync)(fd)
  await promisify(fs.fsync)(fd)
  await promisify(fs.ftruncate)(fd, 20)
  await promisify(fs.close)(fd)
  await promisify(fs.truncate)(path("callback"), 10)
  await promisify(fs.writeFile)(path("callback-file"), "content")
  await promisify(fs.appendFile)(path("callback-file"), data)
  await promisify(fs.link)(path("callback-file"), path("callback-link"))
  await promisify(fs.rename)(path("callback-link"), path("callback-name"))
}
{
  const handle = await promises.open(path("promise"), "wx+")
  await handle.write(data, 2, 4, 0)
  await handle.write("text", 4)
  await handle.writev([data, data], 8)
  await handle.datasync()
  await handle.sync()
  await handle.truncate(20)
  await handle.close()
  await promises.truncate(path("promise"), 10)
  await promises.writeFile(path("promise-file"), "content")
  await promises.appendFile(path("promise-file"), data)
  await promises.link(path("promise-file"), path("promise-link"))
  await promises.rename(path("promise-link"), path("promise-name"))
}
await pipeline([data], fs.createWriteStream(path("stream")))
await pipeline([data], (await promises.open(path("handle"), "w")).createWriteStream())
createRequire(import.meta.url)("fs").writeFileSync(path("required"), data)
// what does not count: reading, and what lies elsewhere
fs.readFileSync(path("sync"))
fs.closeSync(fs.openSync(path("sync"), "r+"))
fs.writeFileSync(`${folder}.elsewhere`, data)
fs.closeSync(fs.openSync("/dev/null", "w"))
// the names are durable now; what follows is not
{
  const fd = fs.openSync(folder, "r")
  fs.fsyncSync(fd)
  fs.closeSync(fd)
  fs.appendFileSync(path("sync"), data)
  fs.renameSync(path("sync"), path("last"))
  fs.writeFileSync(path("more"), data)
}
