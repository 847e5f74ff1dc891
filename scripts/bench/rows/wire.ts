// The wire alone: a client without gpg, one at a time, on a connection that stays open or on a new one each time.
import { Client, keyInfo } from "../dialogue.ts"
import { interleave, roundsOf, type Row } from "../row.ts"

/** Microseconds of one of `count` repetitions. */
const mean = (count: number, once: () => void): number => {
  const begun = performance.now()
  for (let index = 0; index < count; index++) once()
  return (performance.now() - begun) * 1000 / count
}

const BLOCK = 50

const roundTrip = (id: string, command: (keygrip: string) => Buffer): Row => ({
  id,
  title: `${id.toUpperCase()} on an open connection, a round trip; mean of ${BLOCK} in each round`,
  unit: "us",
  goals: [{ to: "socat", text: "<= 1.5" }],
  measure: async ({ contenders, keygrip }, effort) => {
    const line = command(keygrip)
    const clients = new Map(contenders.map(({ name, socket }) => [name, Client.greeted(socket)]))
    try {
      const samples = await interleave(contenders, roundsOf(effort, 40), ({ name }) => {
        const client = clients.get(name)!
        return mean(BLOCK, () => client.command(line))
      })
      return { samples }
    } finally {
      for (const client of clients.values()) client.close()
    }
  }
})

const CONNECTIONS = 10

/** Only the time until the answer counts, not that for closing. */
const connectRow = (id: string, title: string, use: (client: Client, keygrip: string) => void): Row => ({
  id,
  title: `${title}; mean of ${CONNECTIONS} in each round`,
  unit: "us",
  goals: [],
  measure: async ({ contenders, keygrip }, effort) => {
    const samples = await interleave(contenders, roundsOf(effort, 60), ({ socket }) => {
      let sum = 0
      for (let index = 0; index < CONNECTIONS; index++) {
        const begun = performance.now()
        const client = Client.greeted(socket)
        use(client, keygrip)
        sum += performance.now() - begun
        client.close()
      }
      return sum * 1000 / CONNECTIONS
    })
    return { samples }
  }
})

export const wireRows: ReadonlyArray<Row> = [
  roundTrip("keyinfo", keyInfo),
  connectRow("connect", "from connect to the greeting", () => {}),
  connectRow(
    "first-use",
    "from connect to the answer to a first KEYINFO",
    (client, keygrip) => client.command(keyInfo(keygrip))
  )
]
