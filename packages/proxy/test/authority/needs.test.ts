import { assert, describe, it } from "@effect/vitest"
import type { Capability } from "@gripgate/policy/keys/keyring"
import type { Operation } from "@gripgate/protocol/operation"
import { needsOf } from "@gripgate/proxy/authority/needs"

const cases: ReadonlyArray<
  readonly [Operation, ReadonlyArray<Capability> | undefined, ReadonlyArray<Operation> | undefined]
> = [
  // what nobody knows could be anything
  ["sign", undefined, ["sign", "certify", "authenticate"]],
  ["sign", ["sign"], ["sign"]],
  ["sign", ["sign", "certify"], ["sign", "certify"]],
  ["sign", ["authenticate"], ["authenticate"]],
  ["sign", ["sign", "encrypt"], ["sign"]],
  // a signature by a key that is not for one
  ["sign", ["encrypt"], ["sign", "certify", "authenticate", "decrypt"]],
  ["sign", [], ["sign", "certify", "authenticate", "decrypt"]],
  ["decrypt", ["encrypt"], ["decrypt"]],
  ["decrypt", ["encrypt", "sign", "certify"], ["decrypt", "sign", "certify"]],
  ["decrypt", ["sign", "certify"], undefined],
  ["decrypt", [], undefined],
  // judged by its ciphertext when that comes
  ["decrypt", undefined, ["decrypt"]],
  ["export", ["sign"], ["export"]],
  ["loopback", undefined, ["loopback"]]
]

describe("needsOf", () => {
  for (const [operation, capabilities, expected] of cases) {
    it(`${operation} with a key for ${capabilities?.join(" and ") ?? "nobody knows what"}`, () => {
      const needs = needsOf(operation, capabilities === undefined ? undefined : new Set(capabilities))
      assert.deepStrictEqual(needs?.toSorted(), expected?.toSorted())
    })
  }
})
