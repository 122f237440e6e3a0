import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DagstreamError } from '../../../../src/index.ts'
import { LANGUAGE } from '../../../../src/integrations/llm/plan/language.ts'
import { countTokens, writeContinuation, writePlanPrompt } from '../../../../src/integrations/llm/plan/plan-prompt.ts'
import { ToolRegistry } from '../../../../src/tools/registry.ts'
import { ANSWERS } from './answers.ts'
import { plan, TOOLS } from './plan-rig.ts'

test.each(ANSWERS)('$name', async ({ answers, ids, requests = answers.length, codes }) => {
  for (const pieceLength of [1, 7, 10_000]) {
    const found = await plan(answers, {}, pieceLength)
    expect(found.ids).toEqual(ids)
    expect(found.model.requests).toHaveLength(requests)
    if (codes === undefined) expect(found.error).toBeUndefined()
    else {
      expect(found.error).toMatchObject({ code: 'INVALID_WORKFLOW' })
      const { issues } = (found.error as DagstreamError).details as { readonly issues: readonly { code: string }[] }
      expect(issues.map(({ code }) => code)).toEqual(codes)
    }
  }
})

test('there are at least thirty answers', () => {
  expect(ANSWERS.length).toBeGreaterThanOrEqual(30)
})

test('a continuation shows each accepted task in one line, or the ids where the budget is small', () => {
  const tasks = ['a', 'b', 'c'].map(id => ({ id, tool: 'write' }))
  const shown = (maxTokens: number): string[] => writeContinuation(tasks, maxTokens).split('\n').slice(1, -1)
  expect(shown(1000)).toEqual(['a', 'b', 'c'].map(id => `{"id":"${id}","tool":"write"}`))
  expect(shown(10)).toEqual(['"a", "b", "c"'])
})

test('a repair shows the refused lines with their problems, and what was accepted', async () => {
  const good = '{"id":"a","tool":"write"}'
  const { model } = await plan([`${good}\n{"id":"b","tool":"wrte"}`, '{"id":"b","tool":"write"}'])
  const [first, repair] = model.requests as { role: string; content: string }[][]
  expect(repair?.slice(0, 2)).toEqual(first)
  expect(repair?.[2]).toEqual({ role: 'assistant', content: `${good}\n{"id":"b","tool":"wrte"}` })
  expect(repair?.[3]?.content).toBe(
    [
      'These lines were refused:',
      '{"id":"b","tool":"wrte"}',
      '  - UNKNOWN_TOOL /tool: There is no tool `wrte` (Did you mean `write`?)',
      'Accepted are the tasks "a": do not write them again.',
      'Write only the missing lines, one JSON object per line, then {"seal": true}.',
    ].join('\n'),
  )
})

test('tasks are given while the answer streams, and usage of all answers is counted', async () => {
  const growths: unknown[] = []
  const { error } = await plan(['{"id":"a"}', '{"id":"a","tool":"write"}'], { onUsage: growth => growths.push(growth) })
  expect(error).toBeUndefined()
  expect(growths).toEqual(Array(2).fill({ totalTokensIn: 100, totalTokensOut: 10 }))
})

test('repairs are bounded', async () => {
  const { model, error } = await plan(['no', 'no', 'no'], { repairs: 0 })
  expect(model.requests).toHaveLength(1)
  expect(error).toMatchObject({
    code: 'INVALID_WORKFLOW',
    message: 'The model wrote no valid plan: the answer has no task',
  })
  expect((await plan([], { repairs: 11 })).error).toMatchObject({ code: 'INVALID_OPTION' })
})

test('the language in the prompt is that of docs/for-models.md', () => {
  const [, text = ''] = readFileSync('docs/for-models.md', 'utf8').split('\n---\n')
  expect(LANGUAGE).toBe(text.trim())
})

test('a prompt shortens its tools to fit the budget, and refuses one that cannot hold them', () => {
  const sizeOf = (maxTokens: number): [number, string] => {
    const text = writePlanPrompt(TOOLS, 'Do it', maxTokens)
      .map(({ content }) => content as string)
      .join('')
    return [countTokens(text), text]
  }
  const [whole, full] = sizeOf(16_000)
  expect(full).toContain('"description":"What to search for."')
  const [bare, shorter] = sizeOf(whole - 5)
  expect(bare).toBeLessThan(whole)
  expect(shorter).toContain('"query":{"type":"string"}')
  const [, names] = sizeOf(bare - 5)
  expect(names).toContain(
    '- search (read-only): Searches the web.\n  arguments: query, limit?\n- write: Writes a text.',
  )
  expect(() => sizeOf(100)).toThrow(/maxPromptTokens/)
  const many = new ToolRegistry(Array.from({ length: 500 }, (_, i) => ({ name: `tool-${i}`, execute: () => 1 })))
  expect(() => writePlanPrompt(many, 'Do it', 3000)).toThrow(/500 tools need as many/)
})

test('a long plan in reverse is accepted in its order', async () => {
  const ids = Array.from({ length: 200 }, (_, i) => `t${i}`)
  const lines = ids.map((id, i) => JSON.stringify({ id, tool: 'write', ...(i > 0 && { dependsOn: [ids[i - 1]] }) }))
  const { ids: found, error } = await plan([lines.toReversed().join('\n')], {}, 10_000)
  expect([found, error]).toEqual([ids, undefined])
})

test('an id with quotes is waited for', async () => {
  const waiting = JSON.stringify({ id: 'b', tool: 'write', dependsOn: ['a "1"'] })
  const { ids, error } = await plan([`${waiting}\n${JSON.stringify({ id: 'a "1"', tool: 'write' })}`])
  expect([ids, error]).toEqual([['a "1"', 'b'], undefined])
})
