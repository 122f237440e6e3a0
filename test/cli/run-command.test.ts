import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ExecutionResult } from '../../src/engine/execution-result.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess, run } from './fake-process.ts'

const tools = ['--tools', 'test/cli/tools.mjs']

function processFor(workflow: unknown, ...argv: string[]): FakeProcess {
  const process = new FakeProcess('run', '-', ...argv)
  process.stdin = Readable.from([JSON.stringify(workflow)])
  return process
}

/** The types of the events in a text of Server-Sent Events. */
function typesOf(sse: string): string[] {
  return Array.from(sse.matchAll(/^event: (.*)$/gm), match => match[1] as string)
}

const two = {
  tasks: [
    { id: 'a', tool: 'echo', arguments: { n: 1 } },
    { id: 'b', tool: 'text:join', arguments: { parts: ['b', '$OUTPUT[a].n'] } },
    { id: 'c', tool: 'echo', dependsOn: ['a'], arguments: { n: 2 } },
  ],
}

test('the outputs of the last layer go to stdout, strings as they are; what people follow goes to stderr', async () => {
  const { code, stdout, stderr } = await run(['run', '-'], two)
  expect([code, stdout]).toEqual([0, 'b\n1\n{\n  "n": 2\n}\n'])
  expect(stderr.replaceAll(/\d+(\.\d+)?/g, '#')).toBe(`✔ a #ms
✔ b #ms
✔ c #ms
success # tasks: # succeeded in #ms
# layers · critical path #ms · speedup #×
`)
})

const spoken = {
  tasks: [
    { id: 'each', tool: 'echo', forEach: [1, 2, 3], arguments: { n: '$ITEM' } },
    { id: 'never', tool: 'echo', when: 'output.each.size() == 0' },
    { id: 'kept', tool: 'fail', arguments: { message: 'no' }, optional: true },
  ],
  finally: [{ id: 'end', tool: 'echo', arguments: { status: '$STATUS' } }],
}

test('the declared output of the workflow is printed instead of the last layer', async () => {
  const { code, stdout, stderr } = await run(['run', '-'], { ...spoken, output: 'all: $OUTPUT[each][*].n' })
  expect([code, stdout]).toEqual([0, 'all: [1,2,3]\n'])
  expect(stderr.replaceAll(/\d+(\.\d+)?(ms|s|×)/g, '#')).toBe(`✖ kept # TOOL_ERROR: no (tolerated)
✔ each # · 3 items
↷ never CONDITION_FALSE: The condition is false: \`output.each.size() == 0\` with {"output.each":[{"n":1},{"n":2},{"n":3}]}
✔ end #
success 7 tasks: 5 succeeded, 1 failed (1 tolerated), 1 skipped (1 CONDITION_FALSE) in #
3 layers · critical path # · speedup #
  ✖ kept TOOL_ERROR: no (tolerated)
  ↷ never CONDITION_FALSE: The condition is false: \`output.each.size() == 0\` with {"output.each":[{"n":1},{"n":2},{"n":3}]}
`)
})

test('without one the outputs of the last layer before `finally` are printed', async () => {
  const tasks = [{ id: 'each', tool: 'echo', forEach: [1, 2], arguments: { n: '$ITEM' } }]
  const { stdout } = await run(['run', '-'], { ...spoken, tasks })
  expect(JSON.parse(stdout)).toEqual([{ n: 1 }, { n: 2 }])
})

test('--json has the output of the workflow, and why there is none', async () => {
  const told = await run(['run', '-', '--json'], { ...spoken, output: { first: '$OUTPUT[each][0]' } })
  expect((JSON.parse(told.stdout) as ExecutionResult).output).toEqual({ first: { n: 1 } })
  const failed = await run(['run', '-', '--json'], { ...spoken, output: '$OUTPUT[each][9]' })
  const { status, outputError } = JSON.parse(failed.stdout) as ExecutionResult
  expect([failed.code, status, outputError?.code]).toEqual([1, 'partial', 'REFERENCE_NOT_FOUND'])
  expect(failed.stderr).toContain('no output: REFERENCE_NOT_FOUND: ')
  const plain = await run(['run', '-'], { ...spoken, output: '$OUTPUT[each][9]' })
  expect(plain.stdout).toBe('')
})

test('--json prints the result alone', async () => {
  const { code, stdout } = await run(['run', '-', '--json'], two)
  const result = JSON.parse(stdout) as ExecutionResult
  expect([code, result.status, result.results.map(task => task.output)]).toEqual([
    0,
    'success',
    [{ n: 1 }, 'b\n1', { n: 2 }],
  ])
})

