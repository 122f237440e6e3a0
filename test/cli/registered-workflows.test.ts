import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { FakeProcess } from './fake-process.ts'
import { startFakeServer } from './remote-rig.ts'

const SERVER = 'http://server.test/base'

const GREET = {
  inputSchema: { type: 'object', required: ['who'], properties: { who: { type: 'string' } } },
  tasks: [{ id: 'say', tool: 'text:join', arguments: { parts: ['Hello,', '$INPUT.who'], separator: ' ' } }],
  output: '$OUTPUT[say]',
}
const OWN = { tasks: [{ id: 'a', tool: 'text:join', arguments: { parts: ['own'] } }] }
const TWICE = {
  tasks: [{ id: 'both', forEach: ['Ada', 'Eve'], workflow: 'greet', arguments: { who: '$ITEM' } }],
}

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dagstream-'))
  mkdirSync(join(cwd, 'flows'))
  write('flows/greet.json', GREET)
  write('flows/twice.json', TWICE)
  write('flows/notes.txt', 'no workflow')
})
afterEach(() => {
  rmSync(cwd, { recursive: true })
  vi.unstubAllGlobals()
})

function write(file: string, content: unknown): void {
  writeFileSync(join(cwd, file), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
}

class ProcessHere extends FakeProcess {
  override readonly cwd: string = cwd
}

async function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = new ProcessHere(...argv)
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}

const FLOWS = ['--workflows', 'flows'] as const
const WHO = ['--input', '{"who":"Ada"}'] as const

describe('run', () => {
  test('runs a registered workflow by its name, with those that it names', async () => {
    expect(await run('run', 'greet', ...FLOWS, ...WHO)).toMatchObject({ code: 0, stdout: 'Hello, Ada\n' })
    const { code, stdout } = await run('run', 'twice', ...FLOWS, '--json')
    expect([code, JSON.parse(stdout).results[0].output]).toEqual([0, ['Hello, Ada', 'Hello, Eve']])
  })

  test('takes the folder of the configuration', async () => {
    write('dagstream.config.json', { workflows: 'flows' })
    expect(await run('run', 'greet', ...WHO)).toMatchObject({ code: 0, stdout: 'Hello, Ada\n' })
    write('dagstream.config.json', { workflows: 5 })
    expect(await run('run', 'greet', ...WHO)).toMatchObject({
      code: 2,
      stderr: 'error Expected `workflows` of `dagstream.config.json` to be the path of a folder (line 2, column 16)\n',
    })
  })

  test('runs a file of that name first, and a file that names registered workflows', async () => {
    write('greet', OWN)
    expect(await run('run', 'greet', ...FLOWS)).toMatchObject({ code: 0, stdout: 'own\n' })
    write('outer.json', { tasks: [{ id: 'x', workflow: 'greet', arguments: { who: 'Joe' } }], output: '$OUTPUT[x]' })
    expect(await run('run', 'outer.json', ...FLOWS)).toMatchObject({ code: 0, stdout: 'Hello, Joe\n' })
  })

  test('suggests names for an unknown one', async () => {
    const { code, stderr } = await run('run', 'great', ...FLOWS)
    const text = 'There is no file `great` here, and no workflow of that name in `flows`. Did you mean `greet`?'
    expect([code, stderr]).toEqual([2, `error ${text}\n`])
    expect((await run('run', 'great.json', ...FLOWS)).stderr).toContain('Cannot read `great.json`')
    expect((await run('run', 'greet')).stderr).toContain('Cannot read `greet`')
    expect(await run('run', 'greet', '--workflows', 'none')).toMatchObject({
      code: 2,
      stderr: 'error Cannot read the workflows of `none`: there is no such folder\n',
    })
  })

  test('prints faults of the input as issues of the input', async () => {
    const { code, stderr } = await run('run', 'greet', ...FLOWS, '--input', '{"who":5}')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^INVALID_INPUT input \/who: .*\n$/)])
    expect((await run('run', 'greet', ...FLOWS)).stderr).toMatch(/^INVALID_INPUT input: .*`who`.*\n$/)
  })

  test('keeps an execution with the workflows that it names, so that it resumes without the folder', async () => {
    expect(await run('run', 'twice', ...FLOWS, '--store', 'runs.db')).toMatchObject({ code: 0 })
    const { stdout } = await run('executions', 'export', '--store', 'runs.db')
    expect(JSON.parse(stdout.split('\n')[0] as string).workflow).toEqual({ ...TWICE, workflows: { greet: GREET } })
  })

  test('on a server it asks for the workflow by its name', async () => {
    const server = startFakeServer({ workflows: { greet: GREET } })
    const remote = ['--server', SERVER] as const
    expect(await run('run', 'greet', ...remote, ...WHO)).toMatchObject({ code: 0, stdout: 'Hello, Ada\n' })
    expect(server.requests[0]).toBe('POST /workflows/greet/executions')
    const unknown = await run('run', 'great', ...remote)
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean `greet`?')])
    const invalid = await run('run', 'greet', ...remote, '--input', '{"who":5}')
    expect([invalid.code, invalid.stderr]).toEqual([2, expect.stringMatching(/^INVALID_INPUT input \/who: /)])
    write('greet', OWN)
    expect(await run('run', 'greet', ...remote)).toMatchObject({ code: 0, stdout: 'own\n' })
    expect((await run('run', 'greet', ...remote, ...FLOWS)).code).toBe(2)
    // Of a file that is sent, the issues of the input are no places of the file.
    write('file.json', GREET)
    const sent = await run('run', 'file.json', ...remote, '--input', '{"who":5}')
    expect(sent.stderr).toMatch(/^INVALID_INPUT input \/who: [^(]*\(number\)\n$/)
  })
})

