// A pinentry that waits with its answer until the test says so: what happens to a gate while a person is typing can then be
// looked at without guessing how long that takes.
import type { Homedir, HomedirOptions } from "@gripgate/testkit/homedir"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { existsSync } from "node:fs"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

export interface SlowPinentry {
  readonly home: Homedir
  /** Settles when a pinentry has been started, and so somebody is being asked. */
  readonly asked: () => Promise<void>
  /** Lets it answer from its script, and all that come after it. */
  readonly release: () => Promise<void>
}

/** Makes a homedir whose agent has such a pinentry; both go with the stack. */
export const makeSlowPinentry = async (stack: AsyncDisposableStack, options: HomedirOptions): Promise<SlowPinentry> => {
  const folder = await mkdtemp(join(tmpdir(), "gp-"))
  stack.defer(() => rm(folder, { recursive: true }))
  const [program, started, released] = ["pinentry", "started", "released"].map((name) => join(folder, name))
  const agentConf = [`pinentry-program ${program}`, ...options.agentConf ?? []]
  const home = stack.use(await makeHomedir({ ...options, agentConf }))
  // it also goes when it is released for good, or when the agent that started it has gone
  const script = `#!/bin/sh
: > ${started}
while [ ! -e ${released} ]; do
  [ -e ${folder} ] || exit 0
  sleep 0.02
done
exec ${home.pinentry.program} "$@"
`
  await writeFile(program!, script)
  await chmod(program!, 0o700)
  return {
    home,
    asked: async () => {
      while (!existsSync(started!)) await sleep(10)
    },
    release: () => writeFile(released!, "")
  }
}