test('--sse prints the events alone', async () => {
  const { code, stdout } = await run(['run', '-', '--sse'], two)
  expect([code, typesOf(stdout)]).toEqual([
    0,
    [
      'execution_start',
      'task_start',
      'task_complete',
      'task_start',
      'task_start',
      'task_complete',
      'task_complete',
      'execution_complete',
    ],
  ])
  expect(stdout.startsWith('id: ')).toBe(true)
  expect(stdout.endsWith('}\n\n')).toBe(true)
})

test('a task that fails makes the exit code 1 and is reported with its cause', async () => {
  const workflow = {
    tasks: [
      { id: 'a', tool: 'fail', arguments: { message: 'no\u0007' } },
      { id: 'b', tool: 'echo', dependsOn: ['a'] },
    ],
  }
  const { code, stdout, stderr } = await run(['run', '-'], workflow)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('  ✖ a TOOL_ERROR: no\\u0007\n  ↷ b skipped because of a\n')
})

test('the flags reach the execution', async () => {
  const slow = { tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 60_000 } }] }
  const timedOut = await run(['run', '-', '--timeout', '20', '--json'], slow)
  expect([timedOut.code, (JSON.parse(timedOut.stdout) as ExecutionResult).reason?.code]).toEqual([
    1,
    'EXECUTION_TIMEOUT',
  ])

  const failing = { tasks: [{ id: 'a', tool: 'fail' }, ...slow.tasks.map(task => ({ ...task, id: 'b' }))] }
  const failed = await run(['run', '-', '--fail-fast', '--json'], failing)
  expect([failed.code, JSON.parse(failed.stdout)]).toMatchObject([1, { errorCount: 1, cancelledCount: 1 }])

  const { stdout } = await run(['run', '-', '--concurrency', '1', '--schedule', 'dataflow', '--sse'], two)
  expect([typesOf(stdout).slice(5, 7), stdout.includes('"schedule":"dataflow"')]).toEqual([
    ['task_start', 'task_complete'],
    true,
  ])

  const asking = { tasks: [{ id: 'a', tool: 'text:join', arguments: { parts: ['$INPUT.topic'] } }] }
  expect((await run(['run', '-', '--input', '{"topic":"tea"}'], asking)).stdout).toBe('tea\n')
  expect((await run(['run', '-'], asking)).code).toBe(2)
})

test('a tool of a module replaces the built-in one; warnings and usage are reported', async () => {
  const workflow = {
    tasks: [
      { id: 'a', tool: 'echo' },
      { id: 'b', tool: 'spend' },
    ],
  }
  const { code, stdout, stderr } = await run(['run', '-', ...tools], workflow)
  expect([code, stdout]).toEqual([0, 'not the built-in one\nspent\n'])
  expect(stderr).toContain('warning b: costly\\u001b[2J\n')
  expect(stderr).toContain('Token usage: 1,234 in, 5,678 out, $0.0965\n')
})

test('Ctrl-C cancels, waits for the end and prints the usage', async () => {
  const process = processFor({ tasks: [{ id: 'a', tool: 'spendAndWait' }] }, '--sse', ...tools)
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) setImmediate(() => process.interrupt())
  })
  expect(await runCli(process)).toBe(130)
  expect(process.stderr.text).toContain('Cancelling; press Ctrl-C again to exit at once\n')
  expect(process.stderr.text).toContain('CANCELLED: Interrupted\n')
  expect(process.stderr.text).toContain('Token usage: 1,234 in, 5,678 out, $0.0965\n')
  expect([typesOf(process.stdout.text).at(-1), process.interrupt(), process.exits]).toEqual([
    'execution_complete',
    0,
    [],
  ])
})

test('a second Ctrl-C exits at once', async () => {
  const process = processFor({ tasks: [{ id: 'a', tool: 'stuck' }] }, '--sse', ...tools)
  process.stdout.onWrite(text => {
    if (!text.includes('event: task_start')) return
    setImmediate(() => {
      process.interrupt()
      expect(process.exits).toEqual([])
      process.interrupt()
      expect(process.exits).toEqual([130])
    })
  })
  expect(await runCli(process)).toBe(130)
  expect(process.exits).toEqual([130])
})

test('a reader of the events who leaves cancels quietly', async () => {
  const process = processFor({ tasks: [{ id: 'a', tool: 'wait', arguments: { ms: 60_000 } }] }, '--sse')
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) {
      process.stdout.failure = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    }
  })
  expect(await runCli(process)).toBe(130)
  expect(process.stderr.text).not.toContain('EPIPE')
  expect(process.stderr.text).not.toContain('cancelled 1 task')
})

