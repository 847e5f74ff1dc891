// Run as a program: an agent that looks whether its standard socket is still its own, as gpg-agent built without Debian's patch does.
// It listens at the path of its one argument, and for each line of its input connects there, asks who it is, and prints the answer.
import { startFakeAgent } from "@gripgate/testkit/fake-agent"
import { connectRaw } from "@gripgate/testkit/raw-client"
import process from "node:process"
import { createInterface } from "node:readline"

const [, , socket = ""] = process.argv
process.title = "gpg-agent"
const answers = new Map([["pid", String(process.pid)], ["socket_name", socket], ["version", "2.2.40"]])
await using agent = await startFakeAgent({
  socket,
  handlers: {
    GETINFO: (line) => {
      const answer = answers.get(line.toString("latin1").split(" ")[1] ?? "")
      return answer === undefined ? ["ERR 67109120 False <GPG Agent>"] : [`D ${answer}`, "OK"]
    }
  }
})
process.stdout.write("ready\n")
for await (const _ of createInterface(process.stdin)) {
  const client = await connectRaw(socket)
  await client.readReply()
  const { data, last } = await client.command("GETINFO pid")
  process.stdout.write(`${last} ${data.toString()} ${process.pid}\n`)
  client.destroy()
}
await agent.close()
