import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'

// The built program and the built library, each in a process of its own. `npm test` builds them first.
const root = fileURLToPath(new URL('../..', import.meta.url))

beforeAll(() => {
  if (!existsSync(new URL('../../dist/cli/main.js', import.meta.url))) {
    throw new Error('There is no dist/cli/main.js: run `npm run build` first')
  }
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function start(argv: readonly string[], stdin: string | Uint8Array = ''): Promise<Ended> {
  const child = spawn(process.execPath, argv, { cwd: root, env: { ...process.env, NO_COLOR: '1' } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // It may have refused its input before it has read all of it.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number]
  return { code, stdout, stderr }
}

const dagstream = (argv: readonly string[], stdin?: string | Uint8Array): Promise<Ended> =>
  start(['dist/cli/main.js', ...argv], stdin)

test("uncaught errors of tools leave executions intact, and the engine's own functions throw nothing", async () => {
  const { code, stdout } = await start(['test/hostile/process-child.mjs'])
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    {
      statuses: [
        ['listening', 'cancelled', 2],
        ['stray', 'success', 2],
        ['late', 'success', 2],
      ],
      uncaught: ['listener', 'listener', 'rejection: stray', 'rejection: stray'],
    },
  ])
})

test.each<[string, string | Uint8Array]>([
  ['a million brackets', '['.repeat(1e6) + ']'.repeat(1e6)],
  ['a million opening brackets', '['.repeat(1e6)],
  ['a million opening objects', '{"a":'.repeat(1e6)],
  ['nothing', ''],
  ['null', 'null'],
  ['text that is not UTF-8', new Uint8Array([0xff, 0xfe, 0x7b, 0x7d])],
  ['zeros', new Uint8Array(1000)],
  ['an unfinished text of 10 MB', `{"tasks":"${'x'.repeat(1e7)}`],
  ['a duplicate of everything', '{"tasks":[{"id":"a","tool":"echo"},{"id":"a","tool":"echo"}]}'],
])('%s on standard input is refused in a few lines: exit 2, no stack', async (_, stdin) => {
  for (const command of ['run', 'validate', 'graph']) {
    const { code, stdout, stderr } = await dagstream([command, '-'], stdin)
    expect([code, stdout, stderr.length > 0, stderr.length < 2000, /\n +at /.test(stderr)]).toEqual([
      2,
      '',
      true,
      true,
      false,
    ])
  }
})

test('a byte order mark is not a fault', async () => {
  expect((await dagstream(['run', '-'], '\ufeff{"tasks":[]}')).code).toBe(0)
})

test('texts of tasks cannot steer the terminal or forge a line', async () => {
  const message = '\u001b[31mred\u001b]0;title\u0007\r\nsuccess 1 task\u0085\u202eforged'
  const tasks = [
    { id: '\u202eabc', tool: 'fail', arguments: { message } },
    { id: 'ok', tool: 'echo' },
  ]
  const { code, stderr } = await dagstream(['run', '-'], JSON.stringify({ tasks }))
  expect(code).toBe(1)
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  expect(stderr.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  expect(stderr).not.toMatch(/^success 1 task/m)
})

test('100,000 tasks on the command line: every event on stdout', async () => {
  const tasks = Array.from({ length: 100_000 }, (_, i) => ({ id: `t${i}`, tool: 'echo' }))
  const { code, stdout } = await dagstream(['run', '-', '--sse'], JSON.stringify({ tasks }))
  expect([code, stdout.split('\n\n').length - 1]).toEqual([0, 200_002])
})

test.each([
  ['--timeout', 'NaN'],
  ['--timeout', '-1'],
  ['--timeout', '5x'],
  ['--timeout', '1e400'],
  ['--concurrency', '0'],
  ['--concurrency', 'Infinity'],
  ['--schedule', 'fast'],
  ['--input', '{'],
  ['--nonsense', '1'],
])('%s %s is a fault of usage: exit 2', async (option, value) => {
  const { code, stdout, stderr } = await dagstream(['run', 'fixtures/hello.json', option, value])
  expect([code, stdout, stderr.includes(option), /\n +at /.test(stderr)]).toEqual([2, '', true, false])
})
