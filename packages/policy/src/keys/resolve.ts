// A policy with the keys that its selectors stand for: certificates and a policy in, a policy out that needs neither when it
// decides. What a single selector stands for is told by stand-for.ts.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { inOrder, type Problem, quote } from "../file/problem.ts"
import { meaningOf } from "../file/selector.ts"
import { type App, comparePlaces, type Entries, type Keys, type Place, type Policy } from "../policy.ts"
import { makeKeyIndex } from "./key-index.ts"
import type { Selector } from "./selector.ts"
import { type Found, type MatchedKey, type Remark, standFor } from "./stand-for.ts"
import type { World } from "./world.ts"

/** The certificates that addresses stand for, by fingerprint: found once, and not searched for again. */
export type Pins = ReadonlyMap<string, ReadonlyArray<string>>

/** A remark about a selector, at its place. */
export interface KeyNote extends Remark {
  readonly place: Place
}

/** What one selector of the file stands for. */
export interface Match {
  readonly selector: Selector
  readonly keys: ReadonlyArray<MatchedKey>
}

export interface Resolved {
  /** The policy with `keys` and `byKey` filled; not to be used where there are problems. */
  readonly policy: Policy
  /** In the order of the file, as are the other lists. */
  readonly problems: ReadonlyArray<Problem>
  readonly notes: ReadonlyArray<KeyNote>
  /** For every selector but `"*"`. */
  readonly matches: ReadonlyArray<Match>
  /** For the next time that the same policy is resolved. */
  readonly pins: Pins
}

/**
 * Resolves all selectors of a policy. With `pins` from before, a pinned address stands for the same certificates, with the
 * keys that they have now; one that is not pinned is searched for. An address is pinned when it has been found in a world
 * whose certificates and secret keys are both known.
 */
export const resolveKeys = (policy: Policy, world: World, pins: Pins = new Map()): Resolved => {
  const resolver = new Resolver(world, pins)
  const apps = new Map([...policy.apps].map(([name, app]) => [name, resolver.app(app)]))
  const anyone = policy.anyone && resolver.app(policy.anyone)
  return {
    policy: { ...policy, apps, anyone },
    problems: inOrder(resolver.problems),
    notes: resolver.notes.toSorted((a, b) => comparePlaces(a.place, b.place)),
    matches: resolver.matches.toSorted((a, b) => comparePlaces(a.selector.place, b.selector.place)),
    pins: resolver.pins
  }
}

/** Whether a policy has a selector that stands for nothing without a look at the keyring. */
export const needsKeyring = (policy: Policy): boolean => {
  const needs = ({ wanted }: Selector) => wanted.kind !== "all" && wanted.kind !== "grip"
  const within = (app: App) => app.selectors.some(needs) || app.with.some(({ selector }) => needs(selector))
  return [...policy.apps.values()].some(within) || (policy.anyone !== undefined && within(policy.anyone))
}

class Resolver {
  readonly problems: Array<Problem> = []
  readonly notes: Array<KeyNote> = []
  readonly matches: Array<Match> = []
  readonly pins = new Map<string, ReadonlyArray<string>>()
  private readonly index: ReturnType<typeof makeKeyIndex>
  private readonly before: Pins
  /** Selectors that mean the same are looked up once. */
  private readonly found = new Map<string, Found>()

  constructor(world: World, before: Pins) {
    this.index = makeKeyIndex(world)
    this.before = before
  }

  /** The app itself where nothing of it stands for anything but what it says. */
  app(app: App): App {
    if (app.selectors.length === 0 && app.with.length === 0) return app
    const keys = this.keysOf(app)
    return { ...app, keys, byKey: this.byKeyOf(app, keys) }
  }

  private keysOf({ keys, selectors }: App): Keys {
    if (keys === "all") return keys
    return new Set(selectors.flatMap((selector) => this.look(selector).map(({ keygrip }) => keygrip)))
  }

  private byKeyOf(app: App, visible: Keys): App["byKey"] {
    const byKey = new Map<Keygrip, { readonly operations: Entries; readonly selector: Selector }>()
    for (const { operations, selector } of app.with) {
      const keys = this.look(selector)
      const clashes = new Set<Selector>()
      for (const { keygrip } of keys) {
        const before = byKey.get(keygrip)
        if (before === undefined) byKey.set(keygrip, { operations, selector })
        else clashes.add(before.selector)
      }
      for (const { place, text } of clashes) {
        const message = `${quote(selector.text)} stands for a key that ${
          quote(text)
        } stands for too (line ${place.line})`
        this.problems.push({ place: selector.place, message, hint: "a key has one table: make one of the two" })
      }
      if (keys.length > 0 && visible !== "all" && !keys.some(({ keygrip }) => visible.has(keygrip))) {
        const message = `[apps.${app.name}] does not see the keys of ${quote(selector.text)}: keys does not name them`
        this.notes.push({ place: selector.place, level: "warning", message })
      }
    }
    return new Map([...byKey].map(([keygrip, { operations }]) => [keygrip, operations]))
  }

  private look(selector: Selector): ReadonlyArray<MatchedKey> {
    const { place, wanted } = selector
    const meaning = meaningOf(wanted)
    let found = this.found.get(meaning)
    if (found === undefined) {
      found = standFor(selector, this.index, this.before.get(meaning))
      this.found.set(meaning, found)
      if (found.pin !== undefined) this.pins.set(meaning, found.pin)
    }
    for (const wrong of found.wrong) this.problems.push({ place, ...wrong })
    for (const remark of found.remarks) this.notes.push({ place, ...remark })
    if (wanted.kind !== "all") this.matches.push({ selector, keys: found.keys })
    return found.keys
  }
}
