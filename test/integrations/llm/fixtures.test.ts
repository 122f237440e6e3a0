import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { IS_LONG, sample } from '../../support/long-form.ts'
import { fixtures, type Outcome, readBody, readChunks, readFixture, summarise, textOf } from './stream-rig.ts'

const names = Object.keys(fixtures)

/** Bytes between two cuts of one reading, in the short form: each boundary is cut in one of so many readings. */
const STRIDE = 32

/** Where a text of so many bytes is parted, one list per reading. `npm run test:long` parts it at one place at a time. */
function partings(length: number): number[][] {
  const all = Array.from({ length: length - 1 }, (_, at) => at + 1)
  if (IS_LONG) return all.map(at => [at])
  return Array.from({ length: STRIDE }, (_, phase) => all.filter(at => at % STRIDE === phase))
}

test('every file of a provider’s stream has its expectation', () => {
  const files = readdirSync(new URL('../../../fixtures/providers/', import.meta.url))
  expect(files.filter(file => file.endsWith('.sse')).sort()).toEqual(names.map(name => `${name}.sse`).sort())
})

describe('a stream with', () => {
  test.each(Object.entries(fixtures).map(([name, each]) => ({ ...each, name })))('$about ($name)', async each => {
    const { name, about: _, ...expected } = each
    const outcome = await readBody([readFixture(name)])
    expect(summarise(outcome)).toEqual(expected)
    expectSound(outcome)
  })
})

describe('the events are the same wherever the bytes are parted', () => {
  test.each(names)('%s', async name => {
    const bytes = readFixture(name)
    const whole = await readBody([bytes])
    expect(await readBody(Array.from(bytes, byte => Uint8Array.of(byte)))).toEqual(whole)
    for (const cuts of partings(bytes.length)) {
      const parts = [0, ...cuts].map((at, index) => bytes.subarray(at, cuts[index]))
      expect(await readBody(parts), `parted at ${cuts.join()}`).toEqual(whole)
    }
  })
})

describe('a stream that is cut at any byte has its text once, its usage, and the right code', () => {
  const names = [
    'openai',
    'openrouter',
    'crlf',
    'mixed-line-ends',
    'no-space',
    'vllm-continuous-usage',
    'deepseek',
    'done-no-reason',
  ]
  test.each(names)('%s', async name => {
    const bytes = readFixture(name)
    const whole = textOf(await readChunks([bytes]))
    for (const at of sample(Array.from(bytes, (_, at) => at))) {
      const said = readNaively(bytes.subarray(0, at))
      for (const [loss, code] of [
        [undefined, 3002],
        [Object.assign(new TypeError('terminated'), { cause: { code: 'UND_ERR_SOCKET' } }), 1002],
      ] as const) {
        const outcome = await readBody([bytes.subarray(0, at)], loss)
        expectSound(outcome)
        expect(whole.startsWith(textOf(outcome.events)), `cut at ${at}`).toBe(true)
        const { errorCode, usage } = summarise(outcome)
        expect([errorCode, usage?.totalTokens], `cut at ${at}`).toEqual([
          said.isAnswered ? undefined : code,
          said.totalTokens,
        ])
      }
    }
  })
})

/** What must hold of any stream. */
function expectSound({ events, finish }: Outcome): void {
  expect(events.map(({ eventId }) => eventId)).toEqual(events.map((_, at) => 1_000_000_001 + at))
  const types = events.map(({ type }) => type).join(' ')
  expect(types).toMatch(/^(?:content )*(?:usage )?(?:done|error)$/)
  expect(finish.length).toBe(types.endsWith('done') ? 1 : 0)
}

/** What the whole lines of a text say, read without any of the code under test. */
function readNaively(bytes: Uint8Array): { isAnswered: boolean; totalTokens: number | undefined } {
  let isAnswered = false
  let totalTokens: number | undefined
  for (const line of new TextDecoder().decode(bytes).split(/\r\n|\r|\n/)) {
    const data = line.replace(/^data: ?/, '')
    if (data === '[DONE]') isAnswered = true
    try {
      const { choices, usage } = JSON.parse(data) as {
        choices: { finish_reason: string | null }[]
        usage?: { total_tokens: number }
      }
      if (choices.some(({ finish_reason: reason }) => reason !== null)) isAnswered = true
      totalTokens = usage?.total_tokens ?? totalTokens
    } catch {
      // A line that is cut, empty or a comment.
    }
  }
  return { isAnswered, totalTokens }
}
