// Loaded first, this makes a process one in which koffi is not installed.
import { registerHooks } from "node:module"

registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier === "koffi") throw new Error("Cannot find module 'koffi'\nRequire stack: ...")
    return next(specifier, context)
  }
})
