// A pseudo-terminal of socat's, on which a shell waits as a client would: its path, what is on its screen, and keys for it.
import { needs } from "@gripgate/testkit/needs"
import { killGroup, runOk } from "@gripgate/testkit/run"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"

const socat = needs("socat")

/** Without what moves the cursor and sets colours. */
const plain = (screen: string): string => screen.replace(/\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78])/g, "")

/** A terminal, and a shell on it that runs these commands. */
export const openTerminalFor = (commands: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(socat, ["-t", "0.1", "STDIO", `SYSTEM:tty; ${commands},pty,setsid,ctty`], {
        detached: true,
        stdio: ["pipe", "pipe", "inherit"]
      })
      let screen = ""
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        screen += chunk
      })
      const sees = async (what: RegExp, from = 0): Promise<string> => {
        for (let i = 0; i < 2_000; i++) {
          if (what.test(plain(screen.slice(from)))) return plain(screen.slice(from))
          await sleep(5)
        }
        throw new Error(`${what} did not come: ${JSON.stringify(screen.slice(from))}`)
      }
      const path = /(\/dev\/\S+)/.exec(await sees(/\/dev\/\S+\r?\n/))![1]!
      return {
        child,
        path,
        /** Waits until something is on the screen, of what comes from now on or has come since `from`. */
        sees: (what: RegExp, from = 0) => Effect.promise(() => sees(what, from)),
        get at() {
          return screen.length
        },
        type: (keys: string) => Effect.sync(() => child.stdin.write(keys)),
        /** Its modes as stty prints them. */
        modes: Effect.promise(async () => (await runOk(["stty", "-F", path, "-g"])).stdout.toString())
      }
    }),
    ({ child }) => Effect.sync(() => killGroup(child.pid))
  )

/** A terminal on which nothing runs but what a test starts. */
export const openTerminal = openTerminalFor("exec sleep 600")
