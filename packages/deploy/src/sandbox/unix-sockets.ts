// The Unix sockets that are there, as the kernel lists them. A read-only mount hinders nobody from connecting to one.

/** Names of sockets, each once. */
export interface UnixSockets {
  /** Absolute paths. Where a server has removed its socket, or another mount hides it, nothing lies there. */
  readonly paths: ReadonlyArray<string>
  /** Names that lie in no folder: they belong to the network namespace (unix(7)). Without the `@` at their beginning. */
  readonly abstract: ReadonlyArray<string>
}

/**
 * Reads the text of /proc/net/unix: `Num RefCount Protocol Flags Type St Inode Path`, the path as it was given to bind(2). One that
 * was relative says nothing of where the socket lies, and is left out.
 */
export const parseUnixSockets = (text: string): UnixSockets => {
  const paths = new Set<string>()
  const abstract = new Set<string>()
  for (const line of text.split("\n").slice(1)) {
    const name = /^[0-9a-f]+: (?:[0-9A-F]+ ){5} *\d+ (.+)$/i.exec(line)?.[1]
    if (name?.startsWith("/") === true) paths.add(name)
    else if (name?.startsWith("@") === true) abstract.add(name.slice(1))
  }
  return { paths: [...paths], abstract: [...abstract] }
}
