// What stands in the log of what was decided.
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "@gripgate/protocol/gpg-error"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Question } from "../../src/approve/question.ts"
import { refusal } from "../../src/authority/authority.ts"
import { Journal } from "../../src/journal/journal.ts"
import { draft } from "../approve/questions.ts"
import { useOf } from "../authority/place.ts"
import { recordingLog } from "../support/recording-log.ts"

describe("the journal", () => {
  it.effect("has every question and every answer, however much is refused", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      const journal = Context.get(yield* Layer.build(Layer.provide(Journal.log, layer)), Journal)
      const use = useOf("git", "sign", undefined)
      const question: Question = { ...draft(), id: "k7f3", askedAt: 0 }
      for (let i = 0; i < 1_000; i++) journal.refused(use, refusal(gpgError.FORBIDDEN, "because"))
      journal.asked(use, question)
      journal.answered(question, { kind: "yes", good: "once", by: { through: "pinentry" } }, 1_500)
      const text = lines.join("\n")
      assert.isBelow(text.split("refused").length, 200)
      assert.include(text, "asked k7f3: sign to app git (session 1, /usr/bin/git) by PKSIGN")
      assert.include(text, "answered k7f3: yes, by pinentry, after 1.5 s")
    }).pipe(Effect.scoped))
})