describe('problems of registered workflows', () => {
  const BROKEN = '{\n  "tasks": [\n    { "id": "a", "tool": "echoo", "argument": {} }\n  ]\n}'
  const lines = [
    'INVALID_SHAPE flows/broken.json /tasks/0/argument: In the workflow `broken`: .* \\(line 3, column 35\\)',
    'UNKNOWN_TOOL flows/broken.json /tasks/0/tool: In the workflow `broken`: There is no tool `echoo` \\(Did you mean `echo`\\?\\) \\(line 3, column 26\\)',
    'UNKNOWN_WORKFLOW flows/lost.json /tasks/0/workflow: In the workflow `lost`: .*Did you mean `greet`.*',
  ]
  const report = new RegExp(`^${lines.join('\\n')}\\n`)

  beforeEach(() => {
    write('flows/broken.json', BROKEN)
    write('flows/lost.json', { tasks: [{ id: 'a', workflow: 'great', arguments: {} }] })
  })

  test.each(['run', 'validate'])('are all reported by %s, with file, line and column', async command => {
    const { code, stderr } = await run(command, 'greet', ...FLOWS, ...WHO)
    expect([code, stderr]).toEqual([2, expect.stringMatching(report)])
  })

  test('keep a server from starting', async () => {
    const { code, stderr } = await run('serve', '--port', '0', '--store', 'memory', ...FLOWS)
    expect([code, stderr]).toEqual([2, expect.stringMatching(report)])
  })

  test('are in the JSON of validate', async () => {
    const { code, stdout } = await run('validate', 'greet', ...FLOWS, '--json')
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      issueCount: 3,
      issues: [
        { code: 'INVALID_SHAPE', file: 'flows/broken.json', pointer: '/tasks/0/argument', line: 3, column: 35 },
        { code: 'UNKNOWN_TOOL', file: 'flows/broken.json', pointer: '/tasks/0/tool', line: 3, column: 26 },
        { code: 'UNKNOWN_WORKFLOW', file: 'flows/lost.json', pointer: '/tasks/0/workflow' },
      ],
    })
  })

  test('of a file that is not JSON, or whose name is not one of a workflow, are reported as of any file', async () => {
    write('flows/broken.json', '{ "tasks": [ }')
    expect((await run('validate', 'greet', ...FLOWS)).stderr).toBe(
      'error `flows/broken.json` is not valid JSON at line 1, column 14: unexpected `}`\n',
    )
    rmSync(join(cwd, 'flows/broken.json'))
    write('flows/schema.json', GREET)
    expect((await run('validate', 'greet', ...FLOWS)).stderr).toContain(
      'Expected the name of `flows/schema.json` to be that of a workflow',
    )
  })
})

