// git, which runs gpg by itself, directly and through a gate that allows everything.
import { assert, describe } from "@effect/vitest"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { type Place, sameBothWays } from "./both-ways.ts"

const git = needs("git")
const bob = fixtureKeys.protected.fingerprint
const date = "2024-06-01T12:00:00Z"
const env = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Bob",
  GIT_AUTHOR_EMAIL: "bob@example.org",
  GIT_AUTHOR_DATE: date,
  GIT_COMMITTER_NAME: "Bob",
  GIT_COMMITTER_EMAIL: "bob@example.org",
  GIT_COMMITTER_DATE: date
}
const repository = async ({ quietly }: Place) => {
  await quietly([git, "init", "--quiet", "--initial-branch=main", "repo"])
  await quietly([git, "-C", "repo", "commit", "--quiet", "--allow-empty", "-m", "first"], { env })
  await quietly([git, "-C", "repo", "config", "user.signingKey", bob])
}
const inRepository = (...args: ReadonlyArray<string>) => ({ run }: Place) => run([git, "-C", "repo", ...args], { env })
const commit = inRepository("commit", "--quiet", "--allow-empty", "-S", "-m", "second")
const commits = async ({ quietly }: Place) =>
  (await quietly([git, "-C", "repo", "rev-list", "--count", "HEAD"])).stdout.toString().trim()

describe("git is the same both ways", () => {
  sameBothWays([
    {
      name: "commit -S and verify-commit",
      keys: ["protected"],
      pinentry: { answers: [{ pin: "abc" }] },
      prepare: repository,
      command: async (place) => {
        await commit(place)
        return inRepository("verify-commit", "--raw", "HEAD")(place)
      },
      exits: [0, 0],
      compare: async (_, { stderr }) => assert.include(stderr, `VALIDSIG ${bob}`)
    },
    {
      name: "tag -s and verify-tag",
      keys: ["protected"],
      pinentry: { answers: [{ pin: "abc" }] },
      prepare: repository,
      command: async (place) => {
        await inRepository("tag", "-s", "-m", "a release", "v1")(place)
        return inRepository("verify-tag", "--raw", "v1")(place)
      },
      exits: [0, 0],
      compare: async (_, { stderr }) => assert.include(stderr, `VALIDSIG ${bob}`)
    },
    {
      name: "commit -S that the person at the pinentry cancels",
      keys: ["protected"],
      prepare: repository,
      command: commit,
      exits: [128],
      says: /^fatal: failed to write commit object$/m,
      compare: async (place) => assert.strictEqual(await commits(place), "1")
    },
    {
      name: "three commits, the passphrase once",
      keys: ["protected"],
      pinentry: { answers: [{ pin: "abc" }, "cancel"] },
      prepare: repository,
      command: async (place) => {
        await commit(place)
        await commit(place)
        return commit(place)
      },
      exits: [0, 0, 0],
      compare: async (place) => assert.strictEqual(await commits(place), "4")
    }
  ])
})
