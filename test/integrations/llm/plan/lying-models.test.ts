import { expect, test } from 'vitest'
import type { DagstreamError } from '../../../../src/index.ts'
import { AnswerLines } from '../../../../src/integrations/llm/plan/answer-lines.ts'
import type { PlanRequest } from '../../../../src/integrations/llm/plan/plan-tasks.ts'
import { plan } from './plan-rig.ts'

const task = (id: string, more: object = {}): string => `${JSON.stringify({ id, tool: 'write', ...more })}\n`

/** What is refused of one answer. */
async function refuse(answer: string): Promise<{ readonly messages: readonly unknown[]; readonly error: unknown }> {
  let messages: readonly unknown[] = []
  const onRefused: PlanRequest['onRefused'] = refused => {
    messages = refused.map(({ issues }) => issues[0]?.message)
  }
  const { error } = await plan([answer], { repairs: 0, onRefused }, 100_000)
  return { messages, error }
}

test('an object that is nested too deep is refused as a line, and the next line is read', async () => {
  const deep = `{"id":"x","tool":"write","arguments":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}\n`
  const { messages, error } = await refuse(deep + task('a'))
  expect(messages).toEqual(['It is nested deeper than 64 levels'])
  expect(error).toMatchObject({ code: 'INVALID_WORKFLOW' })
})

test.each([
  ['brackets', '{"a":[\n'.repeat(140_000)],
  ['a list within brackets', '{"a":[\n'.repeat(31) + '1,\n'.repeat(340_000)],
])('%s that are never closed are read in linear time', (_, text) => {
  let length = 0
  const lines = new AnswerLines()
  for (const found of [...lines.push(text), ...lines.end()]) length += found.text.length
  expect(length).toBeLessThan(10 * text.length)
  expect(lines.readLength).toBeLessThan(4 * text.length + 4 * 1024 * 1024)
})

test.each([
  ['objects', '{}\n'.repeat(300_000)],
  ['repetitions', task('a').repeat(5000)],
  ['tasks that wait', Array.from({ length: 5000 }, (_, at) => task(`w${at}`, { dependsOn: ['z'] })).join('')],
  ['tasks above the limit', Array.from({ length: 5000 }, (_, at) => task(`t${at}`)).join('')],
])('a thousand refused %s are the last ones that are read of an answer', async (_, text) => {
  const { messages, error } = await refuse(text)
  expect(messages.length).toBeLessThanOrEqual(1001)
  expect(messages.at(-1)).toBe('Expected at most 1000 refused lines: those behind are not read')
  expect((error as DagstreamError).code).toBe('INVALID_WORKFLOW')
})

test('other work goes on while an answer is read', async () => {
  let turns = 0
  let isRead = false
  const count = (): void => {
    turns += 1
    if (!isRead) setImmediate(count)
  }
  setImmediate(count)
  const text = 'x'.repeat(5000)
  await plan(
    [Array.from({ length: 1000 }, (_, at) => task(`t${at}`, { description: text })).join('')],
    { repairs: 0 },
    50_000,
  )
  isRead = true
  expect(turns).toBeGreaterThan(1)
})
