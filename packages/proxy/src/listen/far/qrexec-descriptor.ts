// What qrexec of Qubes OS says of a client before the client's first byte (qubes-os.org/doc/qrexec-socket-services): words with one
// blank between them and a NUL behind. In a VM they are the service with its argument and the qube that calls, in dom0 also what was
// called. Pure.
import { type FarClient, QUBE_NAME } from "./connect-descriptor.ts"

/** The one service that this is; its argument is the name of an app (see APP_NAME), chosen by whoever calls. */
const SERVICE = /^gripgate\.Connect(?:\+([a-z0-9][a-z0-9_-]{0,62})?)?$/

/** `@dispvm`, `adminvm`, `@dispvm:work`: what a target of the type `keyword` is. */
const KEYWORD = /^@?[a-z]+(?::[A-Za-z][A-Za-z0-9_.-]{0,30})?$/

/** The client of a descriptor (without its NUL), or a sentence that says why it is none. */
export const parseQrexec = (head: Buffer): FarClient | string => {
  // latin1: whatever byte is no ASCII fits none of the patterns
  const words = head.toString("latin1").split(" ")
  const [service = "", source = "", type, target = ""] = words
  if (words.length !== 2 && words.length !== 4) return "the descriptor has neither two nor four words"
  const called = SERVICE.exec(service)
  if (called === null) return "the descriptor is of another service than gripgate.Connect"
  if (!QUBE_NAME.test(source)) return "the descriptor has no name of a qube"
  if (words.length === 4 && !isTarget(type, target)) return "the descriptor has no such target"
  const [, named] = called
  return { via: "qrexec", qube: source, ...named !== undefined && { named } }
}

const isTarget = (type: string | undefined, target: string): boolean =>
  type === "name" ? QUBE_NAME.test(target) : type === "keyword" && KEYWORD.test(target)
