// The log of a verb that is no daemon: only what went wrong.
import { LogService } from "@gripgate/proxy/log"

export const quietLog = LogService.layer({ level: 4 })
