import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeExample } from '../../src/cli/dry-run/example-value.ts'
import { makeFolder, runIn } from './store-rig.ts'

const TOOLS = `const call = () => { throw new Error('called') }
const outputSchema = { type: 'object', properties: { items: { type: 'array', items: { type: 'integer', minimum: 3 } }, ok: { const: true } } }
export default {
  list: { execute: call, outputSchema },
  send: { execute: call, inputSchema: { type: 'object', properties: { to: { type: 'string' } } } },
}`

const WORKFLOW = {
  tasks: [
    { id: 'list', tool: 'list', arguments: { of: '$INPUT' } },
    { id: 'each', tool: 'send', forEach: '$OUTPUT[list].items', arguments: { n: '$ITEM' } },
    { id: 'off', tool: 'send', when: 'output.list.ok == false' },
    { id: 'poll', tool: 'send', repeat: { maxTimes: 2, everyMs: 3_600_000 } },
    { id: 'last', tool: 'send', dependsOn: ['each'], arguments: { to: '$OUTPUT[list].missing' } },
  ],
}

function makeCase(outputs?: object): string {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'tools.mjs'), TOOLS)
  writeFileSync(join(cwd, 'w.json'), JSON.stringify(WORKFLOW))
  if (outputs !== undefined) writeFileSync(join(cwd, 'outputs.json'), JSON.stringify(outputs))
  return cwd
}

test('a dry run calls nothing, evaluates what it can from examples, and tells what it cannot', async () => {
  const cwd = makeCase()
  const { code, stderr, stdout } = await runIn(cwd, 'run w.json --dry-run --tools ./tools.mjs --input 7 --json')
  expect(code).toBe(1)
  const { results } = JSON.parse(stdout) as { results: Record<string, unknown>[] }
  expect(results.map(({ taskId, status, code: why }) => [taskId, status, why])).toEqual([
    ['list', 'success', undefined],
    ['each', 'success', undefined],
    ['off', 'skipped', 'CONDITION_FALSE'],
    ['poll', 'success', undefined],
    ['last', 'error', 'REFERENCE_NOT_FOUND'],
  ])
  expect(results[0]?.['output']).toEqual({ items: [3], ok: true })
  expect(stderr).toContain('warning each[0]: No output is known: null stands for it\n')
  expect(stderr.slice(stderr.indexOf('Dry run'))).toBe(
    [
      'Dry run: nothing was called. 4 calls would have been made:',
      '  list list {"of":7}  output an example of its schema',
      '  poll[0] send {}  output unknown',
      '  poll[1] send {}  output unknown',
      '  each[0] send {"n":3}  output unknown',
      'The outputs of 3 calls are not known, and null stands for it: give it by --outputs',
      '',
    ].join('\n'),
  )
})

test('given outputs win, and those that no task took are told', async () => {
  const cwd = makeCase({ list: { items: ['x', 'y'], ok: false, missing: 'm' }, 'each[1]': 'B', lst: 1 })
  const { code, stderr, stdout } = await runIn(
    cwd,
    'run w.json --dry-run --outputs outputs.json --tools ./tools.mjs --input 7 --json',
  )
  expect(code).toBe(0)
  const { results } = JSON.parse(stdout) as { results: Record<string, unknown>[] }
  expect(results.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'success', 'success'])
  expect(results[1]?.['output']).toEqual([null, 'B'])
  expect(stderr).toContain('  each[1] send {"n":"y"}  output given\n')
  expect(stderr.endsWith('No task took the given output of `lst`\n')).toBe(true)
})

test('outputs of an earlier execution are taken by task id and arguments, and nothing is kept', async () => {
  const cwd = makeFolder()
  const workflow = (text: string): object => ({
    tasks: [
      { id: 'a', tool: 'echo', arguments: { text: 'same' } },
      { id: 'b', tool: 'echo', arguments: { text, of: '$OUTPUT[a]' } },
    ],
  })
  const first = await runIn(cwd, 'run - --store runs.db --json', workflow('x'))
  const { executionId } = JSON.parse(first.stdout) as { executionId: string }
  const dry = await runIn(cwd, `run - --dry-run --from ${executionId} --store runs.db --json`, workflow('y'))
  expect(JSON.parse(dry.stdout)).toMatchObject({ results: [{ output: { text: 'same' } }, { output: null }] })
  expect(dry.stderr).toContain('  a echo {"text":"same"}  output recorded\n')
  expect(dry.stderr).toContain('  b echo {"text":"y","of":{"text":"same"}}  output unknown\n')
  const { stdout } = await runIn(cwd, 'executions list --store runs.db --json')
  expect(JSON.parse(stdout)).toHaveLength(1)
})

test('a dry run asks nobody for an approval, and lists those that a run would have asked for', async () => {
  const cwd = makeFolder()
  const tasks = [
    { id: 'list', tool: 'list' },
    { id: 'pay', tool: 'send', approve: 'Pay ${OUTPUT[list].items[0]}?' },
    { id: 'all', tool: 'send', approve: true, forEach: [1, 2] },
    { id: 'name', tool: 'human:ask', arguments: { message: 'Name?' } },
  ]
  writeFileSync(join(cwd, 'tools.mjs'), TOOLS)
  writeFileSync(join(cwd, 'w.json'), JSON.stringify({ tasks }))
  const { code, stderr } = await runIn(cwd, 'run w.json --dry-run --tools ./tools.mjs')
  expect(code).toBe(0)
  expect(stderr.slice(stderr.indexOf('2 approvals'))).toBe(
    [
      '2 approvals would have been asked, and are taken as given:',
      '  all Run task all (send)?',
      '  pay Pay 3?',
      '',
    ].join('\n'),
  )
})

test('a dry run checks the document as a run does', async () => {
  const cwd = makeFolder()
  const { code, stderr } = await runIn(cwd, 'run - --dry-run', { tasks: [{ id: 'a', tool: 'nope' }] })
  expect([code, stderr]).toEqual([2, expect.stringContaining('UNKNOWN_TOOL')])
})

test.each([
  ['run w.json --outputs x.json', 'Expected --dry-run with --outputs and --from'],
  ['run w.json --dry-run --store runs.db', 'Expected --from with --store and --dry-run'],
  ['run w.json --dry-run --outputs w.txt', 'Cannot read `w.txt`: there is no such file'],
  ['run w.json --dry-run --outputs list.json', 'Expected --outputs to hold an object of outputs by task id, got array'],
])('%s is refused', async (argv, message) => {
  const cwd = makeCase()
  writeFileSync(join(cwd, 'list.json'), '[]')
  const { code, stderr } = await runIn(cwd, argv)
  expect([code, stderr]).toEqual([2, `error ${message}\n`])
})

test('an example has the form of its schema, also where that refers to itself', () => {
  const node = {
    type: 'object',
    properties: { name: { type: 'string', minLength: 2 }, next: { $ref: '#/$defs/node' } },
  }
  expect(makeExample({ $defs: { node }, $ref: '#/$defs/node' })).toMatchObject({ name: 'xx', next: { name: 'xx' } })
  expect(
    makeExample({
      properties: {
        a: { enum: ['p', 'q'] },
        b: { anyOf: [{ type: 'number' }, { type: 'string' }] },
        c: { allOf: [{ properties: { x: { default: 1 } } }, { properties: { y: { examples: [2] } } }] },
        d: { type: ['null', 'string'] },
        e: { $ref: '#/nowhere' },
        f: true,
      },
    }),
  ).toEqual({ a: 'p', b: 0, c: { x: 1, y: 2 }, d: null, e: null, f: null })
})
