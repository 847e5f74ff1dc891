// Globs over facts. What they are matched against comes from clients and may be made to be slow, so the work is bounded by
// the length of the one times that of the other.

/** Whether a value of a match is more than a text: it has a `*`, a `?` or a backslash. */
export const isGlob = (pattern: string): boolean => /[*?\\]/.test(pattern)

type Part = { readonly kind: "text"; readonly text: string } | { readonly kind: "one" | "run" | "any" }

const compiled = new Map<string, ReadonlyArray<Part>>()

/** Patterns are few and stay; a policy that is read again has mostly the same. */
const MAX_COMPILED = 20_000

const compile = (pattern: string): ReadonlyArray<Part> => {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const parts: Array<Part> = []
  const characters = Array.from(pattern)
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!
    if (character === "*") {
      const any = characters[i + 1] === "*"
      if (any) i++
      parts.push({ kind: any ? "any" : "run" })
    } else if (character === "?") parts.push({ kind: "one" })
    else parts.push({ kind: "text", text: character === "\\" ? characters[++i] ?? "\\" : character })
  }
  if (compiled.size >= MAX_COMPILED) compiled.clear()
  compiled.set(pattern, parts)
  return parts
}

/**
 * Whether a text is what a pattern says, whole: `*` is any run of characters but `/`, `**` any run at all, `?` one
 * character but `/`, a backslash takes the next character as it is. Case matters. With `any` a `/` is like all others.
 */
export const matchesGlob = (pattern: string, text: string, slash: "apart" | "any" = "apart"): boolean => {
  if (!isGlob(pattern)) return pattern === text
  const parts = compile(pattern)
  const isApart = (character: string): boolean => slash === "apart" && character === "/"
  const characters = Array.from(text)
  // which prefixes of the pattern match the text so far
  let states = new Uint8Array(parts.length + 1)
  const skipRuns = (): void => {
    for (let i = 0; i < parts.length; i++) {
      const { kind } = parts[i]!
      if (states[i] === 1 && (kind === "run" || kind === "any")) states[i + 1] = 1
    }
  }
  states[0] = 1
  skipRuns()
  for (const character of characters) {
    const next = new Uint8Array(parts.length + 1)
    let alive = false
    for (let i = 0; i < parts.length; i++) {
      if (states[i] !== 1) continue
      const part = parts[i]!
      const stays = part.kind === "any" || (part.kind === "run" && !isApart(character))
      const moves = (part.kind === "one" && !isApart(character)) || (part.kind === "text" && part.text === character)
      if (stays) next[i] = 1
      if (moves) next[i + 1] = 1
      alive ||= stays || moves
    }
    if (!alive) return false
    states = next
    skipRuns()
  }
  return states[parts.length] === 1
}

/**
 * Whether two values of a match can never hold for one and the same text. Only what is certain is said: two texts that
 * differ, a text that a glob does not match, two globs with different beginnings.
 */
export const disjoint = (one: string, other: string): boolean => {
  if (!isGlob(one)) return !matchesGlob(other, one)
  if (!isGlob(other)) return !matchesGlob(one, other)
  const [a, b] = [beginning(one), beginning(other)]
  const length = Math.min(a.length, b.length)
  return a.slice(0, length) !== b.slice(0, length)
}

const beginning = (pattern: string): string => /^[^*?\\]*/.exec(pattern)![0]
