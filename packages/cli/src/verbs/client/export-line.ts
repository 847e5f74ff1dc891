// A line with which a shell sets a variable for the programs that it starts.

/** The shells whose quoting differs. */
export const shells = ["sh", "fish", "csh"] as const

export type Shell = typeof shells[number]

/** The line; whatever the value is, the shell takes nothing of it for more than a character. */
export const exportLine = (shell: Shell, name: string, value: string): string => {
  switch (shell) {
    case "sh":
      return `export ${name}='${value.replaceAll("'", "'\\''")}';`
    case "fish":
      return `set -gx ${name} '${value.replace(/[\\']/g, "\\$&")}';`
    case "csh":
      // history and line ends count within quotes too
      return `setenv ${name} '${value.replaceAll("'", "'\\''").replace(/[!\n]/g, "\\$&")}';`
  }
}