test('validate and graph know the registered workflows', async () => {
  const process = new ProcessHere('validate', '-', ...FLOWS)
  process.stdin = Readable.from([JSON.stringify({ tasks: [{ id: 'x', workflow: 'twise' }] })])
  expect(await runCli(process)).toBe(2)
  expect(process.stderr.text).toMatch(/^UNKNOWN_WORKFLOW \/tasks\/0\/workflow: .*Did you mean `twice`/)
  expect((await run('validate', 'twice', ...FLOWS)).code).toBe(0)
  const drawn = await run('graph', 'twice', ...FLOWS)
  expect([drawn.code, drawn.stdout]).toEqual([0, expect.stringContaining('say')])
  // Without them a task that runs one is a box.
  write('twice.json', TWICE)
  expect((await run('graph', 'twice.json')).stdout).not.toContain('say')
})

describe('Ctrl-C', () => {
  const TOOLS = `export default {
    hold: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    stuck: () => new Promise(() => {}),
  }`
  const WORKFLOW = { tasks: [{ id: 'a', tool: 'hold' }], finally: [{ id: 'z', tool: 'hold' }] }
  const NESTED = { tasks: [{ id: 'n', workflow: WORKFLOW }] }

  /** Presses Ctrl-C whenever `started` of them have begun. */
  function interrupting(document: unknown, started: readonly string[], ...argv: string[]): ProcessHere {
    write('tools.mjs', TOOLS)
    const process = new ProcessHere('run', '-', '--sse', '--tools', './tools.mjs', ...argv)
    process.stdin = Readable.from([JSON.stringify(document)])
    const left = [...started]
    process.stdout.onWrite(text => {
      const id = /event: task_start\ndata: .*?"taskId":"(.*?)"/.exec(text)?.[1]
      if (id === undefined || id !== left[0]) return
      left.shift()
      setImmediate(() => process.interrupt())
    })
    return process
  }

  test('cancels, a second one ends the finally tasks, and each effect is announced', async () => {
    const process = interrupting(WORKFLOW, ['a', 'z'])
    expect(await runCli(process)).toBe(130)
    expect(process.stderr.text).toContain('Cancelling; press Ctrl-C again to end the finally tasks\n')
    expect(process.stderr.text).toContain('Ending the finally tasks; press Ctrl-C again to exit at once\n')
    expect([process.exits, process.interrupt()]).toEqual([[], 0])
  })

  test('ends those of a workflow within a task, too', async () => {
    const process = interrupting(NESTED, ['n/a', 'n/z'])
    expect(await runCli(process)).toBe(130)
    expect(process.stderr.text).toContain('Ending the finally tasks; ')
  })

  test('a third one exits at once', async () => {
    const stuck = { ...WORKFLOW, finally: [{ id: 'z', tool: 'stuck' }] }
    const process = interrupting(stuck, ['a', 'z'])
    process.stderr.onWrite(text => {
      if (text.includes('Ending')) setImmediate(() => process.interrupt())
    })
    expect(await runCli(process)).toBe(130)
    expect(process.exits).toEqual([130])
  })

  test('on a server likewise', async () => {
    const hold = (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const server = startFakeServer({ tools: { hold } })
    const process = new ProcessHere('run', '-', '--sse', '--server', SERVER)
    process.stdin = Readable.from([JSON.stringify(WORKFLOW)])
    process.stdout.onWrite(text => {
      if (text.includes('event: task_start')) setImmediate(() => process.interrupt())
    })
    expect(await runCli(process)).toBe(130)
    expect(server.requests.filter(request => request.endsWith('/cancel'))).toHaveLength(2)
    expect(process.stderr.text).toContain('Ending the finally tasks; ')
  })
})
