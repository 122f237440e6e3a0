import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { runRemotely, SERVER, startFakeServer } from './remote-rig.ts'
import { makeFolder, runIn } from './store-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const WORKFLOW = {
  tasks: [
    { id: 'z', tool: 'echo', arguments: { text: '$OUTPUT[a].text' } },
    { id: 'a', tool: 'echo', arguments: { text: '$INPUT' } },
    { id: 'each', tool: 'echo', arguments: { text: '$ITEM' }, forEach: ['x', '$INPUT'] },
    { id: 'same', tool: 'echo', arguments: { text: 'same' } },
  ],
}

async function runTwo(): Promise<{ cwd: string; a: string; b: string }> {
  const cwd = makeFolder()
  writeFileSync(join(cwd, 'w.json'), JSON.stringify(WORKFLOW))
  const run = async (input: string): Promise<string> => {
    const { stdout } = await runIn(cwd, `run w.json --store runs.db --input "${input}" --json`)
    return (JSON.parse(stdout) as { executionId: string }).executionId
  }
  return { cwd, a: await run('Ada'), b: await run('Eve') }
}

test('diff shows the tasks that differ, the first divergence first, and how many are the same', async () => {
  const { cwd, a, b } = await runTwo()
  const { code, stdout } = await runIn(cwd, `executions diff ${a} ${b} --store runs.db`)
  expect(code).toBe(0)
  const lines = stdout.replaceAll(/ \S+ in 1 attempt$/gm, ' TIME').split('\n')
  expect(lines.slice(0, 13)).toEqual([
    `a ${a} success`,
    `b ${b} success`,
    'first divergence: each[1]',
    '',
    '≠ each[1]',
    '  arguments a {"text":"Ada"}',
    '  arguments b {"text":"Eve"}',
    '  output    a {"text":"Ada"}',
    '  output    b {"text":"Eve"}',
    '  time      a TIME',
    '  time      b TIME',
    '',
    '≠ a',
  ])
  expect(lines.filter(line => line.startsWith('≠'))).toEqual(['≠ each[1]', '≠ a', '≠ each', '≠ z'])
  expect(stdout.endsWith('\n2 tasks are the same\n')).toBe(true)
})

test('diff of an execution and its fork shows what ran again, and tasks of one of them', async () => {
  const { cwd, a } = await runTwo()
  const workflow = { tasks: [...WORKFLOW.tasks.slice(0, 2), { id: 'new', tool: 'echo' }] }
  const forked = await runIn(cwd, `executions fork ${a} --store runs.db --workflow - --json`, workflow)
  const { executionId: b } = JSON.parse(forked.stdout) as { executionId: string }
  const { stdout } = await runIn(cwd, `executions diff ${a} ${b} --store runs.db --json`)
  const { firstDivergence, tasks } = JSON.parse(stdout) as {
    firstDivergence: string
    tasks: { taskId: string; differences: string[]; a: object | null; b: object | null }[]
  }
  expect(firstDivergence).toBe('each[0]')
  expect(tasks.map(({ taskId, differences }) => [taskId, ...differences])).toEqual([
    ['each[0]', 'task'],
    ['each[1]', 'task'],
    ['each', 'task'],
    ['same', 'task'],
    ['new', 'task'],
    ['a'],
    ['z'],
  ])
  expect(tasks.at(-1)).toMatchObject({
    a: { status: 'success', arguments: { text: 'Ada' }, output: { text: 'Ada' }, attempts: 1 },
    b: {
      status: 'success',
      arguments: { text: 'Ada' },
      output: { text: 'Ada' },
      attempts: 0,
      reusedFrom: { executionId: a },
    },
  })
})

const DIVERGED = [
  ['each[1]', 'arguments', 'output'],
  ['a', 'arguments', 'output'],
  ['each', 'output'],
  ['z', 'arguments', 'output'],
]

async function diffRemotely(refused?: number): Promise<string[][]> {
  const server = startFakeServer()
  const run = async (input: string): Promise<string> => {
    const { stdout } = await runRemotely(WORKFLOW, '--input', input, '--json')
    return (JSON.parse(stdout.text) as { executionId: string }).executionId
  }
  const [a, b] = [await run('"Ada"'), await run('"Eve"')]
  server.intercept = ({ url }) => {
    return refused !== undefined && url.endsWith('/request') ? new Response(null, { status: refused }) : undefined
  }
  const { stdout } = await runIn(makeFolder(), `executions diff ${a} ${b} --server ${SERVER} --json`)
  const { tasks } = JSON.parse(stdout) as { tasks: { taskId: string; differences: string[] }[] }
  return tasks.map(({ taskId, differences }) => [taskId, ...differences]).slice(0, 4)
}

test('diff of a server compares arguments, too', async () => {
  expect(await diffRemotely()).toEqual(DIVERGED)
})

test.each([403, 404])('diff of a server that answers %i for the request leaves the arguments out', async status => {
  expect(await diffRemotely(status)).toEqual(DIVERGED.map(names => names.filter(name => name !== 'arguments')))
})
