// The bare relay of the bench: the shortest honest way to put Node between a client and an agent. It passes bytes and
// knows nothing; what it costs is the price of the place, not of the gate.
//
//   node scripts/bench/relay.mjs LISTEN AGENT
import { connect, createServer } from "node:net"

const [listen, agent] = process.argv.slice(2)

createServer({ allowHalfOpen: true }, (client) => {
  const upstream = connect({ path: agent, allowHalfOpen: true })
  client.pipe(upstream)
  upstream.pipe(client)
  client.on("error", () => upstream.destroy())
  upstream.on("error", () => client.destroy())
  client.on("close", () => upstream.destroy())
  upstream.on("close", () => client.destroySoon())
}).listen(listen)
