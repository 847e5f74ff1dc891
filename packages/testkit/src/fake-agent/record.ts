// What a test can read of one connection to the fake agent.

/** A client's answer to an inquiry; `data` is `undefined` where it cancelled. */
export interface FakeAnswer {
  readonly inquire: string
  readonly data: Buffer | undefined
}

export interface FakeConnection {
  /** Counted from 1. */
  readonly number: number
  /** The keygrips that exist, as the agent was told; `undefined`: all. */
  readonly keys: ReadonlyArray<string> | undefined
  /** Every byte that came, also behind a "hang". */
  received(): Buffer
  /** Every line, without its LF: commands, answers, comments, also those that were never looked at. */
  lines(): ReadonlyArray<Buffer>
  /** The lines that were taken for commands, as latin1 text. */
  readonly commands: ReadonlyArray<string>
  readonly answers: ReadonlyArray<FakeAnswer>
  /** What would have crashed, hung or confused a real agent. A gate that does its work leaves this empty. */
  readonly hazards: ReadonlyArray<string>
  /** Settles when the client has closed at least its writing side: nothing more will come. */
  readonly ended: Promise<void>
  /** Settles when the connection is gone. The agent notices that behind `ended` only when it writes. */
  readonly closed: Promise<void>
  destroy(): void
}
