import { assert, describe, it } from "@effect/vitest"
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { factNames } from "@gripgate/policy/client/match"
import { strengthOf } from "@gripgate/policy/client/strength"

const GATE = 1000
const client = (facts: Partial<ClientFacts>): ClientFacts => ({ socket: "/run/S", chain: [], ...facts })

const strong = (facts: Partial<ClientFacts>, gateUid: number | undefined = GATE) =>
  factNames.filter((fact) => strengthOf(fact, client(facts), gateUid) === "kernel")

describe("strengthOf", () => {
  it("takes user, group and label for the kernel's word, whoever the client is", () => {
    for (const uid of [undefined, 0, GATE]) {
      assert.deepStrictEqual(strong(uid === undefined ? {} : { uid }), ["user", "group", "label"])
    }
  })

  it("takes unit, cgroup and container for the kernel's word only where another user than root and the gate's asks", () => {
    assert.deepStrictEqual(strong({ uid: 1001 }), ["user", "group", "label", "unit", "cgroup", "container"])
    assert.deepStrictEqual(strong({ uid: 1001 }, 0), ["user", "group", "label", "unit", "cgroup", "container"])
    assert.deepStrictEqual(strong({ uid: 0 }, 0), ["user", "group", "label"])
    assert.deepStrictEqual(strong({ uid: 1001 }, undefined), ["user", "group", "label", "unit", "cgroup", "container"])
  })

  it("believes in a container that is a unit of its own, and in none that a unit's own processes could have named", () => {
    const container = `docker:${"0".repeat(64)}`
    const strength = (facts: Partial<ClientFacts>) =>
      strengthOf("container", client({ uid: 1001, container, ...facts }), GATE)
    for (const unit of ["docker-0.scope", "libpod-0.scope", "machine-web.scope", "systemd-nspawn@web.service"]) {
      assert.strictEqual(strength({ unit }), "kernel")
    }
    assert.strictEqual(strength({}), "kernel")
    // `mkdir docker-ID.scope` in a cgroup that is delegated
    assert.strictEqual(strength({ unit: "runner.service" }), "advisory")
    assert.strictEqual(strength({ unit: "user@1001.service", userUnit: "docker-0.scope" }), "advisory")
    assert.strictEqual(strength({ unit: "user@1001.service" }), "advisory")
  })
})
