// The entry of the command `gripgate`; of the bundle, too.
import { run } from "./run.ts"

run(process.argv.slice(2))
