// The grants that there are, found by holder, operation and key. Pure but for its clocks: what is durable is elsewhere.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { holderKey } from "../approve/asker.ts"
import type { Grant } from "./grant.ts"

/** Two clocks in milliseconds: the wall's, which can be set, and one that cannot, but may stand still while a machine sleeps. */
export interface Clocks {
  readonly wall: () => number
  readonly steady: () => number
}

/** Grants that are over are listed this long, in milliseconds. */
const KEPT = 86_400_000

/** It is looked for them at most this often, in milliseconds: each look goes through all. */
const SWEEP = 60_000

export class GrantTable {
  private readonly byId = new Map<string, Grant>()
  private readonly byUse = new Map<string, Array<Grant>>()
  /** When a grant for a while ends by the steady clock. */
  private readonly deadlines = new Map<string, number>()
  private readonly clocks: Clocks
  /** By the clock of the wall. */
  private sweptAt = -Infinity

  constructor(clocks: Clocks) {
    this.clocks = clocks
  }

  add(grant: Grant): void {
    if (this.isSweepDue()) this.forgetOld()
    this.load(grant)
  }

  /** Adds one of many; whoever does so forgets the old ones afterwards. */
  load(grant: Grant): void {
    this.byId.set(grant.id, grant)
    if (grant.expiresAt !== undefined) {
      this.deadlines.set(grant.id, this.clocks.steady() + grant.expiresAt - grant.madeAt)
    }
    for (const operation of grant.operations) {
      const use = useKey(holderKey(grant.holder), operation, grant.keygrip)
      const same = this.byUse.get(use)
      if (same === undefined) this.byUse.set(use, [grant])
      else same.push(grant)
    }
  }

  get(id: string): Grant | undefined {
    return this.byId.get(id)
  }

  /** All that are in force, and those that ended not long ago, in the order in which they were made. */
  get all(): ReadonlyArray<Grant> {
    if (this.isSweepDue()) this.forgetOld()
    return [...this.byId.values()]
  }

  /** Those in force for exactly this. */
  find(holder: string, operation: Operation, keygrip: Keygrip | undefined): ReadonlyArray<Grant> {
    const found = this.byUse.get(useKey(holder, operation, keygrip))
    return found === undefined ? none : found.filter((grant) => this.isLive(grant))
  }

  /** Neither revoked nor expired: by the one clock or by the other, whichever is first. */
  isLive(grant: Grant): boolean {
    if (grant.revokedAt !== undefined) return false
    if (grant.expiresAt === undefined) return true
    const now = this.clocks.wall()
    return now < grant.expiresAt && this.clocks.steady() < (this.deadlines.get(grant.id) ?? 0)
  }

  revoke(grant: Grant, at: number): void {
    grant.revokedAt = at
  }

  /** Forgets those that ended long ago, but none that a restart would bring back. */
  forgetOld(): void {
    this.sweptAt = this.clocks.wall()
    const before = this.sweptAt - KEPT
    const touched = new Set<string>()
    for (const grant of this.byId.values()) {
      if (this.isLive(grant) || grant.unwritten === true) continue
      if ((grant.revokedAt ?? grant.expiresAt ?? 0) > before) continue
      this.byId.delete(grant.id)
      this.deadlines.delete(grant.id)
      for (const operation of grant.operations) {
        touched.add(useKey(holderKey(grant.holder), operation, grant.keygrip))
      }
    }
    for (const use of touched) {
      const left = this.byUse.get(use)?.filter((grant) => this.byId.get(grant.id) === grant) ?? []
      if (left.length === 0) this.byUse.delete(use)
      else this.byUse.set(use, left)
    }
  }

  /** Also where the clock was set back. */
  private isSweepDue(): boolean {
    return Math.abs(this.clocks.wall() - this.sweptAt) >= SWEEP
  }
}

const none: ReadonlyArray<Grant> = []

const useKey = (holder: string, operation: Operation, keygrip: Keygrip | undefined): string =>
  `${operation} ${keygrip ?? "-"} ${holder}`
