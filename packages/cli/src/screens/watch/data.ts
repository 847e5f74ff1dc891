// What the live screen shows. What comes of it when a key is pressed is no matter of the screen.
import type { AskedQuestion, Decided } from "@gripgate/proxy/control/message/asked"
import type { Status } from "@gripgate/proxy/control/message/status"
import type { View } from "../line.ts"

export interface WatchScreen extends View {
  readonly rows: number
  readonly asks: ReadonlyArray<AskedQuestion>
  /** The newest first. */
  readonly decided: ReadonlyArray<Decided>
  readonly paused: Status["paused"]
  /** Where dialogs appear, as far as it is known. */
  readonly place: Status["owner"] | undefined
  /** Why there is no gate, if there is none. */
  readonly gone: string | undefined
  /** The ID of the question that a key would answer. */
  readonly marked: string | undefined
  /** How many lines of its details are above what is shown. */
  readonly from: number
  readonly help: boolean
  /** What is to be confirmed. */
  readonly confirm: "always" | "never" | undefined
  /** What stands in the bottom line in place of the keys. */
  readonly message: string | undefined
}

export const markedOf = ({ asks, marked }: Pick<WatchScreen, "asks" | "marked">): AskedQuestion | undefined =>
  asks.find(({ id }) => id === marked)
