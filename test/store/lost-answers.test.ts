import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ASKING, KILL_WORKFLOWS } from '../kill/kill-workflows.ts'
import { IS_LONG } from '../support/long-form.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { createRandom } from '../support/random-graph.ts'
import { LossySystem } from './lossy-system.ts'

// A statement that took effect and whose answer is lost is sent again: that is a doubled message between a process and its
// database. Real processes of the database, real time.

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const NAMES = [
  'chain',
  'fan with limits',
  'retry with a delay',
  'tokens and usage',
  'cancelled',
  'cancelled with finally',
]
const WORKFLOWS = [...KILL_WORKFLOWS.filter(({ name }) => NAMES.includes(name)), ASKING]

/** Answers of one statement that are lost in a row: no call of the store gives up before. */
const MAX_LOST = 9

/** Those that give or end something, which a repetition could lose or double. */
const DECISIVE = [
  'create',
  'append',
  'commit',
  'commit_step',
  'take_freely',
  'take_chosen',
  'take_answers',
  'post',
  'post_ends',
  'set_answers',
  'send',
]

let system: LossySystem
let expected: ReadonlyMap<string, unknown>
/** All statements of the undisturbed executions. */
const seen = new Set<string>()

beforeAll(async () => {
  if (isPostgresMissing) return
  system = await LossySystem.start()
  system.decide = name => {
    seen.add(name)
    return 'pass'
  }
  expected = await system.runUndisturbed(WORKFLOWS)
}, 60_000)

afterAll(() => system?.close())

/** Runs the workflows while the answers to what `isLost` chooses are lost. @returns what is wrong, and how many were lost */
async function runWithout(
  isLost: (name: string, together: readonly string[]) => boolean,
): Promise<{ faults: readonly string[]; lostCount: number }> {
  let lostCount = 0
  system.decide = (name, together) => {
    if (lostCount >= MAX_LOST || !isLost(name, together)) return 'pass'
    lostCount += 1
    return 'answer lost'
  }
  return { faults: await system.run(WORKFLOWS, expected), lostCount }
}

describe.skipIf(isPostgresMissing)(
  'executions come to the same, no attempt is interrupted and nothing is called twice',
  () => {
    test.each(DECISIVE)('when answers to `%s` are lost', async short => {
      const { faults, lostCount } = await runWithout(name => name === `dagstream_${short}`)
      expect(faults).toEqual([])
      expect(lostCount).toBeGreaterThan(0)
    })

    test('when answers to a post and a take that were sent together are lost', async () => {
      const { faults, lostCount } = await runWithout(
        (name, together) => name.startsWith('dagstream_post') && together.includes('dagstream_take_freely'),
      )
      expect(faults).toEqual([])
      // Each of them was such a batch.
      expect(lostCount).toBeGreaterThan(2)
    })

    test.each(IS_LONG ? ['take_answers', 'take_chosen', 'set_answers'] : ['take_answers'])(
      'when answers to the `COMMIT` after `%s` are lost',
      async short => {
        let isNext = false
        const { faults, lostCount } = await runWithout(name => {
          if (name === `dagstream_${short}`) isNext = true
          return name === 'COMMIT' && isNext && !(isNext = false)
        })
        expect(faults).toEqual([])
        expect(lostCount).toBeGreaterThan(0)
      },
    )

    test(`when statements and answers are lost at random, and notifications doubled (seed ${SEED})`, async () => {
      const random = createRandom(SEED)
      system.doublesNotifications = true
      for (let run = 0; run < (IS_LONG ? 20 : 1); run++) {
        system.decide = () => (random() < 0.06 ? (random() < 0.7 ? 'answer lost' : 'lost') : 'pass')
        expect(await system.run(WORKFLOWS, expected)).toEqual([])
      }
    }, 300_000)

    test.runIf(IS_LONG)(
      'when answers to any statement are lost',
      async () => {
        expect(seen.size).toBeGreaterThan(30)
        for (const each of seen) {
          const { faults } = await runWithout(name => name === each)
          expect([each, faults]).toEqual([each, []])
        }
      },
      300_000,
    )
  },
)
