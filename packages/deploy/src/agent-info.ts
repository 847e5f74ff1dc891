// GPG_AGENT_INFO, by which gpg 1.4 and 2.0 find an agent. They follow no redirect file, so it names the socket itself.

/**
 * What stands for the agent's pid. Nobody uses it to connect (seen with gpg 1.4.23: any number will do), but logout scripts of
 * that time end the process by this number: it is one more than Linux ever gives (PID_MAX_LIMIT), so that they find none.
 */
const NO_PID = 4_194_305

/** The version of the protocol, the only one there is. */
const PROTOCOL = 1

/** `PATH:PID:1`; `undefined` where the path has a colon, which nothing can escape there. */
export const agentInfo = (socket: string): string | undefined =>
  socket.includes(":") ? undefined : `${socket}:${NO_PID}:${PROTOCOL}`