test('on a terminal a tree is drawn in place and left standing', async () => {
  const process = processFor(
    {
      name: 'demo',
      tasks: [
        { id: 'a', tool: 'wait', arguments: { ms: 150 } },
        { id: 'w', tool: 'spend' },
        { id: 'b', tool: 'echo', dependsOn: ['a'] },
        { id: 'c', tool: 'echo', dependsOn: ['a'] },
      ],
    },
    ...tools,
  )
  Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 })
  process.env['NO_COLOR'] = '1'
  expect(await runCli(process)).toBe(0)
  const { text } = process.stderr
  // oxlint-disable-next-line no-control-regex -- these sequences are what a terminal is told
  const shown = text.replaceAll(/\u001b\[[?0-9;]*[A-Za-z]/g, '').replaceAll(/[0-9.]+ms/g, '#')
  expect(shown).toContain('warning w: costly\\u001b[2J\n')
  expect(shown).toContain(
    `demo · layers · 4/4 tasks · # · 1,234 in, 5,678 out, $0.0965
layer 1 · 2/2
  ✔ a  #
  ✔ w  # · 1,234 in, 5,678 out, $0.0965
layer 2 · 2/2
  ✔ b  #
  ✔ c  #
success 4 tasks`,
  )
  expect(text).not.toContain('\u001b[?25l')
})

test('colours follow the terminal, NO_COLOR and FORCE_COLOR', async () => {
  expect([
    await colored({}, true),
    await colored({}, false),
    await colored({ NO_COLOR: '1' }, true),
    await colored({ NO_COLOR: '1', FORCE_COLOR: '1' }, true),
    await colored({ FORCE_COLOR: '1' }, false),
    await colored({ TERM: 'dumb' }, true),
  ]).toEqual([true, false, false, false, true, false])
})

test.each([
  ['0', false, false],
  ['00', false, false],
  ['false', false, false],
  ['False', false, false],
  ['1', true, true],
  ['2', true, true],
  ['3', true, true],
  ['true', true, true],
  ['', true, false],
])('with FORCE_COLOR=%s there are colours on a terminal: %s, and in a pipe: %s', async (value, onTerminal, inPipe) => {
  const env = { FORCE_COLOR: value }
  expect([await colored(env, true), await colored(env, false)]).toEqual([onTerminal, inPipe])
  expect(await colored({ ...env, NO_COLOR: '1' }, true)).toBe(false)
  expect(await colored({ ...env, NO_COLOR: '' }, true)).toBe(onTerminal)
})

test('events on a terminal are not torn apart by a tree, and outputs cannot write to it', async () => {
  const events = processFor(two, '--sse')
  Object.assign(events.stdout, { isTTY: true })
  Object.assign(events.stderr, { isTTY: true })
  await runCli(events)
  expect([typesOf(events.stdout.text).length, events.stderr.text.startsWith('\u001b[32m\u001b[1msuccess')]).toEqual([
    8,
    true,
  ])

  const output = processFor({ tasks: [{ id: 'a', tool: 'text:join', arguments: { parts: ['x\u001b[2J', 'y'] } }] })
  Object.assign(output.stdout, { isTTY: true })
  await runCli(output)
  expect(output.stdout.text).toBe('x\\u001b[2J\ny\n')
})

test('the shipped report is written, by both schedules, with hints at the end', async () => {
  const report = ['run', 'fixtures/repository-report.json', '--tools', 'fixtures/repository-tools.mjs']
  for (const schedule of ['layers', 'dataflow']) {
    const { code, stdout, stderr } = await run([...report, '--schedule', schedule])
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^dagstream .*: what this repository is made of$/),
    ])
    expect(stdout).toContain('the same as on disk; 404 for a file that is not there')
    expect(stderr).toContain('success 21 tasks: 21 succeeded')
    expect(stderr).toContain('What to try next:\n')
  }
})

test('the other shipped workflows end as they say', async () => {
  expect(await run(['run', 'fixtures/hello.json'])).toMatchObject({
    code: 0,
    stdout: 'Hello, Ada Lovelace\n(said after a short pause)\n',
  })
  const { code, stdout } = await run(['run', 'fixtures/failing.json', '--json'])
  expect([
    code,
    (JSON.parse(stdout) as ExecutionResult).results.map(({ status, attempts }) => [status, attempts]),
  ]).toEqual([
    1,
    [
      ['success', 3],
      ['error', 1],
      ['success', 1],
      ['skipped', 0],
      ['skipped', 0],
    ],
  ])
})

async function colored(env: Record<string, string>, isTTY: boolean): Promise<boolean> {
  const process = processFor(two, '--json')
  Object.assign(process.env, env)
  process.stderr.isTTY = isTTY
  await runCli(process)
  return process.stderr.text.includes('\u001b[32m')
}
