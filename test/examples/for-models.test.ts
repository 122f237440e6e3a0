import { readFileSync } from 'node:fs'
import { encode as encodeOlder } from 'gpt-tokenizer/encoding/cl100k_base'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { validateWorkflow, workflowSchema } from '../../src/index.ts'
import { parseCondition, Condition } from '../../src/conditions/condition.ts'

const page = readFileSync(new URL('../../docs/for-models.md', import.meta.url), 'utf8')
const prompt = page.slice(page.indexOf('\n---\n') + 5)
const tools = Object.fromEntries(['list', 'chat', 'call'].map(name => [name, () => null]))

/** Names of the fields that a schema has, at any depth. */
function listFields(schema: unknown, names = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return names
  for (const [key, member] of Object.entries(schema)) {
    if (key === 'properties') for (const name of Object.keys(member as object)) names.add(name)
    listFields(member, names)
  }
  return names
}

/** The strings that fields may be. */
function listChoices(schema: unknown, choices = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return choices
  for (const [key, member] of Object.entries(schema)) {
    if (key === 'enum') for (const choice of member as string[]) choices.add(choice)
    listChoices(member, choices)
  }
  return choices
}

test('the page has at most 1,200 tokens, by two tokenizers', () => {
  expect(encode(page).length).toBeLessThanOrEqual(1200)
  expect(encodeOlder(page).length).toBeLessThanOrEqual(1200)
})

test('the prompt names every field of a document as code, and every choice', () => {
  const fields = [...listFields(workflowSchema)]
  expect(fields).toHaveLength(41)
  expect(fields.filter(name => !prompt.includes(`\`${name}\``))).toEqual([])
  const choices = [...listChoices(workflowSchema)]
  expect(choices.length).toBe(5)
  expect(choices.filter(choice => !prompt.includes(`"${choice}"`))).toEqual([])
})

test('the examples of the prompt validate', () => {
  const examples = [...prompt.matchAll(/^```json\n([^]*?)^```/gm)].map(match => JSON.parse(match[1] ?? '') as unknown)
  expect(examples).toHaveLength(1)
  for (const example of examples) expect(validateWorkflow(example, tools, { input: { repo: 'r' } }).issues).toEqual([])
})

test('the references of the prompt are references in the documented places, and text elsewhere', () => {
  const within = (argument: string, more: object = {}, place: 'tasks' | 'finally' = 'tasks'): string[] => {
    const document = { tasks: [{ id: 'id', tool: 'list' }], finally: [] as unknown[] }
    const list = document[place] as unknown[]
    list.push({ id: 'x', tool: 'list', arguments: { argument }, ...more })
    return validateWorkflow(document, tools, { input: { a: { b: 1 } } }).issues.map(({ code }) => code)
  }
  for (const fine of ['$INPUT.a.b', '$OUTPUT[id].list[0]["odd key"]', '$OUTPUT[id][*].name']) {
    expect([fine, within(fine)]).toEqual([fine, []])
  }
  for (const ends of ['$STATUS[id]', '$ERROR[id].message', '$ERROR[id].code']) {
    expect(within(ends)).toEqual(['INVALID_REFERENCE'])
    expect(within(ends, { runOn: 'settled' })).toEqual([])
    expect(within(ends, { runOn: 'failure' })).toEqual([])
    expect(within(ends, {}, 'finally')).toEqual([])
  }
})

test('the conditions of the prompt are conditions', () => {
  const names = ['input', 'output', 'status', 'error', 'item', 'index', 'execution'] as const
  for (const source of [
    'input.n > 3',
    'output.ID.key == 1',
    'output["my-id"] != null',
    'status.ID == "success"',
    'error.ID.code == "X"',
    'item == index',
    'execution.status == "partial"',
    'has(input.a) && input.a in [1]',
    'size(input.x) == 1 && input.x.contains("a") && input.x.startsWith("a") && input.x.endsWith("a")',
    'input.list.exists(x, x) && input.list.all(x, x) && size(input.list.filter(x, x)) == size(input.list.map(x, x))',
  ]) {
    expect([source, parseCondition(source, { names }) instanceof Condition]).toEqual([source, true])
  }
})
