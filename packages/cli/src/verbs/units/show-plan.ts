// A plan as people read it, and as JSON.
import type { FileChange, Plan } from "@gripgate/deploy/units/plan"
import { harmless } from "@gripgate/policy/harmless"
import { shellWord } from "@gripgate/proxy/shell-word"

export interface Shown {
  readonly verb: "install" | "uninstall"
  readonly whose: "user" | "system"
  readonly root: string | undefined
  readonly plan: Plan
  /** Whether the commands are run, or only shown. */
  readonly runs: boolean
  /** The files are shown in full. */
  readonly dryRun: boolean
}

/** Commands as one types them. */
export const commandLines = (commands: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> =>
  commands.map((command) => `  ${command.map(shellWord).join(" ")}`)

const nothing = (files: ReadonlyArray<FileChange>): boolean => files.every(({ change }) => change === "keep")

export const planText = ({ dryRun, plan, root, runs, verb, whose }: Shown): string => {
  const { after, before, files, notes } = plan
  if (verb === "uninstall" && files.length === 0) return "there is nothing of gripgate's to remove"
  const commands = root === undefined ? [...before, ...after] : []
  const state = nothing(files) ? "every file is as it should be" : `gripgate ${verb} --${whose} would`
  return [
    state,
    ...files.map(({ change, path }) => `  ${change.padEnd(7)} ${harmless(path)}`),
    ...commands.length === 0
      ? []
      : [runs ? "and run" : "no systemd answers here, so these would be left to you", ...commandLines(commands)],
    ...notes.map((note) => `note: ${harmless(note)}`),
    ...dryRun
      ? files.flatMap((file) => file.change === "remove" ? [] : ["", `== ${harmless(file.path)}`, file.text.trimEnd()])
      : []
  ].join("\n")
}

export const planJson = ({ plan, root, runs, verb, whose }: Shown) => ({
  v: 1,
  verb,
  whose,
  root: root ?? null,
  files: plan.files.map((file) => ({
    path: file.path,
    change: file.change,
    text: file.change === "remove" ? null : file.text
  })),
  commands: { before: plan.before, after: plan.after, run: runs },
  notes: plan.notes
})
